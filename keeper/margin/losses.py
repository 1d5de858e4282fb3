"""Losses of accounts in scenarios: an exact integer product of lots and risk arrays.

`loss = -sum over legs of lots * pnl`, int64, positive when money is lost. Integer sums do not
depend on their order, so any blocking and any number of threads gives the same bits; blocks only
bound the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.units import IntArray

_BLOCK_LEGS: Final = 8192  # times 48 scenarios of 8 bytes: 3 MB, inside the cache


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Legs by account: `listing` and `lots` int64 [N], `starts` int64 [A], first leg of each.

    Every account has at least one leg.
    """

    listing: IntArray
    lots: IntArray
    starts: IntArray

    def sum_by_account(self, amounts: IntArray) -> IntArray:
        """Sum int64 [N] over each account's legs to [A]."""
        if not len(self.starts):
            return np.zeros(0, dtype=np.int64)
        return np.add.reduceat(amounts, self.starts)

    def blocks(self) -> Iterator[tuple[slice, Book]]:
        """Cut into runs of whole accounts of about `_BLOCK_LEGS` legs, each with its accounts."""
        ends = np.append(self.starts[1:], len(self.lots))
        first = 0
        while first < len(self.starts):
            origin = int(self.starts[first])
            last = max(first + 1, int(np.searchsorted(ends, origin + _BLOCK_LEGS, side="right")))
            legs = slice(origin, int(ends[last - 1]))
            accounts = slice(first, last)
            yield (
                accounts,
                Book(self.listing[legs], self.lots[legs], self.starts[accounts] - origin),
            )
            first = last


def scenario_losses(pnl: IntArray, book: Book) -> IntArray:
    """Return the losses int64 [A, S] for risk arrays int64 [L, S]; holds [N, S]: pass a block."""
    gains = pnl[book.listing] * book.lots[:, None]
    return -np.add.reduceat(gains, book.starts, axis=0)


def worst(losses: IntArray) -> tuple[IntArray, NDArray[np.uint8]]:
    """Return `max(0, max_s loss)` [A] and its scenario [A]: lowest index, 0 where none loses."""
    index = np.argmax(losses, axis=1)
    loss = np.take_along_axis(losses, index[:, None], axis=1)[:, 0]
    return np.maximum(loss, 0), np.where(loss > 0, index, 0).astype(np.uint8)


def worst_losses(pnl: IntArray, book: Book) -> tuple[IntArray, NDArray[np.uint8]]:
    """Return `worst` of every account of a book of any size, block by block."""
    loss = np.zeros(len(book.starts), dtype=np.int64)
    scenario = np.zeros(len(book.starts), dtype=np.uint8)
    for accounts, block in book.blocks():
        loss[accounts], scenario[accounts] = worst(scenario_losses(pnl, block))
    return loss, scenario
