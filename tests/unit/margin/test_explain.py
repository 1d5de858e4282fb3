"""The breakdown of one account, where its figures are known or cannot be."""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.explain import explain
from keeper.margin.explanation import COMPONENTS
from keeper.margin.leverage import UNLIMITED
from keeper.margin.portfolio import MAX_LEGS, margin_book
from keeper.state.accounts import Mode, account_id
from keeper.state.snapshot import ListingRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    LISTED,
    MODEL,
    NEAR,
    PAST,
    UNDERLYINGS,
    account,
    call,
    exchange,
    forward,
    future,
    perpetual,
    put,
)

CASH = 10**10
HEDGED = {perpetual(BTC): 60, perpetual(): -1_500, future(): 1_500}
MIXED = {perpetual(BTC): -20, put(2_700): -500, call(3_300, FAR): 300, future(FAR): 40}


def explained(row, **tables):
    return explain(exchange([account(9, {perpetual(): 1}), row], **tables), MODEL, row.account)


def test_components__are_columns_of_the_margin_book_each_with_a_name():
    book = margin_book(exchange([account(1, MIXED)]), MODEL)
    assert all(attrgetter(name)(book).dtype == np.int64 for name in COMPONENTS)
    assert all(name.endswith("_usd6") for name in COMPONENTS)


def test_explain__mixed_book__headlines_follow_from_the_components():
    found = explained(account(1, MIXED, cash_usd6=CASH))
    wanted = min(found.components["standard_usd6"], found.components["maintenance_usd6"])
    assert found.requirement_usd6 == wanted
    assert found.headroom_usd6 == found.equity_usd6 - wanted
    assert found.utilisation_bps == -(-wanted * 10_000 // found.equity_usd6)
    initial = min(found.components["standard_initial_usd6"], found.components["initial_usd6"])
    assert found.initial_requirement_usd6 == initial
    assert found.initial_utilisation_bps == -(-initial * 10_000 // found.equity_usd6)
    assert found.leverage_bps == -(-found.components["gross_usd6"] * 10_000 // found.equity_usd6)
    assert (found.health, found.measured, found.sentinel, found.problems) == (
        "healthy",
        True,
        False,
        (),
    )
    assert found.equity_usd6 == found.cash_usd6 + sum(leg.value_usd6 for leg in found.legs)


def test_explain__legs__in_the_order_of_ids_with_their_names():
    found = explained(account(1, MIXED, cash_usd6=CASH))
    assert [leg.instrument for leg in found.legs] == [
        "BTC-PERP", "ETH-20300324-2700-P", "ETH-20300615-F", "ETH-20300615-3300-C",
    ]  # fmt: skip
    assert [int(leg.instrument_id, 16) for leg in found.legs] == sorted(MIXED)
    assert [leg.lots for leg in found.legs] == [MIXED[i] for i in sorted(MIXED)]


def test_explain__greeks__of_an_underlying_are_the_sum_of_its_expiries_and_legs():
    found = explained(account(1, MIXED, cash_usd6=CASH))
    eth = [row for row in found.greeks if row.underlying == ETH]
    assert [row.expiry for row in eth] == [None, NEAR, FAR]
    for name in ("delta_usd6_per_percent", "vega_usd6_per_vol_point", "theta_usd6_per_day"):
        total, *parts = (getattr(row.greeks, name) for row in eth)
        legs = [getattr(leg.greeks, name) for leg in found.legs if leg.underlying == ETH]
        assert total == sum(parts) == sum(legs)
    assert [row.symbol for row in found.greeks] == ["BTC", "BTC", "ETH", "ETH", "ETH"]


def test_explain__hedge__has_a_share_below_zero():
    found = explained(account(1, {put(2_700): -500, put(2_400): 500}, cash_usd6=CASH))
    shares = {leg.instrument: leg.maintenance_share_usd6 for leg in found.legs}
    assert shares["ETH-20300324-2400-P"] < 0 < shares["ETH-20300324-2700-P"]


def test_explain__long_option_alone__nothing_but_its_premium_and_no_liquidation_above():
    found = explained(account(1, {call(3_300): 100}, cash_usd6=CASH))
    [price] = found.liquidation
    assert (price.below_e8, price.above_e8) == (None, None)
    assert found.legs[0].maintenance_share_usd6 == found.components["maintenance_usd6"]


def test_explain__perpetual_long__liquidated_where_a_sheet_of_paper_says():
    # Equity 2,000 + 1,000 lots * (F - F0); MM is the worst of the table, one scan range or its
    # weighted tails: 3 * 0.122 * 0.85/3 = 5 * 0.122 * 0.85/5 < 0.122 of F.
    ratio, spot, cash = 1.0005, 3_011.23456789, 700.0
    lots = 1_000
    cost = round(lots * spot * ratio / 1_000 * 10**6)
    row = account(1, {perpetual(): lots}, cash_usd6=round(cash * 10**6), costs={perpetual(): cost})
    [price] = explained(row).liquidation
    # cash + q (F - F0) = 0.122 q F, so F = (F0 - cash/q) / (1 - 0.122), with q = 1 coin
    forward_price = (spot * ratio - cash) / (1 - 0.122)
    assert price.below_e8 / 10**8 == pytest.approx(forward_price / ratio, rel=1e-6)
    assert price.above_e8 is None


def test_explain__under_margined__both_prices_are_the_spot_itself():
    found = explained(account(1, {put(2_700): -500}, cash_usd6=1))
    [price] = found.liquidation
    assert found.health == "liquidatable"
    assert found.headroom_usd6 < 0
    assert price.below_e8 == price.above_e8 == price.spot_e8
    ratios = (found.utilisation_bps, found.initial_utilisation_bps, found.leverage_bps)
    assert ratios == (UNLIMITED,) * 3, "no equity above zero"


def test_explain__flagged__is_in_auction():
    row = replace(account(1, {perpetual(): 1}, cash_usd6=CASH), flags=1)
    assert explained(row).health == "in auction"


def test_explain__unknown_account__refused():
    with pytest.raises(InputError, match="has held no position up to block 224"):
        explain(exchange([account(1, MIXED)]), MODEL, account_id(b"\x07" * 20, 0))


def test_explain__no_positions__cash_is_equity_and_nothing_is_required():
    found = explained(account(1, {}, cash_usd6=77))
    assert (found.equity_usd6, found.requirement_usd6, found.headroom_usd6) == (77, 0, 77)
    assert (found.health, found.utilisation_bps, found.leverage_bps) == ("healthy", 0, 0)
    assert (found.initial_requirement_usd6, found.initial_utilisation_bps) == (0, 0)
    assert found.legs == found.scenarios == found.greeks == found.liquidation == ()
    assert set(found.components.values()) == {0}


def test_explain__leg_without_a_price__the_rest_is_shown_and_the_reason_told():
    forwards = [row for row in FORWARDS if (row.underlying, row.expiry) != (ETH, FAR)]
    found = explained(account(1, MIXED, cash_usd6=CASH), forwards=forwards)
    assert (found.health, found.measured, found.sentinel) == ("unknown", False, True)
    assert found.equity_usd6 is found.requirement_usd6 is found.initial_requirement_usd6 is None
    assert found.utilisation_bps is found.initial_utilisation_bps is found.leverage_bps is None
    assert set(found.components.values()) == {None}
    assert found.scenarios == found.liquidation == ()
    shown = {leg.instrument: leg for leg in found.legs}
    for name in ("BTC-PERP", "ETH-20300324-2700-P"):
        assert shown[name].value_usd6 is not None
        assert shown[name].greeks is not None
    for name in ("ETH-20300615-F", "ETH-20300615-3300-C"):
        assert shown[name].mark_usd6 is shown[name].value_usd6 is shown[name].greeks is None
        assert any(name in problem and "has no price" in problem for problem in found.problems)
    assert [row.expiry for row in found.greeks] == [None, 0, None, NEAR]


def test_explain__stale_surface__figures_at_the_last_marks_and_the_sentinel_told():
    stale = [forward(ETH, NEAR, time=row.time - 10**5) if row.expiry == NEAR else row
             for row in FORWARDS if row.underlying == ETH]  # fmt: skip
    found = explained(account(1, {put(2_700): -5}, cash_usd6=CASH), forwards=stale)
    assert (found.measured, found.sentinel) == (True, True)
    assert found.components["maintenance_usd6"] > 0
    assert "stale surface" in found.problems[0]
    assert "no leaf" in found.problems[0]


def asked(lots, mode, **tables):
    """Requirement and initial requirement, and what they are made of."""
    found = explained(account(1, lots, cash_usd6=CASH, mode=mode), **tables)
    names = ("standard_usd6", "maintenance_usd6", "standard_initial_usd6", "initial_usd6")
    parts = [found.components[name] for name in names]
    return found, (found.requirement_usd6, found.initial_requirement_usd6), parts


def test_explain__cross__no_leaf_yet_its_own_margins_where_they_are_below_standard():
    found, both, (standard, maintenance, standard_initial, initial) = asked(HEDGED, Mode.CROSS)
    # SM is some 40 % above MM here, and SM_im above IM.
    assert both == (maintenance, initial)
    assert maintenance < standard
    assert initial < standard_initial
    assert (found.fault, found.sentinel) == (False, True)
    [words] = found.problems
    assert "cross" in words
    assert "the smaller of SM and MM applies, IM likewise" in words


def test_explain__isolated__standard_margin_at_both_levels():
    found, both, (standard, maintenance, standard_initial, initial) = asked(HEDGED, Mode.ISOLATED)
    assert both == (standard, standard_initial) == (maintenance, initial)
    assert (found.fault, found.sentinel) == (False, True)
    [words] = found.problems
    assert "standard margin applies" in words


def test_explain__portfolio__nothing_to_tell():
    found, both, (_, maintenance, _, initial) = asked(HEDGED, Mode.PORTFOLIO)
    assert both == (maintenance, initial)
    assert (found.fault, found.sentinel, found.problems) == (False, False, ())


@pytest.mark.parametrize("mode", list(Mode))
def test_explain__stale_leg__new_risk_asks_standard_margin_in_every_mode(mode):
    stale = [
        replace(row, time=row.time - 10**5) if row.underlying == ETH else row for row in FORWARDS
    ]
    found, both, (standard, maintenance, standard_initial, initial) = asked(
        {put(2_700): -5, put(2_400): 5}, mode, forwards=stale
    )
    assert both == (min(standard, maintenance), standard_initial)
    assert mode is Mode.ISOLATED or initial < standard_initial
    assert (found.fault, found.sentinel) == (True, True)
    assert "standard margin at initial level" in found.problems[-1]
    assert not any("mode" in words for words in found.problems)


def test_explain__beyond_a_cap_in_another_mode__the_cap_is_told():
    found = explained(account(1, {perpetual(): 2**24}, cash_usd6=CASH, mode=1))
    assert found.problems == ("lots, cash or entry costs exceed a cap: no sum would be exact",)


def test_explain__beyond_a_cap__no_figure_and_the_reason_told():
    found = explained(account(1, {perpetual(): 2**24}, cash_usd6=CASH))
    assert not found.measured
    assert "exceed a cap" in found.problems[0]
    assert found.legs[0].greeks is None


def test_explain__settled_leg__has_no_greeks_and_no_liquidation_price():
    settled = call(3_000, PAST)
    listings = [*(ListingRow(i, 0, 0) for i in LISTED), ListingRow(settled, 0, 3_100 * 10**8)]
    found = explained(account(1, {settled: 10}, cash_usd6=CASH), listings=listings)
    assert found.legs[0].value_usd6 == 10 * 100_000
    assert found.legs[0].greeks.delta_usd6_per_percent == 0
    assert found.liquidation == ()


def test_explain__most_legs__all_are_told_apart():
    lots = dict.fromkeys(LISTED[:MAX_LEGS], 3)
    found = explained(account(1, lots, cash_usd6=CASH))
    book = margin_book(exchange([account(1, lots, cash_usd6=CASH)]), MODEL)
    assert len(found.legs) == MAX_LEGS
    assert found.components["initial_usd6"] == book.initial_usd6[0]


@pytest.mark.parametrize("mode", [0, 1, 2], ids=["isolated", "cross", "portfolio"])
def test_explain__liquidation_price__is_where_the_engine_finds_the_shortfall_in_every_mode(mode):
    row = account(1, {perpetual(BTC): 60, perpetual(): -1_500}, cash_usd6=2 * 10**9, mode=mode)
    (found,) = [p for p in explained(row).liquidation if p.underlying == ETH]
    assert found.above_e8 > found.spot_e8

    def surplus(spot_e8):
        spots = [replace(u, spot_e8=spot_e8) if u.underlying == ETH else u for u in UNDERLYINGS]
        book = margin_book(exchange([row], underlyings=spots), MODEL)
        required = min(int(book.standard_usd6[0]), int(book.maintenance_usd6[0]))
        return int(book.equity_usd6[0]) - required

    assert surplus(found.above_e8) < 0 <= surplus(found.above_e8 - found.tick_e8)
