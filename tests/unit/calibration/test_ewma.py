"""Moving averages against published examples and the sum that defines them."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration.ewma import (
    decay_of_half_life,
    ewma_covariance,
    ewma_covariances,
    ewma_variances,
    rows_needed,
)
from keeper.calibration.returns import JointReturns
from keeper.errors import InputError
from tests.unit.calibration.sp500 import sp500_percent


def drawn(count, assets=2, seed=5):
    rows = np.random.default_rng(seed).standard_normal((count, assets))
    return JointReturns(tuple("ABCDE"[:assets]), rows)


def test_ewma_variances__hulls_example__1_14018_percent():
    # Hull, Options, Futures and Other Derivatives: lambda 0.9, sigma 1 %, return 2 %.
    path = ewma_variances(np.array([0.02]), 0.9, start=0.01**2)
    assert np.sqrt(path) == pytest.approx([0.01, 0.0114018], rel=5e-6)


def test_ewma_variances__sp500__the_published_last_sigma():
    # The arch package: EWMAVariance(0.94) of a zero mean, S&P 500 1999 to 2018, in percent.
    returns = sp500_percent()
    weights = 0.94 ** np.arange(75)
    start = np.sum(weights * returns[:75] ** 2) / np.sum(weights)
    path = ewma_variances(returns, 0.94, start)
    assert np.sqrt(path[-2]) == pytest.approx(1.81455, abs=5e-6)
    assert np.sqrt(path[-1]) == pytest.approx(1.7715314, abs=1e-7)


def test_ewma_covariances__any_day__is_the_weighted_sum():
    returns, decay = drawn(70), 0.95
    path = ewma_covariances(returns, decay)
    for last in (0, 1, 30, 69):
        rows = returns.rows[: last + 1]
        weights = decay ** np.arange(last, -1, -1)
        expected = (rows.T * weights) @ rows / weights.sum()
        assert path[last] == pytest.approx(expected, abs=1e-14)
    assert np.array_equal(ewma_covariance(returns, decay), path[-1])


def test_ewma_covariances__every_day__no_negative_eigenvalue():
    path = ewma_covariances(drawn(120, assets=4), 0.94)
    assert np.linalg.eigvalsh(path).min() > -1e-14


def test_decay_of_half_life__after_it__half_the_weight():
    assert decay_of_half_life(30) ** 30 == pytest.approx(0.5)
    assert decay_of_half_life(30) == pytest.approx(0.977159968434245955, abs=1e-16)


def test_rows_needed__carry_95_percent():
    assert rows_needed(0.94) == 49
    assert 0.94**49 <= 0.05 < 0.94**48


def test_ewma_covariances__too_few_rows__says_how_many():
    with pytest.raises(InputError, match=r"48 returns: an average of decay 0.94 needs at least 49"):
        ewma_covariances(drawn(48), 0.94)
    assert len(ewma_covariances(drawn(49), 0.94)) == 49


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1, 1.1, np.nan])
def test_ewma__decay_outside_0_to_1__is_named(decay):
    with pytest.raises(InputError, match=f"decay {decay}"):
        ewma_variances(np.zeros(3), decay, 1.0)
    with pytest.raises(InputError, match=f"decay {decay}"):
        ewma_covariances(drawn(60), decay)


@pytest.mark.parametrize("start", [-1e-9, np.nan, np.inf])
def test_ewma_variances__no_variance_to_start_from__is_named(start):
    with pytest.raises(InputError, match=f"start {start}"):
        ewma_variances(np.zeros(3), 0.94, start)


def test_ewma_variances__nan__row_is_named():
    with pytest.raises(InputError, match="return 2 is nan"):
        ewma_variances(np.array([0.1, 0.2, np.nan]), 0.94, 1.0)


@pytest.mark.parametrize("shape", [(5, 2), (5, 1), ()])
def test_ewma_variances__not_one_asset__shape_is_named(shape):
    with pytest.raises(InputError, match="give those of one asset") as refused:
        ewma_variances(np.zeros(shape), 0.94, 1.0)
    assert f"returns have shape {shape}" in str(refused.value)


@pytest.mark.parametrize("periods", [0, -1, np.nan, np.inf])
def test_decay_of_half_life__not_positive__is_named(periods):
    with pytest.raises(InputError, match=f"half-life {periods}"):
        decay_of_half_life(periods)
