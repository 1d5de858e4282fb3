from dataclasses import replace

import numpy as np
import pytest

from keeper.backtest.episode_limits import LIMITS, episode_limit
from keeper.backtest.sufficiency import Outcomes, covered_days, sufficiency
from keeper.backtest.walk_forward import months, statement

MOMENTS, BOOKS = 352, 20
SIX_HOURS = 6 * 3600
START = 1_767_225_600
TIMES = START + SIX_HOURS * np.arange(MOMENTS)


def outcomes(loss, margin=1.0):
    """`loss` is [moments, books]."""
    moment = np.repeat(np.arange(MOMENTS), BOOKS)
    key = np.zeros(MOMENTS * BOOKS, dtype=np.int64)
    return Outcomes(TIMES, moment, key, loss.ravel(), np.full(loss.size, margin))


def clustered(share, rng, level=1.2):
    """Losses of which about `share` of moments are beyond 1, half a day at a time, in all books."""
    loss = np.full((MOMENTS, BOOKS), 0.5)
    for start in rng.choice(MOMENTS - 2, max(round(share * MOMENTS / 2), 1), replace=False):
        loss[start : start + 2] = level
    return loss


def test_sufficiency__margins_never_exceeded__pass():
    [one] = sufficiency(outcomes(np.full((MOMENTS, BOOKS), 0.5)), ("a",), 1)
    assert one.passed
    assert not one.amber
    assert (one.rate, one.episodes, one.c99, one.factor) == (0.0, 0, 0.5, None)
    assert one.windows == MOMENTS * BOOKS


def test_sufficiency__right_model__is_seldom_failed():
    failed = 0
    for seed in range(40):
        loss = np.full((MOMENTS, BOOKS), 0.5)
        hit = np.random.default_rng(seed).random((MOMENTS, 1)) < 0.005
        failed += not sufficiency(outcomes(np.where(hit, 1.1, loss)), ("a",), 1)[0].passed
    assert failed <= 5


def test_sufficiency__five_percent__fails_by_rate_and_episodes():
    [one] = sufficiency(outcomes(clustered(0.05, np.random.default_rng(2))), ("a",), 1)
    assert {"rate", "episodes"} <= set(one.failures)
    assert one.amber
    assert one.least_rate < one.rate
    assert one.p_value < 0.05


def test_sufficiency__one_crash_deep_below__fails_by_overshoot_alone():
    loss = np.full((MOMENTS, BOOKS), 0.5)
    loss[100, 0] = 2.6
    [one] = sufficiency(outcomes(loss), ("a",), 1)
    assert one.failures == ("mean overshoot", "largest overshoot")
    assert one.overshoot_most == pytest.approx(1.6)
    assert one.worst_time == TIMES[100]
    assert one.episodes == 0  # one book of twenty is no episode


def test_sufficiency__seed_repeated__is_the_same():
    loss = outcomes(clustered(0.03, np.random.default_rng(3)))
    assert sufficiency(loss, ("a",), 5) == sufficiency(loss, ("a",), 5)


def test_sufficiency__windows_without_a_later_chain__are_left_out():
    loss = np.full((MOMENTS, BOOKS), 0.5)
    loss[-10:] = np.nan
    [one] = sufficiency(outcomes(loss), ("a",), 1)
    assert one.moments == MOMENTS - 10
    assert sufficiency(outcomes(np.full((MOMENTS, BOOKS), np.nan)), ("a",), 1) == []


def test_sufficiency__two_groups__holm_counts_both():
    loss = clustered(0.05, np.random.default_rng(2))
    both = Outcomes(
        TIMES,
        np.tile(np.repeat(np.arange(MOMENTS), BOOKS), 2),
        np.repeat([0, 1], MOMENTS * BOOKS),
        np.concatenate([loss.ravel(), np.full(loss.size, 0.5)]),
        np.ones(2 * loss.size),
    )
    bad, good = sufficiency(both, ("bad", "good"), 1)
    assert bad.holm_p == min(2 * bad.p_value, 1.0)
    assert good.holm_p == 1.0


def test_sufficiency__year_without_chains__allows_no_episode_more():
    loss = np.full((MOMENTS, BOOKS), 0.5)
    loss[[20, 60, 100, 140, 180]] = 1.1  # five episodes, where 88 days may have three
    whole = outcomes(loss)
    torn = replace(whole, times=whole.times + np.where(np.arange(MOMENTS) < 200, 0, 365 * 86_400))
    for found in (sufficiency(whole, ("a",), 1), sufficiency(torn, ("a",), 1)):
        [one] = found
        assert (one.episodes, one.episode_limit) == (5, 3)
        assert "episodes" in one.failures
    assert covered_days(torn.times) == pytest.approx(covered_days(whole.times) + 0.75)


def test_episode_limit__published_lengths__as_calibrated():
    assert [episode_limit(days) for days in (91, 182, 365)] == [4, 6, 10]
    assert episode_limit(91.2) == 4
    assert episode_limit(3) == LIMITS[7]
    assert episode_limit(1460) == 2 * LIMITS[730]
    counts = [episode_limit(days) for days in range(5, 1500)]
    assert counts == sorted(counts)


def test_months__breaches_in_one_month__say_so_and_no_more():
    loss = np.full((MOMENTS, BOOKS), 0.5)
    loss[40:42] = 1.1  # January
    found = months(outcomes(loss), ("a",))
    assert [month.month for month in found] == ["2026-01", "2026-02", "2026-03"]
    assert [month.episodes for month in found] == [1, 0, 0]
    assert found[0].breaches == 2 * BOOKS
    assert "no statement finer than a factor 39.5" in found[0].statement
    assert found[2].statement == "no episode: no evidence"


def test_statement__several__counts_them():
    assert statement(3).startswith("3 episodes")
