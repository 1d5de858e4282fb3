"""Accounts that need restoring: books with the cash that leaves them a share of what they owe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from keeper.margin.portfolio import margin_book
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
