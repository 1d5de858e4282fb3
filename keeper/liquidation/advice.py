"""A restoration in names and plain numbers, as people and programs read it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.liquidation.objectives import DeltaTarget, Health, Objective
from keeper.liquidation.restoration import Plan, Problem
from keeper.liquidation.restore import Restoration
from keeper.margin.scenarios import Model
from keeper.state.instruments import Instrument
from keeper.units import BPS, IntArray, usd

_FLAGGED = 1  # bit 0 of an account's flags, docs/encodings.md


@dataclass(frozen=True, slots=True)
class Trade:
    """One order to place; `mark_usd6` is that of a lot, `cost_usd6` what it costs beyond marks."""

    instrument: str
    instrument_id: str
    side: str
    lots: int
    mark_usd6: int
    cost_usd6: int


@dataclass(frozen=True, slots=True)
class Standing:
    """The account before or after, micro-dollars; MM and IM as they are asked for, SM the cap."""

    equity_usd6: int
    maintenance_usd6: int
    initial_usd6: int
    required_usd6: int
    surplus_usd6: int
    legs: int
    delta_coins: dict[str, float]


@dataclass(frozen=True, slots=True)
class Advice:
    """What to trade, and how the account stands before and after; no times of day, no paths."""

    account: bytes
    epoch: int
    block: int
    objective: str
    found_by: str
    is_flagged: bool
    trades: tuple[Trade, ...]
    cost_usd6: int
    pro_rata_cost_usd6: int | None
    pro_rata_trades: tuple[Trade, ...] | None
    before: Standing
    after: Standing


def advice(found: Restoration, model: Model) -> Advice:
    """Name everything. Raises InputError for an underlying without a symbol in the model."""
    problem, plan, plain = found.problem, found.plan, found.pro_rata
    snapshot, row = problem.snapshot, problem.trials.row
    idle = np.zeros_like(plan.trades)
    before = Plan(idle, 0, problem.before, problem.deltas(idle))
    return Advice(
        account=snapshot.accounts.account[row].tobytes(),
        epoch=snapshot.head.epoch,
        block=snapshot.head.ref_block,
        objective=_in_words(problem.objective, model),
        found_by=found.found_by,
        is_flagged=bool(snapshot.accounts.flags[row] & _FLAGGED),
        trades=_trades(problem, plan.trades, model),
        cost_usd6=plan.cost_usd6,
        pro_rata_cost_usd6=None if plain is None else plain.cost_usd6,
        pro_rata_trades=None if plain is None else _trades(problem, plain.trades, model),
        before=_standing(problem, before, model),
        after=_standing(problem, plan, model),
    )


def _in_words(objective: Objective, model: Model) -> str:
    if isinstance(objective, Health):
        return f"equity at least {objective.buffer_bps / BPS:g} x {objective.level.value.upper()}"
    if isinstance(objective, DeltaTarget):
        symbol = model.symbols()[objective.underlying]
        return f"{symbol} delta of {objective.lots:,} lots, health kept"
    return f"least IM for at most {usd(objective.budget_usd6)} USD"


def _trades(problem: Problem, trades: IntArray, model: Model) -> tuple[Trade, ...]:
    costs = problem.trials.ladders.cost_usd6(trades).tolist()
    marks = problem.arrays.marks.tolist()
    listed = problem.snapshot.listings.instrument
    symbols = model.symbols()
    named: list[Trade] = []
    for listing in np.flatnonzero(trades).tolist():
        high, low = listed[listing].tolist()
        instrument, lots = Instrument.unpack(high << 64 | low), int(trades[listing])
        named.append(
            Trade(
                instrument=instrument.name(symbols),
                instrument_id=f"{instrument.pack():#x}",
                side="buy" if lots > 0 else "sell",
                lots=abs(lots),
                mark_usd6=marks[listing],
                cost_usd6=costs[listing],
            )
        )
    return tuple(named)


def _standing(problem: Problem, plan: Plan, model: Model) -> Standing:
    figures, requirement = plan.after, problem.requirement
    table = problem.snapshot.underlyings
    lots = dict(zip(table.underlying.tolist(), table.lot_wad.tolist(), strict=True))
    symbols = model.symbols()
    initial = figures.standard_initial_usd6
    if not figures.fault:
        initial = min(initial, figures.initial_usd6)
    return Standing(
        equity_usd6=figures.equity_usd6,
        maintenance_usd6=min(figures.standard_usd6, figures.maintenance_usd6),
        initial_usd6=initial,
        required_usd6=requirement.required_usd6(figures),
        surplus_usd6=requirement.surplus_usd6(figures),
        legs=int(np.count_nonzero(problem.trials.held + plan.trades)),
        delta_coins={
            symbols[number]: round(delta * (lots[number] / 1e18), 6)
            for number, delta in plan.after_delta.items()
        },
    )
