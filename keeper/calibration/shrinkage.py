"""Covariance of few returns, drawn towards equal variances without correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.calibration.returns import JointReturns
from keeper.units import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ShrunkCovariance:
    """`covariance` (assets, assets) and `mean` (assets,) a period; `shrinkage` in [0, 1]."""

    covariance: FloatArray
    mean: FloatArray
    shrinkage: float


def ledoit_wolf(returns: JointReturns) -> ShrunkCovariance:
    """Return `(1 - s) S + s m I` with the `s` that Ledoit and Wolf (2004) estimate.

    `S` is the covariance about the mean with divisor n, `m` its mean variance,
    `s = min(b^2, d^2) / d^2` their lemma 3.2 to 3.4: `d^2 = |S - m I|^2`, `b^2` the spread of the
    single outer products about `S`, over n. Raises InputError for fewer than 2 returns, or an asset
    that never moves.
    """
    returns.require(2, "a covariance")
    mean = np.mean(returns.rows, axis=0)
    centred = returns.rows - mean
    count, assets = centred.shape
    sample = centred.T @ centred / count
    mean_variance = float(np.trace(sample)) / assets
    target = mean_variance * np.eye(assets)
    dispersion = float(np.sum((sample - target) ** 2))
    # sum over rows of |x x' - S|^2, without a matrix for each row: |x x'| = x'x.
    lengths = np.sum(centred**2, axis=1)
    spread = float(np.sum(lengths**2) / count - np.sum(sample**2)) / count
    shrinkage = min(max(spread, 0.0), dispersion) / dispersion if dispersion > 0 else 0.0
    return ShrunkCovariance((1 - shrinkage) * sample + shrinkage * target, mean, shrinkage)
