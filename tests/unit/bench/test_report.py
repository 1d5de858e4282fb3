"""Figures: what a target holds for, and what reaches the JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from scripts.bench.measure import Spread
from scripts.bench.report import Figure, Report, Target, against_known, scaled, show, to_json

SECOND = Spread(1.0, 0.5, 2.0)
PLAIN = Figure("tree", "leaves", "s", SECOND)


def test_against_known__three_seconds__divides_by_ours():
    figure = against_known(PLAIN, "limit", 3.0)
    assert figure.ratio == Spread(3.0, 1.5, 6.0)


@pytest.mark.parametrize(
    ("target", "met"),
    [(Target(1.0), True), (Target(0.9), False), (Target(1.1, at_least=True), False)],
)
def test_met__no_ratio__judges_what_was_measured(target: Target, met: bool):
    assert Figure("tree", "leaves", "s", SECOND, target=target).met is met


def test_met__ratio__judges_the_ratio():
    slower = Figure("book", "x", "s", SECOND, "scipy", SECOND, Spread(8.0, 7, 9), Target(8.0, True))
    assert slower.met is True


def test_to_json__figure_with_target__holds_verdict_and_median():
    figure = Figure("tree", "leaves", "s", SECOND, target=Target(0.9))
    report = Report("x86_64", 2, {}, compiled=True, foreign_share=0.25, figures=(figure,))
    read = json.loads(to_json(report))
    assert read["foreign_share"] == 0.25
    assert read["figures"][0]["met"] is False
    assert read["figures"][0]["measured"]["median"] == 1.0


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0123, "s", "12.3 ms"),
        (3e-7, "s", "300 ns"),
        (2.0**31, "B", "2 GiB"),
        (3e-16, "1", "3e-16"),
    ],
)
def test_scaled__quantity__takes_the_largest_prefix_that_fits(value: float, unit: str, text: str):
    assert scaled(value, unit) == text


def test_show__target_without_ratio__stands_beside_what_was_measured():
    figure = Figure("tree", "leaves", "s", SECOND, target=Target(0.9))
    report = Report("x86_64", 2, {}, compiled=True, foreign_share=0.0, figures=(figure,))
    console = Console(file=io.StringIO(), width=120, record=True)
    show(report, console)
    row = next(line for line in console.export_text().splitlines() if "leaves" in line)
    assert row.split() == ["leaves", "1", "s", "≤", "900", "ms", "missed"]
