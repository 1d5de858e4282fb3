"""Where each variable of a programme stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.liquidation.terms import Terms
from keeper.units import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Columns int64 of n listings at K levels, M netted sums and P pools.

    Attributes:
        bought, sold: lots at each level [n, K].
        long, short: lots held after the trades [n].
        above, below: what each netted sum is above and below zero [M].
        worst: worst loss of each pool [P].
        at_risk, required, lacking: one column each.
    """

    bought: IntArray
    sold: IntArray
    long: IntArray
    short: IntArray
    above: IntArray
    below: IntArray
    worst: IntArray
    at_risk: int
    required: int
    lacking: int

    @classmethod
    def of(cls, terms: Terms, netted: int) -> Columns:
        """Number the columns of a programme with so many netted sums."""
        n, levels = terms.size.shape
        counts = [n * levels, n * levels, n, n, netted, netted, len(terms.margin.pools())]
        ends = np.cumsum(counts)
        blocks = [np.arange(end - count, end) for end, count in zip(ends, counts, strict=True)]
        totals = range(int(ends[-1]), int(ends[-1]) + 3)
        levelled = [block.reshape(n, levels) for block in blocks[:2]]
        return cls(*levelled, *blocks[2:], *totals)

    @property
    def width(self) -> int:
        """How many there are."""
        return self.lacking + 1
