"""Returns of a GJR-GARCH process, from a seed."""

from __future__ import annotations

import numpy as np

from keeper.calibration.returns import JointReturns

ASSET = "X"


def simulated(count, *, alpha, beta, gamma=0.0, nu=None, seed=0, volatility=1.0):
    """`count` returns with the long-run variance `volatility` squared."""
    draw = np.random.default_rng(seed)
    if nu is None:
        z = draw.standard_normal(count)
    else:
        z = draw.standard_t(nu, count) * np.sqrt((nu - 2) / nu)
    omega = 1 - alpha - gamma / 2 - beta
    variance, returns = 1.0, np.empty(count)
    for n in range(count):
        returns[n] = np.sqrt(variance) * z[n]
        weight = alpha + gamma * (returns[n] < 0)
        variance = omega + weight * returns[n] ** 2 + beta * variance
    return volatility * returns


def one_asset(returns):
    return JointReturns((ASSET,), np.asarray(returns)[:, None])
