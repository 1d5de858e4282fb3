"""How expected shortfall is taken from history: the `[shortfall]` table of the model."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, cast

from keeper.errors import InputError
from keeper.margin.history import History, day_of, day_text
from keeper.margin.toml_fields import Fields, Range, Rule, check_fields, fraction, parse_toml, table
from keeper.units import WAD

# The first filtered days of a history only start the volatility that the later ones are over.
WARM_UP_DAYS: Final = 30
_WINDOW_DAYS: Final = (100, 5_000)
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,60}\.csv", re.ASCII)

_FRACTIONS: Final[dict[str, Range]] = {
    "decay": (1, WAD - 1),
    "vol_pivot": (0, 10 * WAD),
    "vol_exponent": (0, WAD),
}
# With these limits a tail holds at least one scenario, and its weights stay below 2**31.
_RULES: Final[dict[str, Rule]] = {
    "history": str,
    "tail_bps": (100, 5_000),
    "window_days": _WINDOW_DAYS,
    "stressed_from": str,
    "stressed_to": str,
    **_FRACTIONS,
}


@dataclass(frozen=True, slots=True)
class ShortfallRule:
    """Tail and windows of expected shortfall; days are unix time // 86400, fractions wad.

    `tail_bps` is the share of scenarios that are averaged. The filtered window is the last
    `window_days` of the history, over volatilities that keep `decay_wad` of their weight a day; the
    stressed window is the raw days `stressed_from_day` to `stressed_to_day`, both included.
    `vol_pivot_wad` is the size of a usual move in standard deviations, `vol_exponent_wad` the power
    of 30 d/t by which vols of other terms answer (docs/model.md, Expected shortfall).
    """

    tail_bps: int
    window_days: int
    decay_wad: int
    stressed_from_day: int
    stressed_to_day: int
    vol_pivot_wad: int
    vol_exponent_wad: int

    @property
    def stressed_days(self) -> int:
        """The length of the stressed window."""
        return self.stressed_to_day - self.stressed_from_day + 1


def history_file(toml_text: str) -> str | None:
    """Return the name of the history's file, beside that of the model; None where none is named.

    Raises InputError for what is not TOML; `parse_model` says what else is wrong.
    """
    raw = parse_toml("model", toml_text).get("shortfall")
    name = cast(Fields, raw).get("history") if isinstance(raw, dict) else None
    return name if isinstance(name, str) and _FILE_NAME.fullmatch(name) else None


def shortfall_fields(raw: object, problems: list[str]) -> Fields:
    """Return the table as the fields of ShortfallRule; note missing, unknown and bad ones."""
    fields = table("shortfall", raw, problems)
    found = {
        name: fraction(f"shortfall.{name}", fields[name], problems)
        for name in _FRACTIONS.keys() & fields.keys()
    }
    check_fields("shortfall", fields | found, _RULES, problems)
    name = fields.get("history")
    if isinstance(name, str) and not _FILE_NAME.fullmatch(name):
        problems.append(f"shortfall.history {name[:60]!r} is no file beside it: name it x.csv")
    days = {
        name: _day(f"shortfall.{name}", fields[name], problems)
        for name in ("stressed_from", "stressed_to")
        if isinstance(fields.get(name), str)
    }
    first, last = days.get("stressed_from"), days.get("stressed_to")
    if first is not None and last is not None:
        low, high = _WINDOW_DAYS
        if not low <= last - first + 1 <= high:
            problems.append(
                f"shortfall.stressed_to {fields['stressed_to']!r} makes a window of "
                f"{last - first + 1} days: give {low} to {high}"
            )
    return {
        "tail_bps": fields.get("tail_bps"),
        "window_days": fields.get("window_days"),
        **{f"{name}_wad": value for name, value in found.items()},
        **{f"{name}_day": value for name, value in days.items()},
    }


def require_windows(rule: ShortfallRule, history: History) -> None:
    """Raise InputError where the history, after its first WARM_UP_DAYS, is short of a window, or
    where an asset does not move in one: it would have no tail there."""
    first, end = history.first_day + WARM_UP_DAYS, history.first_day + len(history)
    if rule.window_days > end - first:
        raise InputError(
            f"history has {len(history)} days, but shortfall.window_days {rule.window_days} and "
            f"{WARM_UP_DAYS} to warm up need {rule.window_days + WARM_UP_DAYS}: give more days"
        )
    if rule.stressed_from_day < first or rule.stressed_to_day >= end:
        raise InputError(
            f"the stressed window {day_text(rule.stressed_from_day)} to "
            f"{day_text(rule.stressed_to_day)} is not inside the history from {day_text(first)} "
            f"(after {WARM_UP_DAYS} days to warm up) to {day_text(end - 1)}: give more days"
        )
    _require_movement(history, end - rule.window_days, end - 1)
    _require_movement(history, rule.stressed_from_day, rule.stressed_to_day)


def _require_movement(history: History, since: int, until: int) -> None:
    """Refuse an asset that stands still from one day to another, both included."""
    days = slice(since - history.first_day, until - history.first_day + 1)
    for symbol, column in history.returns_e9.items():
        if column[days].max() == column[days].min():
            raise InputError(
                f"history: {symbol} returns {column[days][0]} on every day from {day_text(since)} "
                f"to {day_text(until)}: give an asset that moves in that window"
            )


def _day(where: str, text: str, problems: list[str]) -> int | None:
    day = day_of(text)
    if day is None:
        problems.append(f"{where} {text[:24]!r} is no day: write it as 2020-03-12")
    return day
