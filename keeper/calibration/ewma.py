"""Exponentially weighted moving averages of squared and joint returns (RiskMetrics 1996, 5.2).

The mean return is taken as zero. `decay` is the weight that a period keeps in the next one.
"""

from __future__ import annotations

from itertools import accumulate
from math import ceil, log
from typing import Final

import numpy as np

from keeper.calibration.returns import JointReturns
from keeper.errors import InputError
from keeper.units import FloatArray

# The share of an endless history's weight that the rows given must carry.
_LEAST_WEIGHT: Final = 0.95


def decay_of_half_life(periods: float) -> float:
    """Return the decay with which a weight halves in so many periods; InputError unless > 0."""
    if not 0 < periods < np.inf:
        raise InputError(f"half-life {periods}: give a positive number of periods")
    return 0.5 ** (1 / periods)


def rows_needed(decay: float) -> int:
    """Return how many periods carry 95 % of the weight: 49 at a decay of 0.94.

    Raises InputError for a decay that is not between 0 and 1.
    """
    _require_decay(decay)
    return ceil(log(1 - _LEAST_WEIGHT) / log(decay))


def ewma_variances(log_returns: FloatArray, decay: float, start: float) -> FloatArray:
    """Return the variance of each period as known before it, and of the next: (n + 1,).

    `log_returns` (n,), float64, of one asset. `v[0] = start`, `v[n + 1] = decay v[n] + (1 - decay)
    r[n]^2`; variances a period. Raises InputError for a decay outside (0, 1), a start below 0 or
    not finite, returns of another shape, and a return that is not finite.
    """
    _require_decay(decay)
    if log_returns.ndim != 1:
        raise InputError(
            f"returns have shape {log_returns.shape}: give those of one asset, a number a period"
        )
    if not (0 <= start < np.inf):
        raise InputError(f"start {start}: give a variance, 0 or more")
    if not np.all(np.isfinite(log_returns)):
        row = int(np.flatnonzero(~np.isfinite(log_returns))[0])
        raise InputError(f"return {row} is {log_returns[row]}: give a finite number")
    squares: list[float] = (log_returns * log_returns).tolist()
    path = accumulate(squares, lambda v, x: decay * v + (1 - decay) * x, initial=start)
    return np.fromiter(path, np.float64, len(squares) + 1)


def ewma_covariances(returns: JointReturns, decay: float) -> FloatArray:
    """Return the covariance after each period, (n, assets, assets), with weights that add to one.

    `C[n] = sum decay^(n - i) r_i r_i' / sum decay^(n - i)` over `i <= n`: no start is assumed, but
    the first `rows_needed(decay)` stand on little. Raises InputError for a decay outside (0, 1),
    fewer rows than that, or an asset that never moves.
    """
    returns.require(rows_needed(decay), f"an average of decay {decay}")
    covariances = np.empty((len(returns), len(returns.names), len(returns.names)))
    total, weight = np.zeros(covariances.shape[1:]), 0.0
    for row, r in enumerate(returns.rows):
        total = decay * total + np.multiply.outer(r, r)
        weight = decay * weight + 1
        covariances[row] = total / weight
    return covariances


def ewma_covariance(returns: JointReturns, decay: float) -> FloatArray:
    """Return the covariance after the last period, (assets, assets); see `ewma_covariances`."""
    return ewma_covariances(returns, decay)[-1]


def _require_decay(decay: float) -> None:
    if not 0 < decay < 1:
        raise InputError(f"decay {decay}: give a weight between 0 and 1, for instance 0.94")
