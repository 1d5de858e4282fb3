"""Pledged tokens in the breakdown and in what-if, with legs and without; all values by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import floor

import pytest

from keeper.margin.collateral import bare_equity_usd6
from keeper.margin.explain import explain
from keeper.margin.portfolio import margin_book
from keeper.margin.what_if import Trade, what_if
from keeper.state.snapshot import BalanceRow, TokenRow
from keeper.units import WAD
from tests.books import BTC, MODEL, account, call, exchange, perpetual, put

# What token 0, the coin, is worth changes no equity; the others have 6, 8 and 18 decimals.
TOKENS = (
    TokenRow(0, 6, 99_990_000, 0),
    TokenRow(1, 6, 10**8, WAD // 100),
    TokenRow(2, 8, 91_234_56789012, WAD // 5),
    TokenRow(3, 18, 3_011_23456789, 15 * WAD // 100),
)
# 990 USD, 0.01 BTC at 729.8765431..., 0.3 ETH at 767.8648148..., each after its haircut.
EVEN = {1: 1_000 * 10**6, 2: 10**6, 3: 3 * 10**17}
EVEN_USD6 = 990_000_000 + 729_876_543 + 767_864_814
# 10 ETH after the haircut are 25,595.49382706 USD.
UNEVEN = {**EVEN, 3: 10**19}
ETHER_USD6 = 25_595_493_827
OTHERS_USD6 = 990_000_000 + 729_876_543
STRANGER = account(9, {perpetual(): 1})
LEGS = {perpetual(BTC): -3, call(3_300): 40, put(2_700): -20}


def world(row, amounts, *, first=True):
    """The row and a stranger with tokens of his own, in either order of accounts."""
    stranger = replace(STRANGER, account=bytes([255 if first else 0]) * 32)
    balances = [BalanceRow(row.account, token, amount) for token, amount in amounts.items()]
    balances.append(BalanceRow(stranger.account, 3, 77 * 10**18))
    return exchange([row, stranger], tokens=TOKENS, balances=balances)


def by_hand(amounts):
    """What the tokens are worth after their haircuts, as docs/model.md, Collateral."""
    return sum(
        floor(
            Fraction(amounts[t.token], 10**t.decimals)
            * Fraction(t.price_e8, 10**8)
            * (1 - Fraction(t.haircut_wad, WAD))
            * 10**6
        )
        for t in TOKENS
        if t.token in amounts
    )


def figures(found):
    return found.equity_usd6, found.components["collateral_usd6"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize(
    ("amounts", "cash", "counted"),
    [
        ({}, 77, 0),
        (EVEN, 0, EVEN_USD6),
        (EVEN, -10**9, EVEN_USD6),
        (UNEVEN, -10**9, OTHERS_USD6 + ETHER_USD6),
    ],
)  # fmt: skip
def test_explain__no_legs__equity_is_cash_and_the_tokens(amounts, cash, counted, first):
    assert by_hand(amounts) == counted
    row = account(1, {}, cash_usd6=cash)
    found = explain(world(row, amounts, first=first), MODEL, row.account)
    assert figures(found) == (cash + counted, counted)
    assert (found.requirement_usd6, found.headroom_usd6) == (0, cash + counted)


@pytest.mark.parametrize(("cash", "health"), [(-990_000, "healthy"), (-990_001, "liquidatable")])
def test_explain__debt_without_legs__is_covered_by_tokens_to_the_micro_dollar(cash, health):
    tokens = [TokenRow(1, 6, 10**8, WAD // 100), TokenRow(2, 6, 10**8, WAD // 100), TOKENS[0]]
    row = account(1, {}, cash_usd6=cash)
    balances = [BalanceRow(row.account, token, 500_000) for token in (1, 2)]
    found = explain(exchange([row], tokens=tokens, balances=balances), MODEL, row.account)
    assert (found.health, found.components["collateral_usd6"]) == (health, 990_000)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("amounts", [{}, EVEN, UNEVEN])
def test_explain__legs_and_tokens__equity_is_cash_legs_and_tokens(amounts, first):
    row = account(1, LEGS, cash_usd6=10**9, costs={perpetual(BTC): -3 * 90_000_000})
    found = explain(world(row, amounts, first=first), MODEL, row.account)
    counted = by_hand(amounts)
    legs = sum(leg.value_usd6 - leg.entry_cost_usd6 for leg in found.legs)
    assert figures(found) == (10**9 + counted + legs, counted)
    # The versions without a leg, from which MM less without comes, are not rows of the account.
    bare = explain(world(row, {}, first=first), MODEL, row.account)
    assert [leg.maintenance_share_usd6 for leg in found.legs] == [
        leg.maintenance_share_usd6 for leg in bare.legs
    ]


@pytest.mark.parametrize("amounts", [EVEN, UNEVEN])
@pytest.mark.parametrize(
    "trades",
    [
        [Trade(call(3_300), 7)],
        [Trade(perpetual(BTC), 3), Trade(put(2_700), -5)],
        [Trade(i, -n) for i, n in LEGS.items() if i != put(2_700)],
    ],
)
def test_what_if__tokens__as_the_engine_on_a_book_written_anew(amounts, trades):
    row = account(1, LEGS, cash_usd6=10**9, costs={perpetual(BTC): -3 * 90_000_000})
    found = what_if(world(row, amounts), MODEL, row.account, trades)
    lots = {int(leg.instrument_id, 16): leg.lots for leg in found.after.legs}
    costs = {int(leg.instrument_id, 16): leg.entry_cost_usd6 for leg in found.after.legs}
    anew = account(1, lots, cash_usd6=found.after.cash_usd6, costs=costs)
    book = margin_book(world(anew, amounts), MODEL)
    assert figures(found.after) == (book.equity_usd6[0], book.collateral_usd6[0])
    assert found.after.components["collateral_usd6"] == by_hand(amounts)


@pytest.mark.parametrize("amounts", [EVEN, UNEVEN])
def test_what_if__last_leg_closed_at_its_mark__the_tokens_stay(amounts):
    row = replace(account(1, {call(3_300): 40}, cash_usd6=10**9), reserve_usd6=0)
    found = what_if(world(row, amounts), MODEL, row.account, [Trade(call(3_300), -40)])
    cash = found.after.cash_usd6
    assert found.after.legs == ()
    assert figures(found.after) == (cash + by_hand(amounts), by_hand(amounts))
    anew = explain(world(account(1, {}, cash_usd6=cash), amounts), MODEL, row.account)
    assert figures(found.after) == figures(anew)
    assert found.difference_usd6["equity_usd6"] == 0


def test_what_if__first_leg__the_tokens_stay():
    row = account(1, {}, cash_usd6=10**9)
    found = what_if(world(row, EVEN), MODEL, row.account, [Trade(call(3_300), 40)])
    assert found.difference_usd6["equity_usd6"] == found.difference_usd6["collateral_usd6"] == 0
    assert found.after.components["collateral_usd6"] == EVEN_USD6


def test_bare_equity__every_row__also_without_tokens_and_without_limit():
    rows = [account(n, {}, cash_usd6=n) for n in (1, 2, 3)]
    whole = [TOKENS[0], replace(TOKENS[1], haircut_wad=0)]
    balances = [BalanceRow(rows[1].account, 1, 2 * 2**100)]
    snapshot = exchange(rows, tokens=whole, balances=balances)
    assert bare_equity_usd6(snapshot) == [1, 2 + 2**101, 3]
