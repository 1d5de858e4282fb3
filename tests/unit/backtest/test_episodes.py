import pytest

from keeper.backtest.episodes import episode_starts, uncertainty_factor

DAY = 86400


def test_episode_starts__breaches_within_48_hours__are_one_episode():
    times = [0, DAY, 3 * DAY, 3 * DAY + 1, 5 * DAY + 2, 9 * DAY]
    assert episode_starts(times) == [0, 5 * DAY + 2, 9 * DAY]


def test_episode_starts__exactly_48_hours__continues():
    assert episode_starts([0, 2 * DAY]) == [0]
    assert episode_starts([0, 2 * DAY + 1]) == [0, 2 * DAY + 1]


def test_episode_starts__none__is_empty():
    assert episode_starts([]) == []


@pytest.mark.parametrize(("episodes", "low", "high"), [(1, 0.0253, 5.5716), (3, 0.6187, 8.7673)])
def test_uncertainty_factor__published_poisson_limits__the_wider_half(episodes, low, high):
    # Garwood (1936), 95 %.
    assert uncertainty_factor(episodes) == pytest.approx(
        max(high / episodes, episodes / low), rel=2e-3
    )


def test_uncertainty_factor__no_episode__says_nothing():
    assert uncertainty_factor(0) is None
