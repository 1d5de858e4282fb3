"""Pledged tokens in a restoration: what counts of them follows cash, and a plan knows it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from keeper.liquidation.aim import Aim
from keeper.liquidation.collateral_terms import collateral_cases
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import Health, Level, Restrictions
from keeper.liquidation.programme import Programme
from keeper.liquidation.proposals import by_programme
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import restore
from keeper.liquidation.rules import alternatives
from keeper.margin.portfolio import margin_book
from keeper.state.snapshot import BalanceRow, ListingRow, TokenRow
from tests.books import FAR, MODEL, account, call, exchange, future, perpetual, put
from tests.unhealthy import pledging

COIN = TokenRow(0, 6, 10**8, 0)
SHARE_BPS = MODEL.collateral.token_share_bps
BOOKS = {
    "short call, hedges to buy": (
        {call(3_300): -15_000},
        {},
        (call(3_300), call(4_000), perpetual()),
    ),
    "short put, hedge to sell": ({put(2_700): -12_000}, {}, (put(2_700), put(2_400), perpetual())),
    "short future, calls to sell": (
        {call(3_000): 3_000, future(): -15_000},
        {future(): -15_000 * 3_020_000},
        (call(3_000), put(2_700), future()),
    ),
    "long perpetual that gained": (
        {perpetual(): 15_000},
        {perpetual(): 15_000 * 2_600_000},
        (perpetual(), future(FAR), put(3_000)),
    ),
    "long perpetual that lost": (
        {perpetual(): 15_000},
        {perpetual(): 15_000 * 3_400_000},
        (perpetual(), future(FAR), put(3_000)),
    ),
}


def problem_of(snapshot, level=Level.INITIAL, row=0):
    who = snapshot.accounts.account[row].tobytes()
    return Problem.of(snapshot, MODEL, who, Health(level), Restrictions(), CostModel())


def traded(problem, lots):
    """Trades [L] from lots by instrument."""
    ids = [high << 64 | low for high, low in problem.snapshot.listings.instrument.tolist()]
    trades = np.zeros(len(ids), dtype=np.int64)
    for instrument, size in lots.items():
        trades[ids.index(instrument)] = size
    return trades


def counted_by_hand(cash, values):
    most = (max(cash, 0) + sum(values)) * SHARE_BPS // 10_000
    return sum(min(value, most) for value in values)


def lacking_by_programme(problem, trades):
    aim = Aim(
        cost=0.0,
        required=0.0,
        lacking=1.0,
        equity=problem.before.equity_usd6 / 1e6,
        may_lack=True,
        buffer=1.0,
    )
    fixed = trades[problem.listings].astype(np.float64)
    found = [Programme(one, aim, fixed=fixed).relaxed() for _, one in alternatives(problem)]
    return min(one.objective for one in found if one is not None)


def test_pledging__cap_on_the_token_binds():
    snapshot = pledging(account(1, {call(3_300): -15_000}))
    book = margin_book(snapshot, MODEL)
    assert 0 < int(book.collateral_usd6[0]) < snapshot.balances.amount[0, 1]
    assert book.equity_usd6[0] / book.initial_usd6[0] == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("cash", [-(10**9), 10**6, 10**9])
@pytest.mark.parametrize("held", [{call(3_000): 20_000}, {perpetual(): 5_000}])
def test_judge__emptied_account__tokens_count_beside_the_cash_that_is_left(cash, held):
    # Not the first account, nor the only one with tokens.
    rows = [account(1, {perpetual(): 3}), account(2, held, cash_usd6=cash)]
    snapshot = exchange(
        rows,
        tokens=[COIN, TokenRow(1, 18, 3_000 * 10**8, 10**17), TokenRow(2, 8, 10**8, 0)],
        balances=[
            BalanceRow(rows[0].account, 1, 7 * 10**18),
            BalanceRow(rows[1].account, 1, 2 * 10**18),
            BalanceRow(rows[1].account, 2, 900 * 10**8),
        ],
    )
    problem = problem_of(snapshot, row=1)
    values = [5_400 * 10**6, 900 * 10**6]
    closing = traded(problem, {instrument: -lots for instrument, lots in held.items()})
    nearly = traded(problem, {instrument: 1 - lots for instrument, lots in held.items()})
    emptied, one_lot = problem.plans(np.stack([closing, nearly]))
    worth = int((problem.trials.held * problem.trials.marks_usd6).sum())
    left = cash + worth - emptied.cost_usd6
    assert emptied.after.equity_usd6 == left + counted_by_hand(left, values)
    a_lot = 2 * int(problem.trials.marks_usd6[np.flatnonzero(closing)[0]])
    assert abs(emptied.after.equity_usd6 - one_lot.after.equity_usd6) <= a_lot


@pytest.mark.parametrize("cash", [-(10**10), -1, 0, 1, 5 * 10**8, 10**10])
@pytest.mark.parametrize(
    "usd", [[], [700], [700, 10], [700, 700], [700, 500, 200], [9, 9, 9, 9], [900, 1, 1, 1]]
)
@pytest.mark.parametrize("share_bps", [1, 2_500, 4_000, 5_000, 10_000])
def test_collateral_cases__any_values_and_cash__better_case_is_what_counts(usd, cash, share_bps):
    rows = [account(1, {perpetual(): 3}, cash_usd6=cash)]
    tokens = [COIN, *(TokenRow(n + 1, 6, 10**8, 0) for n in range(len(usd)))]
    held = [BalanceRow(rows[0].account, n + 1, worth * 10**6) for n, worth in enumerate(usd)]
    trials = problem_of(exchange(rows, tokens=tokens, balances=held)).trials
    rule = replace(MODEL.collateral, token_share_bps=share_bps)
    trials = replace(trials, model=replace(MODEL, collateral=rule))
    for after in (-(10**9), 0, 1, 3 * 10**8, 10**9, 10**11):
        best = 0.0
        for case in collateral_cases(trials, np.arange(3)):
            by_cash = [constant + slope * after / 1e6 for constant, slope in case.limits]
            best = max(best, min([case.most, *by_cash]))
        assert best == pytest.approx(trials.counted_usd6(after) / 1e6, abs=3e-6)


@pytest.mark.parametrize("in_cash", [-0.4, 0.02, 0.4])
def test_programme__trades_fixed__lacks_what_the_engine_says(in_cash):
    # The perpetual has gained, the future has lost; options move cash by their marks.
    lots = {perpetual(): -4_000, future(): 3_000, call(3_300): -9_000, put(2_700): 5_000}
    costs = {perpetual(): -4_000 * 3_300_000, future(): 3_000 * 3_250_000}
    snapshot = pledging(account(1, lots, costs=costs), share=0.3, in_cash=in_cash)
    problem = problem_of(snapshot, Level.MAINTENANCE)
    rng = np.random.default_rng(3)
    lacking, signs = [], set()
    for _ in range(40):
        size = int(rng.choice([30, 900, 6_000]))
        trades = rng.integers(-size, size, len(problem.trials.held))
        trades *= rng.random(len(trades)) < 0.1
        trades = np.clip(trades, -problem.most_sold, problem.most_bought)
        # A leg that has lost is not turned round: that the programme holds to lose more.
        trades = np.where(problem.trials.entry_usd6 > 0, np.maximum(trades, -3_000), trades)
        plan = problem.plans(trades[None, :])[0]
        lacking.append(problem.lacking_usd6(plan))
        assert lacking_by_programme(problem, trades) == pytest.approx(lacking[-1] / 1e6, abs=1e-3)
        signs.add(bool(problem.trials._settled(trades[None, :], np.array([plan.cost_usd6]))[0] > 0))
    assert np.count_nonzero(lacking) >= 10
    assert len(signs) == 2 or in_cash != 0.02


def test_programme__leg_that_has_lost_turned_round__lacks_no_less_than_the_engine_says():
    lots, costs = {future(): 3_000}, {future(): 3_000 * 3_250_000}
    problem = problem_of(pledging(account(1, lots, costs=costs), 0.3), Level.MAINTENANCE)
    trades = traded(problem, {future(): -5_000})
    plan = problem.plans(trades[None, :])[0]
    assert lacking_by_programme(problem, trades) > problem.lacking_usd6(plan) / 1e6


@pytest.mark.parametrize("in_cash", [-0.3, 0.05, 0.3])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("name", BOOKS)
def test_restore__capped_collateral__every_trade_of_a_grid__none_cheaper(name, level, in_cash):
    lots, costs, instruments = BOOKS[name]
    listings = [ListingRow(i, 500_000, 0) for i in sorted(instruments)]
    share = 0.6 if level is Level.INITIAL else 0.45
    snapshot = pledging(account(1, lots, costs=costs), share, in_cash, listings)
    who = snapshot.accounts.account[0].tobytes()
    found = restore(snapshot, MODEL, who, Health(level))
    problem = found.problem
    assert collateral_cases(problem.trials, problem.listings)[1:]
    most = np.abs(found.plan.trades).max()
    grid = np.unique(np.append(np.linspace(-1.5 * most, 1.5 * most, 19), 0).astype(np.int64))
    candidates = np.array(list(itertools.product(grid, repeat=len(instruments))))
    cheaper = candidates[problem.trials.cost_usd6(candidates) < found.plan.cost_usd6 * 0.98]
    assert not any(problem.is_met(plan) for plan in problem.plans(cheaper))
    assert len(cheaper) > 10


def test_by_programme__capped_collateral__cheaper_than_where_cash_does_not_count(monkeypatch):
    lots, costs, instruments = BOOKS["short future, calls to sell"]
    listings = [ListingRow(i, 500_000, 0) for i in sorted(instruments)]
    problem = problem_of(pledging(account(1, lots, costs=costs), 0.6, 0.3, listings))
    knowing = by_programme(problem)

    def without_cash(trials, rows):
        return collateral_cases(trials, rows)[:1]

    monkeypatch.setattr("keeper.liquidation.rules.collateral_cases", without_cash)
    blind = by_programme(problem)
    assert knowing is not None
    assert blind is None or blind.cost_usd6 > knowing.cost_usd6 * 1.05


def test_by_programme__gain_worth_realising__is_not_closed_and_opened_again(monkeypatch):
    # Selling the hedge and buying it back would turn its gain into cash, beside which more counts.
    lots, costs = {call(3_000): -10_000, perpetual(): 6_000}, {perpetual(): 6_000 * 2_800_000}
    listings = [ListingRow(perpetual(), 500_000_000, 0), ListingRow(call(3_000), 10, 0)]
    problem = problem_of(pledging(account(1, lots, costs=costs), 0.95, 0.05, listings))
    plan = by_programme(problem)
    assert plan is not None
    steps = np.arange(-1_000, 1_001, 25)
    candidates = np.array(list(itertools.product(steps, steps)))
    cheaper = candidates[problem.trials.cost_usd6(candidates) < plan.cost_usd6 * 0.98]
    assert len(cheaper) > 10
    assert not any(problem.is_met(one) for one in problem.plans(cheaper))
    monkeypatch.setattr(Programme, "_round_trips", lambda *_: np.zeros(0, dtype=np.int64))
    dreaming = by_programme(problem)
    assert dreaming is None or dreaming.cost_usd6 > plan.cost_usd6 * 2
