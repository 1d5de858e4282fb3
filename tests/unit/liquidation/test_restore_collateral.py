"""Pledged tokens in a restoration: they count whole, whatever the trades do to cash."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from keeper.liquidation.aim import Aim
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import Health, Level, Restrictions
from keeper.liquidation.programme import Programme
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import restore
from keeper.liquidation.rules import alternatives
from keeper.state.snapshot import BalanceRow, ListingRow, TokenRow
from tests.books import FAR, MODEL, account, call, exchange, future, perpetual, put
from tests.unhealthy import pledging

COIN = TokenRow(0, 6, 10**8, 0)
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
    closing = traded(problem, {instrument: -lots for instrument, lots in held.items()})
    nearly = traded(problem, {instrument: 1 - lots for instrument, lots in held.items()})
    emptied, one_lot = problem.plans(np.stack([closing, nearly]))
    worth = int((problem.trials.held * problem.trials.marks_usd6).sum())
    left = cash + worth - emptied.cost_usd6
    assert emptied.after.equity_usd6 == left + (5_400 + 900) * 10**6
    a_lot = 2 * int(problem.trials.marks_usd6[np.flatnonzero(closing)[0]])
    assert abs(emptied.after.equity_usd6 - one_lot.after.equity_usd6) <= a_lot


@pytest.mark.parametrize("in_cash", [-0.4, 0.02, 0.4])
def test_programme__trades_fixed__lacks_what_the_engine_says(in_cash):
    # The perpetual has gained, the future has lost; options move cash by their marks.
    lots = {perpetual(): -4_000, future(): 3_000, call(3_300): -9_000, put(2_700): 5_000}
    costs = {perpetual(): -4_000 * 3_300_000, future(): 3_000 * 3_250_000}
    snapshot = pledging(account(1, lots, costs=costs), share=0.3, in_cash=in_cash)
    problem = problem_of(snapshot, Level.MAINTENANCE)
    rng = np.random.default_rng(3)
    lacking = []
    for _ in range(40):
        size = int(rng.choice([30, 900, 6_000]))
        trades = rng.integers(-size, size, len(problem.trials.held))
        trades *= rng.random(len(trades)) < 0.1
        trades = np.clip(trades, -problem.most_sold, problem.most_bought)
        plan = problem.plans(trades[None, :])[0]
        lacking.append(problem.lacking_usd6(plan))
        assert lacking_by_programme(problem, trades) == pytest.approx(lacking[-1] / 1e6, abs=1e-3)
    assert np.count_nonzero(lacking) >= 10


@pytest.mark.parametrize("in_cash", [-0.3, 0.05, 0.3])
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("name", BOOKS)
def test_restore__tokens_pledged__every_trade_of_a_grid__none_cheaper(name, level, in_cash):
    lots, costs, instruments = BOOKS[name]
    listings = [ListingRow(i, 500_000, 0) for i in sorted(instruments)]
    share = 0.6 if level is Level.INITIAL else 0.45
    snapshot = pledging(account(1, lots, costs=costs), share, in_cash, listings)
    who = snapshot.accounts.account[0].tobytes()
    found = restore(snapshot, MODEL, who, Health(level))
    problem = found.problem
    most = np.abs(found.plan.trades).max()
    grid = np.unique(np.append(np.linspace(-1.5 * most, 1.5 * most, 19), 0).astype(np.int64))
    candidates = np.array(list(itertools.product(grid, repeat=len(instruments))))
    cheaper = candidates[problem.trials.cost_usd6(candidates) < found.plan.cost_usd6 * 0.98]
    assert not any(problem.is_met(plan) for plan in problem.plans(cheaper))
    assert len(cheaper) > 10
