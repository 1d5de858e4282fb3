"""Restoring accounts that pool less than all: cross by underlying, isolated nothing."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import Health, Level, Restrictions
from keeper.liquidation.proposals import by_programme
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import restore
from keeper.liquidation.rules import Rule, rules, terms
from keeper.margin.portfolio import margin_book
from keeper.state.accounts import Mode
from keeper.state.snapshot import ListingRow
from tests.books import BTC, MODEL, account, call, exchange, perpetual, put
from tests.unhealthy import first_account, owing, pledging

# Long one coin, short the other: what the whole book pools and its underlyings do not.
OFFSETTING = {perpetual(BTC): 300, call(3_300): -9_000}
INSTRUMENTS = (perpetual(BTC), call(3_300), perpetual())
LISTINGS = [ListingRow(i, 500_000, 0) for i in sorted(INSTRUMENTS)]


def problem_of(snapshot, level=Level.INITIAL):
    limits, costs = Restrictions(), CostModel()
    return Problem.of(snapshot, MODEL, first_account(snapshot), Health(level), limits, costs)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.ISOLATED, (Rule.STANDARD,)),
        (Mode.CROSS, (Rule.SCENARIO, Rule.STANDARD)),
        (Mode.PORTFOLIO, (Rule.SCENARIO, Rule.STANDARD)),
    ],
)
def test_rules__mode__standard_alone_where_nothing_is_pooled(mode, expected, level):
    snapshot = exchange([account(1, OFFSETTING, mode=mode)])
    assert rules(problem_of(snapshot, level)) == expected


@pytest.mark.parametrize("mode", Mode)
def test_required__mode__is_least_of_standard_and_the_modes_own_margin(mode):
    snapshot = exchange([account(1, OFFSETTING, mode=mode)])
    book, problem = margin_book(snapshot, MODEL), problem_of(snapshot)
    required = problem.requirement.required_usd6(problem.before)
    assert required == min(int(book.initial_usd6[0]), int(book.standard_initial_usd6[0]))
    assert (required < book.standard_initial_usd6[0]) == (mode is not Mode.ISOLATED)


def test_terms__cross_and_portfolio__differ_by_what_underlyings_offset():
    at_risk = {}
    for mode in (Mode.CROSS, Mode.PORTFOLIO):
        snapshot = exchange([account(1, OFFSETTING, mode=mode)], listings=LISTINGS)
        problem, book = problem_of(snapshot, Level.MAINTENANCE), margin_book(snapshot, MODEL)
        at_risk[mode] = terms(problem, Rule.SCENARIO).margin.at_risk(problem.trials.held)
        add_ons = int(book.add_ons_usd6[0])
        assert at_risk[mode] == pytest.approx((int(book.maintenance_usd6[0]) - add_ons) / 1e6)
    assert at_risk[Mode.CROSS] > 1.2 * at_risk[Mode.PORTFOLIO]


@pytest.mark.parametrize("pledged", [False, True])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("mode", Mode)
def test_restore__any_mode__every_trade_of_a_grid__none_cheaper(mode, level, pledged):
    row, share = account(1, OFFSETTING, mode=mode), 0.7 if level is Level.INITIAL else 0.5
    snapshot = pledging(row, share, 0.3, LISTINGS) if pledged else owing(row, LISTINGS, share)
    found = restore(snapshot, MODEL, first_account(snapshot), Health(level))
    assert found.found_by == "programme"
    # A lot of BTC moves thirty times what one of ETH does.
    most = [np.abs(found.problem.trials.held[0])] + [np.abs(found.plan.trades[1:]).max()] * 2
    steps = [np.linspace(-1.2 * one, 1.2 * one, 25).astype(np.int64) for one in most]
    candidates = np.array(list(itertools.product(*steps)))
    trials = found.problem.trials
    cheaper = candidates[trials.cost_usd6(candidates) < found.plan.cost_usd6 * 0.98]
    assert len(cheaper) > 10
    assert not any(found.problem.is_met(plan) for plan in found.problem.plans(cheaper))


def test_by_programme__cross_book__needs_no_tangent_at_maintenance(monkeypatch):
    # Where the terms are the whole requirement, the first proposal stands.
    lots = {**OFFSETTING, put(2_700): -4_000}
    problem = problem_of(owing(account(1, lots, mode=Mode.CROSS), share=0.5), Level.MAINTENANCE)
    taught = by_programme(problem)
    monkeypatch.setattr("keeper.liquidation.proposals.tangent", lambda *_: None)
    assert by_programme(problem).cost_usd6 == taught.cost_usd6
