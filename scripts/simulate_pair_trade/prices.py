"""Hourly prices from a CSV of `timestamp_utc` and one column a coin, such as `btc_usd`."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np

from keeper.errors import InputError
from keeper.units import FloatArray, IntArray

_TIME, _SUFFIX, _HOUR_SECONDS = "timestamp_utc", "_usd", 3_600


def read_hours(path: Path) -> dict[str, tuple[IntArray, FloatArray]]:
    """Return by coin the hours since 1970 and the prices, in USD; hours without a price left out.

    Raises InputError, naming file and line, for a file that cannot be read, other columns, a cell
    that is no time or price, or hours that do not ascend.
    """
    try:
        rows = list(csv.reader(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: {error}: give a CSV of hourly prices") from None
    header = rows[0] if rows else []
    if len(header) < 2 or header[0] != _TIME or not all(h.endswith(_SUFFIX) for h in header[1:]):
        raise InputError(f"{path}, line 1: columns {header}: give {_TIME} and one <coin>{_SUFFIX}")
    hours = [_hour(path, line, row, len(header)) for line, row in enumerate(rows[1:], 2)]
    for line, (before, after) in enumerate(pairwise(hours), 3):
        if after <= before:
            raise InputError(f"{path}, line {line}: hours do not ascend: sort them, each once")
    return {
        name.removesuffix(_SUFFIX).upper(): _column(path, hours, rows[1:], place)
        for place, name in enumerate(header[1:], 1)
    }


def _hour(path: Path, line: int, row: list[str], cells: int) -> int:
    try:
        if len(row) != cells:
            raise ValueError(f"{len(row)} cells, not {cells}")
        moment = datetime.fromisoformat(row[0]).replace(tzinfo=UTC).timestamp()
        if moment % _HOUR_SECONDS:
            raise ValueError(f"{row[0]} is no full hour")
    except ValueError as error:
        raise InputError(f"{path}, line {line}: {error}") from None
    return int(moment) // _HOUR_SECONDS


def _column(
    path: Path, hours: list[int], rows: list[list[str]], place: int
) -> tuple[IntArray, FloatArray]:
    found: list[tuple[int, float]] = []
    for line, (hour, row) in enumerate(zip(hours, rows, strict=True), 2):
        if not row[place]:
            continue
        try:
            price = float(row[place])
        except ValueError:
            price = float("nan")
        if not 0.0 < price < float("inf"):
            raise InputError(f"{path}, line {line}: price {row[place]!r}: give one above zero")
        found.append((hour, price))
    return np.array([hour for hour, _ in found], np.int64), np.array([price for _, price in found])
