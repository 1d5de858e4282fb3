"""Derivatives of what bends a fit, against differences."""

import numpy as np
import pytest

from keeper.calibration.svi_fit import Target, fit_smile
from keeper.calibration.svi_penalties import (
    butterfly_penalty,
    butterfly_with_derivatives,
    least_variance,
    most_variance,
)
from keeper.pricing.svi_arbitrage import Smile, butterfly
from tests.unit.calibration.smiles import BTC

K = np.linspace(-1.2, 1.4, 27)
NAMES = ("a", "b", "rho", "m", "sigma")
SMILES = (BTC, Smile(-0.041, 0.1331, 0.306, 0.3586, 0.4153), Smile(0.01, 2.0, 0.7, -0.2, 0.05))


def difference(function, smile, name):
    step = 1e-6
    up, down = (
        Smile(**{n: getattr(smile, n) + (sign * step if n == name else 0) for n in NAMES})
        for sign in (1, -1)
    )
    return (function(up) - function(down)) / (2 * step)


@pytest.mark.parametrize("smile", SMILES)
def test_butterfly_with_derivatives__value_of_pricing_and_slopes_of_differences(smile):
    g, by = butterfly_with_derivatives(K, smile, 0.4)
    assert g == pytest.approx(butterfly(K, smile, 0.4), rel=1e-12, abs=1e-12)
    for column, name in enumerate(NAMES):
        slope = difference(lambda s: butterfly_with_derivatives(K, s, 0.4)[0], smile, name)
        assert by[:, column] == pytest.approx(slope, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize(
    "penalty",
    [
        butterfly_penalty(K, 0.4, 3.0, 0.6),
        least_variance(K, np.full(27, 0.08), 0.4, 5.0, 0.01),
        most_variance(K, np.full(27, 0.08), 0.4, 5.0, 0.01),
    ],
)
def test_penalties__derivatives__of_differences_and_zero_where_kept(penalty):
    rows, by = penalty(BTC)
    assert np.any(rows > 0)
    assert np.any(rows == 0)
    assert np.all(by[rows == 0] == 0)
    for column, name in enumerate(NAMES):
        slope = difference(lambda s: penalty(s)[0], BTC, name)
        assert by[:, column] == pytest.approx(slope, rel=1e-4, abs=1e-4)


def test_fit_smile__whatever_the_quotes__what_the_feeds_take():
    """A needle of a smile a day ahead: the nearest that fits into 64 bits of wad."""
    k = np.linspace(-0.1, 0.1, 21)
    vol = 0.4 + 12 * np.abs(k)
    target = Target(k, vol, np.ones(21), 1 / 365, 0.4 / np.sqrt(365))
    smile = fit_smile(target)
    assert -9 <= smile.a <= 9
    assert 0 <= smile.b <= 9
    assert -1 < smile.rho < 1
    assert -2 <= smile.m <= 2
    assert 1e-3 <= smile.sigma <= 5
