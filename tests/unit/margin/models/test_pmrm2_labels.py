"""Rows of published P&L and the scenarios that their labels name."""

from __future__ import annotations

import pytest

from keeper.errors import InputError
from keeper.margin.models.pmrm2.document import parse_case
from keeper.margin.models.pmrm2.vectors import deviation
from tests.unit.margin.models.pmrm2_cases import document

UP = {"SpotShock": 1.1, "VolShockDirection": "Up", "DampeningFactor": 0.5}


def case(rows=(), scenarios=(), **results):
    """The case worked by hand, with more scenarios before its skew, their rows, other results."""
    root = document()
    root["Result"]["tail_losses"] += rows
    root["Result"] |= results
    root["Parameters"]["Scenarios"][2:2] = scenarios
    return root


def pnl(root):
    return parse_case("one", root).published.scenario_pnl


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 0, 2), (2, 0, 1)])
def test_parse_case__scenarios_in_another_order__rows_follow_their_labels(order):
    root = document()
    root["Parameters"]["Scenarios"] = [root["Parameters"]["Scenarios"][place] for place in order]
    assert deviation("one", root).within_tolerance
    assert pnl(root) == tuple((-8.0, 7.5, -8.0)[place] for place in order)


def test_parse_case__rows_in_another_order__rows_follow_their_labels():
    rows = [["0.1", -1, "7.5"], ["0", 0, "-8"]]
    assert pnl(case(reg_losses=rows, tail_losses=[])) == (-8.0, 7.5, -8.0)


@pytest.mark.parametrize(
    "row",
    [
        [0.1, -1, "7.5"], ["0.10", "-1", 7.5], ["+0.1", -1.0, 7.5], ["1e-1", "Down", 7.5],
        [".1", "DOWN", 7.5], ["0.10000000000000009", -1, 7.5],
    ],
)  # fmt: skip
def test_parse_case__label_written_otherwise__is_the_same(row):
    assert pnl(case(tail_losses=[row])) == (-8.0, 7.5, -8.0)


@pytest.mark.parametrize("row", [["linear", "-8"], ["Linear", -8]])
def test_parse_case__skew_in_other_letters__is_the_same(row):
    assert pnl(case(skew_losses=[row])) == (-8.0, 7.5, -8.0)


@pytest.mark.parametrize(
    ("results", "message"),
    [
        (
            {"reg_losses": [["0.777", "x", "-8"]]},
            r"Result.reg_losses\[0\] is \['0.777', 'x'\]: label it \['0', 0\] as the scenario",
        ),
        ({"reg_losses": [["0", "1_0", "-8"]]}, r"\['0', '1_0'\]: label it \['0', 0\]"),
        ({"reg_losses": [["0", True, "-8"]]}, r"\['0', True\]: label it \['0', 0\]"),
        ({"reg_losses": [[None, 0, "-8"]]}, r"\[None, 0\]: label it \['0', 0\]"),
        ({"tail_losses": [["0.1", 1, "7.5"]]}, r"tail_losses\[0\] is .*label it \['0.1', -1\]"),
        ({"tail_losses": [["0.1001", -1, "7.5"]]}, r"'0.1001', -1\]: label it \['0.1', -1\]"),
        ({"tail_losses": [["0", 0, "7.5"]]}, r"\['0', 0\]: label it \['0.1', -1\]"),
        ({"skew_losses": [["ABS", "-8"]]}, r"skew_losses\[0\] is \['ABS'\]: label it \['LINEAR'\]"),
        ({"skew_losses": [["None", "-8"]]}, r"\['None'\]: label it \['LINEAR'\]"),
    ],
)
def test_parse_case__label_of_no_scenario__names_row_label_and_the_one_wanted(results, message):
    with pytest.raises(InputError, match=f"^one: .*{message}"):
        pnl(case(**results))


def test_parse_case__equal_labels_in_the_order_of_the_scenarios__stand():
    rows = [["0.1", 1, "1"], ["0.1", 1, "2"]]
    assert pnl(case(rows, [UP, UP | {"DampeningFactor": 1}])) == (-8.0, 7.5, 1.0, 2.0, -8.0)


def test_parse_case__equal_labels_of_different_scenarios_out_of_order__refused():
    root = case([["0.1", 1, "1"], ["0.1", 1, "2"]], [UP, UP | {"DampeningFactor": 1}])
    root["Result"]["tail_losses"].reverse()
    with pytest.raises(InputError, match=r"tail_losses\[0\] is .*, so write the rows in the order"):
        pnl(root)


def test_parse_case__equal_scenarios_out_of_order__either_row_serves():
    root = case([["0.1", 1, "1"], ["0.1", 1, "1"]], [UP, UP])
    root["Result"]["tail_losses"].reverse()
    assert pnl(root) == (-8.0, 7.5, 1.0, 1.0, -8.0)
