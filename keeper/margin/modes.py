"""How an account's mode pools its risk: leg by leg, within an underlying, or all together.

A mode is a cut of the book. What is pooled loses in one scenario, its worst; what is not adds up,
each part in a scenario of its own. A finer cut therefore never loses less.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from keeper.margin.losses import Book, worst_losses
from keeper.margin.workers import SERIAL, Workers
from keeper.state.accounts import Mode
from keeper.units import BoolArray, IntArray


def worst_losses_by_mode(
    pnl: IntArray,
    book: Book,
    mode: NDArray[np.uint8],
    underlying: NDArray[np.uint16],
    workers: Workers = SERIAL,
) -> tuple[IntArray, NDArray[np.uint16]]:
    """Return the loss int64 [A] that counts for each account's `mode` [A], and the joint scenario.

    Isolated: the worst losses of its legs added up; cross: of its underlyings; portfolio: of the
    whole book. The scenario uint16 [A] is the whole book's worst in every mode; where parts are
    added up, no single scenario shows the loss. `pnl` is int64 [L, S], `underlying` [L]; legs
    ascend by listing within an account. Raises InputError as `worst_losses` does.
    """
    loss, scenario = worst_losses(pnl, book, workers)
    listings = np.arange(len(pnl))
    for apart, key in ((Mode.ISOLATED, listings), (Mode.CROSS, underlying)):
        held = mode == apart
        if held.any():
            loss[held] = _added_up(pnl, book.only(held), key, workers)
    return loss, scenario


def by_mode(mode: NDArray[np.uint8], isolated: IntArray, pooled: IntArray) -> IntArray:
    """Return the isolated requirement where no leg is pooled with another, else the other [A]."""
    return np.where(mode == Mode.ISOLATED, isolated, pooled)


def is_provable(mode: NDArray[np.uint8]) -> BoolArray:
    """Return where one scenario shows the whole requirement [A], as leaf and flag need it."""
    return mode == Mode.PORTFOLIO


def _added_up(pnl: IntArray, book: Book, key: NDArray[np.integer], workers: Workers) -> IntArray:
    parts, first = book.runs(key)
    loss, _ = worst_losses(pnl, parts, workers)
    return np.add.reduceat(loss, first)
