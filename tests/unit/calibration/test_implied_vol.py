"""Implied vols against mpmath and QuantLib, and where there is none."""

import mpmath
import numpy as np
import pytest
import QuantLib as ql

from keeper.calibration.implied_vol import implied_vol
from keeper.pricing import black76


def one(price, forward, strike, years, is_call):
    numbers = (np.array([float(x)]) for x in (price, forward, strike, years))
    return implied_vol(*numbers, np.array([is_call]))[0]


def test_implied_vol__grid_of_vols_strikes_and_terms__comes_back():
    vol, moneyness, years = (
        axis.ravel()
        for axis in np.meshgrid(
            [0.05, 0.2, 0.55, 1.0, 2.5, 5.0],
            np.linspace(-2.5, 2.5, 41),
            [1 / 8760, 0.01, 0.25, 2.0],
        )
    )
    # Beyond five deviations the price has fewer digits than the test asks for.
    fair = np.abs(moneyness) <= 5 * vol * np.sqrt(years)
    vol, moneyness, years = vol[fair], moneyness[fair], years[fair]
    forward = np.full(len(vol), 90_000.0)
    strike = forward * np.exp(moneyness)
    is_call = moneyness >= 0
    price = black76.price(forward, strike, vol, years, is_call)
    rounding = 4e-16 * forward / black76.vega(forward, strike, vol, years)
    found = implied_vol(price, forward, strike, years, is_call)
    assert len(vol) > 300
    assert np.all(np.abs(found - vol) <= 1e-11 * vol + 4 * rounding)


def test_implied_vol__in_the_money__as_far_as_the_price_tells():
    for is_call, strike in ((True, 60.0), (False, 160.0)):
        price = black76.price(np.array([100.0]), np.array([strike]), 0.6, 0.5, np.array([is_call]))
        assert one(price[0], 100, strike, 0.5, is_call) == pytest.approx(0.6, abs=1e-12)


@pytest.mark.parametrize(
    ("strike", "vol", "years"), [(100, 0.5, 0.1), (130, 0.8, 0.05), (70, 0.65, 1.0), (101, 3, 0.01)]
)
def test_implied_vol__price_in_fifty_digits__mpmath_agrees(strike, vol, years):
    with mpmath.workdps(50):
        deviation = mpmath.mpf(str(vol)) * mpmath.sqrt(mpmath.mpf(str(years)))
        d1 = mpmath.log(mpmath.mpf(100) / strike) / deviation + deviation / 2
        call = 100 * mpmath.ncdf(d1) - strike * mpmath.ncdf(d1 - deviation)
        price = float(call if strike >= 100 else call - 100 + strike)
    assert one(price, 100, strike, years, strike >= 100) == pytest.approx(vol, rel=1e-13)


def test_implied_vol__quantlib__agrees():
    for strike, price, years in ((110.0, 3.0, 0.3), (85.0, 0.02, 0.05), (100.0, 9.5, 0.5)):
        kind = ql.Option.Call if strike >= 100 else ql.Option.Put
        deviation = ql.blackFormulaImpliedStdDev(
            kind, strike, 100.0, price, 1.0, 0.0, 0.3, 1e-14, 1000
        )
        expected = deviation / np.sqrt(years)
        assert one(price, 100, strike, years, strike >= 100) == pytest.approx(expected, rel=1e-11)


@pytest.mark.parametrize(
    ("price", "strike", "is_call"),
    [
        (0.0, 120, True),
        (-1.0, 120, True),
        (100.0, 120, True),
        (80.0, 80, False),
        (19.0, 80, True),
        (20.0, 80, True),
        (19.9, 120, False),
        (np.nan, 100, True),
        (np.inf, 100, True),
    ],
)
def test_implied_vol__price_no_vol_gives__none(price, strike, is_call):
    assert np.isnan(one(price, 100, strike, 0.25, is_call))


def test_implied_vol__expired_or_nothing__none():
    assert np.isnan(one(1.0, 100, 100, 0.0, True))
    assert implied_vol(*(np.empty(0) for _ in range(4)), np.empty(0, dtype=np.bool_)).size == 0


def test_implied_vol__smallest_and_greatest_prices__finite_and_ordered():
    prices = np.array([1e-12, 1e-9, 1e-6, 1e-3, 0.1, 0.5, 0.9, 0.999, 1 - 1e-9])
    count = len(prices)
    vols = implied_vol(
        prices, np.ones(count), np.full(count, 1.1), np.ones(count), np.ones(count, dtype=np.bool_)
    )
    assert np.all(np.isfinite(vols))
    assert np.all(np.diff(vols) > 0)
