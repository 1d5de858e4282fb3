"""The spot at which an account could be flagged, as one underlying's spot alone moves.

A ladder of spots on both sides is valued in one pass; where the first rung is found at which
`equity < min(SM, MM)`, the interval before it is narrowed to the last unit of 1e-8 USD, all
searches side by side. The marks are those that the chain would have (moved_spots.py), the
requirement is that of `flag`; time, smiles and scan ranges stand still.
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
_NARROWING: Final = 256  # a round narrows to this share where the surplus is about linear
# Marks are rounded per lot, so that within a few cents the surplus is a staircase: a secant is no
# guide there, and even sections are.
_STAIRCASE: Final = 2**18
_SECTIONS: Final = 16


@dataclass(frozen=True, slots=True)
class LiquidationPrice:
    """Where an account can be flagged first as the spot of `underlying` falls or rises, 1e-8 USD.

    At `below_e8` (`above_e8`) equity is below the requirement, and one unit nearer to `spot_e8` it
    is not; None where no rung as far as `lowest_e8` (`highest_e8`) shows that. Both are the spot
    itself where the account can be flagged now. Between two rungs (0.2 % apart near the spot, 7 %
    at twice or half of it) a dip that recovers may go unseen.
    """

    underlying: int
    symbol: str
    spot_e8: int
    below_e8: int | None
    above_e8: int | None
    lowest_e8: int
    highest_e8: int


@dataclass(slots=True)
class _Search:
    """One direction: `near` is sound and `far` is not, with their surplus in micro-dollars."""

    underlying: int
    near: int
    far: int
    near_surplus: int
    far_surplus: int

    @property
    def done(self) -> bool:
        return abs(self.far - self.near) == 1

    def probes(self) -> list[int]:
        """Return spots strictly between, from near to far."""
        width, towards = abs(self.far - self.near), 1 if self.far > self.near else -1
        if width <= _STAIRCASE:
            steps = {width * n // _SECTIONS for n in range(1, _SECTIONS)}
        else:
            secant = width * self.near_surplus // (self.near_surplus - self.far_surplus)
            margin = width // _NARROWING
            steps = {secant - margin, secant, secant + margin, width // 2}
        return [self.near + towards * step for step in sorted(steps) if 0 < step < width]

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
            found[underlying, side] = _first(underlying, ladder[:until], surplus[span])
            at += len(ladder)
    _narrow(book, [search for search in found.values() if isinstance(search, _Search)])
    return tuple(
        LiquidationPrice(
            underlying=u,
            symbol=book.model.symbols()[u],
            spot_e8=book.spot_e8[u],
            below_e8=_price(found[u, 0]),
            above_e8=_price(found[u, 1]),
            lowest_e8=reached[u, 0],
            highest_e8=reached[u, 1],
        )
        for u in ladders
    )


def ladders_of(spot_e8: int) -> tuple[list[int], list[int]]:
    """Return spots from today's outwards, falling and rising, closer together near to it."""
    share = np.arange(1, RUNGS + 1) / RUNGS
    factors: list[float] = exp(_LN_FARTHEST * share * share).tolist()
    lowest, highest = -(-spot_e8 // FARTHEST), spot_e8 * FARTHEST
    falling = {max(round(spot_e8 / factor), lowest) for factor in factors[:-1]} | {lowest}
    rising = {min(round(spot_e8 * factor), highest) for factor in factors[:-1]} | {highest}
    falling.discard(spot_e8)
    rising.discard(spot_e8)
    return [spot_e8, *sorted(falling, reverse=True)], [spot_e8, *sorted(rising)]


def _leading(flags: Sequence[bool]) -> int:
    """Return how many are true before the first that is not."""
    return flags.index(False) if False in flags else len(flags)


def _first(underlying: int, ladder: Sequence[int], surplus: Sequence[int]) -> _Search | int | None:
    """Return the interval before the first rung without surplus, or the spot where it has none."""
    for rung, spot in enumerate(ladder):
        if surplus[rung] < 0:
            if rung == 0:
                return spot
            return _Search(underlying, ladder[rung - 1], spot, surplus[rung - 1], surplus[rung])
    return None


def _narrow(book: MovableBook, searches: Sequence[_Search]) -> None:
    """Narrow every interval until its ends are neighbours."""
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
