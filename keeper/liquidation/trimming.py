"""Taking back what rounding and tightening gave too much."""

from __future__ import annotations

import numpy as np

from keeper.liquidation.restoration import Plan, Problem
from keeper.units import IntArray


def trimmed(problem: Problem, plan: Plan) -> Plan:
    """Return the plan with trades made smaller, by powers of two lots, while it stays sufficient.

    Each sweep is one call of the engine.
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
