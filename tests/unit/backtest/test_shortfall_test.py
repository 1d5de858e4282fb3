import numpy as np
import pytest
from scipy.stats import t as student

from keeper.backtest.shortfall_test import YELLOW_Z2, normal_quantile, z2
from keeper.draws import Draws
from keeper.errors import InputError


def test_normal_quantile__250_days_of_a_fortieth__is_the_published_threshold():
    # Acerbi and Szekely (2014): -0.70 at 5 %, nearly whatever the tail.
    found = normal_quantile(250, 0.025, 0.05, 40_000, Draws(1))
    assert found == pytest.approx(YELLOW_Z2, abs=0.02)


def test_normal_quantile__long_sample_at_one_percent__as_matlab_publishes():
    # MATLAB, expected shortfall backtesting: critical value -0.34639 for 1,966 days.
    found = normal_quantile(1966, 0.025, 0.01, 20_000, Draws(2))
    assert found == pytest.approx(-0.34639, abs=0.015)


def test_z2__true_model_with_heavy_tails__is_near_zero():
    nu, tail, days = 5, 0.025, 400_000
    losses = student.ppf(Draws(4).fractions("t", days), nu)
    var = np.full(days, student.ppf(1 - tail, nu))
    shortfall = np.full(days, 3.5215773317394268)  # closed form, McNeil, Frey and Embrechts (2005)
    assert z2(losses, var, shortfall, tail) == pytest.approx(0.0, abs=0.03)
    assert z2(losses, var / 2, shortfall / 2, tail) < YELLOW_Z2


def test_z2__by_hand__three_of_four_days_beyond():
    losses = np.array([3.0, 0.5, 4.0, 2.0])
    found = z2(losses, np.full(4, 1.0), np.array([2.0, 2.0, 4.0, 4.0]), 0.5)
    assert found == 1.0 - (1.5 + 1.0 + 0.5) / 2.0


def test_z2__no_loss_beyond__is_one():
    assert z2(np.zeros(9), np.ones(9), np.ones(9), 0.025) == 1.0


@pytest.mark.parametrize("columns", [([1.0], [1.0], []), ([], [], []), ([1.0], [1.0], [0.0])])
def test_z2__columns_that_cannot_be__are_refused(columns):
    with pytest.raises(InputError, match="give"):
        z2(*(np.array(column) for column in columns), 0.025)
