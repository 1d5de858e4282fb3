"""What the engine's judgement teaches a programme: the cutting planes of Kelley (1960)."""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.liquidation.programme import Programme
from keeper.liquidation.restoration import Plan, Problem
from keeper.liquidation.terms import Cut
from keeper.units import USD6

_SHARE: Final = 3e-4  # of the requirement: from here on the engine knows what the terms do not


def tangent(problem: Problem, programme: Programme, plan: Plan) -> Cut | None:
    """Return the engine's margin near the plan, where the terms fall short of it; else None.

    Differences over whole lots, all judged in one call: whatever the engine counts and the terms
    do not, an expected shortfall above all, is in them.
    """
    rows = problem.listings
    lots = (problem.trials.held + plan.trades)[rows]
    found = problem.requirement.margin_usd6(plan.after) / USD6
    if not plan.after.measured or found - programme.required(lots) <= _SHARE * abs(found):
        return None
    step = np.maximum(np.abs(plan.trades[rows]) // 64, 1)
    nudges = np.zeros((len(rows), len(problem.trials.held)), dtype=np.int64)
    nudges[np.arange(len(rows)), rows] = step
    both = problem.trials.judge(np.concatenate([plan.trades + nudges, plan.trades - nudges]))
    margins = np.array([problem.requirement.margin_usd6(one) / USD6 for one in both]).reshape(2, -1)
    usable = np.array([one.measured for one in both]).reshape(2, -1).all(axis=0)
    up, down = (margins[0] - found) / step, (margins[1] - found) / step
    middle = (up - down) / 2.0
    long = np.where(usable, np.where(lots == 0, up, middle), 0.0)
    short = np.where(usable, np.where(lots == 0, down, -middle), 0.0)
    here = long @ np.maximum(lots, 0) + short @ np.maximum(-lots, 0)
    return Cut(long, short, found - float(here))
