"""The smile: raw SVI (Gatheral 2004), as variance a year: vol stands still as time passes."""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.units import FloatArray

# 1 % and 500 % vol: whatever is published, every mark stays defined (docs/model.md).
LOWEST_VARIANCE: Final = 1e-4
HIGHEST_VARIANCE: Final = 25.0


def raw_variance(
    k: FloatArray,
    a: FloatArray,
    b: FloatArray,
    rho: FloatArray,
    m: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """Return `a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`, as it comes: it may be negative.

    `k` is log-moneyness ln(K / F). All arguments are finite float64 and broadcast.
    """
    distance = k - m
    return a + b * (rho * distance + np.sqrt(distance * distance + sigma * sigma))


def variance_per_year(
    k: FloatArray,
    a: FloatArray,
    b: FloatArray,
    rho: FloatArray,
    m: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """Return the raw variance of parameters quoted a year, clamped to [1e-4, 25]."""
    return clamped(raw_variance(k, a, b, rho, m, sigma))


def clamped(variance: FloatArray) -> FloatArray:
    """Return `variance`, which may be negative, within [1e-4, 25]."""
    return np.maximum(np.minimum(variance, HIGHEST_VARIANCE), LOWEST_VARIANCE)
