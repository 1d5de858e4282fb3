"""The spot at which an account could be flagged, as one underlying's spot alone moves.

A ladder of spots on both sides is valued in one pass; where the first rung is found at which
`equity < min(SM, MM)`, the interval before it is narrowed to a tick, all searches side by side. The
marks are those that the chain would have (moved_spots.py), the requirement is that of `flag`; time,
smiles and scan ranges stand still.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.margin.moved_book import MovableBook, Point
from keeper.pricing.exp import exp

FARTHEST: Final = 10  # times the spot, or a tenth of it
RUNGS: Final = 32  # on each side
_LN_FARTHEST: Final = 2.302585092994046
TICK_DIGITS: Final = 7  # leading digits of the spot that a price is told to
# What of an interval stands on both sides of the secant: how far it errs shrinks with the interval.
_NARROWINGS: Final = (2**6, 2**10, 2**15)


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """Where an account can be flagged first as the spot of `underlying` falls or rises, 1e-8 USD.

    Prices are whole ticks. At `below_e8` (`above_e8`) equity is below the requirement, and one tick
    nearer to `spot_e8`, or at the spot where that is less than a tick away, it is not; None where
    no rung as far as `lowest_e8` (`highest_e8`) shows that. Both are the spot itself where the
    account can be flagged now. Between two rungs (0.2 % apart near the spot, 7 % at twice or half
    of it) a dip that recovers may go unseen.
    """

    underlying: int
    symbol: str
    spot_e8: int
    tick_e8: int
    below_e8: int | None
    above_e8: int | None
    lowest_e8: int
    highest_e8: int


@dataclass(slots=True)
class _Search:
    """One direction: `near` is sound and `far` is not, with their surplus in micro-dollars."""

    underlying: int
    tick: int
    near: int
    far: int
    near_surplus: int
    far_surplus: int

    @property
    def done(self) -> bool:
        return abs(self.far - self.near) <= self.tick

    def probes(self) -> list[int]:
        """Return whole ticks strictly between, from near to far."""
        width, rising = abs(self.far - self.near), self.far > self.near
        secant = width * self.near_surplus // (self.near_surplus - self.far_surplus)
        margins = [width // narrowing for narrowing in _NARROWINGS]
        steps = [width // 2, secant, *(secant + m for m in margins), *(secant - m for m in margins)]
        spots = {self.near + (step if rising else -step) for step in steps}
        ticks = {spot // self.tick * self.tick for spot in spots}
        ticks |= {tick + self.tick for tick in ticks}
        between = range(min(self.near, self.far) + 1, max(self.near, self.far))
        return sorted((tick for tick in ticks if tick in between), reverse=not rising)

    def narrow(self, probes: Sequence[int], surplus: Sequence[int]) -> None:
        """Keep the interval before the first probe that is not sound."""
        for probe, found in zip(probes, surplus, strict=True):
            if found < 0:
                self.far, self.far_surplus = probe, found
                return
            self.near, self.near_surplus = probe, found


def liquidation_prices(book: MovableBook) -> tuple[LiquidationPrice, ...]:
    """Return the prices along every underlying that moves a leg, ascending by underlying."""
    ladders = {u: ladders_of(book.spot_e8[u]) for u in book.underlyings()}
    points = [Point(u, s) for u, both in ladders.items() for side in both for s in side]
    if not points:
        return ()
    moved = book.at(points)
    surplus: list[int] = moved.surplus_usd6.tolist()
    valued: list[bool] = moved.valued.tolist()
    found: dict[tuple[int, int], _Search | int | None] = {}
    reached: dict[tuple[int, int], int] = {}
    at = 0
    for underlying, both in ladders.items():
        for side, ladder in enumerate(both):
            span = slice(at, at + len(ladder))
            until = _leading(valued[span])
            reached[underlying, side] = ladder[max(until - 1, 0)]
            tick = tick_of(book.spot_e8[underlying])
            found[underlying, side] = _first(underlying, tick, ladder[:until], surplus[span])
            at += len(ladder)
    _narrow(book, [search for search in found.values() if isinstance(search, _Search)])
    return tuple(
        LiquidationPrice(
            underlying=u,
            symbol=book.model.symbols()[u],
            spot_e8=book.spot_e8[u],
            tick_e8=tick_of(book.spot_e8[u]),
            below_e8=_price(found[u, 0]),
            above_e8=_price(found[u, 1]),
            lowest_e8=reached[u, 0],
            highest_e8=reached[u, 1],
        )
        for u in ladders
    )


def tick_of(spot_e8: int) -> int:
    """Return the tick of prices near a spot: a power of ten, at most a millionth of it."""
    return 10 ** max(len(str(spot_e8)) - TICK_DIGITS, 0)


def ladders_of(spot_e8: int) -> tuple[list[int], list[int]]:
    """Return spots from today's outwards, falling and rising, closer together near to it.

    All but today's are whole ticks.
    """
    share = np.arange(1, RUNGS + 1) / RUNGS
    factors: list[float] = exp(_LN_FARTHEST * share * share).tolist()
    tick = tick_of(spot_e8)
    lowest, highest = -(-spot_e8 // FARTHEST // tick) * tick, spot_e8 * FARTHEST // tick * tick
    falling = {max(round(spot_e8 / factor) // tick * tick, lowest) for factor in factors}
    rising = {min(-(-round(spot_e8 * factor) // tick) * tick, highest) for factor in factors}
    down = sorted((spot for spot in falling | {lowest} if spot < spot_e8), reverse=True)
    up = sorted(spot for spot in rising | {highest} if spot > spot_e8)
    return [spot_e8, *down], [spot_e8, *up]


def _leading(flags: Sequence[bool]) -> int:
    """Return how many are true before the first that is not."""
    return flags.index(False) if False in flags else len(flags)


def _first(
    underlying: int, tick: int, ladder: Sequence[int], surplus: Sequence[int]
) -> _Search | int | None:
    """Return the interval before the first rung without surplus, or the spot where it has none."""
    for rung, spot in enumerate(ladder):
        if surplus[rung] < 0:
            if rung == 0:
                return spot
            before = rung - 1
            return _Search(underlying, tick, ladder[before], spot, surplus[before], surplus[rung])
    return None


def _narrow(book: MovableBook, searches: Sequence[_Search]) -> None:
    """Narrow every interval to a tick."""
    while open_ones := [search for search in searches if not search.done]:
        probes = [search.probes() for search in open_ones]
        points = [
            Point(search.underlying, spot)
            for search, spots in zip(open_ones, probes, strict=True)
            for spot in spots
        ]
        surplus: list[int] = book.at(points).surplus_usd6.tolist()
        at = 0
        for search, spots in zip(open_ones, probes, strict=True):
            search.narrow(spots, surplus[at : at + len(spots)])
            at += len(spots)


def _price(found: _Search | int | None) -> int | None:
    return found.far if isinstance(found, _Search) else found
