"""Whether a snapshot's scan ranges follow from its own daily prices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keeper.errors import InputError, MarketDataError
from keeper.margin.agreement import require_agreement
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.volatility import scan_ranges
from keeper.state.tables import Observations, SecondMarks
from tests.books import BTC, ETH, MODEL, NOW, UNDERLYINGS, account, exchange, spot
from tests.scan import exact_path

TODAY = NOW // 86_400
PRICES = {
    BTC: (91_000 * 10**8,) * 27 + (88_500 * 10**8, 93_250 * 10**8, 91_234 * 10**8),
    ETH: (3_200 * 10**8,) * 27 + (2_950 * 10**8, 3_110 * 10**8, 3_011 * 10**8),
}


def observations(prices=PRICES):
    rows = [
        (underlying, TODAY - len(path) + 1 + day, price)
        for underlying, path in prices.items()
        for day, price in enumerate(path)
    ]
    return Observations.of_rows(rows)


RANGES = scan_ranges(observations(), MODEL.scan, MODEL.scan_sigmas())


def observed(ranges=RANGES, prices=PRICES):
    underlyings = [replace(u, scan_range_wad=ranges[u.underlying]) for u in UNDERLYINGS]
    return replace(exchange(underlyings=underlyings), observations=observations(prices))


@pytest.mark.parametrize("underlying", [BTC, ETH])
def test_range__of_these_prices__is_what_exact_arithmetic_gives(underlying):
    sigmas = MODEL.scan_sigmas()[underlying]
    exact = exact_path(PRICES[underlying], MODEL.scan, sigmas)[-1]
    assert RANGES[underlying] == pytest.approx(float(exact * 10**18), rel=1e-15)
    assert RANGES[underlying] not in {u.scan_range_wad for u in UNDERLYINGS}


def test_require_agreement__range_of_the_prices__priced_with_it():
    wide, narrow = risk_arrays(observed(), MODEL), risk_arrays(exchange(), MODEL)
    assert wide.priced.all()
    assert wide.pnl.min() < narrow.pnl.min()


@pytest.mark.parametrize("underlying", [BTC, ETH])
def test_require_agreement__range_below_by_one__names_both(underlying):
    off = RANGES | {underlying: RANGES[underlying] - 1}
    with pytest.raises(MarketDataError) as caught:
        risk_arrays(observed(off), MODEL)
    assert f"underlying {underlying}: scan_range_wad is {off[underlying]}" in str(caught.value)
    assert str(RANGES[underlying]) in str(caught.value)


def test_require_agreement__owners_floor_above_the_prices__up_to_the_cap():
    cap = MODEL.scan.cap_wad
    for floored in (RANGES[BTC] + 1, cap):
        require_agreement(observed(RANGES | {BTC: floored}), MODEL)
    with pytest.raises(MarketDataError, match=f"underlying {BTC}: scan_range_wad is {cap + 1}"):
        require_agreement(observed(RANGES | {BTC: cap + 1}), MODEL)


def test_require_agreement__no_daily_prices__constant_ranges_stand():
    require_agreement(exchange(), MODEL)


def test_require_agreement__second_marks__refused_rather_than_passed_over():
    table = SecondMarks.of_rows([(ETH, 0, 10**18, 0, 0, 0, 0, 0, 0, NOW)] * 2)
    snapshot = replace(exchange([account(1, {spot(): 1})]), second_marks=table)
    for compute in (risk_arrays, margin_book):
        with pytest.raises(InputError, match="MRK2 has 2 rows, but this version values one world"):
            compute(snapshot, MODEL)


@pytest.mark.parametrize("fewer", [{BTC: PRICES[BTC]}, PRICES | {ETH: PRICES[ETH][1:]}])
def test_require_agreement__too_few_prices_of_one__its_range_is_the_models(fewer):
    constant = {u.underlying: u.scan_range for u in MODEL.underlyings}
    require_agreement(observed(RANGES | {ETH: constant[ETH]}, fewer), MODEL)
    with pytest.raises(MarketDataError, match=f"underlying {ETH}: scan_range_wad is"):
        require_agreement(observed(RANGES, fewer), MODEL)


def test_require_agreement__price_of_zero__names_day_and_underlying():
    broken = PRICES | {ETH: (*PRICES[ETH][:27], 0, *PRICES[ETH][28:])}
    with pytest.raises(MarketDataError, match=f"underlying {ETH}.*{TODAY - 2}"):
        require_agreement(observed(prices=broken), MODEL)


def test_require_agreement__underlying_that_the_model_lacks__named():
    rows = [replace(UNDERLYINGS[0], underlying=3)]
    snapshot = replace(
        exchange(underlyings=rows, forwards=[], listings=[]), observations=observations()
    )
    with pytest.raises(InputError, match=r"\[3\]"):
        require_agreement(snapshot, MODEL)
