"""From a relaxed programme to trades in whole lots, within the cap on legs."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from keeper.liquidation.programme import Programme
from keeper.units import BoolArray, FloatArray, IntArray

_INTEGER_TOLERANCE: Final = 1e-6
_TRADED: Final = 1e-3  # lots; less is a solver's tolerance


def whole_lots(programme: Programme, max_legs: int) -> FloatArray | None:
    """Return feasible trades in whole lots, with at most so many legs, near the optimum.

    A dive: listings are rounded one by one, coarse lots first, and the rest is optimised anew
    each time, so that finer lots make good what rounding took. None where it ends in a corner.
    """
    emptied = _emptied(programme, max_legs)
    solution = None if emptied is None else replace(programme, fixed=emptied).relaxed()
    if emptied is None or solution is None:
        return None
    fixed = emptied
    for listing in np.argsort(-programme.terms.risk, kind="stable").tolist():
        lots = float(solution.trades[listing])
        nearest = float(np.rint(lots))
        fixed[listing] = nearest
        if abs(lots - nearest) <= _INTEGER_TOLERANCE:
            continue
        found = replace(programme, fixed=fixed).relaxed()
        if found is None:
            fixed[listing] = np.floor(lots) if nearest > lots else np.ceil(lots)
            found = replace(programme, fixed=fixed).relaxed()
        if found is None:
            return None
        solution = found
    return fixed


def _emptied(programme: Programme, max_legs: int) -> FloatArray | None:
    """Return `fixed` trades that leave at most so many legs, or None.

    While there are too many, half of the excess is emptied, those that risk least first.
    """
    fixed = np.full(len(programme.terms.held), np.nan)
    can = (programme.terms.most_bought >= -programme.terms.held) & (
        programme.terms.most_sold >= programme.terms.held
    )
    while True:
        solution = replace(programme, fixed=fixed).relaxed()
        if solution is None:
            return None
        lots = np.abs(programme.terms.held + solution.trades)
        live = is_traded(lots)
        excess = int(live.sum()) - max_legs
        if excess <= 0:
            if len(fixed) > max_legs:
                fixed[~live] = -programme.terms.held[~live]
            return fixed
        smallest = np.argsort(
            np.where(live & can, lots * programme.terms.risk, np.inf), kind="stable"
        )
        smallest = smallest[: min(-(-excess // 2), int((live & can).sum()))]
        if not len(smallest):
            return None
        fixed[smallest] = -programme.terms.held[smallest]


def rounded(trades: FloatArray) -> IntArray:
    """Return the nearest whole lots."""
    return np.rint(trades).astype(np.int64)


def is_traded(trades: FloatArray) -> BoolArray:
    """Return where more is traded than a solver's tolerance."""
    return np.abs(trades) > _TRADED
