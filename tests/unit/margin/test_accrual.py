"""Settlement averages that come about: what marks, scenarios and Greeks make of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from keeper.errors import MarketDataError
from keeper.liquidation.deltas import deltas_per_lot
from keeper.margin.accrual import NOTHING, Accrual
from keeper.margin.greeks import leg_greeks
from keeper.margin.market import Standing, listing_market
from keeper.margin.risk_arrays import price_listings
from keeper.state.snapshot import AccrualRow, ListingRow
from tests.books import (
    ETH,
    FORWARDS,
    MODEL,
    NEAR,
    UNDERLYINGS,
    call,
    exchange,
    future,
    perpetual,
    put,
    spot,
)

WINDOW = 1_800
SPOT_E8 = UNDERLYINGS[1].spot_e8
FORWARD_E8 = SPOT_E8 * 1_002 // 1_000
IDS = (spot(), perpetual(), future(), call(3_000), put(3_300))


def accrued(until, mean_e8=SPOT_E8, expiry=NEAR):
    return [AccrualRow(ETH, expiry, until, mean_e8 * (until - (expiry - WINDOW)))]


def market_at(now, accruals, *, spot_e8=SPOT_E8, settlement_e8=0, ids=IDS):
    btc, eth = UNDERLYINGS
    return listing_market(
        exchange(
            underlyings=[btc, replace(eth, spot_e8=spot_e8)],
            forwards=[replace(row, time=now - 60) for row in FORWARDS],
            listings=[ListingRow(i, 1, settlement_e8) for i in sorted(ids)],
            accruals=accruals,
            now=now,
        )
    )


def test_accrual__nothing_known__is_the_price_itself():
    assert NOTHING.expected_e8(FORWARD_E8) == FORWARD_E8
    assert NOTHING.fixed_e8 == 0


def test_accrual__expected__is_the_weighted_mean_rounded_down():
    accrual = Accrual(1_000 * 7 + 3, 800)
    assert accrual.expected_e8(10) == (1_000 * 7 + 3 + 800 * 10) // WINDOW
    assert accrual.fixed_e8 == 7_003 // WINDOW


def test_listing_market__in_the_window__forward_counts_for_the_rest():
    # Twenty minutes known at 1 % less, ten open.
    market = market_at(NEAR - 590, accrued(NEAR - 600, SPOT_E8 * 99 // 100))
    mean = Fraction(SPOT_E8 * 99 // 100 * 1_200 + FORWARD_E8 * 600, WINDOW)
    assert market.reference_e8[2:].tolist() == [mean.__floor__()] * 3
    assert market.fixed_e8[2:].tolist() == [SPOT_E8 * 99 // 100 * 1_200 // WINDOW] * 3
    assert np.allclose(market.moving[2:], 1 / 3, atol=0.01)
    plain = market_at(NEAR - 590, [])
    assert plain.reference_e8[2:].tolist() == [FORWARD_E8] * 3
    assert plain.moving.tolist() == [1.0] * 5
    # What settles by no average knows nothing of one.
    assert market.reference_e8[:2].tolist() == plain.reference_e8[:2].tolist()
    assert market.fixed_e8[:2].tolist() == [0, 0]


def test_listing_market__variance__is_of_the_share_that_moves():
    ids = (call(3_000), put(3_000))
    half, plain = (
        market_at(NEAR - 900, rows, ids=ids) for rows in (accrued(NEAR - 900, FORWARD_E8), [])
    )
    assert half.reference_e8.tolist() == plain.reference_e8.tolist()
    assert np.allclose(half.variance, plain.variance / 4, rtol=1e-12)


def test_listing_market__expired__is_the_average_until_it_is_fixed():
    known = accrued(NEAR, SPOT_E8 * 2)
    market = market_at(NEAR + 5, known)
    assert market.reference_e8[2:].tolist() == [SPOT_E8 * 2] * 3
    assert not market.settled[2:].any()
    pnl = price_listings(market, MODEL).pnl
    assert not pnl[2:].any(), "no scenario moves it"
    assert price_listings(market_at(NEAR + 5, []), MODEL).pnl[2:].any()
    # Half known: the rest is spot.
    market = market_at(NEAR + 5, accrued(NEAR - 900, SPOT_E8 * 2))
    assert market.reference_e8[2:].tolist() == [SPOT_E8 * 3 // 2] * 3
    # The price once fixed, whatever was added up.
    fixed = market_at(NEAR + 5, known, settlement_e8=77)
    assert fixed.reference_e8[2:].tolist() == [77] * 3
    assert fixed.fixed_e8[2:].tolist() == [0] * 3
    assert fixed.settled[2:].all()


def test_listing_market__average_of_the_future__refused_with_both_times():
    with pytest.raises(MarketDataError, match=f"has come to {NEAR - 8}, 2 s after ref_time"):
        market_at(NEAR - 10, accrued(NEAR - 8))


def test_listing_market__sum_beyond_any_price__has_no_price():
    huge = [AccrualRow(ETH, NEAR, NEAR - 600, 2**128 - 1)]
    market = market_at(NEAR - 590, huge)
    assert (market.standing[2:] == Standing.UNPRICED).all()
    assert not market.reference_e8[2:].any()
    assert not market.fixed_e8[2:].any()


@pytest.mark.parametrize(("until", "now"), [(NEAR - WINDOW + 1, NEAR - WINDOW + 1), (NEAR, NEAR)])
def test_marks__at_either_end_of_the_window__are_continuous(until, now):
    before = accrued(until - 1) if until - 1 > NEAR - WINDOW else []
    then = price_listings(market_at(now - 1, before), MODEL).marks
    after = price_listings(market_at(now, accrued(until)), MODEL).marks
    # A second of the basis of 0.2 % and of time value, on a lot of three dollars.
    assert np.abs(after - then).max() <= 10


def test_pnl__last_minute__is_a_thirtieth_of_the_plain_one():
    now = NEAR - 60
    known, plain = (
        price_listings(market_at(now, rows, ids=[future()]), MODEL).pnl[0]
        for rows in (accrued(now), [])
    )
    assert np.abs(known * 30 - plain).max() <= 15
    assert np.abs(plain).max() > 10**5


def test_greeks__of_what_moves__are_those_of_marks_at_another_spot():
    now, ids = NEAR - 900, (future(), call(1_000), put(9_000))
    rows = accrued(now)
    markets = [market_at(now, rows, spot_e8=SPOT_E8 + n, ids=ids) for n in (-(10**8), 0, 10**8)]
    low, _, high = (market.reference_e8 for market in markets)
    by_a_dollar = (high - low) / 2e8
    sign = np.array([1.0, 1.0, -1.0])
    # In coins of the average, of which the basis is half.
    assert np.allclose(deltas_per_lot(markets[1]) * 1_000, sign * by_a_dollar / 1.001, atol=1e-6)
    percent = SPOT_E8 / 10**10
    found = leg_greeks(markets[1], np.arange(3), np.full(3, 1_000))
    wanted = sign * by_a_dollar * percent * 10**6
    assert np.allclose([g.delta_usd6_per_percent for g in found], wanted, atol=2)
