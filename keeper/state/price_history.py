"""Prices of several assets over time, each with the moment at which it was known."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class PriceHistory:
    """Joint closes (periods, assets), positive; `known_at` [N] are Unix seconds, ascending.

    A close is known at the end of its period, whatever label its file gives it. Periods are
    `step_seconds` long; where one is missing, `known_at` steps over it.
    """

    source: str
    symbols: tuple[str, ...]
    step_seconds: int
    known_at: IntArray
    close_usd: FloatArray

    def __len__(self) -> int:
        return len(self.known_at)
