"""The table of scenarios in the model file: columns by name, rows in the order of their names."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from keeper.errors import InputError
from keeper.margin.model_text import parse_model
from tests.books import HISTORY_TEXT, MODEL, MODEL_TEXT, STILL

HEAD = MODEL_TEXT[: MODEL_TEXT.index("[scenarios]")]
COLUMNS = list(asdict(STILL))


def table(*rows, columns=None):
    """The model's text with another table of scenarios."""
    columns = COLUMNS if columns is None else columns
    lines = [str(row).replace("True", "true").replace("False", "false") for row in rows]
    return f"{HEAD}[scenarios]\ncolumns = {columns}\nrows = [{', '.join(lines)}]\n"


def row(**changes):
    return list(asdict(replace(STILL, **changes)).values())


def refusal(text):
    with pytest.raises(InputError) as refused:
        parse_model(text, HISTORY_TEXT)
    return str(refused.value)


def test_parse_model__table__is_read_by_column_name():
    full = replace(
        STILL, name="all", spot_bps=1, others_spot_bps=2, vol_bps=3, others_vol_bps=4, flat_bps=5,
        front_bps=6, twist_bps=7, skew_bps=8, curvature_bps=9, weight_bps=10, clock_seconds=11,
        focus=2, rolls=True, floor=True,
    )  # fmt: skip
    values = list(asdict(full).values())
    assert parse_model(table(values), HISTORY_TEXT).scenarios == (full,)
    assert parse_model(table(values[::-1], columns=COLUMNS[::-1]), HISTORY_TEXT).scenarios == (
        full,
    )


@pytest.mark.parametrize(
    ("column", "values"),
    [
        *((c, (-60_001, 60_001)) for c in COLUMNS if c.endswith(("spot_bps", "vol_bps"))),
        *((f"{c}_bps", (-30_001, 30_001)) for c in ("flat", "front", "twist", "skew", "curvature")),
        ("weight_bps", (0, 10_001, True, 1.0, "1")),
        ("clock_seconds", (-1, 2_592_001)),
        ("focus", (-1, 65_536)),
        ("rolls", (1, "true")),
        ("floor", (0,)),
    ],
)
def test_parse_model__value_out_of_range_or_type__names_row_field_and_value(column, values):
    for value in values:
        text = table(_with(column, value))
        assert f"scenarios['odd'].{column} {value!r} is not " in refusal(text)


def _with(column, value):
    cells = asdict(replace(STILL, name="odd", focus=1)) | {column: value}
    return list(cells.values())


@pytest.mark.parametrize("name", ["", 7])
def test_parse_model__row_without_a_name__is_called_by_its_number(name):
    where = "scenarios['']" if name == "" else "scenarios.rows[0]"
    assert f"{where}.name {name!r} is not a str" in refusal(table(_with("name", name)))


def test_parse_model__focus_on_an_unknown_underlying__refused():
    text = table(row(name="odd", focus=3))
    assert "scenarios['odd'].focus 3 is no underlying of this model" in refusal(text)


@pytest.mark.parametrize("column", ["others_spot_bps", "others_vol_bps"])
def test_parse_model__others_without_a_focus__refused(column):
    text = table(row(name="odd", **{column: 1}))
    assert f"scenarios['odd'].{column} 1: must be 0" in refusal(text)
    assert parse_model(table(row(name="odd", focus=1, **{column: 1})), HISTORY_TEXT)


@pytest.mark.parametrize(
    ("names", "earlier", "later"),
    [
        (("a", "b", "b"), "b", "b"),
        (("a", "c", "b"), "c", "b"),
        (("spot -1", "spot +1"), "spot -1", "spot +1"),  # code points, not numbers
        (("a", "B"), "a", "B"),
    ],
)
def test_parse_model__names_not_ascending__names_both(names, earlier, later):
    text = table(*(row(name=name) for name in names))
    assert f"scenarios {later!r} stands after {earlier!r}" in refusal(text)


@pytest.mark.parametrize("count", [48, 49])
def test_parse_model__48_scenarios__are_the_most(count):
    text = table(*(row(name=f"{n:02}") for n in range(count)))
    if count == 48:
        assert len(parse_model(text, HISTORY_TEXT).scenarios) == 48
    else:
        assert "scenarios has 49 rows: at most 48" in refusal(text)


@pytest.mark.parametrize(
    "columns", [[], COLUMNS[1:], [*COLUMNS, "haste"], [*COLUMNS, "name"], [*COLUMNS[1:], 7]]
)
def test_parse_model__other_columns__refused(columns):
    assert f"scenarios.columns {columns!r} are not name, spot_bps, " in refusal(
        table(row(), columns=columns)
    )


@pytest.mark.parametrize("odd", [row()[1:], [*row(), 1], 7])
def test_parse_model__row_of_another_length__refused(odd):
    assert "scenarios.rows[1] " in refusal(table(row(), odd))


@pytest.mark.parametrize(
    ("tail", "problem"),
    [
        ("", "scenarios.columns is missing"),
        ("[[scenarios]]\n", "scenarios is not a table"),
        ("[scenarios]\nhaste = 1\n", "scenarios.haste is unknown"),
        (table()[len(HEAD) :], "scenarios.rows [] are no rows"),
    ],
)
def test_parse_model__no_table__refused(tail, problem):
    assert problem in refusal(HEAD + tail)


def test_committed_table__families__are_all_there_within_their_slots():
    families = {name.split()[0] for name in (s.name for s in MODEL.scenarios)}
    assert families == {
        "decay", "dispersion", "flat", "front", "roll", "single", "skew", "systemic", "tail",
        "twist",
    }  # fmt: skip
    assert sum(s.floor for s in MODEL.scenarios) == 10
    assert all(any(t.name == _mirror(s.name) for t in MODEL.scenarios) for s in _signed())


def _signed():
    return [s for s in MODEL.scenarios if "spot +" in s.name or "spot -" in s.name]


def _mirror(name):
    there, back = ("+", "-") if "+" in name else ("-", "+")
    return name.replace(there, back)
