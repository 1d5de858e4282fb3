"""Reading a published case: every broken field is refused by name, with its value and a fix."""

from __future__ import annotations

import pytest

from keeper.errors import InputError
from keeper.margin.models.pmrm2.document import parse_case
from keeper.margin.models.pmrm2.inputs import Vol
from keeper.margin.models.pmrm2.vectors import Deviation, deviation
from tests.unit.margin.models.pmrm2_cases import YEAR, document

NAN = float("nan")
DELETE = object()


def changed(path, value):
    """The document with the field at a dotted path replaced or removed."""
    root = document()
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = root
    for part in parents:
        place = place[part]
    if value is DELETE:
        del place[last]
    else:
        place[last] = value
    return root


def leaves(value, path=()):
    """Dotted paths of every number and text that a document holds."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, str(key)))
    else:
        yield ".".join(path)


# Not read: names, and what follows from other fields or has no part in the formulas.
UNREAD = ("Name", "ConfidenceFactor", "StableConfidence", "MarkVol")
LABELS = ("losses.0.0", "reg_losses.0.1", "tail_losses.0.1")
READ = [path for path in leaves(document()) if not path.endswith((*UNREAD, *LABELS))]


def test_parse_case__reads_scenarios_feeds_and_signs():
    case = parse_case("one", document())
    assert [item.vol for item in case.parameters.scenarios] == [Vol.NONE, Vol.DOWN, Vol.LINEAR]
    assert case.portfolio.options[0].expiry == 0
    assert case.portfolio.expiries[0].confidence == 0.95
    assert case.portfolio.collaterals[0].offsets_spot is True
    assert case.parameters.short_discount.base == 1.04
    assert case.published.scenario_pnl == (-8.0, 7.5, -8.0)


def test_deviation__case_worked_by_hand__agrees():
    found = deviation("one", document())
    assert max(found.scenario, found.im, found.mm) < 1e-14
    assert found.within_tolerance


@pytest.mark.parametrize(
    ("path", "figure"),
    [
        ("Result.reg_losses.0", "scenario"),
        ("Result.tail_losses.0", "scenario"),
        ("Result.skew_losses.0", "scenario"),
        ("Result.ForwardContingency", "scenario"),
        ("Result.IM", "im"),
        ("Result.MM", "mm"),
    ],
)
def test_deviation__one_figure_off__is_the_one_reported(path, figure):
    root = document()
    *parents, last = (int(part) if part.isdigit() else part for part in path.split("."))
    place = root
    for part in parents:
        place = place[part]
    if isinstance(place[last], list):
        place[last][-1] = str(float(place[last][-1]) * (1 + 3e-9))
    else:
        place[last] *= 1 + 3e-9
    found = deviation("one", root)
    errors = {name: getattr(found, name) for name in ("scenario", "im", "mm")}
    assert errors.pop(figure) == pytest.approx(3e-9, rel=1e-5)
    assert max(errors.values()) < 1e-14
    assert not found.within_tolerance


def test_deviation__tolerance__is_inclusive():
    assert Deviation(1e-9, 0.0, 0.0).within_tolerance
    assert not Deviation(0.0, 0.0, 1.1e-9).within_tolerance


@pytest.mark.parametrize("path", READ)
def test_parse_case__not_a_number__refused_by_name(path):
    name = path.split(".")[-1]
    with pytest.raises(InputError, match=r"^one: ") as refused:
        parse_case("one", changed(path, NAN))
    assert "nan" in str(refused.value)
    if not name.isdigit():
        assert name in str(refused.value)


@pytest.mark.parametrize("path", [path for path in READ if not path.split(".")[-1].isdigit()])
def test_parse_case__missing__refused_by_name(path):
    name = path.split(".")[-1]
    with pytest.raises(InputError, match=rf"^one: .*\b{name} is missing: add it$"):
        parse_case("one", changed(path, DELETE))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("Scenario.Cash", "much", "Scenario.Cash is 'much': write a finite number"),
        ("Scenario.Cash", None, "Scenario.Cash is None: write a finite number"),
        ("Scenario.Cash", True, "Scenario.Cash is True: write a finite number"),
        ("Scenario.Cash", "-inf", "Scenario.Cash is '-inf': write a finite number"),
        ("Scenario.Cash", "1_000", "Scenario.Cash is '1_000': write a finite number"),
        ("Scenario.Cash", " 1", "Scenario.Cash is ' 1': write a finite number"),
        ("Scenario.Cash", "1\n", r"Scenario.Cash is '1\\n': write a finite number"),
        ("Scenario.Cash", "\u0661", "Scenario.Cash is '\u0661': write a finite number"),
        ("Scenario.Cash", 10**400, r"Scenario.Cash is 1000+\.\.\.: write a finite number"),
        ("Scenario.SpotPrice", 0, "SpotPrice is 0.0: write a number above zero"),
        ("Scenario.StablePrice", 0, "StablePrice is 0.0: write a number above zero"),
        ("Scenario.SpotConfidence", 1.5, "SpotConfidence is 1.5: write a fraction from 0 to 1"),
        ("Scenario.Collaterals", {}, "Collaterals is {}: write a list"),
        ("Scenario.Collaterals.0", 3, r"Scenario.Collaterals\[0\] is int: write a JSON object"),
        ("Scenario.Collaterals.0.Amount", -1, "Amount is -1.0: write zero or more"),
        ("Scenario.Collaterals.0.IsRiskCancelling", "yes", "is 'yes': write true or false"),
        ("Scenario.OptionFeeds.0.Forward", -5, r"OptionFeeds\[0\].Forward is -5.0: write a number"),
        ("Scenario.OptionFeeds.0.FeedExpiry", 1.5, "FeedExpiry is 1.5: write a whole number"),
        ("Scenario.OptionFeeds.0.SVIparam", [1, 2], "SVIparam is '2 items': write 7 of them"),
        ("Scenario.OptionFeeds.0.SVIparam.4", "-0.1", "SVIparam is .*: write .a, b, rho"),
        ("Scenario.OptionFeeds.0.SVIparam.1", "-0.1", "SVIparam is .*: write .a, b, rho"),
        ("Scenario.OptionFeeds.0.SVIparam.2", "1", "SVIparam is .*rho within -1 and 1"),
        ("Scenario.OptionFeeds.0.SVIparam.2", -1.5, "SVIparam is .*rho within -1 and 1"),
        ("Scenario.OptionFeeds.0.SVIparam.5", 0, "SVIparam is .*: write .a, b, rho"),
        ("Scenario.OptionFeeds.0.SVIparam.6", "0", "SVIparam is .*: write .a, b, rho"),
        ("Scenario.OptionFeeds", [], f"Expiry is {YEAR}: add a row of OptionFeeds"),
        ("Scenario.Options.0.Strike", 0, "Strike is 0.0: write a number above zero"),
        ("Parameters.Scenarios", [], r"Scenarios is \[\]: write at least one"),
        ("Parameters.Scenarios.0.VolShockDirection", "Sideways", "is 'Sideways': write one of Up"),
        ("Parameters.Scenarios.0.SpotShock", -0.1, "SpotShock is -0.1: write zero or more"),
        ("Parameters.Margin", None, "Parameters.Margin is NoneType: write a JSON object"),
        ("Result.reg_losses.0.2", "much", r"reg_losses\[0\] is 'much': write a finite number"),
        ("Result.reg_losses.0", ["0", "-8"], "reg_losses is .*: write rows of 3 items"),
        ("Result.tail_losses", [], "is '2 rows': write one for each of 3"),
    ],
)  # fmt: skip
def test_parse_case__broken__names_case_field_value_and_fix(path, value, message):
    with pytest.raises(InputError, match=f"^one: .*{message}"):
        parse_case("one", changed(path, value))


def test_parse_case__two_feeds_of_an_expiry__refused():
    root = document()
    root["Scenario"]["OptionFeeds"] *= 2
    with pytest.raises(InputError, match=f"FeedExpiry is {YEAR}: give one feed an expiry"):
        parse_case("one", root)


def test_parse_case__not_an_object__refused():
    with pytest.raises(InputError, match="one: the document is list: write a JSON object"):
        parse_case("one", [])


def test_deviation__mark_vol_missing__not_asked_for():
    assert deviation("one", changed("Scenario.Options.0.MarkVol", DELETE)).within_tolerance


@pytest.mark.parametrize("cash", ["10", "10.", "1e1", "+10", "010", "100E-1"])
def test_parse_case__number_as_text__read(cash):
    assert parse_case("one", changed("Scenario.Cash", cash)).portfolio.cash == 10.0


def test_deviation__beyond_float64__refused_rather_than_compared():
    root = changed("Scenario.Collaterals.0.Amount", 1e300)
    root["Scenario"]["Collaterals"][0]["Price"] = 1e300
    with pytest.raises(InputError, match="one: the figures leave the range of float64"):
        deviation("one", root)


def test_deviation__negative_variance__names_the_case():
    root = changed("Scenario.OptionFeeds.0.SVIparam.0", "-1")
    with pytest.raises(InputError, match="one: SVIparam of expiry"):
        deviation("one", root)
