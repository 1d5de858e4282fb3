"""The cheapest trades over listed instruments that restore an account: docs/restore.md.

A linear programme proposes, the margin engine judges: no plan leaves here that the engine's own
integers, on the snapshot after the trades, do not confirm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.errors import CannotRestore
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import DeltaTarget, LeastMargin, Objective, Restrictions
from keeper.liquidation.pro_rata import pro_rata
from keeper.liquidation.programme import Aim, Cut, Programme, Rule, Solution
from keeper.liquidation.restoration import DELTA_TOLERANCE_LOTS, Plan, Problem
from keeper.liquidation.whole_lots import is_traded, rounded, whole_lots
from keeper.margin.scenarios import Model
from keeper.state.snapshot import Snapshot
from keeper.units import BPS, USD6, IntArray, usd

_ROUNDS: Final = 8
_POOL: Final = 4  # listings beside those that the relaxed programme trades
_FIRST_RESERVE_USD: Final = 1e-4  # for the roundings of a requirement, up, by a micro-dollar each
_CUT_SHARE: Final = 1e-4  # of the requirement: from here on the engine knows what terms do not
_TIE: Final = 1e-7  # weight of cost where cost is not what is minimised


@dataclass(frozen=True, slots=True)
class Restoration:
    """A plan that the engine confirmed, and what closing pro rata would cost instead.

    `plan.trades` is int64 [L] in the order of the snapshot's listings. `found_by` is "nothing to
    do", "programme" or "pro rata".
    """

    problem: Problem
    plan: Plan
    found_by: str
    pro_rata: Plan | None


def restore(
    snapshot: Snapshot,
    model: Model,
    account: bytes,
    objective: Objective,
    restrictions: Restrictions | None = None,
    costs: CostModel | None = None,
) -> Restoration:
    """Return the cheapest plan found; never one dearer than the smallest sufficient pro-rata close.

    The same snapshot gives the same plan. Raises CannotRestore where no trades suffice, with what
    is lacking; InputError as `Problem.of`; and what `margin_book` raises.
    """
    problem = Problem.of(
        snapshot, model, account, objective, restrictions or Restrictions(), costs or CostModel()
    )
    idle = problem.plans(np.zeros((1, len(problem.trials.held)), dtype=np.int64))[0]
    if not isinstance(objective, LeastMargin) and problem.is_met(idle):
        return Restoration(problem, idle, "nothing to do", None)
    plain = pro_rata(problem)
    named = {"programme": _by_programme(problem), "pro rata": plain}
    if isinstance(objective, LeastMargin):
        named["nothing to do"] = idle
    found = {name: plan for name, plan in named.items() if plan is not None}
    if not found:
        raise _cannot(problem, account, idle)
    best = min(found, key=lambda name: problem.score(found[name]))
    plan = found[best] if isinstance(objective, LeastMargin) else _trimmed(problem, found[best])
    return Restoration(problem, plan, best, plain)


def _by_programme(problem: Problem) -> Plan | None:
    """Return the best plan that any rule gives, or None."""
    best: Plan | None = None
    for rule in problem.rules:
        plan = _by_rule(problem, rule, best)
        if plan and (best is None or problem.score(plan) < problem.score(best)):
            best = plan
    return best


def _by_rule(problem: Problem, rule: Rule, known: Plan | None) -> Plan | None:
    """Propose, judge, and propose again with what the judgement taught."""
    terms, best = problem.terms(rule), None
    reserve, cuts = _FIRST_RESERVE_USD, ()
    aims_at_cost = not isinstance(problem.objective, LeastMargin)
    for _ in range(_ROUNDS):
        programme = Programme(terms, _aim(problem, rule, reserve), rule, cuts)
        relaxed = programme.relaxed()
        if relaxed is None:
            break
        if aims_at_cost and known and relaxed.objective * USD6 >= known.cost_usd6:
            break
        plan = _proposal(problem, programme, relaxed)
        if problem.is_met(plan):
            best = plan if best is None else min(best, plan, key=problem.score)
        lacking = problem.lacking_usd6(plan) / USD6
        if aims_at_cost and problem.is_met(plan):
            break
        cut = None if rule is Rule.STANDARD else _cut(problem, programme, plan)
        if cut is not None:
            cuts = (*cuts, cut)
        elif lacking > 0:
            reserve += 1.25 * lacking + _FIRST_RESERVE_USD
        else:
            break
    return best


def _aim(problem: Problem, rule: Rule, reserve: float, *, may_lack: bool = False) -> Aim:
    objective, factors = problem.objective, problem.factors
    level = problem.requirement.level.value
    factor = factors.initial_bps if level == "im" else factors.maintenance_bps
    aim = Aim(
        cost=1.0,
        required=0.0,
        lacking=0.0,
        equity=(problem.before.equity_usd6 - problem.least_surplus_usd6) / USD6 - reserve,
        may_lack=may_lack,
        buffer=problem.requirement.buffer_bps / BPS,
        loss_factor=factor / BPS,
        charge_factor=factor / BPS if level == "im" else 1.0,
    )
    if may_lack:
        aim = replace(aim, cost=_TIE, lacking=1.0)
    if isinstance(objective, LeastMargin):
        return replace(aim, cost=_TIE, required=1.0, budget=objective.budget_usd6 / USD6)
    if isinstance(objective, DeltaTarget):
        half = DELTA_TOLERANCE_LOTS / 2
        return replace(aim, delta=_around(problem, objective, half))
    return aim


def _around(problem: Problem, objective: DeltaTarget, half: float) -> tuple[float, float]:
    return objective.lots - half, objective.lots + half


def _proposal(problem: Problem, programme: Programme, relaxed: Solution) -> Plan:
    """Return the plan in whole lots over the listings that matter, else the nearest lots."""
    rows, terms = problem.listings, programme.terms
    kept = is_traded(relaxed.trades) | (terms.held != 0)
    spare = ~kept & (terms.most_bought + terms.most_sold > 0)
    nearest = np.lexsort((np.arange(len(rows)), np.where(spare, relaxed.reduced, np.inf)))
    near = nearest[: min(_POOL, int(spare.sum()))]
    pool = np.sort(np.append(np.flatnonzero(kept), near))
    whole = whole_lots(programme.of(pool), problem.most_legs)
    lots = np.zeros(len(problem.trials.held), dtype=np.int64)
    lots[rows[pool]] = rounded(relaxed.trades[pool] if whole is None else whole)
    return problem.plans(lots[None, :])[0]


def _cut(problem: Problem, programme: Programme, plan: Plan) -> Cut | None:
    """Return the engine's margin near the plan, where the terms fall short of it; else None.

    Differences over whole lots, all judged in one call: whatever the engine counts, an expected
    shortfall or an add-on, is in them (the cutting planes of Kelley 1960).
    """
    rows = problem.listings
    lots = (problem.trials.held + plan.trades)[rows]
    found = _margin_usd(problem, plan)
    if not plan.after.measured or found - _by_terms(programme, lots) <= _CUT_SHARE * abs(found):
        return None
    step = np.maximum(np.abs(plan.trades[rows]) // 64, 1)
    nudges = np.zeros((len(rows), len(problem.trials.held)), dtype=np.int64)
    nudges[np.arange(len(rows)), rows] = step
    both = problem.plans(np.concatenate([plan.trades + nudges, plan.trades - nudges]))
    margins = np.array([_margin_usd(problem, one) for one in both]).reshape(2, -1)
    usable = np.array([one.after.measured for one in both]).reshape(2, -1).all(axis=0)
    up, down = (margins[0] - found) / step, (margins[1] - found) / step
    middle = (up - down) / 2.0
    long = np.where(usable, np.where(lots == 0, up, middle), 0.0)
    short = np.where(usable, np.where(lots == 0, down, -middle), 0.0)
    here = long @ np.maximum(lots, 0) + short @ np.maximum(-lots, 0)
    return Cut(long, short, found - float(here))


def _margin_usd(problem: Problem, plan: Plan) -> float:
    is_initial = problem.requirement.level.value == "im"
    margin = plan.after.initial_usd6 if is_initial else plan.after.maintenance_usd6
    return margin / USD6


def _by_terms(programme: Programme, lots: IntArray) -> float:
    """Return the requirement that the programme sees in a book of `lots` [n], USD."""
    terms, aim = programme.terms, programme.aim
    long, short = np.maximum(lots, 0.0), np.maximum(-lots, 0.0)
    worst = aim.loss_factor * max(float((-(lots @ terms.pnl)).max()), 0.0)
    charge = aim.charge_factor * float(long @ terms.charge_long + short @ terms.charge_short)
    margin = float(long @ terms.margin_long + short @ terms.margin_short)
    cuts = [cut.constant + float(long @ cut.long + short @ cut.short) for cut in programme.cuts]
    return max([max(worst, charge) + margin, *cuts])


def _trimmed(problem: Problem, plan: Plan) -> Plan:
    """Return the plan with trades made smaller, by powers of two lots, while it stays sufficient.

    What rounding and tightening gave too much is taken back; each sweep is one call of the engine.
    """
    while True:
        smaller = [plan.trades - change for change in _smaller(plan.trades)]
        if not smaller:
            return plan
        plans = [one for one in problem.plans(np.stack(smaller)) if problem.is_met(one)]
        cheapest = min(plans, key=problem.score, default=plan)
        if problem.score(cheapest) >= problem.score(plan):
            return plan
        plan = cheapest


def _smaller(trades: IntArray) -> list[IntArray]:
    """Return the part of one trade to leave out, for each trade and each power of two of lots."""
    changes: list[IntArray] = []
    for listing in np.flatnonzero(trades).tolist():
        lots = int(trades[listing])
        for bit in range(abs(lots).bit_length()):
            change = np.zeros_like(trades)
            change[listing] = (1 << bit) * (1 if lots > 0 else -1)
            changes.append(change)
    return changes


def _cannot(problem: Problem, account: bytes, idle: Plan) -> CannotRestore:
    """Return the error that says what is lacking, with the best trades and without any."""
    who = f"account 0x{account.hex()}"
    objective, level = problem.objective, problem.requirement.level.value.upper()
    if isinstance(objective, DeltaTarget) and not _reaches_delta(problem):
        return CannotRestore(
            f"{who}: no allowed trades reach a delta of {objective.lots} lots in underlying "
            f"{objective.underlying}: allow more instruments or another target",
            lacking_usd6=0,
        )
    now = problem.lacking_usd6(idle)
    least = min([now, *_least_lacking(problem)])
    return CannotRestore(
        f"{who}: no allowed trades restore its {level}: it lacks {usd(now)} USD, and still "
        f"{usd(least)} USD after the best trades found: deposit that much, or allow more to trade",
        lacking_usd6=least,
    )


def _reaches_delta(problem: Problem) -> bool:
    rule = problem.rules[0]
    aim = _aim(problem, rule, 0.0, may_lack=True)
    return Programme(problem.terms(rule), aim, rule).relaxed() is not None


def _least_lacking(problem: Problem) -> list[int]:
    """Return what every rule's best trades, and a close of everything, leave lacking."""
    found: list[int] = []
    for rule in problem.rules:
        aim = _aim(problem, rule, _FIRST_RESERVE_USD, may_lack=True)
        programme = Programme(problem.terms(rule), aim, rule)
        relaxed = programme.relaxed()
        if relaxed is not None:
            plan = _proposal(problem, programme, relaxed)
            if plan.after.measured:
                found.append(problem.lacking_usd6(plan))
    return found
