"""Whether expected shortfall is as large as the losses beyond VaR turned out to be.

Acerbi and Szekely (2014), Backtesting expected shortfall, test 2:
`Z = 1 - sum(L_t [L_t > VaR_t] / ES_t) / (T a)` of losses `L`, zero in the mean for a true model and
below where losses are more or larger than stated.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import ndtri

from keeper.draws import Draws
from keeper.errors import InputError
from keeper.units import FloatArray

# The paper's thresholds for 250 days of a 2.5 % tail, which hardly depend on how heavy the tail is.
YELLOW_Z2: Final = -0.70
RED_Z2: Final = -1.8

_PATHS_AT_ONCE: Final = 2**21


def z2(losses: FloatArray, value_at_risk: FloatArray, shortfall: FloatArray, tail: float) -> float:
    """Return the statistic of T days; `tail` is the probability beyond VaR, such as 0.025.

    Raises InputError for columns of different lengths, none, or a shortfall that is not positive.
    """
    if not len(losses) == len(value_at_risk) == len(shortfall) > 0:
        raise InputError(
            f"{len(losses)} losses, {len(value_at_risk)} VaR and {len(shortfall)} shortfalls: "
            "give one of each a day"
        )
    if not (shortfall > 0.0).all():
        raise InputError(f"shortfall {shortfall.min()!r}: give positive numbers")
    beyond = np.where(losses > value_at_risk, losses / shortfall, 0.0)
    return 1.0 - float(beyond.sum()) / (len(losses) * tail)


def normal_quantile(days: int, tail: float, level: float, paths: int, draws: Draws) -> float:
    """Return the `level` quantile of Z2 of a true model with normal losses, by simulation."""
    value_at_risk = float(-ndtri(tail))
    density = np.exp(-value_at_risk * value_at_risk / 2.0) / np.sqrt(2.0 * np.pi)
    shortfall = float(density) / tail
    found: list[FloatArray] = []
    step = max(1, _PATHS_AT_ONCE // days)
    for first in range(0, paths, step):
        count = min(step, paths - first)
        losses = ndtri(draws.fractions(f"z2 {first}", count * days)).reshape(count, days)
        beyond = np.where(losses > value_at_risk, losses, 0.0).sum(axis=1) / shortfall
        found.append(1.0 - beyond / (days * tail))
    return float(np.quantile(np.concatenate(found), level))
