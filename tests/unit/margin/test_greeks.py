"""Dollar Greeks: against differences of the engine's own marks, and against QuantLib."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
import QuantLib as ql

from keeper.margin.cells import ListingFloats
from keeper.margin.greeks import DollarGreeks, leg_greeks
from keeper.margin.market import listing_market
from keeper.margin.risk_arrays import risk_arrays
from keeper.pricing import black76
from keeper.state.snapshot import ListingRow
from keeper.units import YEAR_SECONDS
from tests.books import LISTED, MODEL, PAST, STILL, call, exchange, future, put

MARKET = listing_market(exchange())
ROWS = np.arange(len(LISTED))
LOTS = (ROWS * 7_919 % 4_001 + 1) * np.where(ROWS % 3, 1, -1)
GREEKS = leg_greeks(MARKET, ROWS, LOTS)


def unit_mark(floats, moved=1.0, vol=0.0, days=0.0):
    """The engine's mark of a unit with the forward moved, vol added, days passed."""
    years = MARKET.seconds / YEAR_SECONDS - days / 365
    reference = floats.reference * moved
    option = black76.price(reference, floats.strike, floats.vol + vol, years, floats.is_call)
    return np.where(floats.is_option, option, reference)


def dollars(unit):
    """Micro-dollars of the legs for USD a unit."""
    return unit * ListingFloats.of(MARKET).micro_per_lot * LOTS


def column(name):
    return np.array([getattr(greeks, name) for greeks in GREEKS], dtype=float)


def test_greeks__finite_differences_of_marks__agree():
    floats, step = ListingFloats.of(MARKET), 1e-4
    up, now, down = (dollars(unit_mark(floats, 1 + x)) for x in (step, 0.0, -step))
    percent = step / 0.01
    close = {"rtol": 1e-5, "atol": 2.0}
    np.testing.assert_allclose(
        column("delta_usd6_per_percent"), (up - down) / (2 * percent), **close
    )
    np.testing.assert_allclose(
        column("gamma_usd6_per_percent2"), (up - 2 * now + down) / percent**2, rtol=1e-4, atol=200.0
    )
    more, less = (dollars(unit_mark(floats, vol=x)) for x in (1e-5, -1e-5))
    np.testing.assert_allclose(column("vega_usd6_per_vol_point"), (more - less) / 2e-3, **close)
    later, sooner = (dollars(unit_mark(floats, days=x)) for x in (1e-3, -1e-3))
    np.testing.assert_allclose(column("theta_usd6_per_day"), (later - sooner) / 2e-3, **close)


def test_delta_and_gamma__scenario_of_one_percent__explain_its_loss():
    # The scenario engine's own cells, from integers: a move of 1 % at unchanged vol.
    by_one = [
        replace(STILL, name=name, spot_bps=side * round(100 / scan), focus=focus)
        for name, focus, scan, side in (
            ("a", 1, 0.092, -1), ("b", 1, 0.092, 1), ("c", 2, 0.122, -1), ("d", 2, 0.122, 1),
        )
    ]  # fmt: skip
    model = replace(MODEL, scenarios=tuple(by_one))
    arrays = risk_arrays(exchange(model=model), model)
    for scenario, cells in zip(by_one, arrays.pnl.T, strict=True):
        own = MARKET.underlying == scenario.focus
        percent = scenario.spot_bps / 100 * (0.092 if scenario.focus == 1 else 0.122)
        delta, gamma = column("delta_usd6_per_percent"), column("gamma_usd6_per_percent2")
        expected = np.where(own, delta * percent + gamma * percent**2 / 2, 0.0)
        cubic = np.abs(gamma) * 0.1 + np.abs(LOTS)
        assert (np.abs(cells * LOTS - expected) <= cubic).all()


def test_greeks__sum_of_quantlib_black_calculators__agrees():
    floats = ListingFloats.of(MARKET)
    sums = np.zeros(4)
    for row in np.flatnonzero(MARKET.is_option):
        years, vol = MARKET.seconds[row] / YEAR_SECONDS, float(floats.vol[row])
        forward, strike = float(floats.reference[row]), float(floats.strike[row])
        side = ql.Option.Call if floats.is_call[row] else ql.Option.Put
        payoff = ql.PlainVanillaPayoff(side, strike)
        calculator = ql.BlackCalculator(payoff, forward, vol * years**0.5)
        one = [
            calculator.deltaForward() * forward * 0.01,
            calculator.gammaForward() * (forward * 0.01) ** 2,
            calculator.vega(years) * 0.01,
            -calculator.gammaForward() * forward**2 * vol**2 / 2 / 365,
        ]
        sums += np.array(one) * floats.micro_per_lot[row] * LOTS[row]
    total = DollarGreeks.total(
        g for g, is_option in zip(GREEKS, MARKET.is_option, strict=True) if is_option
    )
    np.testing.assert_allclose(astuple(total), sums, rtol=1e-9, atol=len(LISTED))


def test_greeks__spot_perpetual_and_future__have_delta_alone():
    for greeks, is_option, lots, row in zip(GREEKS, MARKET.is_option, LOTS, ROWS, strict=True):
        if not is_option:
            notional = float(MARKET.reference_e8[row]) / 10**8 * 1_000  # micro-dollars a lot
            assert greeks.delta_usd6_per_percent == pytest.approx(lots * notional / 100, abs=1)
            assert astuple(greeks)[1:] == (0, 0, 0)


def test_greeks__expired_and_settled__nothing_moves_it():
    expired = (call(3_000, PAST), put(2_000, PAST), future(PAST))
    settled = exchange(listings=[ListingRow(i, 0, 3_100 * 10**8) for i in expired])
    found = leg_greeks(listing_market(settled), np.arange(3), np.array([1, -1, 1]))
    assert {astuple(greeks) for greeks in found} == {(0, 0, 0, 0)}


def test_total__of_nothing__is_zero():
    assert DollarGreeks.total([]) == DollarGreeks(0, 0, 0, 0)
