"""Losses of accounts in scenarios: an exact integer product of lots and risk arrays.

`loss = -sum over legs of lots * pnl`, int64, positive when money is lost. Integer sums do not
depend on their order, so any blocking and any number of workers gives the same bits, and so do the
compiled loop and its numpy twin. The matrix of accounts by scenarios is never held whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.workers import SERIAL, Workers
from keeper.pricing import backend
from keeper.units import BoolArray, IntArray

PART_LEGS: Final = 2**16  # a few milliseconds of work: small beside a book, large beside a call
BLOCK_CELLS: Final = 2**19  # of the numpy twin: 4 MB of int64, inside the cache
_MOST_SCENARIOS: Final = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Legs by account: `listing` (any integer type) and `lots` (int32 or int64) [N], `starts`
    int64 [A], the first leg of each.

    Every account has at least one leg; construction raises InputError otherwise.
    """

    listing: NDArray[np.integer[Any]]
    lots: NDArray[np.signedinteger[Any]]
    starts: IntArray

    def __post_init__(self) -> None:
        bounds = np.append(self.starts, len(self.lots))
        if bounds[0] != 0 or (np.diff(bounds) < 1).any() or len(self.listing) != len(self.lots):
            raise InputError(
                f"a book of {len(self.listing)} listings and {len(self.lots)} lots cannot start "
                f"its {len(self.starts)} accounts as given: from 0, ascending, none without a leg"
            )

    def sum_by_account(self, amounts: IntArray) -> IntArray:
        """Sum int64 [N] over each account's legs to [A]."""
        if not len(self.starts):
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(amounts, self.starts)

    def only(self, wanted: BoolArray) -> Book:
        """Return the accounts that are `wanted` [A] and their legs."""
        counts = np.diff(self.starts, append=len(self.lots))
        kept, left = np.repeat(wanted, counts), counts[wanted]
        return Book(self.listing[kept], self.lots[kept], np.cumsum(left) - left)

    def runs(self, key: NDArray[np.integer[Any]]) -> tuple[Book, IntArray]:
        """Cut each account where the `key` [L] of its listings changes from one leg to the next.

        Returns the runs [R] as a book, and the first run of each account int64 [A]. Instruments
        ascend within an account, so what shares an underlying, or an expiry of it, is one run.
        """
        is_start = np.zeros(len(self.lots), dtype=np.bool_)
        is_start[self.starts] = True
        of_leg = key[self.listing]
        is_start[1:] |= of_leg[1:] != of_leg[:-1]
        starts = np.flatnonzero(is_start)
        return Book(self.listing, self.lots, starts), np.searchsorted(starts, self.starts)

    def split(self, legs: int) -> list[Book]:
        """Cut into runs of whole accounts of about `legs` legs, in order; none is empty."""
        if 0 < len(self.lots) <= legs:
            return [self]
        wanted = np.searchsorted(self.starts, np.arange(0, len(self.lots), legs))
        cuts = np.unique(np.append(wanted, len(self.starts)))
        bounds = np.append(self.starts[cuts[:-1]], len(self.lots))
        parts: list[Book] = []
        for n, (first, last) in enumerate(pairwise(cuts.tolist())):
            span = slice(bounds[n], bounds[n + 1])
            starts = self.starts[first:last] - bounds[n]
            parts.append(Book(self.listing[span], self.lots[span], starts))
        return parts


def scenario_losses(pnl: NDArray[np.signedinteger[Any]], book: Book) -> IntArray:
    """Return the losses int64 [A, S] for risk arrays [L, S]; holds [N, S]: pass a small book."""
    gains = np.multiply(pnl[book.listing], book.lots[:, None], dtype=np.int64)
    return -np.add.reduceat(gains, book.starts, axis=0)


def worst(losses: IntArray) -> tuple[IntArray, NDArray[np.uint16]]:
    """Return `max(0, max_s loss)` [A] and its scenario [A]: lowest index, 0 where none loses."""
    index = np.argmax(losses, axis=1)
    loss = np.take_along_axis(losses, index[:, None], axis=1)[:, 0]
    return np.maximum(loss, 0), np.where(loss > 0, index, 0).astype(np.uint16)


def worst_losses(
    pnl: IntArray, book: Book, workers: Workers = SERIAL
) -> tuple[IntArray, NDArray[np.uint16]]:
    """Return `max(0, max_s loss)` int64 [A] and its scenario uint16 [A] of a book of any size.

    Of scenarios with the same loss the lowest index counts; it is 0 where no scenario loses.
    `pnl` is int64 [L, S], micro-dollars a lot. No account's `sum of abs(lots * pnl)` may reach
    2**63 in any scenario; below the caps of docs/model.md none does.

    Raises InputError for a listing outside of `pnl`, and unless 1 <= S <= 65536.
    """
    scenarios = pnl.shape[1]
    if not 0 < scenarios <= _MOST_SCENARIOS:
        raise InputError(f"risk arrays have {scenarios} scenarios: give 1 to {_MOST_SCENARIOS}")
    cells, slim = checked(pnl, book)
    if not len(book.starts):
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint16)
    found = workers.map(_worst_of_part, cells, slim.split(PART_LEGS))
    losses, indices = zip(*found, strict=True)
    return np.concatenate(losses), np.concatenate(indices)


def checked(pnl: IntArray, book: Book) -> tuple[NDArray[np.signedinteger[Any]], Book]:
    """Return both as the loops take them; raise InputError for a listing outside of `pnl`."""
    if not len(book.starts):
        return pnl, book
    lowest, highest = int(book.listing.min()), int(book.listing.max())
    if lowest < 0 or highest >= len(pnl):
        raise InputError(
            f"legs are in listings {lowest} to {highest}, but risk arrays have {len(pnl)}: "
            "use those of the same snapshot"
        )
    return _narrowest(pnl, book)


def _narrowest(pnl: IntArray, book: Book) -> tuple[NDArray[np.signedinteger[Any]], Book]:
    """Return both as int32 where all their values fit, else as int64.

    The sums are int64 either way; 32 by 32 bits is one instruction of a vector where 64 by 64 are
    many, and half the bytes travel. A book with fewer legs than there are listings is not worth
    the copy.
    """
    fits = len(book.lots) >= len(pnl) and _fits_int32(pnl) and _fits_int32(book.lots)
    narrow = np.int32 if fits else np.int64
    lots = np.ascontiguousarray(book.lots, dtype=narrow)
    listing = np.ascontiguousarray(book.listing, dtype=np.uint32)
    return np.ascontiguousarray(pnl, dtype=narrow), Book(listing, lots, book.starts)


def _fits_int32(x: NDArray[np.signedinteger[Any]]) -> bool:
    return int(x.min()) >= -(2**31) and int(x.max()) < 2**31


def _worst_of_part(
    cells: NDArray[np.signedinteger[Any]], part: Book
) -> tuple[IntArray, NDArray[np.uint16]]:
    if not backend.COMPILED:
        blocks = part.split(max(1, BLOCK_CELLS // cells.shape[1]))
        losses, indices = zip(*(worst(scenario_losses(cells, b)) for b in blocks), strict=True)
        return np.concatenate(losses), np.concatenate(indices)

    from keeper.margin import compiled

    loss = np.empty(len(part.starts), dtype=np.int64)
    scenario = np.empty(len(part.starts), dtype=np.uint16)
    compiled.worst_losses(cells, part.listing, part.lots, part.starts, loss, scenario)
    return loss, scenario
