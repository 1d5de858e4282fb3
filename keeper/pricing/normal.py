"""Standard normal distribution in `float64` from the kernels' own exp.

The upper tail is one polynomial for every `y >= 0`: `N(-y) = exp(-y^2/2) / (y + c) * P((y - c) / (y
+ c))` with `c = 4.5` (coefficients.TAIL, evaluated by Estrin's scheme, in this exact order). No
branch, so it vectorises.
"""

from __future__ import annotations

import numpy as np

from keeper.pricing.coefficients import INV_SQRT_2PI, TAIL, TAIL_SHIFT
from keeper.pricing.exp import exp
from keeper.units import FloatArray

# fmt: off
(_N0, _N1, _N2, _N3, _N4, _N5, _N6, _N7, _N8, _N9, _N10, _N11,
 _N12, _N13, _N14, _N15, _N16, _N17, _N18, _N19, _N20, _N21, _N22, _N23) = TAIL
# fmt: on


def bell(x: FloatArray) -> FloatArray:
    """Return exp(-x^2 / 2), float64 of any shape."""
    return exp(-0.5 * x * x)


def upper_tail(y: FloatArray, bell: FloatArray) -> FloatArray:
    """Return N(-y) for `y >= 0` and its `bell(y)`, float64 of any shape."""
    u = 1.0 / (y + TAIL_SHIFT)
    t = (y - TAIL_SHIFT) * u
    t2 = t * t
    t4 = t2 * t2
    t8 = t4 * t4
    low = ((_N0 + _N1 * t) + (_N2 + _N3 * t) * t2) + ((_N4 + _N5 * t) + (_N6 + _N7 * t) * t2) * t4
    mid = ((_N8 + _N9 * t) + (_N10 + _N11 * t) * t2) + (
        (_N12 + _N13 * t) + (_N14 + _N15 * t) * t2
    ) * t4
    top = ((_N16 + _N17 * t) + (_N18 + _N19 * t) * t2) + (
        (_N20 + _N21 * t) + (_N22 + _N23 * t) * t2
    ) * t4
    return bell * u * ((low + mid * t8) + top * (t8 * t8))


def below(x: FloatArray, tail: FloatArray) -> FloatArray:
    """Return N(x) from `tail = N(-|x|)`, float64 of any shape."""
    return np.where(x < 0.0, tail, 1.0 - tail)


def cdf(x: FloatArray) -> FloatArray:
    """Return N(x), float64 of any shape, to 3e-16; tails above 1e-7 to 1.2e-15 of themselves."""
    return below(x, upper_tail(np.abs(x), bell(x)))


def density(x: FloatArray) -> FloatArray:
    """Return the normal density, float64 of any shape."""
    return INV_SQRT_2PI * bell(x)
