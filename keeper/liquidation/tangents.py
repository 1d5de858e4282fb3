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
    """Return what is at risk near the plan, where the terms fall short of the engine; else None.

    Differences over whole lots, all judged in one call: whatever the engine counts and the terms
    do not, an expected shortfall above all, is in them.
    """
    rows, requirement = problem.listings, problem.requirement
    lots = (problem.trials.held + plan.trades)[rows]
    found = requirement.margin_usd6(plan.after) / USD6
    if not plan.after.measured or found - programme.required(lots) <= _SHARE * abs(found):
        return None
    step = np.maximum(np.abs(plan.trades[rows]) // 64, 1)
    nudges = np.zeros((len(rows), len(problem.trials.held)), dtype=np.int64)
    nudges[np.arange(len(rows)), rows] = step
    trades = np.concatenate([plan.trades[None, :], plan.trades + nudges, plan.trades - nudges])
    judged = problem.trials.judge(trades)
    margins = np.array([requirement.margin_usd6(one) / USD6 for one in judged])
    at_risk = margins - programme.terms.margin.on_top((problem.trials.held + trades)[:, rows])
    here, (raised, lowered) = float(at_risk[0]), at_risk[1:].reshape(2, -1)
    usable = np.array([one.measured for one in judged[1:]]).reshape(2, -1).all(axis=0)
    up, down = (raised - here) / step, (lowered - here) / step
    middle = (up - down) / 2.0
    long = np.where(usable, np.where(lots == 0, up, middle), 0.0)
    short = np.where(usable, np.where(lots == 0, down, -middle), 0.0)
    sloped = long @ np.maximum(lots, 0) + short @ np.maximum(-lots, 0)
    return Cut(long, short, here - float(sloped))
