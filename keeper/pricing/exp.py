"""exp in `float64` from `+ - *` and bit shifts alone.

Cody-Waite reduction `x = k ln 2 + r`, a polynomial in `r` (coefficients.EXP, evaluated by Estrin's
scheme, in this exact order), and `2**k` built in the exponent bits.
"""

from __future__ import annotations

import numpy as np

from keeper.pricing.coefficients import EXP, LN2_HIGH, LN2_LOW, LOG2_E, ROUNDER, ROUNDER_BITS
from keeper.units import FloatArray

LOWEST = -708.0
HIGHEST = 709.0

_E0, _E1, _E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10 = EXP
EXPONENT_ORIGIN = np.uint64(ROUNDER_BITS - 1023)
MANTISSA_WIDTH = np.uint64(52)


def exp(x: FloatArray) -> FloatArray:
    """Return e**x within 1 ulp, float64 of any shape; finite `x` is clamped to [-708, 709]."""
    x = np.maximum(np.minimum(x, HIGHEST), LOWEST)
    shifted = x * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (_E0 + _E1 * r) + (_E2 + _E3 * r) * r2
    middle = (_E4 + _E5 * r) + (_E6 + _E7 * r) * r2
    high = (_E8 + _E9 * r) + _E10 * r2
    p = low + middle * r4 + high * (r4 * r4)
    power_of_two = (shifted.view(np.uint64) - EXPONENT_ORIGIN) << MANTISSA_WIDTH
    return (1.0 + (r + r2 * p)) * power_of_two.view(np.float64)
