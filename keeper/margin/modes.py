"""How an account's mode pools its risk: leg by leg, within an underlying, or all together.

A mode is a cut of the book. What is pooled loses in one scenario, its worst; what is not adds up,
each part in a scenario of its own. A finer cut therefore never loses less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keeper.margin.losses import Book, worst_losses
from keeper.margin.risk_arrays import RiskArrays
from keeper.margin.scenarios import Model
from keeper.margin.shortfall import TailRisk, book_tail_risk
from keeper.margin.workers import SERIAL, Workers
from keeper.state.accounts import Mode
from keeper.units import BoolArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """A book with the `mode` uint8 [A] of its accounts and the `underlying` [L] of its listings.

    Legs ascend by listing within an account.
    """

    book: Book
    mode: NDArray[np.uint8]
    underlying: NDArray[np.uint16]

    def apart(self) -> Iterator[tuple[BoolArray, Book, IntArray]]:
        """Yield the accounts [A] that pool less than all, their parts, and where each's begin."""
        listings = np.arange(len(self.underlying))
        for mode, key in ((Mode.ISOLATED, listings), (Mode.CROSS, self.underlying)):
            held = self.mode == mode
            if held.any():
                yield held, *self.book.only(held).runs(key)


def worst_losses_by_mode(
    pnl: IntArray, pool: Pool, workers: Workers = SERIAL
) -> tuple[IntArray, NDArray[np.uint16]]:
    """Return the loss int64 [A] that counts for each account's mode, and the joint scenario.

    Isolated: the worst losses of its legs added up; cross: of its underlyings; portfolio: of the
    whole book. The scenario uint16 [A] is the whole book's worst in every mode; where parts are
    added up, no single scenario shows the loss. `pnl` is int64 [L, S]. Raises InputError as
    `worst_losses` does.
    """
    loss, scenario = worst_losses(pnl, pool.book, workers)
    for held, parts, first in pool.apart():
        loss[held] = np.add.reduceat(worst_losses(pnl, parts, workers)[0], first)
    return loss, scenario


def tail_risk_by_mode(
    history: RiskArrays, pool: Pool, model: Model, workers: Workers = SERIAL
) -> TailRisk:
    """Return VaR and expected shortfall of each account, added up over the parts of its mode."""
    risk = book_tail_risk(history, pool.book, model, workers)
    for held, parts, first in pool.apart():
        of_parts = book_tail_risk(history, parts, model, workers)
        for whole, part in (
            (risk.value_at_risk_usd6, of_parts.value_at_risk_usd6),
            (risk.shortfall_usd6, of_parts.shortfall_usd6),
        ):
            whole[held] = np.add.reduceat(part, first)
    return risk


def by_mode(mode: NDArray[np.uint8], isolated: IntArray, pooled: IntArray) -> IntArray:
    """Return the isolated requirement where no leg is pooled with another, else the other [A]."""
    return np.where(mode == Mode.ISOLATED, isolated, pooled)


def is_provable(mode: NDArray[np.uint8]) -> BoolArray:
    """Return where one scenario shows the whole requirement [A], as leaf and flag need it."""
    return mode == Mode.PORTFOLIO
