"""How much of an account's equity its book uses, and how many times its equity the book is worth.

Ratios in basis points, int64, rounded up, computed in Python integers. For people and alerts: no
requirement depends on them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.margin.portfolio import UNKNOWN, MarginBook
from keeper.units import BPS, IntArray, ceil_div

UNLIMITED: Final = 2**63 - 1
"""The ratio of something to equity of zero or less, and every ratio beyond an int64."""


def ratio_bps_up(amount: int, equity: int) -> int:
    """Return `amount / equity` in basis points, rounded up; `amount` is not negative.

    Nothing of whatever equity is 0; something of equity at or below zero is UNLIMITED.
    """
    if amount == 0:
        return 0
    if equity <= 0:
        return UNLIMITED
    return min(ceil_div(amount * BPS, equity), UNLIMITED)


def utilisation_bps(book: MarginBook) -> IntArray:
    """Return what liquidation asks over equity [A]; above 10,000 an account can be flagged.

    UNKNOWN where not measured.
    """
    return _ratios(book, book.required_usd6)


def initial_utilisation_bps(book: MarginBook) -> IntArray:
    """Return what new risk asks over equity [A]; above 10,000 an account takes none.

    UNKNOWN where not measured.
    """
    return _ratios(book, book.initial_required_usd6)


def leverage_bps(book: MarginBook) -> IntArray:
    """Return gross notional over equity [A]; UNKNOWN where not measured."""
    return _ratios(book, book.gross_usd6)


def _ratios(book: MarginBook, amount: IntArray) -> IntArray:
    rows = zip(amount.tolist(), book.equity_usd6.tolist(), book.measured.tolist(), strict=True)
    ratios = [
        ratio_bps_up(amount, equity) if measured else UNKNOWN for amount, equity, measured in rows
    ]
    return np.array(ratios, dtype=np.int64)
