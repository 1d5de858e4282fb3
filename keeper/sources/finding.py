"""What is wrong with market data, where it stands, and what was done about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from keeper.units import BoolArray, IntArray


class Fault(Enum):
    """A kind of bad input; its text says what is done with the rows."""

    UNREADABLE_FILE = "the file cannot be read: nothing of it is used"
    TRUNCATED_FILE = "the file ends too early: nothing of it is used"
    NAME_OF_FILE = "the name of the file is no time: it is not used"
    HEADER = "columns are missing or there twice: nothing of the file is used"
    EMPTY = "there is no row: nothing of the file is used"
    CLOCK = "the clock runs backwards or stands still: not used"
    GAP = "time is missing before it: nothing is made up for it, what ends in it is left out"

    FIELDS = "the row has too few or too many fields: it is not used"
    NOT_A_NUMBER = "a field is no number: the row is not used"
    NAME = "the name is no option: the row is not used"
    UNDERLYING = "the underlying is not in the model: the row is not used"
    EXPIRED = "the option has expired: the row is not used"
    DUPLICATE = "the same row again: the first is used"
    CONFLICT = "rows of one option differ: none of them is used"
    FORWARD = "the forward is missing, not positive or far from the others: the row is not used"
    LABEL = "the label is no time of this kind of file: the row is not used"
    PRICE = "the price is missing or not positive: the row is not used"
    JUMP = "the price jumps beyond belief: the row is not used"

    CROSSED = "bid above ask: neither is used, mark and vol are"
    ZERO_QUOTE = "a quote of zero: it is not used, the rest of the row is"
    ABSURD_QUOTE = "a quote negative, infinite or dearer than what it buys: not used, the rest is"
    ABSURD_MARK = "the mark is negative, infinite or dearer than what it buys: it is not used"
    CONTRADICTION = (
        "mark and vol are of prices farther apart than 5 % of the forward: neither is used"
    )
    ABSURD_VOL = "the vol is not within 0.01 and 5: it is not used"
    NO_QUOTE = "no bid or no ask: the row is used without"
    NO_MARK = "no mark or no vol: the row is used without"
    NO_INDEX = "no index or no open interest, or one that cannot be: the row is used without"
    SINGLE_STRIKE = "the expiry has a single strike: the row is used, no smile can be fitted to it"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one file, or of one answer of an exchange.

    `rows` are the lines of the file, 1 being the header, or the positions in the answer; empty
    where the whole is meant. `detail` names the first case.
    """

    file: str
    fault: Fault
    rows: tuple[int, ...] = ()
    detail: str = ""

    def text(self) -> str:
        """Return the finding in one line."""
        shown = ", ".join(map(str, self.rows[:5])) + (", ..." if len(self.rows) > 5 else "")
        rows = f", {len(self.rows)} row(s) ({shown})" if self.rows else ""
        return f"{self.file}{rows}: {self.fault.value}" + (f" ({self.detail})" * bool(self.detail))


class Findings:
    """Gathers the findings of one file."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._found: list[Finding] = []

    def add(self, fault: Fault, rows: tuple[int, ...] = (), detail: str = "") -> None:
        """Note a fault of these rows."""
        self._found.append(Finding(self._file, fault, rows, detail))

    def add_where(self, fault: Fault, broken: BoolArray, rows: IntArray, names: list[str]) -> None:
        """Note a fault of the rows [Q] where `broken` [Q], if there are any."""
        if at := np.flatnonzero(broken).tolist():
            self.add(fault, tuple(rows[at].tolist()), names[at[0]])

    def all(self) -> tuple[Finding, ...]:
        """Return what was noted, in the order it was."""
        return tuple(self._found)
