"""What pledged tokens add to equity, and which bodies nobody could value."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keeper.errors import InputError, MarketDataError
from keeper.margin.collateral import (
    collateral_by_row,
    settlement_price_e8,
    token_value_usd6,
)
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.state.snapshot import BalanceRow, TokenRow
from keeper.state.tables import Balances, Tokens
from keeper.units import WAD
from tests.books import BTC, MODEL, account, call, exchange, perpetual, spot

COIN = TokenRow(0, 6, 99_990_000, 0)
DOLLAR = TokenRow(1, 6, 10**8, WAD // 100)
BITCOIN = TokenRow(2, 8, 91_234_56789012, WAD // 5)
ETHER = TokenRow(3, 18, 3_011_23456789, 15 * WAD // 100)
TOKENS = (COIN, DOLLAR, BITCOIN, ETHER)


def pledged(amounts, *, cash_usd6=0, lots=None, tokens=TOKENS):
    holder = account(1, lots or {spot(): 1}, cash_usd6=cash_usd6)
    balances = [BalanceRow(holder.account, token, amount) for token, amount in amounts.items()]
    return exchange([holder], tokens=tokens, balances=balances)


def collateral(amounts, cash_usd6=0):
    return int(margin_book(pledged(amounts, cash_usd6=cash_usd6), MODEL).collateral_usd6[0])


@pytest.mark.parametrize(
    ("token", "amount", "worth_usd6"),
    [
        (DOLLAR, 10**6, 990_000),
        (BITCOIN, 10**8, 72_987_654_312),  # 91,234.56789012 * 0.8, down from .096
        (ETHER, 10**18, 2_559_549_382),  # 3,011.23456789 * 0.85, down from .7065
        (ETHER, 1, 0),
        (BITCOIN, 0, 0),
    ],
)
def test_token_value__decimals_and_haircut__rounded_down(token, amount, worth_usd6):
    terms = (token.decimals, token.price_e8, token.haircut_wad)
    assert token_value_usd6(amount, *terms) == worth_usd6


@pytest.mark.parametrize("decimals", [1, 36])
def test_token_value__largest_amount__is_exact(decimals):
    found = token_value_usd6(2**128 - 1, decimals, 2**64 - 1, 1)
    assert found == (2**128 - 1) * (2**64 - 1) * (WAD - 1) // 10 ** (decimals + 20)


def test_token_value__haircut_of_one__is_worth_nothing():
    assert token_value_usd6(2**128 - 1, 6, 2**64 - 1, WAD) == 0


def test_collateral__several_tokens__added_to_equity_of_their_owner_alone():
    first, second = account(1, {perpetual(): 5}), account(2, {perpetual(): 5})
    balances = [BalanceRow(second.account, token, 3 * 10**6) for token in (1, 2, 3)]
    snapshot = exchange([first, second], tokens=TOKENS, balances=balances)
    book = margin_book(snapshot, MODEL)
    values = [
        token_value_usd6(3 * 10**6, t.decimals, t.price_e8, t.haircut_wad) for t in TOKENS[1:]
    ]
    assert collateral_by_row(snapshot) == {1: sum(values)}
    assert book.collateral_usd6.tolist() == [0, sum(values)]
    assert book.equity_usd6[1] - book.equity_usd6[0] == book.collateral_usd6[1]


@pytest.mark.parametrize("cash", [-(10**12), 0, 10**9])
def test_collateral__one_token_alone__counts_whole_beside_any_cash(cash):
    assert collateral({1: 10_000 * 10**6}, cash) == 9_900 * 10**6


@pytest.mark.parametrize(
    ("amount", "measured"), [(2**60 - 1, True), (2**60, False), (2**128 - 1, False)]
)
def test_margin_book__collateral_at_the_cap__sentinel_not_an_overflow(amount, measured):
    whole = [COIN, replace(DOLLAR, haircut_wad=0)]
    book = margin_book(pledged({1: amount}, tokens=whole), MODEL)
    assert (bool(book.measured[0]), bool(book.sentinel[0])) == (measured, not measured)
    assert book.collateral_usd6[0] == (2**60 - 1 if measured else 0)


def test_margin_book__every_amount_at_its_cap__equity_is_exact():
    lots, cash, cost = {perpetual(): 1}, 2**60 - 1, -(2**60) + 32
    holder = account(1, lots, cash_usd6=cash, costs={perpetual(): cost})
    balances = [BalanceRow(holder.account, 1, 2**60 - 1)]
    whole = [COIN, replace(DOLLAR, haircut_wad=0)]
    book = margin_book(exchange([holder], tokens=whole, balances=balances), MODEL)
    mark = margin_book(exchange([account(1, lots)]), MODEL).equity_usd6[0]
    assert book.measured[0]
    assert book.equity_usd6[0] == cash - cost + int(mark) + 2**60 - 1


def test_margin_book__tokens__change_no_requirement():
    lots = {call(110_000, underlying=BTC): -50}
    bare = margin_book(exchange([account(1, lots)]), MODEL)
    backed = margin_book(
        pledged({2: 10**8}, lots=lots, tokens=(replace(COIN, price_e8=10**8), *TOKENS[1:])), MODEL
    )
    for name in ("standard_usd6", "maintenance_usd6", "initial_usd6", "worst_loss_usd6"):
        assert getattr(bare, name)[0] == getattr(backed, name)[0], name
    assert backed.equity_usd6[0] > bare.equity_usd6[0]


def test_margin_book__spot_position__offsets_a_short_call_where_a_token_does_not():
    short = {call(91_000, underlying=BTC): -1_000}
    covered = {**short, spot(BTC): 500}
    bare, hedged = (margin_book(exchange([account(1, lots)]), MODEL) for lots in (short, covered))
    assert hedged.maintenance_usd6[0] < bare.maintenance_usd6[0] * 0.8
    assert hedged.standard_usd6[0] > bare.standard_usd6[0]


def test_settlement_price__no_tokens__none():
    assert settlement_price_e8(Tokens.of_rows([])) is None
    assert settlement_price_e8(exchange(tokens=TOKENS).tokens) == COIN.price_e8


@pytest.mark.parametrize(
    ("rows", "error", "problem"),
    [
        ([DOLLAR], MarketDataError, r"TOKN has tokens \[1\] but not 0, the settlement coin"),
        ([COIN, replace(DOLLAR, price_e8=0)], MarketDataError, "token 1: price_e8 is 0"),
        ([replace(COIN, price_e8=0)], MarketDataError, "token 0: price_e8 is 0"),
        ([COIN, replace(DOLLAR, decimals=0)], InputError, "token 1: decimals is 0, .* 1 to 36"),
        ([COIN, replace(DOLLAR, decimals=37)], InputError, "token 1: decimals is 37"),
        ([COIN, replace(DOLLAR, haircut_wad=WAD + 1)], InputError, "token 1: haircut_wad is 1000"),
        ([replace(COIN, haircut_wad=1)], InputError, "token 0: haircut_wad is 1,.* at most 0"),
    ],
)
def test_require_tokens__token_that_nobody_can_value__named(rows, error, problem):
    snapshot = exchange([account(1, {spot(): 1})], tokens=rows)
    for compute in (risk_arrays, margin_book):
        with pytest.raises(error, match=problem):
            compute(snapshot, MODEL)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ((0, 0, (0, 5)), "COLL has balances of token 0, the settlement coin: that is cash"),
        ((0, 9, (0, 5)), r"COLL has balances of tokens \[9\], which TOKN lacks"),
        ((7, 1, (0, 5)), "COLL names an account row beyond ACCT"),
    ],
)
def test_require_tokens__balance_that_counts_for_nobody__named(row, problem):
    snapshot = replace(pledged({}), balances=Balances.of_rows([row]))
    with pytest.raises(InputError, match=problem):
        margin_book(snapshot, MODEL)


@pytest.mark.parametrize(
    ("balance", "problem"),
    [
        (BalanceRow(b"\1" * 32, 1, 5), "has a balance of token 1, but is not among the accounts"),
        (BalanceRow(account(1, {}).account, 9, 5), "names a token that TOKN lacks"),
        (BalanceRow(account(1, {}).account, 1, 2**128), "COLL: a value does not fit its column"),
        (BalanceRow(account(1, {}).account, 1, -1), "COLL: a value does not fit its column"),
    ],
)
def test_build_snapshot__balance_that_cannot_be__refused(balance, problem):
    with pytest.raises(InputError, match=problem):
        exchange([account(1, {})], tokens=TOKENS, balances=[balance])


def test_build_snapshot__balances_in_any_order__stand_by_account_and_token():
    holders = [account(n, {spot(): 1}) for n in (1, 2)]
    rows = [BalanceRow(h.account, token, token + 7) for h in holders for token in (3, 1)]
    snapshot = exchange(holders, tokens=reversed(TOKENS), balances=reversed(rows))
    assert snapshot.tokens.token.tolist() == [0, 1, 2, 3]
    pairs = zip(snapshot.balances.account.tolist(), snapshot.balances.token.tolist(), strict=True)
    assert list(pairs) == [(0, 1), (0, 3), (1, 1), (1, 3)]


def test_build_snapshot__same_balance_twice__refused():
    holder = account(1, {spot(): 1})
    rows = [BalanceRow(holder.account, 1, 5), BalanceRow(holder.account, 1, 6)]
    with pytest.raises(InputError, match="COLL: row 1"):
        exchange([holder], tokens=TOKENS, balances=rows)
