"""Natural logarithm in `float64` from `+ - * /` and bit shifts alone.

The exponent bits give `x = 2**k m` with `m` in [sqrt(1/2), sqrt(2)); then fdlibm's form `log(1 + f)
= f - (f^2/2 - s (f^2/2 + R))` with `s = f / (2 + f)` and `R` from coefficients.LOG, evaluated in
this exact order.
"""

from __future__ import annotations

import numpy as np

from keeper.pricing.coefficients import LN2_HIGH, LN2_LOW, LOG, ROUNDER, ROUNDER_BITS
from keeper.pricing.exp import MANTISSA_WIDTH
from keeper.units import FloatArray

_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = LOG
SQRT_HALF_WORD = np.uint64(0x3FE6A09E667F3BCD)
OFFSET = np.uint64(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
MANTISSA = np.uint64(0x000FFFFFFFFFFFFF)
ROUNDER_WORD = np.uint64(ROUNDER_BITS)


def log(x: FloatArray) -> FloatArray:
    """Return ln(x) for positive, finite, normal `x`, float64 of any shape, within 1 ulp."""
    bits = x.view(np.uint64) + OFFSET
    f = ((bits & MANTISSA) + SQRT_HALF_WORD).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    low = (_L0 + _L1 * z) + (_L2 + _L3 * z) * z2
    high = (_L4 + _L5 * z) + (_L6 + _L7 * z) * z2
    p = low + high * z4 + _L8 * (z4 * z4)
    # A logical shift and the rounder instead of an integer conversion: AVX2 has neither an
    # arithmetic 64-bit shift nor int64 -> float64, and the compiled twin must stay elementwise.
    k = ((bits >> MANTISSA_WIDTH) + ROUNDER_WORD).view(np.float64) - (ROUNDER + 1023.0)
    half_square = 0.5 * f * f
    return k * LN2_HIGH - ((half_square - (s * (half_square + z * p) + k * LN2_LOW)) - f)
