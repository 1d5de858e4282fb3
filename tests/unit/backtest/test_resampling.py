import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.backtest.resampling import holm, resampled_means, resampled_rows
from keeper.draws import Draws
from keeper.errors import InputError


def test_resampled_rows__blocks__have_the_mean_length_and_wrap_around():
    rows = resampled_rows(352, 11.5, Draws(3))
    assert rows.shape == (1000, 352)
    steps = (rows[:, 1:] - rows[:, :-1]) % 352
    assert (steps != 1).mean() == pytest.approx(1 / 11.5, rel=0.03)
    assert np.bincount(rows.ravel(), minlength=352).min() > 800  # of 1,000 on average


def test_resampled_rows__same_seed__same_rows_and_another_seed_others():
    rows = [resampled_rows(50, 5.0, Draws(seed)) for seed in (7, 7, 8)]
    assert np.array_equal(rows[0], rows[1])
    assert not np.array_equal(rows[0], rows[2])


def test_resampled_means__dependent_series__spread_as_theory_says():
    # AR(1) with 0.8: the variance of the mean is sigma^2 / n * (1 + 0.8) / (1 - 0.8) in the limit.
    n, phi = 4000, 0.8
    noise = np.random.default_rng(1).normal(size=n)
    series = np.zeros(n)
    for i in range(1, n):
        series[i] = phi * series[i - 1] + noise[i]
    true = np.sqrt(1 / (1 - phi**2) / n * (1 + phi) / (1 - phi))
    blocks = resampled_means(series, resampled_rows(n, 50.0, Draws(1))).std()
    single = resampled_means(series, resampled_rows(n, 1.0, Draws(1))).std()
    assert blocks == pytest.approx(true, rel=0.2)
    assert single < 0.5 * true


def test_resampled_means__rows_without_a_value__are_left_out():
    values = np.array([1.0, np.nan, 3.0])
    rows = np.array([[0, 1, 1], [0, 2, 1], [1, 1, 1]])
    assert resampled_means(values, rows).tolist() == [1.0, 2.0, 2.0]


def test_resampled_means__no_value_at_all__is_refused():
    with pytest.raises(InputError, match="no row"):
        resampled_means(np.array([np.nan]), np.array([[0]]))


@pytest.mark.parametrize(("length", "block"), [(0, 2.0), (5, 0.5)])
def test_resampled_rows__nothing_to_draw__is_refused(length, block):
    with pytest.raises(InputError, match="give"):
        resampled_rows(length, block, Draws(1))


def test_holm__textbook_example__equal():
    # Holm (1979) as R's p.adjust gives it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm__any__never_below_the_raw_and_in_its_order(p_values):
    found = holm(p_values)
    assert all(0 <= raw <= adjusted <= 1 for raw, adjusted in zip(p_values, found, strict=True))
    order = sorted(range(len(found)), key=p_values.__getitem__)
    assert [found[i] for i in order] == sorted(found)
