"""The object `Result` of a case: every row of P&L goes to the scenario that its label names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from keeper.margin.models.pmrm2.fields import Fields, plain_number
from keeper.margin.models.pmrm2.inputs import Published, Scenario, Vol

_LABELS: Final = {"reg_losses": 2, "tail_losses": 2, "skew_losses": 1}  # items before the P&L
_DIRECTIONS: Final = {1.0: Vol.UP, -1.0: Vol.DOWN, 0.0: Vol.NONE}
_WORDS: Final = {vol.value.lower(): vol for vol in Vol}
_ROUNDING: Final = 1e-6  # of a move of spot in a label, which is decimal text


def parse_published(table: Fields, scenarios: Sequence[Scenario]) -> Published:
    """Return the results, P&L in the order of the scenarios, however the rows stand.

    A regular or tail row is `[move of spot, 1 | 0 | -1 for Up | None | Down, P&L]`, a skew row
    `[LINEAR | ABS, P&L]`. Raises InputError for a row whose label is that of no scenario, or of
    several that differ.
    """
    rows = _rows(table)
    if len(rows) != len(scenarios):
        fix = f"write one for each of {len(scenarios)}"
        raise table.refused(", ".join(_LABELS), f"{len(rows)} rows", fix)
    return Published(
        scenario_pnl=_by_scenario(table, rows, scenarios),
        basis=table.real("ForwardContingency"),
        initial=table.real("IM"),
        maintenance=table.real("MM"),
    )


@dataclass(frozen=True, slots=True)
class _Row:
    """One P&L under its label: what moves, None for no vol known, and the move of spot if given."""

    place: str
    label: Sequence[object]
    vol: Vol | None
    move: float | None
    pnl: float

    def names(self, scenario: Scenario) -> bool:
        """Whether the label is that of the scenario; only a skew may leave out its move."""
        if self.vol is not scenario.vol:
            return False
        if self.move is None:
            return scenario.vol.is_skew
        return abs(1.0 + self.move - scenario.spot_shock) <= _ROUNDING


def _rows(table: Fields) -> list[_Row]:
    rows: list[_Row] = []
    for name, width in _LABELS.items():
        for index, item in enumerate(table.items(name)):
            row = cast("list[object]", item) if isinstance(item, list) else []
            if len(row) != width + 1:
                raise table.refused(name, item, f"write rows of {width + 1} items, the P&L last")
            place, label = f"{name}[{index}]", row[:-1]
            move = plain_number(label[0]) if len(label) > 1 else None
            rows.append(_Row(place, label, _vol(label[-1]), move, table.to_real(place, row[-1])))
    return rows


def _by_scenario(
    table: Fields, rows: Sequence[_Row], scenarios: Sequence[Scenario]
) -> tuple[float, ...]:
    """Return the P&L of each scenario; rows in the scenarios' own order may repeat a label."""
    if all(row.names(scenario) for row, scenario in zip(rows, scenarios, strict=True)):
        return tuple(row.pnl for row in rows)
    found: dict[int, float] = {}
    for row, expected in zip(rows, scenarios, strict=True):
        named = [
            place
            for place, scenario in enumerate(scenarios)
            if place not in found and row.names(scenario)
        ]
        if not named:
            fix = f"label it {_label(expected)} as the scenario at its place, each scenario once"
            raise table.refused(row.place, row.label, fix)
        if len({scenarios[place] for place in named}) > 1:
            fix = "the label of several scenarios, so write the rows in the order of Scenarios"
            raise table.refused(row.place, row.label, fix)
        found[named[0]] = row.pnl
    return tuple(found[place] for place in range(len(scenarios)))


def _vol(label: object) -> Vol | None:
    if isinstance(label, str) and label.lower() in _WORDS:
        return _WORDS[label.lower()]
    return _DIRECTIONS.get(plain_number(label))


def _label(scenario: Scenario) -> list[object]:
    if scenario.vol.is_skew:
        return [scenario.vol.value]
    direction = next(int(sign) for sign, vol in _DIRECTIONS.items() if vol is scenario.vol)
    return [f"{scenario.spot_shock - 1.0:.9g}", direction]
