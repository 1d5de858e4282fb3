"""Joint daily returns of the past, for expected shortfall: read strictly, hashed into the model.

A file of lines: comments (`#`), one header, then one line a day without a gap. Columns: `date`, the
log-return of each underlying by its symbol, and `SYMBOL_residual`, a normal number that no return
explains (see `shortfall`). Integers of 1e-9, so that no float is parsed. `scripts.derive_history`
writes it; nothing random and no logarithm of a library is computed where margins are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import zip_longest
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.state.hashing import keccak256
from keeper.units import IntArray

NANO: Final = 10**9
# A real crash stays inside (ETH -0.59 on 12 March 2020); a misplaced point does not.
LARGEST_RETURN_E9: Final = NANO
LARGEST_RESIDUAL_E9: Final = 6 * NANO
RESIDUAL: Final = "_residual"

_EPOCH: Final = date(1970, 1, 1)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,10}", re.ASCII)
_SHOWN: Final = 24  # characters of a bad value
_MOST_PROBLEMS: Final = 20
_MOST_ROWS: Final = 20_000


@dataclass(frozen=True, slots=True)
class History:
    """Consecutive days from `first_day` (unix time // 86400), the day on which a return ended.

    `returns_e9` and `residuals_e9` hold int64 [D] by symbol, in 1e-9. Equality and hash are those
    of `digest`, the keccak of the canonical text (docs/encodings.md, History).
    """

    first_day: int
    returns_e9: Mapping[str, IntArray] = field(compare=False)
    residuals_e9: Mapping[str, IntArray] = field(compare=False)
    digest: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", keccak256(canonical_text(self).encode()))

    def __len__(self) -> int:
        return len(next(iter(self.returns_e9.values())))


def canonical_text(history: History) -> str:
    """Return the header and the rows, each with a line feed, without comments."""
    columns = [*history.returns_e9.values(), *history.residuals_e9.values()]
    days = (day_text(history.first_day + n) for n in range(len(history)))
    rows = zip(days, *(column.tolist() for column in columns), strict=True)
    lines = [",".join(_header(list(history.returns_e9))), *(",".join(map(str, r)) for r in rows)]
    return "\n".join(lines) + "\n"


def day_text(day: int) -> str:
    """Return a day (unix time // 86400) as 2020-03-12."""
    return (_EPOCH + timedelta(days=day)).isoformat()


def day_of(text: str) -> int | None:
    """Return the day that text such as 2020-03-12 names; None where it names none."""
    if not _DATE.fullmatch(text):
        return None
    try:
        return (date.fromisoformat(text) - _EPOCH).days
    except ValueError:
        return None


def parse_history(text: str, symbols: Sequence[str]) -> History:
    """Return the history of these underlyings, in their order.

    Raises one InputError that lists the problems, each with its line, field, value and fix: another
    header or line ending, a day missing, out of order or twice, a value that is no integer or
    beyond its bound, a column that is the same on every day.
    """
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if _counts(line)]
    header = _header(symbols)
    _require_line_feeds(lines)
    _require_header(lines[0][1].split(",") if lines else [], header)
    rows = lines[1:]
    if not 0 < len(rows) <= _MOST_ROWS:
        raise InputError(f"history is refused: it has {len(rows)} days: give 1 to {_MOST_ROWS}")
    problems: list[str] = []
    table: list[list[int]] = []
    before: int | None = None
    for number, line in rows:
        row, before = _row(f"line {number}", line.split(","), header, before, problems)
        table.append(row)
        if len(problems) >= _MOST_PROBLEMS:
            problems.append("...")
            break
    if problems:
        raise InputError("history is refused:\n" + "\n".join(f"- {line}" for line in problems))
    days, *columns = np.array(table, dtype=np.int64).T.copy()
    _require_movement(header[1:], columns)
    count = len(symbols)
    return History(
        first_day=int(days[0]),
        returns_e9=dict(zip(symbols, columns[:count], strict=True)),
        residuals_e9=dict(zip(symbols, columns[count:], strict=True)),
    )


def _counts(line: str) -> bool:
    return bool(line) and not line.startswith("#")


def _header(symbols: Iterable[str]) -> list[str]:
    names = list(symbols)
    return ["date", *names, *(f"{name}{RESIDUAL}" for name in names)]


def _require_line_feeds(lines: Sequence[tuple[int, str]]) -> None:
    if wrong := [number for number, line in lines if "\r" in line]:
        raise InputError(
            f"history is refused: line {wrong[0]} has a carriage return (CRLF line endings), and "
            f"so have {len(wrong)} of {len(lines)}: end lines with a line feed alone"
        )


def _require_header(found: Sequence[str], header: Sequence[str]) -> None:
    for number, (is_, wanted) in enumerate(zip_longest(found, header), 1):
        if is_ != wanted:
            what = "missing" if is_ is None else _shown(is_)
            need = "none there" if wanted is None else f"{wanted!r} there"
            raise InputError(
                f"history is refused: column {number} of its header is {what}, but the model's "
                f"underlyings need {need}, in all {','.join(header)!r}: derive it again (python -m "
                "scripts.derive_history)"
            )


def _require_movement(names: Iterable[str], columns: Iterable[IntArray]) -> None:
    """Refuse a column that never changes: such an asset would have no tail at all."""
    for name, column in zip(names, columns, strict=True):
        if column.max() == column.min():
            raise InputError(
                f"history is refused: {name} is {column[0]} on each of {len(column)} days: give "
                "an asset that moves; check its prices"
            )


def _row(
    where: str, cells: list[str], header: list[str], before: int | None, problems: list[str]
) -> tuple[list[int], int | None]:
    """Return the day and the values of a line, and the day; problems are noted."""
    if len(cells) != len(header):
        problems.append(f"{where} has {len(cells)} values: write the {len(header)} of the header")
        return [], before
    day = _day(where, cells[0], before, problems)
    values = [
        _value(f"{where}: {name}", cell, _limit(name), problems)
        for name, cell in zip(header[1:], cells[1:], strict=True)
    ]
    return [day or 0, *values], before if day is None else day


def _limit(name: str) -> int:
    return LARGEST_RESIDUAL_E9 if name.endswith(RESIDUAL) else LARGEST_RETURN_E9


def _day(where: str, cell: str, before: int | None, problems: list[str]) -> int | None:
    day = day_of(cell)
    if day is None:
        problems.append(f"{where}: date {_shown(cell)} is no day: write it as 2020-03-12")
    elif before is not None and day != before + 1:
        what = "stands twice" if day == before else "is out of order"
        what = f"leaves a gap after {day_text(before)}" if day > before + 1 else what
        problems.append(f"{where}: date {cell} {what}: give each day once, {day_text(before + 1)}")
    return day


def _value(where: str, cell: str, limit: int, problems: list[str]) -> int:
    if not _INTEGER.fullmatch(cell):
        problems.append(f"{where} {_shown(cell)} is no integer: write units of 1e-9, as -12345678")
        return 0
    value = int(cell)
    if abs(value) > limit:
        problems.append(f"{where} {cell} is beyond {limit} (1e-9): check that day's prices")
    return value


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
