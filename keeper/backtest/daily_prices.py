"""Daily prices from files: what was known at 00:00 UTC of each day, and not a moment earlier.

Two forms, a CSV of `date_utc` or of `timestamp_utc` with one column `coin_usd` a coin. Both label a
price by when its bar opened, and the price is that of its close: a row `2020-03-12` is known at
00:00 of the 13th, a row `2020-03-12 22:00:00` at 23:00. To take the label for the time is to know
the future.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.units import E8, IntArray

HOUR: Final = 3600
DAY: Final = 86_400

_FORMS: Final = {"date_utc": ("%Y-%m-%d", DAY), "timestamp_utc": ("%Y-%m-%d %H:%M:%S", HOUR)}
_SUFFIX: Final = "_usd"
_DEAREST_USD: Final = 1e9  # beyond it a price is a misprint, and would not fit its column


@dataclass(frozen=True, slots=True, eq=False)
class Prices:
    """Prices of `symbols` at the times at which they were known.

    `time` int64 [N], Unix seconds, ascending; `price_e8` int64 [N, coins], positive, 1e-8 USD.
    `findings` name file, row and what was left out.
    """

    symbols: tuple[str, ...]
    time: IntArray
    price_e8: IntArray
    findings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.time)

    def daily(self) -> Prices:
        """Return the prices known at 00:00 UTC alone, as a ring of daily observations holds them.

        `time` stays in seconds; `time // 86400` is the observation's day. Days that are missing
        are added to the findings.
        """
        kept = self.time % DAY == 0
        times = self.time[kept]
        gaps = [
            f"no price at 00:00 UTC of {_day_text(int(before) + DAY)}"
            + (
                f" and {(after - before) // DAY - 2} days after it"
                if after - before > 2 * DAY
                else ""
            )
            for before, after in zip(times[:-1], times[1:], strict=True)
            if after - before != DAY
        ]
        return Prices(self.symbols, times, self.price_e8[kept], (*self.findings, *gaps))


def read_prices(path: Path) -> Prices:
    """Return the prices of a CSV, gzipped or not.

    A row with a bad cell, a price that is not positive, or a time at or before the one above it is
    left out and reported. Raises InputError, naming the file, where it cannot be read, has other
    columns, or holds no price at all.
    """
    rows = csv.reader(_lines(path))
    header = next(rows, [])
    symbols, form, bar = _columns(path, header)
    times: list[int] = []
    prices: list[list[int]] = []
    findings: list[str] = []
    for line, row in enumerate(rows, start=2):
        try:
            time, cells = _row(row, len(symbols), form, bar)
            if times and time <= times[-1]:
                raise ValueError("it is not later than the row above it")
        except ValueError as error:
            findings.append(f"{path.name}, line {line} is left out: {error}")
            continue
        times.append(time)
        prices.append(cells)
    if not times:
        raise InputError(f"{path}: no row has prices: give a CSV of {' or '.join(_FORMS)}")
    found = np.array(prices, dtype=np.int64)
    return Prices(symbols, np.array(times, dtype=np.int64), found, tuple(findings))


def _lines(path: Path) -> Iterator[str]:
    """Return the lines; a gzip that ends too soon is refused, as what is missing is unknown."""
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}: give a CSV of prices, gzipped or not") from None
    return iter(text.splitlines())


def _columns(path: Path, header: Sequence[str]) -> tuple[tuple[str, ...], str, int]:
    """Return the coins, the form of a time, and how long after it the price is known."""
    coins = header[1:]
    named = bool(coins) and all(name.endswith(_SUFFIX) for name in coins)
    if not header or header[0] not in _FORMS or not named or len(set(coins)) < len(coins):
        raise InputError(
            f"{path}, line 1: columns {list(header)}: give {' or '.join(_FORMS)} and one "
            f"<coin>{_SUFFIX} a coin"
        )
    return tuple(name.removesuffix(_SUFFIX).upper() for name in coins), *_FORMS[header[0]]


def _row(row: Sequence[str], coins: int, form: str, bar: int) -> tuple[int, list[int]]:
    if len(row) != coins + 1:
        raise ValueError(f"it has {len(row)} cells instead of {coins + 1}")
    label = datetime.strptime(row[0], form).replace(tzinfo=UTC)
    prices = [float(cell) for cell in row[1:]]
    if bad := [price for price in prices if not 1e-6 <= price <= _DEAREST_USD]:
        raise ValueError(f"price {bad[0]} is no price")
    return int(label.timestamp()) + bar, [round(price * E8) for price in prices]


def _day_text(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
