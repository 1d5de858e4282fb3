"""Accounts that need restoring: books with the cash that leaves them a share of what they owe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keeper.margin.portfolio import margin_book
from keeper.state.snapshot import BalanceRow, TokenRow
from keeper.testing.random_book import random_book
from tests.books import MODEL, account, exchange


def owing(row, listings=None, share=0.8, model=MODEL):
    """The exchange of one account whose equity is `share` of its initial margin."""
    snapshot = exchange([row], listings=listings, model=model)
    return thinned(snapshot, share, model)


def short_of(lots, listings=None, share=0.8):
    """As `owing`, for a book of `lots` by instrument."""
    return owing(account(1, lots), listings, share)


def thinned(snapshot, share, model=MODEL):
    """The same exchange, with the equity of every account at `share` of its initial margin."""
    book = margin_book(snapshot, model)
    required = np.minimum(book.initial_usd6, book.standard_initial_usd6)
    wanted = (required * share).astype(np.int64)
    cash = snapshot.accounts.cash_usd6.copy()
    cash[book.account_row] += wanted - book.equity_usd6
    return replace(snapshot, accounts=replace(snapshot.accounts, cash_usd6=cash))


def random_owing(seed, legs=8, listings=60, share=0.8):
    """One random account below its initial margin."""
    return thinned(random_book(MODEL, 1, legs, seed, listings), share)


def first_account(snapshot):
    return snapshot.accounts.account[0].tobytes()


def pledging(row, share=0.8, in_cash=0.3, listings=None):
    """As `owing`, of which `in_cash` is the part of cash and token together that is cash."""
    book = margin_book(exchange([replace(row, cash_usd6=0)], listings=listings), MODEL)
    required = min(int(book.initial_usd6[0]), int(book.standard_initial_usd6[0]))
    wanted = int(required * share) - int(book.equity_usd6[0])
    cash = int(wanted * in_cash) if wanted > 0 else 2 * wanted - 10**6
    return exchange(
        [replace(row, cash_usd6=cash)],
        listings=listings,
        tokens=[TokenRow(0, 6, 10**8, 0), TokenRow(1, 6, 10**8, 0)],
        balances=[BalanceRow(row.account, 1, wanted - cash)],
    )
