"""Price histories from files, CSV or CSV.gz: daily (`date_utc`) or hourly (`timestamp_utc`) closes.

The label of a row is where its bar opens, the price is that of its end: a row labelled 23:00 holds
the close of midnight. Whoever takes the label for the time sees an hour, or a day, ahead.
"""

from __future__ import annotations

import csv
import zlib
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from keeper.errors import InputError, MarketDataError
from keeper.sources.finding import Fault, Finding, Findings
from keeper.sources.packed_text import packed_text
from keeper.state.price_history import PriceHistory
from keeper.units import FloatArray, IntArray

STEP_SECONDS: Final = {"date_utc": 86_400, "timestamp_utc": 3_600}
PRICE_SUFFIX: Final = "_usd"

# ln of a factor of two: the worst day since 2019 was -0.59 (ETH, 12 March 2020).
LARGEST_MOVE: Final = 0.7
_NEIGHBOURS: Final = 2  # to either side


class ReadPrices(NamedTuple):
    """A history and what was found wrong with its file."""

    history: PriceHistory
    findings: tuple[Finding, ...]


class _Row(NamedTuple):
    line: int
    known_at: int
    closes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class PriceFile:
    """The `Source` of one file."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def read(self) -> ReadPrices:
        """Return the history; MarketDataError or InputError as `read_prices`."""
        return read_prices(self.path)


def read_prices(path: Path) -> ReadPrices:
    """Return the closes of a file with the moments at which they were known, and its findings.

    Columns are `date_utc` or `timestamp_utc`, and one `<symbol>_usd` an asset. A row is used whole
    or not at all. Raises InputError where the file cannot be read or has other columns, and
    MarketDataError where no row is sound.
    """
    lines = _lines(path)
    label, symbols = _header(path, lines)
    step = STEP_SECONDS[label]
    findings = Findings(path.name)
    rows = _forward_in_time(_parsed(lines, step, len(symbols), findings), findings)
    rows = _believable(rows, findings)
    if not rows:
        raise MarketDataError(f"prices {path}: no row is sound; {_reasons(findings)}")
    known_at = np.array([row.known_at for row in rows], dtype=np.int64)
    _report_gaps(known_at, step, rows, findings)
    closes = np.array([row.closes for row in rows], dtype=np.float64)
    history = PriceHistory(path.name, symbols, step, known_at, closes)
    return ReadPrices(history, findings.all())


def _lines(path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(packed_text(path).splitlines(), quoting=csv.QUOTE_NONE))
    except EOFError as error:
        raise InputError(f"prices {path}: {Fault.TRUNCATED_FILE.value} ({error})") from error
    except (OSError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"prices {path}: {error}") from error


def _header(path: Path, lines: list[list[str]]) -> tuple[str, tuple[str, ...]]:
    header = lines[0] if lines else []
    prices = header[1:]
    priced = prices and all(name.endswith(PRICE_SUFFIX) and len(name) > 4 for name in prices)
    if not header or header[0] not in STEP_SECONDS or not priced or len(set(prices)) < len(prices):
        raise InputError(
            f"prices {path}: columns are {header}: write date_utc or timestamp_utc, then one "
            f"<symbol>{PRICE_SUFFIX} an asset"
        )
    return header[0], tuple(name.removesuffix(PRICE_SUFFIX).upper() for name in prices)


def _parsed(lines: list[list[str]], step: int, assets: int, findings: Findings) -> Iterator[_Row]:
    """Yield the rows that can be read; the others are found at the end."""
    broken: dict[Fault, list[int]] = {}
    for line, fields in enumerate(lines[1:], start=2):
        fault = None
        if len(fields) != assets + 1:
            fault = Fault.FIELDS
        elif (opened := _opened(fields[0], step)) is None:
            fault = Fault.LABEL
        elif (closes := _closes(fields[1:])) is None:
            fault = Fault.PRICE
        else:
            yield _Row(line, opened + step, closes)
        if fault is not None:
            broken.setdefault(fault, []).append(line)
    for fault, at in broken.items():
        findings.add(fault, tuple(at), ",".join(lines[at[0] - 1]))


def _opened(label: str, step: int) -> int | None:
    """Return when the bar of a label opens, Unix seconds; None unless it is a whole step."""
    try:
        time = datetime.fromisoformat(label)
    except ValueError:
        return None
    seconds = int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp())
    return seconds if seconds % step == 0 else None


def _closes(texts: list[str]) -> tuple[float, ...] | None:
    try:
        closes = tuple(float(text) for text in texts)
    except ValueError:
        return None
    return closes if all(0 < close < float("inf") for close in closes) else None


def _forward_in_time(rows: Iterator[_Row], findings: Findings) -> list[_Row]:
    """Drop repeated rows, and the fewest others whose clock does not run forwards."""
    once: list[_Row] = []
    again: list[int] = []
    for row in rows:
        if once and row[1:] == once[-1][1:]:
            again.append(row.line)
        else:
            once.append(row)
    if again:
        findings.add(Fault.DUPLICATE, tuple(again))
    kept = _ascending([row.known_at for row in once])
    if len(kept) < len(once):
        backwards = sorted(set(range(len(once))) - set(kept))
        findings.add(Fault.CLOCK, tuple(once[at].line for at in backwards))
    return [once[at] for at in kept]


def _ascending(times: list[int]) -> list[int]:
    """Return the positions of the longest run of ascending times, of equal times the first.

    So one wrong stamp, early or late, costs its own row and not all that follow (Fredman 1975).
    """
    ends: list[int] = []  # of the runs of each length, the one that ends earliest
    at_end: list[int] = []
    before: list[int] = []
    for position, time in enumerate(times):
        length = bisect_left(ends, time)
        before.append(at_end[length - 1] if length else -1)
        if length == len(ends):
            ends.append(time)
            at_end.append(position)
        elif time < ends[length]:
            ends[length], at_end[length] = time, position
    run: list[int] = []
    position = at_end[-1] if at_end else -1
    while position >= 0:
        run.append(position)
        position = before[position]
    return run[::-1]


def _believable(rows: list[_Row], findings: Findings) -> list[_Row]:
    """Drop rows far from the median of their neighbours: misprints, not moves, which last."""
    if len(rows) < _NEIGHBOURS + 1:
        return rows
    logs = np.log(np.array([row.closes for row in rows]))
    padded = np.pad(logs, ((_NEIGHBOURS, _NEIGHBOURS), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * _NEIGHBOURS + 1, axis=0)
    medians: FloatArray = np.nanmedian(windows, axis=-1)
    wild = np.max(np.abs(logs - medians), axis=1) > LARGEST_MOVE
    at: list[int] = np.flatnonzero(wild).tolist()
    if not at:
        return rows
    findings.add(Fault.JUMP, tuple(rows[n].line for n in at), str(rows[at[0]].closes))
    return [rows[n] for n in np.flatnonzero(~wild).tolist()]


def _report_gaps(known_at: IntArray, step: int, rows: list[_Row], findings: Findings) -> None:
    gaps: list[int] = np.flatnonzero(np.diff(known_at) > step).tolist()
    if gaps:
        missing = int(known_at[gaps[0] + 1] - known_at[gaps[0]]) // step - 1
        detail = f"{missing} missing before row {rows[gaps[0] + 1].line}"
        findings.add(Fault.GAP, tuple(rows[n + 1].line for n in gaps), detail)


def _reasons(findings: Findings) -> str:
    return "; ".join(finding.text() for finding in findings.all()) or "it has none"
