"""The scan range day by day, as the contracts had it: from the ring of prices up to that day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from keeper.margin.volatility import ScanRule, ScanSigmas, scan_range

# `DailyRingLib`: 32 words of four days, the newest day's word being the last.
RING_WORDS: Final = 32
DAYS_A_WORD: Final = 4


@dataclass(frozen=True, slots=True)
class RangePath:
    """The scan range of one coin by day: days as 2020-03-12, ranges as shares of the price."""

    symbol: str
    days: tuple[str, ...]
    price_usd: tuple[float, ...]
    scan_range: tuple[float, ...]


def ring_start(day: int) -> int:
    """Return the oldest day that a ring holds whose newest is `day` (unix time // 86400)."""
    return (day // DAYS_A_WORD - RING_WORDS + 1) * DAYS_A_WORD


def ring_slice(days: Sequence[int], last: int) -> slice:
    """Return which of `days`, ascending, a ring holds at the day at index `last`."""
    oldest = ring_start(days[last])
    first = last
    while first > 0 and days[first - 1] >= oldest:
        first -= 1
    return slice(first, last + 1)


def scan_path(
    days: Sequence[int], prices_e8: Sequence[int], rule: ScanRule, sigmas: ScanSigmas
) -> list[int]:
    """Return the scan range at each day, wad; each from that day's ring alone."""
    return [
        scan_range(prices_e8[ring_slice(days, index)], rule, sigmas) for index in range(len(days))
    ]
