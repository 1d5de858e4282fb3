"""Value at risk and expected shortfall of accounts: an exact mean of the worst scenario losses.

Acerbi and Tasche (2002), On the coherence of expected shortfall, definition 2.6, of equally likely
scenarios: with losses L1 >= L2 >= ... of n scenarios and a tail of k = share * n of them,
ES = (L1 + ... + L[k] + (k - [k]) L[k]+1) / k. VaR is the ([k] + 1)-th largest loss, so always
that of a scenario. Integers, rounded up, not below zero. Selection knows no order among scenarios
or legs, so any blocking, any number of workers, the compiled loop and its numpy twin give the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.losses import BLOCK_CELLS, PART_LEGS, Book, checked, scenario_losses
from keeper.margin.workers import SERIAL, Workers
from keeper.pricing import backend
from keeper.units import BPS, IntArray, ceil_div

# Losses are summed in two parts, split here, so that no weighted sum leaves int64.
_SPLIT_BITS: Final = 31
_LOW: Final = 2**_SPLIT_BITS - 1
_MOST_WEIGHT: Final = 2**31


@dataclass(frozen=True, slots=True)
class Tail:
    """The worst share of `scenarios`, as integer weights: `each` on the `whole` largest losses and
    `rest` on the next, over `total`, in lowest terms.
    """

    scenarios: int
    whole: int
    each: int
    rest: int

    @property
    def total(self) -> int:
        """The sum of the weights."""
        return self.whole * self.each + self.rest

    @classmethod
    def of(cls, scenarios: int, tail_bps: int) -> Tail:
        """Return the tail of `scenarios`; raise InputError for none, or a share not below 1."""
        if scenarios < 1 or not 0 < tail_bps < BPS:
            raise InputError(
                f"a tail of {tail_bps} basis points of {scenarios} scenarios is none: give at "
                f"least 1 scenario and 1 to {BPS - 1} basis points"
            )
        count = Fraction(scenarios * tail_bps, BPS)
        whole = int(count)
        tail = cls(scenarios, whole, count.denominator, count.numerator - whole * count.denominator)
        if tail.total >= _MOST_WEIGHT:
            raise InputError(f"a tail of {count} scenarios has weights beyond 2**31: take fewer")
        return tail


def tail_risk(
    pnl: IntArray, book: Book, tails: Sequence[Tail], workers: Workers = SERIAL
) -> tuple[IntArray, IntArray]:
    """Return VaR and ES int64 [W, A], micro-dollars, of every account over W windows of scenarios.

    `pnl` int64 [L, S], micro-dollars a lot, holds the windows side by side, `tails[w].scenarios`
    columns each. No account's `sum of abs(lots * pnl)` may reach 2**60 in any scenario; the caps of
    docs/model.md see to it. Raises InputError for a listing outside of `pnl`, or other columns.
    """
    wanted = sum(tail.scenarios for tail in tails)
    if wanted != pnl.shape[1]:
        raise InputError(f"risk arrays have {pnl.shape[1]} scenarios: the windows take {wanted}")
    cells, slim = checked(pnl, book)
    if not len(book.starts):
        empty = np.zeros((len(tails), 0), dtype=np.int64)
        return empty, empty
    parts = workers.map(_tails_of_part, (cells, tuple(tails)), slim.split(PART_LEGS))
    edge, high, low = (np.concatenate(column, axis=1) for column in zip(*parts, strict=True))
    shortfall = np.stack(
        [_weighted(tail, *sums) for tail, *sums in zip(tails, edge, high, low, strict=True)]
    )
    return np.maximum(edge, 0), np.maximum(shortfall, 0)


def _weighted(tail: Tail, edge: IntArray, high: IntArray, low: IntArray) -> IntArray:
    """Return `(each * sum of the largest + rest * edge) / total`, rounded up [A]."""
    highs = tail.each * high + tail.rest * (edge >> _SPLIT_BITS)
    lows = tail.each * low + tail.rest * (edge & _LOW)
    quotient, remainder = np.divmod(highs, tail.total)
    return (quotient << _SPLIT_BITS) + ceil_div((remainder << _SPLIT_BITS) + lows, tail.total)


def _tails_of_part(
    shared: tuple[NDArray[np.signedinteger[Any]], tuple[Tail, ...]], part: Book
) -> tuple[IntArray, IntArray, IntArray]:
    """Return `edge`, the ([k] + 1)-th largest loss, and the sums of the larger [k] in high and low
    parts, each int64 [W, A].
    """
    cells, tails = shared
    if not backend.COMPILED:
        blocks = part.split(max(1, BLOCK_CELLS // cells.shape[1]))
        found = [_tails_of_losses(scenario_losses(cells, block), tails) for block in blocks]
        edge, high, low = (np.concatenate(column, axis=1) for column in zip(*found, strict=True))
        return edge, high, low

    from keeper.margin import compiled

    ends = np.cumsum([tail.scenarios for tail in tails])
    whole = np.array([tail.whole for tail in tails])
    edge, high, low = np.empty((3, len(tails), len(part.starts)), dtype=np.int64)
    compiled.tail_sums(cells, part.listing, part.lots, part.starts, ends, whole, edge, high, low)
    return edge, high, low


def _tails_of_losses(
    losses: IntArray, tails: Sequence[Tail]
) -> tuple[IntArray, IntArray, IntArray]:
    """The numpy twin: the same from losses [A, S]."""
    bounds = accumulate((tail.scenarios for tail in tails), initial=0)
    found: list[tuple[IntArray, IntArray, IntArray]] = []
    for tail, (begin, end) in zip(tails, pairwise(bounds), strict=True):
        at = tail.scenarios - tail.whole - 1
        ordered = np.partition(losses[:, begin:end], at, axis=1)
        larger = ordered[:, at + 1 :]
        found.append(
            (ordered[:, at], (larger >> _SPLIT_BITS).sum(axis=1), (larger & _LOW).sum(axis=1))
        )
    edge, high, low = (np.stack(column) for column in zip(*found, strict=True))
    return edge, high, low
