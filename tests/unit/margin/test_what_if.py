"""Hypothetical trades: how they are booked, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keeper.errors import InputError
from keeper.margin.what_if import Trade, listed_instrument, what_if
from keeper.state.accounts import bounty_reserve_usd6
from keeper.state.snapshot import ListingRow
from tests.books import (
    ETH,
    FAR,
    FORWARDS,
    LISTED,
    MODEL,
    NEAR,
    NOW,
    PAST,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
    spot,
)

CASH = 10**10
ROW = account(
    1, {perpetual(): 1_000, put(2_700): -50}, cash_usd6=CASH, costs={perpetual(): 3 * 10**9}
)

THIRD_LEG = bounty_reserve_usd6(3) - bounty_reserve_usd6(2)


def after(trades, row=ROW, **tables):
    return what_if(exchange([row], **tables), MODEL, row.account, trades)


def booked(*trades, row=ROW):
    """Cash and entry costs by instrument after the trades."""
    found = after(trades, row).after
    return found.cash_usd6, {int(leg.instrument_id, 16): leg.entry_cost_usd6 for leg in found.legs}


def test_option__bought__is_paid_at_once():
    cash, costs = booked(Trade(call(3_300), 20, 85_50000000))
    assert cash == CASH - 20 * 85_500 - THIRD_LEG
    assert costs[call(3_300)] == 0


def test_option__at_the_mark__leaves_equity_as_it_is():
    found = after([Trade(call(3_300), 20)])
    assert found.difference_usd6["equity_usd6"] == -THIRD_LEG
    assert found.difference_usd6["cash_usd6"] < -THIRD_LEG
    assert found.difference_usd6["gross_usd6"] == 20 * 3_011_235


def test_linear__grows__keeps_the_notional_as_entry_cost():
    assert booked(Trade(perpetual(), 500, 3_100 * 10**8)) == (
        CASH, {perpetual(): 3 * 10**9 + 500 * 3_100_000, put(2_700): 0},
    )  # fmt: skip


def test_linear__shrinks__realises_its_share():
    # 400 of 1,000 lots sold at 3,100: entered at 3,000 each.
    cash, costs = booked(Trade(perpetual(), -400, 3_100 * 10**8))
    assert cash == CASH + 400 * 100_000
    assert costs[perpetual()] == 600 * 3_000_000


def test_linear__turns__closes_all_and_enters_the_other_side():
    cash, costs = booked(Trade(perpetual(), -1_500, 3_100 * 10**8))
    assert cash == CASH + 1_000 * 100_000
    assert costs[perpetual()] == -500 * 3_100_000


def test_linear__closed__leaves_no_leg():
    _, costs = booked(Trade(perpetual(), -1_000))
    assert costs.keys() == {put(2_700)}


def test_notional__below_a_micro_dollar__is_cut_towards_zero_both_ways():
    for lots in (1, -1):
        cash, _ = booked(Trade(call(4_000), lots, 99_999))  # 0.99999e-3 USD a unit, 1e-3 units
        assert cash == CASH - THIRD_LEG


def test_spot__pledged_and_withdrawn__costs_nothing():
    found = after([Trade(spot(), 100), Trade(spot(), -40)])
    assert found.difference_usd6["cash_usd6"] == -THIRD_LEG
    assert [leg.lots for leg in found.after.legs if leg.instrument == "ETH-SPOT"] == [60]


def test_trades__of_one_instrument__are_booked_one_after_the_other():
    once = booked(Trade(perpetual(), -400, 3_100 * 10**8), Trade(perpetual(), 400, 3_050 * 10**8))
    assert once == (
        CASH + 40_000_000,
        {perpetual(): 600 * 3_000_000 + 400 * 3_050_000, put(2_700): 0},
    )


def test_first_position__locks_the_reserve_and_the_last_frees_it():
    bare = replace(account(1, {}, cash_usd6=CASH), reserve_usd6=0)
    opened = after([Trade(perpetual(), 1)], bare).after
    assert (opened.cash_usd6, opened.reserve_usd6) == (
        CASH - bounty_reserve_usd6(1),
        bounty_reserve_usd6(1),
    )
    held = account(1, {put(2_700): -50}, cash_usd6=CASH)
    closed = after([Trade(put(2_700), 50, 0)], held).after
    assert (closed.cash_usd6, closed.reserve_usd6) == (CASH + held.reserve_usd6, 0)
    assert closed.legs == ()


def test_difference__unknown_before__is_unknown_and_closing_the_leg_makes_it_known():
    row = account(1, {perpetual(): 10, future(FAR): 5}, cash_usd6=CASH)
    forwards = [f for f in FORWARDS if (f.underlying, f.expiry) != (ETH, FAR)]
    found = after([Trade(future(FAR), -5, 3_000 * 10**8)], row, forwards=forwards)
    assert found.after.measured
    assert found.after.components["maintenance_usd6"] > 0
    assert found.difference_usd6["maintenance_usd6"] is None
    assert found.difference_usd6["cash_usd6"] is not None


MANY = account(1, dict.fromkeys(LISTED[2:34], 1), cash_usd6=CASH)


@pytest.mark.parametrize(
    ("trade", "row", "problem"),
    [
        (Trade(call(3_333), 1), ROW, "is not listed at block 224"),
        (Trade(perpetual(), 0), ROW, "ETH-PERP: lots are 0"),
        (Trade(perpetual(), 2**24), ROW, "at most 16777215"),
        (Trade(perpetual(), 2**24 - 1_000), ROW, "would make 16777216, at most 16777215"),
        (Trade(LISTED[0], 1), MANY, "would hold 33 legs: at most 32"),
        (Trade(spot(), -1), ROW, "spot cannot be held short"),
        (Trade(spot(), 1, 10**8), ROW, "not paid for"),
        (Trade(perpetual(), 1, 2**64), ROW, "is not a uint64"),
        (Trade(perpetual(), 1, -1), ROW, "is not a uint64"),
        (
            Trade(perpetual(), 1),
            replace(account(1, {}, cash_usd6=49_999_999), reserve_usd6=0),
            "1 legs lock 50000000 more",
        ),
    ],
)  # fmt: skip
def test_what_if__trade_that_cannot_be__is_refused_by_name(trade, row, problem):
    with pytest.raises(InputError, match=problem):
        after([trade], row)


def test_what_if__expired__is_refused():
    listings = [*(ListingRow(i, 0, 0) for i in LISTED), ListingRow(call(3_000, PAST), 0, 0)]
    with pytest.raises(InputError, match="expired at"):
        after([Trade(call(3_000, PAST), 1, 0)], listings=listings)


def test_what_if__no_mark_and_no_price__is_refused():
    forwards = [f for f in FORWARDS if (f.underlying, f.expiry) != (ETH, FAR)]
    with pytest.raises(InputError, match="has no mark: give the price"):
        after([Trade(future(FAR), 1)], forwards=forwards)


@pytest.mark.parametrize(
    ("text", "instrument"),
    [
        ("ETH-PERP", perpetual()),
        ("ETH-SPOT", spot()),
        ("ETH-20300324-3000-C", call(3_000, NEAR)),
        ("ETH-24MAR30-3000-C", call(3_000, NEAR)),
        ("ETH-20300615-F", future(FAR)),
        (f"{put(2_700):#034x}", put(2_700)),
    ],
)
def test_listed_instrument__name_or_id__is_the_one_meant(text, instrument):
    assert listed_instrument(exchange(), MODEL, text) == instrument


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ETH-20300324-3001-C", "is not listed at block 224"),
        ("ETH-20300325-3000-C", "is not listed at block 224"),
        (f"{call(3_001):#034x}", "is not listed at block 224"),
        ("0xzz", "is not hexadecimal"),
        ("0x01", "kind"),
        ("DOGE-PERP", "no ticker of this model, use one of BTC, ETH"),
    ],
)
def test_listed_instrument__none__is_refused(text, problem):
    with pytest.raises(InputError, match=problem):
        listed_instrument(exchange(), MODEL, text)


def test_listed_instrument__two_expiries_on_one_day__ids_are_asked_for():
    midnight = NOW // 86_400 * 86_400 + 30 * 86_400
    both = [ListingRow(future(midnight + hour * 3_600), 0, 0) for hour in (8, 16)]
    name = "ETH-20300416-F"
    with pytest.raises(InputError, match="is listed 2 times: write the id, 0x"):
        listed_instrument(exchange(listings=both), MODEL, name)
