"""The cheapest trades over listed instruments that restore an account: docs/restore.md.

A linear programme proposes, the margin engine judges: no plan leaves here that the engine's own
integers, on the snapshot after the trades, do not confirm.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.errors import CannotRestore
from keeper.liquidation.costs import CostModel
from keeper.liquidation.objectives import DeltaTarget, LeastMargin, Objective, Restrictions
from keeper.liquidation.pro_rata import pro_rata
from keeper.liquidation.proposals import by_programme, least_lacking_usd6, reaches_delta
from keeper.liquidation.restoration import Plan, Problem
from keeper.liquidation.trimming import trimmed
from keeper.margin.scenarios import Model
from keeper.state.snapshot import Snapshot
from keeper.units import usd


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
    named = {"programme": by_programme(problem), "pro rata": plain}
    if isinstance(objective, LeastMargin):
        named["nothing to do"] = idle
    found = {name: plan for name, plan in named.items() if plan is not None}
    if not found:
        raise _cannot(problem, account, idle)
    best = min(found, key=lambda name: problem.score(found[name]))
    plan = found[best] if isinstance(objective, LeastMargin) else trimmed(problem, found[best])
    return Restoration(problem, plan, best, plain)


def _cannot(problem: Problem, account: bytes, idle: Plan) -> CannotRestore:
    """Return the error that says what is lacking, with the best trades and without any."""
    who = f"account 0x{account.hex()}"
    objective, level = problem.objective, problem.requirement.level.value.upper()
    if isinstance(objective, DeltaTarget) and not reaches_delta(problem):
        return CannotRestore(
            f"{who}: no allowed trades reach a delta of {objective.lots} lots in underlying "
            f"{objective.underlying}: allow more instruments or another target",
            lacking_usd6=0,
        )
    now = problem.lacking_usd6(idle)
    least = min([now, *least_lacking_usd6(problem)])
    return CannotRestore(
        f"{who}: no allowed trades restore its {level}: it lacks {usd(now)} USD, and still "
        f"{usd(least)} USD after the best trades found: deposit that much, or allow more to trade",
        lacking_usd6=least,
    )
