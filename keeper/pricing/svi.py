"""The smile: raw SVI (Gatheral 2004), as variance a year: vol stands still as time passes."""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.units import FloatArray

# 1 % and 500 % vol: whatever is published, every mark stays defined (docs/model.md).
LOWEST_VARIANCE: Final = 1e-4
HIGHEST_VARIANCE: Final = 25.0


def variance_per_year(
    k: FloatArray,
    a: FloatArray,
    b: FloatArray,
    rho: FloatArray,
    m: FloatArray,
    sigma: FloatArray,
) -> FloatArray:
    """Return the variance a year at log-moneyness `k = ln(K / F)`, clamped to [1e-4, 25].

    All arguments are finite float64 and broadcast: `a + b (rho (k - m) + sqrt((k - m)^2 +
    sigma^2))`.
    """
    distance = k - m
    variance = a + b * (rho * distance + np.sqrt(distance * distance + sigma * sigma))
    return np.maximum(np.minimum(variance, HIGHEST_VARIANCE), LOWEST_VARIANCE)
