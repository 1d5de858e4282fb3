"""Utilisation and leverage, also where equity is gone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keeper.margin.leverage import (
    UNLIMITED,
    initial_utilisation_bps,
    leverage_bps,
    ratio_bps_up,
    utilisation_bps,
)
from keeper.margin.portfolio import UNKNOWN, margin_book
from tests.books import FORWARDS, MODEL, account, call, exchange, perpetual


@pytest.mark.parametrize(
    ("amount", "equity", "bps"),
    [
        (0, 5, 0),
        (0, 0, 0),
        (0, -5, 0),
        (1, 0, UNLIMITED),
        (1, -1, UNLIMITED),
        (1, 3, 3_334),
        (3, 3, 10_000),
        (2**62, 1, UNLIMITED),
        (2**62, 2**62 - 1, 10_001),
        (1, 2**62, 1),
    ],
)
def test_ratio__any_equity__is_defined_and_rounded_up(amount, equity, bps):
    assert ratio_bps_up(amount, equity) == bps


def test_utilisation__perpetual__requirement_and_gross_over_equity():
    holder = account(1, {perpetual(): 1_000}, cash_usd6=1_000 * 10**6, costs={perpetual(): 0})
    book = margin_book(exchange([holder]), MODEL)
    equity = int(book.equity_usd6[0])
    assert leverage_bps(book)[0] == -(-int(book.gross_usd6[0]) * 10_000 // equity)
    assert utilisation_bps(book)[0] == -(-int(book.maintenance_usd6[0]) * 10_000 // equity)
    assert initial_utilisation_bps(book)[0] == -(-int(book.initial_usd6[0]) * 10_000 // equity)


def test_utilisation__requirement_above_standard__takes_standard():
    book = margin_book(exchange([account(1, {call(3_000): 5}, cash_usd6=10**6)]), MODEL)
    dear = replace(book, maintenance_usd6=np.array([2**62]), initial_usd6=np.array([2**62]))
    assert utilisation_bps(dear)[0] == ratio_bps_up(
        int(book.standard_usd6[0]), int(book.equity_usd6[0])
    )
    assert initial_utilisation_bps(dear)[0] == ratio_bps_up(
        int(book.standard_initial_usd6[0]), int(book.equity_usd6[0])
    )


def test_ratios__not_measured__unknown():
    book = margin_book(exchange([account(1, {call(3_000): 5})], forwards=FORWARDS[:1]), MODEL)
    for ratio in (utilisation_bps, initial_utilisation_bps, leverage_bps):
        assert ratio(book).tolist() == [UNKNOWN]


def test_ratios__no_accounts__are_empty():
    book = margin_book(exchange(), MODEL)
    assert leverage_bps(book).tolist() == []
