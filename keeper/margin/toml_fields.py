"""Strict reading of TOML tables: every problem is noted, none is guessed away.

A rule for a field is a type (`str`, `bool`) or an inclusive range of integers. Callers collect the
problems of a whole file and refuse it once.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias, cast

from keeper.errors import InputError
from keeper.units import wad

Range: TypeAlias = tuple[int, int]
Rule: TypeAlias = Range | type
Fields: TypeAlias = dict[str, Any]  # one TOML table

DEEPEST: Final = 8  # levels of a file; a model has five
_INT64: Final = range(-(2**63), 2**63)  # what TOML asks every reader to hold


def parse_toml(where: str, text: str) -> Fields:
    """Return the root table, in which every value can be shown.

    Raises InputError for what is not TOML, for more than DEEPEST levels and for integers beyond 64
    bits: Python can neither nest nor write numbers without limit.
    """
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise InputError(f"{where} is nested deeper than {DEEPEST} levels: flatten it") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not TOML: {error}") from error
    except ValueError as error:  # of int, which reads no more than 4300 digits
        raise InputError(f"{where} has an integer beyond 64 bits: write a smaller one") from error
    level: list[tuple[str, object]] = [(where, document)]
    for _ in range(DEEPEST):
        for name, value in level:
            if isinstance(value, int) and value not in _INT64:
                raise InputError(f"{name} is an integer beyond 64 bits: write a smaller one")
        level = [child for name, value in level for child in _children(name, value)]
    if level:
        raise InputError(f"{level[0][0]} is nested deeper than {DEEPEST} levels: flatten it")
    return document


def _children(where: str, value: object) -> Iterable[tuple[str, object]]:
    if isinstance(value, dict):
        table = cast(Fields, value)
        return [(f"{where}.{name}", child) for name, child in table.items()]
    if isinstance(value, list):
        items = cast(list[object], value)
        return [(f"{where}[{index}]", child) for index, child in enumerate(items)]
    return []


def table(where: str, raw: object, problems: list[str]) -> Fields:
    """Return `raw` as a table; empty, with the problem noted, where it is none."""
    if isinstance(raw, dict):
        return cast(Fields, raw)
    problems.append(f"{where} is not a table: write [{where}]")
    return {}


def tables(where: str, raw: object, problems: list[str]) -> list[tuple[str, Fields]]:
    """Return the rows of an array of tables, each with its name; at least one row is required."""
    if not isinstance(raw, list) or not raw:
        problems.append(f"{where} has no rows: write [[{where}]]")
        return []
    rows = enumerate(cast(list[object], raw))
    return [(f"{where}[{i}]", table(f"{where}[{i}]", row, problems)) for i, row in rows]


def columned(
    where: str, raw: object, known: Collection[str], problems: list[str]
) -> list[tuple[str, Fields]]:
    """Return the rows of a table written as `columns` and `rows`, each with its name.

    A row is called by its column `name` where that is text. Columns stand in any order, each once
    and none but the `known`; at least one row is required. Rows of another length are left out.
    """
    fields = table(where, raw, problems)
    check_names(where, fields, {"columns", "rows"}, problems)
    columns, rows = fields.get("columns"), fields.get("rows")
    if not isinstance(columns, list) or sorted(map(str, columns)) != sorted(known):  # pyright: ignore[reportUnknownArgumentType]
        problems.append(f"{where}.columns {columns!r} are not {', '.join(known)}, each once")
        return []
    if not isinstance(rows, list) or not rows:
        problems.append(f"{where}.rows {rows!r} are no rows: write [[...], ...]")
        return []
    found: list[tuple[str, Fields]] = []
    for number, row in enumerate(cast(list[object], rows)):
        values = cast(list[object], row) if isinstance(row, list) else []
        if len(values) != len(known):
            problems.append(f"{where}.rows[{number}] {row!r} has not {len(known)} values")
            continue
        named = dict(zip(cast(list[str], columns), values, strict=True))
        name = named.get("name")
        called = f"{where}[{name!r}]" if isinstance(name, str) else f"{where}.rows[{number}]"
        found.append((called, named))
    return found


def fraction(where: str, text: object, problems: list[str]) -> int | None:
    """Return decimal text as wad; None, with the problem noted, where it is none."""
    if not isinstance(text, str):
        problems.append(f'{where} {text!r} is not text: write fractions as "0.15"')
        return None
    try:
        return wad(text)
    except InputError as error:
        problems.append(f"{where}: {error}")
        return None


def check_names(where: str, fields: Fields, known: set[str], problems: list[str]) -> None:
    """Note missing and unknown fields."""
    problems += [f"{where}.{name} is missing" for name in sorted(known - fields.keys())]
    problems += [f"{where}.{name} is unknown" for name in sorted(fields.keys() - known)]


def check_fields(
    where: str, fields: Fields, rules: Mapping[str, Rule], problems: list[str]
) -> None:
    """Note missing and unknown fields and values that break their rule; None was noted before."""
    check_names(where, fields, set(rules), problems)
    for name, rule in rules.items():
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(rule, type):
            if type(value) is not rule or value == "":
                problems.append(f"{where}.{name} {value!r} is not a {rule.__name__}")
        elif type(value) is not int or not rule[0] <= value <= rule[1]:
            problems.append(f"{where}.{name} {value!r} is not an integer in {rule[0]}..{rule[1]}")


def check_unique(where: str, values: list[object], problems: list[str]) -> None:
    """Note values that stand more than once."""
    repeated = sorted({str(value) for value in values if values.count(value) > 1})
    problems += [f"{where} {value!r} stands twice" for value in repeated]
