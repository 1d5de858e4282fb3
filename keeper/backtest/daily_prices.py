"""Prices known at 00:00 UTC of each day, as a ring of daily observations holds them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from keeper.state.price_history import PriceHistory
from keeper.units import E8, IntArray

DAY: Final = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class DailyPrices:
    """`time` int64 [N], 00:00 UTC of ascending days in Unix seconds, so that `time // 86400` is the
    day of the observation; `price_e8` int64 [N, coins], positive, 1e-8 USD.
    """

    symbols: tuple[str, ...]
    time: IntArray
    price_e8: IntArray

    def __len__(self) -> int:
        return len(self.time)


def daily_prices(history: PriceHistory) -> DailyPrices:
    """Return the closes that were known at 00:00 UTC, and only those."""
    kept = history.known_at % DAY == 0
    prices = np.rint(history.close_usd[kept] * E8).astype(np.int64)
    return DailyPrices(history.symbols, history.known_at[kept], prices)


def longest_run(prices: DailyPrices) -> DailyPrices:
    """Return the longest stretch without a missing day, the earliest of equally long ones.

    What needs one return after another is taken from it alone.
    """
    breaks = np.flatnonzero(np.diff(prices.time) != DAY) + 1
    bounds: list[int] = [0, *breaks.tolist(), len(prices)]
    first, last = max(pairwise(bounds), key=lambda run: run[1] - run[0])
    kept = slice(first, last)
    return DailyPrices(prices.symbols, prices.time[kept], prices.price_e8[kept])
