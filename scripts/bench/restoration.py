"""Restoring one account: time and cost against the smallest sufficient pro-rata close."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from keeper.chain.model_file import read_model
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import Health, Restrictions
from keeper.liquidation.pro_rata import pro_rata
from keeper.liquidation.restoration import Problem
from keeper.liquidation.restore import Restoration, restore
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import Model
from keeper.state.snapshot import Snapshot
from keeper.testing.random_book import random_book
from scripts.bench.inputs import MODEL_FILE
from scripts.bench.measure import Spread, Stopwatch, progress
from scripts.bench.report import Figure, Target, races
from scripts.bench.sizes import Sizes

_OURS: Final = "ours"
_PRO_RATA: Final = "the search for the pro-rata close alone"
_SEED: Final = 5  # a book that a pro-rata close restores as well
_LEGS: Final = 20
_EQUITY_PERCENT: Final = 80  # of initial margin


def run(sizes: Sizes) -> list[Figure]:
    """Return the lines of one account below its initial margin."""
    progress(f"restore, {sizes.restore_listings} listings")
    model = read_model(MODEL_FILE)
    snapshot = _below_margin(model, sizes.restore_listings)
    account = snapshot.accounts.account[0].tobytes()

    def ours() -> Restoration:
        return restore(snapshot, model, account, Health())

    def plain() -> object:
        problem = Problem.of(snapshot, model, account, Health(), Restrictions(), CostModel())
        return pro_rata(problem)

    rounds = Stopwatch(sizes.rounds, sizes.patience_seconds).race({_OURS: ours, _PRO_RATA: plain})
    case = f"restore, {_LEGS} legs, {sizes.restore_listings} listings"
    lines = [Figure("restore", case, "s", rounds.time(_OURS), target=Target(2.0))]
    return [*lines, *races("restore", case, _OURS, rounds, {}), *_costs(case, ours())]


def _below_margin(model: Model, listings: int) -> Snapshot:
    """Return one random account with equity of 80 % of its initial margin."""
    snapshot = random_book(model, 1, _LEGS, _SEED, listings)
    book = margin_book(snapshot, model)
    required = min(int(book.initial_usd6[0]), int(book.standard_initial_usd6[0]))
    missing = required * _EQUITY_PERCENT // 100 - int(book.equity_usd6[0])
    accounts = replace(snapshot.accounts, cash_usd6=snapshot.accounts.cash_usd6 + missing)
    return replace(snapshot, accounts=accounts)


def _costs(case: str, found: Restoration) -> list[Figure]:
    """Return the cost as a share of the requirement, against that of a pro-rata close."""
    if found.pro_rata is None:
        return []
    required = found.problem.requirement.required_usd6(found.problem.before)
    cost, theirs = (plan.cost_usd6 / required for plan in (found.plan, found.pro_rata))
    return [
        Figure(
            "restore",
            f"cost of the plan over the requirement: {case}",
            "1",
            Spread.of([cost]),
            against="the smallest sufficient pro-rata close",
            theirs=Spread.of([theirs]),
            ratio=Spread.of([theirs / cost]),
            target=Target(1.0, at_least=True),
        )
    ]
