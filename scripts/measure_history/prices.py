"""Daily prices from a CSV of `date_utc` and one column a coin, such as `btc_usd`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from keeper.errors import InputError
from keeper.units import FloatArray, IntArray

_DATE = "date_utc"
_SUFFIX = "_usd"
_UNIX_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class DailyPrices:
    """`days` (n,) since 1970-01-01; `usd` (n, coins) closes of `symbols`."""

    symbols: tuple[str, ...]
    days: IntArray
    usd: FloatArray


def read_prices(path: Path) -> DailyPrices:
    """Return the prices of a file; an empty price is NaN, for the reader of returns to refuse.

    Raises InputError, naming file and line, for a file that cannot be read, other columns, or a
    cell that is no date or number.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}: give a CSV of daily prices") from None
    rows = list(csv.reader(lines))
    symbols = _symbols(path, rows[0] if rows else [])
    days: list[int] = []
    usd: list[list[float]] = []
    for line, row in enumerate(rows[1:], start=2):
        if len(row) != len(symbols) + 1:
            raise InputError(f"{path}, line {line}: {len(row)} cells: give {len(symbols) + 1}")
        try:
            days.append((date.fromisoformat(row[0]) - _UNIX_EPOCH).days)
            usd.append([float(cell) if cell else np.nan for cell in row[1:]])
        except ValueError as error:
            raise InputError(f"{path}, line {line}: {error}: give a date and prices") from None
    return DailyPrices(symbols, np.array(days, np.int64), np.array(usd).reshape(-1, len(symbols)))


def _symbols(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    if len(header) < 2 or header[0] != _DATE or not all(h.endswith(_SUFFIX) for h in header[1:]):
        raise InputError(
            f"{path}, line 1: columns {list(header)}: give {_DATE} and one <coin>{_SUFFIX} a coin"
        )
    return tuple(name.removesuffix(_SUFFIX).upper() for name in header[1:])
