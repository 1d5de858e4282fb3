"""Which accounts are under-margined, and the one scenario that proves it on-chain."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.portfolio import NO_SCENARIO
from keeper.units import BoolArray, IntArray

_UNMEASURED: Final = "cannot be measured: a leg has no price yet, or a cap is exceeded"
_UNPROVABLE: Final = "below its requirement, but its mode adds up scenarios and flag proves one"


class HealthBook(Protocol):
    """What is read of a margin book (`keeper.margin.portfolio`); a row per account, in usd6."""

    @property
    def account(self) -> NDArray[np.uint8]:
        """Account ids, [A, 32] bytes."""
        ...

    @property
    def equity_usd6(self) -> IntArray:
        """Equity, rounded down."""
        ...

    @property
    def standard_usd6(self) -> IntArray:
        """Standard margin."""
        ...

    @property
    def maintenance_usd6(self) -> IntArray:
        """Maintenance margin of the worst scenario."""
        ...

    @property
    def worst_scenario(self) -> NDArray[np.integer[Any]]:
        """Index of that scenario."""
        ...

    @property
    def measured(self) -> BoolArray:
        """Where the figures hold; a sentinel account's do at the last marks if it is measured."""
        ...


@dataclass(frozen=True, slots=True)
class Breach:
    """An account with `equity < required`, in micro-dollars, and the scenario that shows it."""

    account: bytes
    equity_usd6: int
    required_usd6: int
    scenario: int

    @property
    def shortfall_ratio(self) -> Fraction:
        """What is missing over what is required; a requirement of 0 counts as one micro-dollar."""
        return Fraction(self.required_usd6 - self.equity_usd6, max(self.required_usd6, 1))


@dataclass(frozen=True, slots=True)
class Skip:
    """An account that is left alone, and why."""

    account: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Breaches, worst first, and the accounts that could not be judged."""

    breaches: tuple[Breach, ...]
    skips: tuple[Skip, ...]


def judge(book: HealthBook) -> HealthReport:
    """Compare every account's equity with `min(standard, maintenance)`, as `flag` will.

    Largest shortfall in proportion to the requirement first, ties by account id. A sentinel account
    is judged as any other, at the last marks: liquidation keeps those on-chain as well. One whose
    mode adds up several scenarios is skipped: `flag` proves one.

    Raises:
        InputError: columns of different lengths.
    """
    _check_columns(book)
    required = np.minimum(book.standard_usd6, book.maintenance_usd6)
    below = (book.equity_usd6 < required) & book.measured
    provable = book.worst_scenario != NO_SCENARIO
    breaches = [
        Breach(
            account=book.account[row].tobytes(),
            equity_usd6=int(book.equity_usd6[row]),
            required_usd6=int(required[row]),
            scenario=int(book.worst_scenario[row]),
        )
        for row in np.flatnonzero(below & provable).tolist()
    ]
    breaches.sort(key=lambda breach: (-breach.shortfall_ratio, breach.account))
    skips = _skips(book, ~book.measured, _UNMEASURED) + _skips(book, below & ~provable, _UNPROVABLE)
    return HealthReport(tuple(breaches), skips)


def _skips(book: HealthBook, left_alone: BoolArray, reason: str) -> tuple[Skip, ...]:
    rows = np.flatnonzero(left_alone).tolist()
    return tuple(Skip(book.account[row].tobytes(), reason) for row in rows)


def _check_columns(book: HealthBook) -> None:
    lengths = {
        len(book.account),
        len(book.equity_usd6),
        len(book.standard_usd6),
        len(book.maintenance_usd6),
        len(book.worst_scenario),
        len(book.measured),
    }
    if len(lengths) > 1:
        raise InputError(f"columns of a margin book differ in length: {sorted(lengths)}")
