"""The text of a model, read: `config/model.toml` and the history of returns that goes with it.

It is read strictly, and all problems are reported at once. Fractions are decimal text, so that no
float ever rounds a parameter; everything else is an integer. A field that is missing, unknown, of
another type or outside its range is refused: a margin model has no defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from keeper.errors import InputError
from keeper.margin.add_on_rules import ADD_ON_FRACTIONS, ADD_ON_LIMITS, AddOnRules
from keeper.margin.history import parse_history
from keeper.margin.scenarios import MAX_SCENARIOS, VERSION, Factors, Model, Scenario, UnderlyingRisk
from keeper.margin.shortfall_rule import ShortfallRule, require_windows, shortfall_fields
from keeper.margin.toml_fields import (
    Fields,
    Range,
    Rule,
    check_fields,
    check_names,
    check_unique,
    columned,
    fraction,
    parse_toml,
    table,
    tables,
)
from keeper.margin.volatility import SCAN_RULE_LIMITS, SCAN_SIGMA_LIMITS, ScanRule
from keeper.units import BPS, WAD

_TABLES: Final = {
    "version",
    "factors",
    "scan",
    "add_ons",
    "shortfall",
    "underlyings",
    "scenarios",
}

# Three times a loss is more than any margin; the cap also keeps every product inside int64.
_FACTORS: Final[dict[str, Rule]] = {
    "maintenance_bps": (1, 3 * BPS),
    "initial_bps": (BPS, 3 * BPS),
    "grid_bps": (BPS, 3 * BPS),
    "minimum_charge_bps": (0, BPS),
    "minimum_charge_standard_bps": (0, BPS),
    "short_option_minimum_bps": (0, BPS),
    "floor_gross_bps": (0, BPS),
}
_FRACTIONS: Final[dict[str, Range]] = {
    "lot": (1, WAD),
    "scan_range": (1, WAD),
    "vol_up": (1, WAD),
    "vol_down": (1, WAD),
    "linear_rate": (1, WAD),
    "option_rate": (1, WAD),
    "option_floor": (1, WAD),
    "vol_on_return": (-WAD, WAD),
    "vol_on_size": (-WAD, WAD),
    "vol_residual": (0, WAD),
    **SCAN_SIGMA_LIMITS,
}
_UNDERLYING: Final[dict[str, Rule]] = {"underlying": (1, 2**16 - 1), "symbol": str, **_FRACTIONS}
_SCENARIO: Final[dict[str, Rule]] = {
    "name": str,
    "spot_bps": (-6 * BPS, 6 * BPS),
    "others_spot_bps": (-6 * BPS, 6 * BPS),
    "vol_bps": (-6 * BPS, 6 * BPS),
    "others_vol_bps": (-6 * BPS, 6 * BPS),
    "flat_bps": (-3 * BPS, 3 * BPS),
    "front_bps": (-3 * BPS, 3 * BPS),
    "twist_bps": (-3 * BPS, 3 * BPS),
    "skew_bps": (-3 * BPS, 3 * BPS),
    "curvature_bps": (-3 * BPS, 3 * BPS),
    "weight_bps": (1, BPS),
    "clock_seconds": (0, 30 * 86400),
    "focus": (0, 2**16 - 1),
    "rolls": bool,
    "floor": bool,
}


def parse_model(toml_text: str, history_text: str) -> Model:
    """Return the model; raise one InputError that lists every problem, one a line.

    Problems of the history are looked for once the rest is sound: its columns are the underlyings'.
    """
    document = parse_toml("model", toml_text)
    problems: list[str] = []
    check_names("model", document, _TABLES, problems)
    _check_version(document.get("version"), problems)
    factors = _factors(document.get("factors", {}), problems)
    scan = _scan(document.get("scan", {}), problems)
    add_ons = _add_ons(document.get("add_ons", {}), problems)
    shortfall = shortfall_fields(document.get("shortfall", {}), problems)
    underlyings = _underlyings(document.get("underlyings", []), problems)
    scenarios = _scenarios(document.get("scenarios", {}), underlyings, problems)
    if problems:
        raise InputError("model is refused:\n" + "\n".join(f"- {line}" for line in problems))
    rule, risks = ShortfallRule(**shortfall), [UnderlyingRisk(**row) for row in underlyings]
    history = parse_history(history_text, [risk.symbol for risk in risks])
    require_windows(rule, history)
    return Model(
        VERSION,
        Factors(**factors),
        ScanRule(**{f"{name}_wad": value for name, value in scan.items()}),
        AddOnRules(**add_ons),
        rule,
        tuple(risks),
        tuple(Scenario(**row) for row in scenarios),
        history,
    )


def _check_version(version: object, problems: list[str]) -> None:
    """Note any version but the one this keeper reads."""
    if type(version) is not int or version != VERSION:
        problems.append(f"model.version {version!r}: this keeper reads version {VERSION}")


def _factors(raw: object, problems: list[str]) -> Fields:
    fields = table("factors", raw, problems)
    check_fields("factors", fields, _FACTORS, problems)
    maintenance, initial = fields.get("maintenance_bps"), fields.get("initial_bps")
    if isinstance(maintenance, int) and isinstance(initial, int) and initial < maintenance:
        problems.append(f"factors.initial_bps {initial} is below maintenance_bps {maintenance}")
    return fields


def _scan(raw: object, problems: list[str]) -> Fields:
    fields = table("scan", raw, problems)
    return _with_fractions("scan", fields, SCAN_RULE_LIMITS, SCAN_RULE_LIMITS, problems)


def _add_ons(raw: object, problems: list[str]) -> Fields:
    fields = table("add_ons", raw, problems)
    return _with_fractions("add_ons", fields, ADD_ON_FRACTIONS, ADD_ON_LIMITS, problems)


def _with_fractions(
    where: str,
    fields: Fields,
    fractions: Mapping[str, Range],
    rules: Mapping[str, Rule],
    problems: list[str],
) -> Fields:
    """Return the fields with decimal text as wad, checked by their rules."""
    parsed = {
        name: fraction(f"{where}.{name}", fields[name], problems)
        for name in fractions.keys() & fields.keys()
    }
    check_fields(where, fields | parsed, rules, problems)
    return fields | parsed


def _underlyings(raw: object, problems: list[str]) -> list[Fields]:
    rows: list[Fields] = []
    for where, row in tables("underlyings", raw, problems):
        rows.append(_with_fractions(where, row, _FRACTIONS, _UNDERLYING, problems))
    numbers = [n for row in rows if type(n := row.get("underlying")) is int]
    if numbers != sorted(set(numbers)):
        problems.append(f"underlyings {numbers} are not ascending, each once")
    check_unique("underlyings.symbol", [row.get("symbol") for row in rows], problems)
    return rows


def _scenarios(raw: object, underlyings: list[Fields], problems: list[str]) -> list[Fields]:
    known = {0, *(n for row in underlyings if type(n := row.get("underlying")) is int)}
    rows: list[Fields] = []
    for where, row in columned("scenarios", raw, _SCENARIO.keys(), problems):
        check_fields(where, row, _SCENARIO, problems)
        focus = row["focus"]
        if type(focus) is int and focus not in known:
            problems.append(f"{where}.focus {focus} is no underlying of this model")
        for name in ("others_spot_bps", "others_vol_bps"):
            if focus == 0 and row[name] != 0:
                problems.append(f"{where}.{name} {row[name]!r}: must be 0, for focus 0 is all")
        rows.append(row)
    if len(rows) > MAX_SCENARIOS:
        problems.append(f"scenarios has {len(rows)} rows: at most {MAX_SCENARIOS}")
    names = [name for row in rows if isinstance(name := row["name"], str)]
    problems += [
        f"scenarios {later!r} stands after {earlier!r}: sort names by code point, each once"
        for earlier, later in pairwise(names)
        if earlier >= later
    ]
    return rows
