"""Plans of random accounts are counted as they are, beside an optimum that none can beat."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from keeper.errors import CannotRestore
from keeper.liquidation.objectives import Health
from keeper.liquidation.restore import restore
from keeper.margin.portfolio import margin_book
from keeper.testing.random_book import random_book
from scripts import measure_restore
from scripts.measure_restore import Case, below_margin, cases, main, report
from tests.books import MODEL

LISTINGS, SEED = 60, 1_000


@pytest.fixture(scope="module")
def found():
    return list(cases(MODEL, 4, SEED, None, LISTINGS))


def test_below_margin__equity__is_80_percent_of_what_new_risk_asks():
    before = random_book(MODEL, 1, 6, SEED, LISTINGS)
    book = margin_book(below_margin(before, MODEL), MODEL)
    asked = min(book.initial_usd6[0], book.standard_initial_usd6[0])
    assert book.equity_usd6[0] == asked * 8 // 10
    assert book.positions_hash == margin_book(before, MODEL).positions_hash


def test_cases__each__is_the_plan_of_its_own_account(found):
    for number, case in enumerate(found):
        drawn = random_book(MODEL, 1, 4 + number, SEED + number, LISTINGS)
        snapshot = below_margin(drawn, MODEL)
        plan = restore(snapshot, MODEL, snapshot.accounts.account[0].tobytes(), Health())
        assert case.cost_usd == plan.plan.cost_usd6 / 1e6 > 0
        assert case.trades == sum(lots != 0 for lots in plan.plan.trades.tolist()) > 0
        assert case.pro_rata_usd == (plan.pro_rata and plan.pro_rata.cost_usd6 / 1e6)
        assert case.seconds > 0 < case.cpu_seconds


def test_cases__optimum__is_below_every_plan_and_not_far(found):
    for case in found:
        assert 0.5 * case.cost_usd < case.optimum_usd <= case.cost_usd * (1 + 1e-9)


def test_cases__legs__turn_from_4_to_32_unless_given(monkeypatch):
    held = []

    def noted(model, accounts, positions, seed, listings):
        held.append((positions, seed, listings))
        return random_book(model, accounts, positions, seed, listings)

    def refused(*_):
        raise CannotRestore("no trades", lacking_usd6=1)

    monkeypatch.setattr(measure_restore, "random_book", noted)
    monkeypatch.setattr(measure_restore, "restore", refused)
    assert list(cases(MODEL, 31, 5, None, 90)) == [None] * 31
    assert held == [(4 + n % 29, 5 + n, 90) for n in range(31)]
    held.clear()
    assert list(cases(MODEL, 2, 5, 20, 90)) == [None] * 2
    assert held == [(20, 5, 90), (20, 6, 90)]


def test_report__figures__are_quantiles_of_the_cases():
    made = [Case(10.0, 8.0, 25.0, 3, 0.5, 0.4), Case(4.0, 4.0, None, 5, 0.7, 0.6), None]
    lines = report(made).splitlines()
    assert lines[0] == "3 accounts, 1 of them beyond restoring"
    rows = {line[:36].strip(): [float(text) for text in line[36:].split()] for line in lines[2:]}
    assert lines[1].split() == ["p5", "p25", "p50", "p75", "p95", "p100"]
    wanted = np.array([5, 25, 50, 75, 95, 100])
    expected = {
        "pro rata over plan (1 accounts)": np.full(6, 2.5),
        "plan over relaxed optimum, less 1": 0.25 * wanted / 100,
        "CPU seconds": 0.4 + 0.2 * wanted / 100,
        "seconds": 0.5 + 0.2 * wanted / 100,
        "trades": 3 + 2 * wanted / 100,
    }
    assert rows == {name: pytest.approx(row, abs=6e-4) for name, row in expected.items()}
    assert report([None]) == "1 accounts, 1 of them beyond restoring"


def test_main__one_account__prints_its_row(monkeypatch, capsys):
    arguments = ["--accounts", "1", "--seed", "1001", "--legs", "5", "--listings", "60"]
    monkeypatch.setattr(sys, "argv", ["measure_restore", *arguments])
    main()
    out = capsys.readouterr().out
    (case,) = cases(MODEL, 1, 1_001, 5, 60)
    assert out.startswith("1 accounts, 0 of them beyond restoring")
    assert out.splitlines()[-1].split() == ["trades", *[f"{case.trades:.3f}"] * 6]


def test_main__impossible_book__ends_with_the_errors_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure_restore", "--legs", "33"])
    with pytest.raises(SystemExit) as stopped:
        main()
    streams = capsys.readouterr()
    assert stopped.value.code == 65
    assert "error: positions 33: 1 accounts hold at most 32 each" in streams.err
