"""The add-ons of initial margin in a restoration: as the engine counts them, and decisive."""

from __future__ import annotations

import itertools
from dataclasses import fields, replace

import numpy as np
import pytest

from keeper.liquidation.aim import Aim
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import Health, Level, Restrictions
from keeper.liquidation.programme import Programme
from keeper.liquidation.proposals import by_programme
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import restore
from keeper.liquidation.rules import Rule, terms
from keeper.liquidation.terms import Cut
from keeper.margin.add_ons import AddOns
from keeper.margin.portfolio import margin_book
from keeper.state.accounts import Mode
from keeper.state.snapshot import ListingRow, TokenRow
from tests.books import (
    FAR,
    FORWARDS,
    LISTED,
    MODEL,
    NEAR,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
    spot,
)
from tests.unhealthy import first_account, short_of

LEGS = 8
ROUNDINGS_USD = (LEGS + 2) * 1.3e-6  # of the loss, of each leg's charge and of IM's share, up
# Hours before an expiry, with a coin below par and quotes that differ: no add-on is idle.
LATE = {
    "now": NEAR - 3 * 3600,
    "tokens": [TokenRow(0, 6, 88_000_000, 0)],
    "forwards": [replace(f, confidence_wad=5 * 10**16, time=NEAR - 10_860) for f in FORWARDS],
    "underlyings": [replace(u, spot_time=NEAR - 10_860) for u in UNDERLYINGS],
}
# Scenarios hardly see what these lose: one expiry's forward or vol against another's.
NETTED = {
    "conversion against a near future": (
        {call(3_000, FAR): 15_000, put(3_000, FAR): -15_000, future(): -15_000},
        (call(3_000, FAR), put(3_000, FAR), future(), future(FAR)),
    ),
    "futures calendar": (
        {future(): 20_000, future(FAR): -20_000},
        (future(), future(FAR), perpetual()),
    ),
    "vega calendar": (
        {call(3_300): -30_000, call(3_300, FAR): 20_000},
        (call(3_300), call(3_300, FAR), put(3_000, FAR)),
    ),
}


def random_accounts(rng, count=700, legs=LEGS, mode=Mode.PORTFOLIO):
    for number in range(2, count + 2):
        chosen = sorted(rng.choice(len(LISTED), rng.integers(1, legs + 1), replace=False))
        most = int(rng.choice([3, 200, 40_000]))
        sizes = rng.integers(1, most, len(chosen)) * rng.choice([-1, 1], len(chosen))
        lots = {LISTED[i]: int(n) for i, n in zip(chosen, sizes, strict=True)}
        yield account(number, lots, mode=mode)


def conversions(first, mode, count=40):
    """Books of which no scenario moves much, so that the minimum charge decides."""
    for number in range(first, first + count):
        lots = (-1) ** number * 37 * (number - first + 1)
        strike = (2_400, 2_700, 3_000, 3_300, 4_000)[number % 5]
        yield account(number, {call(strike): lots, put(strike): -lots, future(): -lots}, mode=mode)


def problem_of(snapshot, level):
    limits, costs = Restrictions(), CostModel()
    return Problem.of(snapshot, MODEL, first_account(snapshot), Health(level), limits, costs)


def lots_of(snapshot):
    """The lots of each account by listing [A, L]."""
    lots = np.zeros((len(snapshot.accounts), len(snapshot.listings)), dtype=np.int64)
    owner = np.repeat(np.arange(len(lots)), snapshot.accounts.legs.astype(np.int64))
    lots[owner, snapshot.legs.listing] = snapshot.legs.lots
    return lots


def asked(problem, rule, lots):
    margin = terms(problem, rule).margin
    assert len(margin.term) == lots.shape[1]  # every listing is in the programme
    return np.array([margin.at_risk(row) for row in lots]) + margin.on_top(lots)


def blind_to_netting(monkeypatch):
    """Initial margin of one's terms alone: `terms` without basis and vega."""
    seen = terms

    def blind(problem, rule):
        found = seen(problem, rule)
        margin = replace(found.margin, netted=np.zeros_like(found.margin.netted))
        return replace(found, margin=margin)

    monkeypatch.setattr("keeper.liquidation.rules.terms", blind)


def learning_nothing(monkeypatch):
    monkeypatch.setattr("keeper.liquidation.proposals.tangent", lambda *_: None)


@pytest.mark.parametrize("mode", [Mode.CROSS, Mode.PORTFOLIO])
@pytest.mark.parametrize("level", Level)
def test_terms__random_books_beyond_their_shortfall__are_the_engines_margin(level, mode):
    # The first account holds SPOT, which nobody can order, so that it is among the listings.
    first = account(1, {spot(1): 1, spot(2): 1}, mode=mode)
    rng = np.random.default_rng(11)
    others = [*random_accounts(rng, mode=mode), *conversions(1_000, mode)]
    snapshot = exchange([first, *others], **LATE)
    book, lots = margin_book(snapshot, MODEL), lots_of(snapshot)
    problem = problem_of(snapshot, level)
    margin, standard = book.maintenance_usd6, book.standard_usd6
    known = np.full(len(lots), True)
    if level is Level.INITIAL:
        margin, standard = book.initial_usd6, book.standard_initial_usd6
        known = book.shortfall_usd6 <= np.maximum(book.worst_loss_usd6, book.minimum_charge_usd6)
        for part in fields(AddOns):
            assert (getattr(book.initial_parts, part.name)[known] > 0).sum() >= 20, part.name
    assert book.measured.all()
    assert known.sum() >= 50
    assert (book.minimum_charge_usd6 > 2 * book.worst_loss_usd6)[known].sum() >= 20
    close = {"rtol": 1e-12, "atol": ROUNDINGS_USD}
    np.testing.assert_allclose(
        asked(problem, Rule.SCENARIO, lots)[known], margin[known] / 1e6, **close
    )
    np.testing.assert_allclose(asked(problem, Rule.STANDARD, lots), standard / 1e6, **close)


@pytest.mark.parametrize("rule", Rule)
def test_programme__trades_fixed__least_requirement_is_that_of_the_terms(rule):
    rng = np.random.default_rng(5)
    problem = problem_of(exchange(random_accounts(rng, count=1), **LATE), Level.INITIAL)
    known, count = terms(problem, rule), len(problem.listings)
    slopes = np.abs(problem.arrays.pnl[problem.listings]).max(axis=1) / 1e6
    cut = Cut(slopes, slopes / 2, constant=1.0)
    aim = Aim(cost=0.0, required=1.0, lacking=0.0, equity=0.0, may_lack=True, buffer=1.0)
    for cuts in ((), (cut,)):
        for size in (3, 50, 4_000):
            trades = rng.integers(-size, size, count)
            trades = np.clip(trades, -known.most_sold, known.most_bought).astype(np.int64)
            programme = Programme(known, aim, cuts, fixed=trades.astype(np.float64))
            lots = problem.trials.held[problem.listings] + trades
            found = programme.relaxed()
            assert found.objective == pytest.approx(programme.required(lots), rel=1e-9)
            np.testing.assert_allclose(found.trades, trades, atol=1e-6)


@pytest.mark.parametrize("name", NETTED)
def test_restore__basis_or_vega_binds__every_trade_of_a_grid__none_cheaper(name):
    lots, instruments = NETTED[name]
    listings = [ListingRow(i, 500_000_000, 0) for i in sorted(instruments)]
    found = restore(
        snapshot := short_of(lots, listings, 0.6), MODEL, first_account(snapshot), Health()
    )
    problem = found.problem
    assert problem.before.initial_usd6 < problem.before.standard_initial_usd6
    steps = np.arange(-20_000, 20_001, 1_000 if len(instruments) == 3 else 2_500)
    candidates = np.array(list(itertools.product(steps, repeat=len(instruments))))
    cheaper = candidates[problem.trials.cost_usd6(candidates) < found.plan.cost_usd6 * 0.98]
    assert len(cheaper) > 10
    assert not any(problem.is_met(plan) for plan in problem.plans(cheaper))


@pytest.mark.parametrize("name", NETTED)
def test_by_programme__basis_or_vega_binds__dearer_without_them(name, monkeypatch):
    lots, instruments = NETTED[name]
    # Scenarios ask for the basis as well: without carry the add-on alone does.
    monkeypatch.setattr("keeper.margin.shocks.CARRY", 0.0)
    listings = [ListingRow(i, 500_000_000, 0) for i in sorted(instruments)]
    problem = problem_of(short_of(lots, listings, 0.6), Level.INITIAL)
    learning_nothing(monkeypatch)
    knowing = by_programme(problem)
    assert knowing is not None
    blind_to_netting(monkeypatch)
    blind = by_programme(problem)
    assert blind is None or blind.cost_usd6 > knowing.cost_usd6 * 1.01


def test_by_programme__basis_of_a_conversion__needs_no_tangent(monkeypatch):
    # Where the terms are the whole requirement, the first proposal stands.
    lots, instruments = NETTED["conversion against a near future"]
    listings = [ListingRow(i, 500_000_000, 0) for i in sorted(instruments)]
    problem = problem_of(short_of(lots, listings, 0.6), Level.INITIAL)
    taught = by_programme(problem)
    learning_nothing(monkeypatch)
    assert by_programme(problem).cost_usd6 == taught.cost_usd6
