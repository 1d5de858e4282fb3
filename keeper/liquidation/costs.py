"""What a trade costs beyond its mark: half-spreads that widen with size against open interest.

Integers: a cost is micro-dollars, rounded up a lot, so that the same trade costs the same wherever
it is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.market import ListingMarket
from keeper.margin.portfolio import LOTS_CAP
from keeper.units import BPS, E8, USD6, WAD, IntArray, ceil_div

_MILLION: Final = 10**6
_PER_USD6_LOT: Final = E8 * WAD // USD6 * _MILLION  # from 1e-32 USD a unit to micro-dollars a lot
_NO_LIMIT: Final = 2 * LOTS_CAP  # lots: from one cap to the other


@dataclass(frozen=True, slots=True)
class DepthLevel:
    """Lots up to this share of a listing's open interest cost so many half-spreads each."""

    open_interest_bps: int
    half_spreads: int


@dataclass(frozen=True, slots=True)
class CostModel:
    """Half-spreads in millionths of the underlying's price, and how they widen (docs/restore.md).

    The levels ascend strictly in share and do not fall in half-spreads, so that the cost of a
    trade is convex in its lots. Beyond the last level every lot costs `beyond_half_spreads`.
    """

    near_half_spread_ppm: int = 500
    far_half_spread_ppm: int = 750
    far_from_seconds: int = 35 * 86400
    levels: tuple[DepthLevel, ...] = (
        DepthLevel(100, 1),
        DepthLevel(500, 2),
        DepthLevel(2_500, 4),
    )
    beyond_half_spreads: int = 8

    def __post_init__(self) -> None:
        """Check the order of the levels.

        Raises:
            InputError: shares that do not ascend, or half-spreads that are negative or fall.
        """
        shares = [level.open_interest_bps for level in self.levels]
        steps = [level.half_spreads for level in self.levels] + [self.beyond_half_spreads]
        if shares != sorted(set(shares)) or any(share <= 0 for share in shares):
            raise InputError(f"depth levels at {shares} bps of open interest do not ascend from 1")
        if steps != sorted(steps) or steps[0] < 0:
            raise InputError(f"half-spreads {steps} of the depth levels fall: cost must be convex")
        if min(self.near_half_spread_ppm, self.far_half_spread_ppm) < 0:
            raise InputError("half-spreads must not be negative: a trade never earns its spread")


@dataclass(frozen=True, slots=True, eq=False)
class Ladders:
    """Depth of every listing [L, K]: lots at a level, and what a lot bought or sold there costs."""

    size: IntArray
    buy_usd6: IntArray
    sell_usd6: IntArray

    def cost_usd6(self, lots: IntArray) -> IntArray:
        """Return the cost of trades `lots` [..., L], signed (positive buys), each [..., L]."""
        start = np.cumsum(self.size, axis=1) - self.size
        taken = np.clip(np.abs(lots)[..., None] - start, 0, self.size)
        a_lot = np.where((lots > 0)[..., None], self.buy_usd6, self.sell_usd6)
        return (taken * a_lot).sum(axis=-1, dtype=np.int64)

    def of(self, listings: IntArray) -> Ladders:
        """Return those of some listings."""
        return Ladders(self.size[listings], self.buy_usd6[listings], self.sell_usd6[listings])


def ladders(
    market: ListingMarket,
    marks_usd6: IntArray,
    open_interest: NDArray[np.unsignedinteger[Any]],
    costs: CostModel,
) -> Ladders:
    """Return the depth of every listing of `market`; `open_interest` is in lots [L].

    An option is never sold below zero: its mark caps the cost of a lot sold.
    """
    steps = [level.half_spreads for level in costs.levels] + [costs.beyond_half_spreads]
    is_far = market.seconds >= costs.far_from_seconds
    ppm = np.where(is_far, costs.far_half_spread_ppm, costs.near_half_spread_ppm).tolist()
    worth = zip(market.spot_e8.tolist(), market.lot_wad.tolist(), ppm, strict=True)
    rows = [
        [ceil_div(spot * lot * share * step, _PER_USD6_LOT) for step in steps]
        for spot, lot, share in worth
    ]
    buy = np.array(rows, dtype=np.int64).reshape(len(ppm), len(steps))
    at_most = np.where(market.is_option, marks_usd6, np.iinfo(np.int64).max)
    return Ladders(_sizes(open_interest, costs), buy, np.minimum(buy, at_most[:, None]))


def _sizes(open_interest: NDArray[np.unsignedinteger[Any]], costs: CostModel) -> IntArray:
    """Return the lots at each level [L, K]; the last has no limit."""
    lots = np.minimum(open_interest, np.uint64(2**32)).astype(np.int64)
    ends = [lots * level.open_interest_bps // BPS for level in costs.levels]
    ends = [np.minimum(end, _NO_LIMIT) for end in ends]
    return np.diff(
        np.stack([np.zeros_like(lots), *ends, np.full_like(lots, 2 * _NO_LIMIT)], axis=1), axis=1
    )
