"""Plans that linear programmes propose, judged by the margin engine and proposed again."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from keeper.liquidation.aim import Aim
from keeper.liquidation.objectives import DeltaTarget, LeastMargin
from keeper.liquidation.programme import Programme, Solution
from keeper.liquidation.restoration import DELTA_TOLERANCE_LOTS, Plan, Problem
from keeper.liquidation.rules import Rule, alternatives, rules, terms
from keeper.liquidation.tangents import tangent
from keeper.liquidation.terms import Cut, Terms
from keeper.liquidation.whole_lots import is_traded, rounded, whole_lots
from keeper.units import BPS, USD6

_ROUNDS: Final = 12
_LEARNING_ROUNDS: Final = 8  # the others but make a reserve for what is left to learn
_POOL: Final = 4  # listings beside those that the relaxed programme trades
_FIRST_RESERVE_USD: Final = 1e-4  # for the roundings of a requirement, up, by a micro-dollar each
_TIE: Final = 1e-7  # weight of cost where cost is not what is minimised


def by_programme(problem: Problem) -> Plan | None:
    """Return the best plan that any alternative gives, or None."""
    best: Plan | None = None
    for rule, known in _cheapest_first(problem):
        plan = _by_terms(problem, known, best, learns=rule is Rule.SCENARIO)
        if plan and (best is None or problem.score(plan) < problem.score(best)):
            best = plan
    return best


def _cheapest_first(problem: Problem) -> list[tuple[Rule, Terms]]:
    """Return the alternatives that trades can keep, by the relaxed optimum: a plan of one may make
    it needless to look at the next.
    """
    found: list[tuple[float, Rule, Terms]] = []
    for rule, known in alternatives(problem):
        relaxed = Programme(known, _aim(problem, _FIRST_RESERVE_USD)).relaxed()
        if relaxed is not None:
            found.append((relaxed.objective, rule, known))
    return [(rule, known) for _, rule, known in sorted(found, key=lambda one: one[0])]


def reaches_delta(problem: Problem) -> bool:
    """Return whether any trades reach the net delta that is asked for, whatever they leave."""
    programme = Programme(terms(problem, rules(problem)[0]), _aim(problem, 0.0, may_lack=True))
    return programme.relaxed() is not None


def least_lacking_usd6(problem: Problem) -> list[int]:
    """Return what each alternative's best trades leave lacking, where the engine can measure it."""
    found: list[int] = []
    aim = _aim(problem, _FIRST_RESERVE_USD, may_lack=True)
    for _, known in alternatives(problem):
        programme = Programme(known, aim)
        relaxed = programme.relaxed()
        if relaxed is not None:
            plan = _proposal(problem, programme, relaxed)
            if plan.after.measured:
                found.append(problem.lacking_usd6(plan))
    return found


def _by_terms(problem: Problem, known: Terms, rival: Plan | None, *, learns: bool) -> Plan | None:
    """Propose, judge, and propose again with what the judgement taught."""
    best: Plan | None = None
    cuts: tuple[Cut, ...] = ()
    reserve = _FIRST_RESERVE_USD
    aims_at_cost = not isinstance(problem.objective, LeastMargin)
    for n in range(_ROUNDS):
        programme = Programme(known, _aim(problem, reserve), cuts)
        relaxed = programme.relaxed()
        if relaxed is None:
            break
        if aims_at_cost and rival and relaxed.objective * USD6 >= rival.cost_usd6:
            break
        can_learn = learns and n < _LEARNING_ROUNDS
        if can_learn:  # whole lots are worth their time only where the terms agree with the engine
            cut = tangent(problem, programme, _nearest(problem, relaxed))
            if cut is not None:
                cuts = (*cuts, cut)
                continue
        plan = _proposal(problem, programme, relaxed)
        if problem.is_met(plan):
            best = plan if best is None else min(best, plan, key=problem.score)
            if aims_at_cost:
                break
        lacking = problem.lacking_usd6(plan) / USD6
        cut = tangent(problem, programme, plan) if can_learn else None
        if cut is not None:
            cuts = (*cuts, cut)
        elif lacking > 0:
            reserve += 1.25 * lacking + _FIRST_RESERVE_USD
        else:
            break
    return best


def _aim(problem: Problem, reserve: float, *, may_lack: bool = False) -> Aim:
    objective = problem.objective
    aim = Aim(
        cost=_TIE if may_lack else 1.0,
        required=0.0,
        lacking=1.0 if may_lack else 0.0,
        equity=(problem.before.equity_usd6 - problem.least_surplus_usd6) / USD6 - reserve,
        may_lack=may_lack,
        buffer=problem.requirement.buffer_bps / BPS,
    )
    if isinstance(objective, LeastMargin):
        return replace(aim, cost=_TIE, required=1.0, budget=objective.budget_usd6 / USD6)
    if isinstance(objective, DeltaTarget):
        half = DELTA_TOLERANCE_LOTS / 2
        return replace(aim, delta=(objective.lots - half, objective.lots + half))
    return aim


def _nearest(problem: Problem, relaxed: Solution) -> Plan:
    """Return the plan in the nearest lots."""
    lots = np.zeros(len(problem.trials.held), dtype=np.int64)
    lots[problem.listings] = rounded(relaxed.trades)
    return problem.plans(lots[None, :])[0]


def _proposal(problem: Problem, programme: Programme, relaxed: Solution) -> Plan:
    """Return the plan in whole lots over the listings that matter, else the nearest lots."""
    rows, known = problem.listings, programme.terms
    kept = is_traded(relaxed.trades) | (known.held != 0)
    spare = ~kept & (known.most_bought + known.most_sold > 0)
    nearest = np.lexsort((np.arange(len(rows)), np.where(spare, relaxed.reduced, np.inf)))
    near = nearest[: min(_POOL, int(spare.sum()))]
    pool = np.sort(np.append(np.flatnonzero(kept), near))
    whole = whole_lots(programme.of(pool), problem.most_legs)
    lots = np.zeros(len(problem.trials.held), dtype=np.int64)
    lots[rows[pool]] = rounded(relaxed.trades[pool] if whole is None else whole)
    return problem.plans(lots[None, :])[0]
