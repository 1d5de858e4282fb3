"""Collateral is exact, credits down, and never moves a requirement."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.collateral import token_value_usd6
from keeper.margin.portfolio import margin_book
from keeper.state.snapshot import BalanceRow, TokenRow
from keeper.units import WAD
from tests.books import LISTED, MODEL, account, exchange

pytestmark = pytest.mark.property

AMOUNT = st.integers(0, 2**128 - 1)
PRICE = st.integers(1, 2**64 - 1)
DECIMALS = st.integers(1, 36)
HAIRCUT = st.integers(0, WAD)
LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=5)


@given(AMOUNT, DECIMALS, PRICE, HAIRCUT)
def test_token_value__any_token__is_the_exact_value_rounded_down(amount, decimals, price, haircut):
    kept = 1 - Fraction(haircut, WAD)
    exact = Fraction(amount, 10**decimals) * Fraction(price, 10**8) * kept * 10**6
    assert 0 <= exact - token_value_usd6(amount, decimals, price, haircut) < 1


@given(AMOUNT, AMOUNT, DECIMALS, PRICE, HAIRCUT)
def test_token_value__two_amounts__together_worth_no_less(one, other, decimals, price, haircut):
    apart = sum(token_value_usd6(x, decimals, price, haircut) for x in (one, other))
    assert apart <= token_value_usd6(one + other, decimals, price, haircut) <= apart + 1


@given(BOOKS, st.sampled_from([2, 3]), st.integers(0, 2**64), st.integers(1, 10**14))
def test_margin_book__token_of_a_held_underlying__never_lowers_a_requirement(
    lots, token, amount, price
):
    # However its price moves with the book's: it counts in equity, after its haircut, no more.
    holder = account(1, lots)
    tokens = [TokenRow(0, 6, 10**8, 0), TokenRow(token, 18, price, WAD // 5)]
    bare = margin_book(exchange([holder], tokens=tokens), MODEL)
    balances = [BalanceRow(holder.account, token, amount)]
    backed = margin_book(exchange([holder], tokens=tokens, balances=balances), MODEL)
    for name in ("standard", "standard_initial", "maintenance", "initial", "worst_loss"):
        assert getattr(backed, f"{name}_usd6")[0] == getattr(bare, f"{name}_usd6")[0], name
    gained = int(backed.equity_usd6[0]) - int(bare.equity_usd6[0])
    assert gained == int(backed.collateral_usd6[0]) >= 0
