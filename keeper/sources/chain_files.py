"""Option chains from files: `YYYYMMDDTHHMMSSZ.csv[.gz]`, one moment a file."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from keeper.errors import InputError, MarketDataError
from keeper.sources.finding import Fault, Findings
from keeper.sources.packed_text import packed_text
from keeper.sources.quotes import NUMBERS, UNDERLYINGS, RawQuotes, ReadChain, sound_chain

COLUMNS: Final = ("instrument", *NUMBERS)
LONGEST_GAP_SECONDS: Final = 8 * 3_600
"""Files four times a day are 4.9 to 7.4 hours apart."""

_SUFFIXES: Final = (".csv.gz", ".csv")


def read_chains(
    folder: Path,
    underlyings: Mapping[str, int] = UNDERLYINGS,
    longest_gap: int = LONGEST_GAP_SECONDS,
) -> Iterator[ReadChain]:
    """Yield the chain of each file of a folder, or of one file, in the order of time.

    `underlyings` maps tickers to the model's numbers; more than `longest_gap` seconds between two
    chains are a finding of the later one. A file of which nothing can be used yields no chain, with
    the reason. Raises InputError where the folder has no such files or cannot be read.
    """
    before: int | None = None
    for path in _files(folder):
        time = file_time(path)
        findings = Findings(path.name)
        if time is None:
            findings.add(Fault.NAME_OF_FILE, detail="write YYYYMMDDTHHMMSSZ.csv[.gz]")
            yield ReadChain(None, findings.all())
            continue
        if before is not None and time <= before:
            findings.add(Fault.CLOCK, detail="another file is of the same time")
            yield ReadChain(None, findings.all())
            continue
        if before is not None and time - before > longest_gap:
            findings.add(Fault.GAP, detail=f"{(time - before) / 3_600:.1f} h")
        read = _read(path, time, underlyings, findings)
        before = time if read.chain is not None else before
        yield read


def read_chain(path: Path, underlyings: Mapping[str, int] = UNDERLYINGS) -> ReadChain:
    """Return the chain of one file, with its findings.

    Raises InputError where there is no such file or its name is no time.
    """
    if not path.is_file():
        raise InputError(f"chain {path}: no such file")
    time = file_time(path)
    if time is None:
        raise InputError(f"chain {path}: name it by its time, YYYYMMDDTHHMMSSZ.csv[.gz]")
    return _read(path, time, underlyings, Findings(path.name))


@dataclass(frozen=True, slots=True)
class ChainFile:
    """The `Source` of one file."""

    path: Path
    underlyings: Mapping[str, int]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    def read(self) -> ReadChain:
        """Return the chain; MarketDataError where nothing of it can be used."""
        read = read_chain(self.path, self.underlyings)
        if read.chain is None:
            reasons = "; ".join(finding.text() for finding in read.findings)
            raise MarketDataError(f"chain {self.path}: nothing can be used: {reasons}")
        return read


def file_time(path: Path) -> int | None:
    """Return the Unix seconds in the name of a file, or None."""
    suffix = next((s for s in _SUFFIXES if path.name.endswith(s)), None)
    if suffix is None:
        return None
    try:
        time = datetime.strptime(path.name.removesuffix(suffix), "%Y%m%dT%H%M%SZ").replace(
            tzinfo=UTC
        )
    except ValueError:
        return None
    return int(time.timestamp())


def _files(folder: Path) -> list[Path]:
    """Return the files by the time in their names, those without one first."""
    if folder.is_file():
        return [folder]
    try:
        found = [path for path in folder.iterdir() if _is_meant(path.name.lower())]
    except OSError as error:
        raise InputError(f"chains {folder}: {error.strerror}") from error
    if not found:
        raise InputError(f"chains {folder}: no file YYYYMMDDTHHMMSSZ.csv or .csv.gz in it")
    return sorted(found, key=lambda path: (file_time(path) or 0, path.name))


def _is_meant(name: str) -> bool:
    """Whether a file is a chain or was to be one, as 20260105T040000Z.csv.zip."""
    return name.endswith(_SUFFIXES) or name[:8].isdecimal()


def _read(path: Path, time: int, underlyings: Mapping[str, int], findings: Findings) -> ReadChain:
    text = _text(path, findings)
    raw = None if text is None else _raw_quotes(text, findings)
    if raw is None:
        return ReadChain(None, findings.all())
    return sound_chain(path.name, time, raw, underlyings, findings)


def _text(path: Path, findings: Findings) -> str | None:
    try:
        return packed_text(path)
    except EOFError as error:
        findings.add(Fault.TRUNCATED_FILE, detail=str(error))
    except (OSError, zlib.error, UnicodeDecodeError) as error:
        findings.add(Fault.UNREADABLE_FILE, detail=str(error))
    return None


def _raw_quotes(text: str, findings: Findings) -> RawQuotes | None:
    # Without quoting: a stray quotation mark would swallow the rows up to the next.
    lines = text.replace("\r\n", "\n").split("\n")
    # A last line without an end may have lost part of its last number.
    torn = lines.pop()
    try:
        table = list(csv.reader(lines, quoting=csv.QUOTE_NONE))
    except csv.Error as error:
        findings.add(Fault.UNREADABLE_FILE, detail=str(error))
        return None
    header = table[0] if table else []
    missing = [name for name in COLUMNS if name not in header]
    doubled = [f"{name} twice" for name in COLUMNS if header.count(name) > 1]
    if missing or doubled:
        absent = [f"missing {', '.join(missing)}"] if missing else []
        findings.add(Fault.HEADER, (1,), "; ".join([*absent, *doubled]))
        return None
    if len(table) == 1 and not torn:
        findings.add(Fault.EMPTY)
        return None
    if torn:
        findings.add(Fault.FIELDS, (len(lines) + 1,), "the last line has no end")
    rows = range(2, len(table) + 1)
    width = len(header)
    whole = [row for row in zip(rows, table[1:], strict=True) if len(row[1]) == width]
    if len(whole) < len(table) - 1:
        broken = [n for n, row in zip(rows, table[1:], strict=True) if len(row) != width]
        findings.add(Fault.FIELDS, tuple(broken), f"{width} expected")
    if not whole:
        return _columns([], [()] * width, header, findings)
    numbers, fields = zip(*whole, strict=True)
    return _columns(list(numbers), list(zip(*fields, strict=True)), header, findings)


def _columns(
    rows: list[int], columns: Sequence[Sequence[str]], header: list[str], findings: Findings
) -> RawQuotes:
    by_name = dict(zip(header, columns, strict=True))
    names = list(by_name["instrument"])
    broken: set[int] = set()
    numbers = {name: _floats(by_name[name], broken) for name in NUMBERS}
    at = np.array(rows, dtype=np.int64)
    raw = RawQuotes(names, at, **{n: np.array(v, dtype=np.float64) for n, v in numbers.items()})
    if not broken:
        return raw
    bad = np.zeros(len(names), dtype=np.bool_)
    bad[sorted(broken)] = True
    findings.add_where(Fault.NOT_A_NUMBER, bad, at, names)
    return raw.take(np.flatnonzero(~bad))


def _floats(texts: Sequence[str], broken: set[int]) -> list[float]:
    """Return the numbers, NaN for an empty text; where one is no number, note its position."""
    nan = float("nan")
    try:
        return [float(text) if text else nan for text in texts]
    except ValueError:
        pass
    numbers: list[float] = []
    for position, text in enumerate(texts):
        try:
            numbers.append(float(text) if text else nan)
        except ValueError:
            broken.add(position)
            numbers.append(nan)
    return numbers
