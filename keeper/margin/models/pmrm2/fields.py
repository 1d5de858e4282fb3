"""Strict reading of one JSON object: every refusal names the case, the field, its value and a fix.

Numbers may stand as text, which then carries more digits than a reader would keep. Such text is a
number of JSON: ASCII digits, no blanks, no `1_000`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, cast

from keeper.errors import InputError

_INFINITE: Final = float("inf")
_NAN: Final = float("nan")
_SHOWN = 40
# As JSON writes numbers; leading zeros, a plus and a bare point besides, which mislead nobody.
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Fields:
    """An object of the document of `case`; `place` is its path in there, "" for the whole."""

    case: str
    place: str
    values: Mapping[str, Any]

    def table(self, name: str) -> Fields:
        """Return the object under `name`."""
        return fields(self.case, self._path(name), self._value(name))

    def tables(self, name: str) -> list[Fields]:
        """Return the list of objects under `name`; it may be empty."""
        return [
            fields(self.case, f"{self._path(name)}[{index}]", item)
            for index, item in enumerate(self.items(name))
        ]

    def items(self, name: str, count: int | None = None) -> list[object]:
        """Return the list under `name`, of `count` items where that is given."""
        value = self._value(name)
        if not isinstance(value, list):
            raise self.refused(name, value, "write a list")
        items = cast("list[object]", value)
        if count is not None and len(items) != count:
            raise self.refused(name, f"{len(items)} items", f"write {count} of them")
        return items

    def real(self, name: str) -> float:
        """Return any finite number."""
        return self.to_real(name, self._value(name))

    def amount(self, name: str) -> float:
        """Return a finite number that is not negative."""
        number = self.real(name)
        if number < 0.0:
            raise self.refused(name, number, "write zero or more")
        return number

    def positive(self, name: str) -> float:
        """Return a finite number above zero."""
        number = self.real(name)
        if number <= 0.0:
            raise self.refused(name, number, "write a number above zero")
        return number

    def fraction(self, name: str) -> float:
        """Return a number in [0, 1]."""
        number = self.real(name)
        if not 0.0 <= number <= 1.0:
            raise self.refused(name, number, "write a fraction from 0 to 1")
        return number

    def integer(self, name: str) -> int:
        """Return a whole number; JSON may write it with a fraction of zero."""
        number = self.real(name)
        if number != int(number):
            raise self.refused(name, number, "write a whole number")
        return int(number)

    def flag(self, name: str) -> bool:
        """Return true or false; 1 and 0 stand for them."""
        value = self._value(name)
        if value not in (0, 1):
            raise self.refused(name, value, "write true or false")
        return bool(value)

    def choice(self, name: str, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - of the caller
        """Return the value in `known` that the text under `name` stands for."""
        value = self._value(name)
        if not isinstance(value, str) or value not in known:
            raise self.refused(name, value, f"write one of {', '.join(known)}")
        return known[value]

    def to_real(self, name: str, value: object) -> float:
        """Return an item of the list `name` as a finite number."""
        number = plain_number(value)
        if not abs(number) < _INFINITE:
            raise self.refused(name, value, "write a finite number")
        return number

    def refused(self, name: str, value: object, fix: str) -> InputError:
        """Return the error for a value that must not stand there."""
        shown = repr(value)
        if len(shown) > _SHOWN:
            shown = f"{shown[:_SHOWN]}..."
        return InputError(f"{self.case}: {self._path(name)} is {shown}: {fix}")

    def _value(self, name: str) -> Any:  # noqa: ANN401 - decoded JSON
        if name not in self.values:
            raise InputError(f"{self.case}: {self._path(name)} is missing: add it")
        return self.values[name]

    def _path(self, name: str) -> str:
        return f"{self.place}.{name}" if self.place else name


def fields(case: str, place: str, value: object) -> Fields:
    """Return a decoded JSON object for reading; raises InputError where it is none."""
    if not isinstance(value, dict):
        where = place or "the document"
        raise InputError(f"{case}: {where} is {type(value).__name__}: write a JSON object")
    return Fields(case, place, cast("dict[str, Any]", value))


def plain_number(value: object) -> float:
    """Return a number or its text as float; NaN for anything else, such as `1_000` or `true`."""
    if isinstance(value, str):
        return float(value) if _NUMBER.fullmatch(value) else _NAN
    if isinstance(value, int | float) and not isinstance(value, bool):
        with suppress(OverflowError):
            return float(value)
    return _NAN
