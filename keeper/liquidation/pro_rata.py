"""The plain alternative: closing the same fraction of every leg that can be traded."""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.liquidation.objectives import DeltaTarget, Health
from keeper.liquidation.restoration import Plan, Problem
from keeper.units import IntArray

_SECTION_BITS: Final = 6
_SECTIONS: Final = 3  # to 2**-18 of the book


def pro_rata(problem: Problem) -> Plan | None:
    """Return the smallest fraction of the book whose close does what is asked, or None.

    For least margin, the fraction with the least. Each section of 64 fractions is one call of the
    engine. No such plan exists for a target delta.
    """
    if isinstance(problem.objective, DeltaTarget):
        return None
    best: Plan | None = None
    step, first = 1 << _SECTION_BITS * _SECTIONS, 0
    for _ in range(_SECTIONS):
        width, step = step, step >> _SECTION_BITS
        steps = np.arange(first, first + width + 1, step, dtype=np.int64)
        plans = problem.plans(np.stack([_close(problem, int(n)) for n in steps]))
        met = [n for n, plan in enumerate(plans) if problem.is_met(plan)]
        if not met:
            break
        best_here = min(met, key=lambda n: (problem.score(plans[n]), n))
        if isinstance(problem.objective, Health):
            best_here = met[0]
        if best is None or problem.score(plans[best_here]) <= problem.score(best):
            best = plans[best_here]
        first = max(int(steps[best_here]) - step, 0)
    return best


def _close(problem: Problem, share: int) -> IntArray:
    """Return the trades that close `share` / 2**18 of every leg, to the nearest lot."""
    held = problem.trials.held
    whole = 1 << _SECTION_BITS * _SECTIONS
    can = (problem.most_bought > 0) | (problem.most_sold > 0)
    closed = (np.abs(held) * share + whole // 2) // whole
    return np.where(can, -np.sign(held) * closed, 0)
