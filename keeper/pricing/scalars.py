"""The kernels for one number at a time, for loops compiled by numba to inline.

The twins of `exp`, `log`, `normal` and `black76_numpy`: the same operations in the same order, so
the same bits; there is the explanation. Choices are written `a if condition else b` on values that
are both ready: that keeps a loop free of branches, so LLVM vectorises it. Where a choice discards a
quotient it may be infinite or not a number.
"""

from __future__ import annotations

import numpy as np

from keeper.pricing.coefficients import (
    EXP,
    FARTHEST,
    INV_SQRT_2PI,
    LN2_HIGH,
    LN2_LOW,
    LOG,
    LOG2_E,
    ROUNDER,
    TAIL,
    TAIL_SHIFT,
)
from keeper.pricing.exp import EXPONENT_ORIGIN, HIGHEST, LOWEST, MANTISSA_WIDTH
from keeper.pricing.jit import scalar
from keeper.pricing.log import MANTISSA, OFFSET, ROUNDER_WORD, SQRT_HALF_WORD

# fmt: off
_E0, _E1, _E2, _E3, _E4, _E5, _E6, _E7, _E8, _E9, _E10 = EXP
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = LOG
(_N0, _N1, _N2, _N3, _N4, _N5, _N6, _N7, _N8, _N9, _N10, _N11,
 _N12, _N13, _N14, _N15, _N16, _N17, _N18, _N19, _N20, _N21, _N22, _N23) = TAIL
# fmt: on


@scalar
def exp1(x: float) -> float:
    """Return e**x; see `exp.exp`."""
    x = HIGHEST if x > HIGHEST else x
    x = LOWEST if x < LOWEST else x
    shifted = x * LOG2_E + ROUNDER
    k = shifted - ROUNDER
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = (_E0 + _E1 * r) + (_E2 + _E3 * r) * r2
    middle = (_E4 + _E5 * r) + (_E6 + _E7 * r) * r2
    high = (_E8 + _E9 * r) + _E10 * r2
    p = low + middle * r4 + high * (r4 * r4)
    word = (np.float64(shifted).view(np.uint64) - EXPONENT_ORIGIN) << MANTISSA_WIDTH
    return (1.0 + (r + r2 * p)) * np.uint64(word).view(np.float64)


@scalar
def log1(x: float) -> float:
    """Return ln(x) of a positive, finite, normal `x`; see `log.log`."""
    word = np.float64(x).view(np.uint64) + OFFSET
    f = np.uint64((word & MANTISSA) + SQRT_HALF_WORD).view(np.float64) - 1.0
    s = f / (2.0 + f)
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    low = (_L0 + _L1 * z) + (_L2 + _L3 * z) * z2
    high = (_L4 + _L5 * z) + (_L6 + _L7 * z) * z2
    p = low + high * z4 + _L8 * (z4 * z4)
    k = np.uint64((word >> MANTISSA_WIDTH) + ROUNDER_WORD).view(np.float64) - (ROUNDER + 1023.0)
    half_square = 0.5 * f * f
    return k * LN2_HIGH - ((half_square - (s * (half_square + z * p) + k * LN2_LOW)) - f)


@scalar
def bell1(x: float) -> float:
    """Return exp(-x^2 / 2); see `normal.bell`."""
    return exp1(-0.5 * x * x)


@scalar
def tail1(y: float, bell: float) -> float:
    """Return N(-y) for `y >= 0` and its `bell1(y)`; see `normal.upper_tail`."""
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


@scalar
def below1(x: float, tail: float) -> float:
    """Return N(x) from `tail = N(-|x|)`; see `normal.below`."""
    return tail if x < 0.0 else 1.0 - tail


@scalar
def cdf1(x: float) -> float:
    """Return N(x); see `normal.cdf`."""
    return below1(x, tail1(abs(x), bell1(x)))


@scalar
def density1(x: float) -> float:
    """Return the normal density; see `normal.density`."""
    return INV_SQRT_2PI * bell1(x)


@scalar
def deviation1(vol: float, years: float) -> float:
    """Return vol * sqrt(years), zero where either is not positive."""
    return (vol if vol > 0.0 else 0.0) * np.sqrt(years if years > 0.0 else 0.0)


@scalar
def is_live1(forward: float, strike: float, deviation: float) -> bool:
    """Return whether there is more than intrinsic; see `black76_numpy.is_live`."""
    return (deviation > 0.0) & (forward > 0.0) & (strike > 0.0)


@scalar
def standardised1(forward: float, strike: float, deviation: float) -> tuple[float, float, float]:
    """Return d1, d2 and low / high of the twin; see `black76_numpy.standardised`."""
    low = strike if forward > strike else forward
    high = forward if forward > strike else strike
    live = is_live1(forward, strike, deviation)
    ratio = low / high
    middle = log1(ratio) / deviation
    limit = -FARTHEST if low < high else 0.0
    d1 = middle + 0.5 * deviation if live else limit
    d2 = middle - 0.5 * deviation if live else limit
    d1 = FARTHEST if d1 > FARTHEST else d1
    d1 = -FARTHEST if d1 < -FARTHEST else d1
    d2 = -FARTHEST if d2 < -FARTHEST else d2
    return d1, d2, ratio


@scalar
def price1(
    forward: float,
    strike: float,
    is_call: bool,
    deviation: float,
    d1: float,
    d2: float,
    ratio: float,
) -> float:
    """Return the undiscounted value of one option, the same bits as `black76.price`.

    `deviation` is `deviation1(vol, years)`; d1, d2 and `ratio` are from `standardised1`.
    """
    bell = bell1(d1)
    probability = below1(d1, tail1(abs(d1), bell))
    return _value1(forward, strike, is_call, deviation, probability, tail1(-d2, bell * ratio))


@scalar
def price_and_greeks1(
    forward: float,
    strike: float,
    vol: float,
    years: float,
    is_call: bool,
    d1: float,
    d2: float,
    ratio: float,
) -> tuple[float, float, float, float, float]:
    """Return price, delta, gamma, vega and theta of one option; see `black76.Greeks`, `price1`."""
    vol = vol if vol > 0.0 else 0.0
    root = np.sqrt(years if years > 0.0 else 0.0)
    deviation = vol * root
    bell = bell1(d1)
    tail_1 = tail1(abs(d1), bell)
    tail_2 = tail1(-d2, bell * ratio)
    above = forward > strike
    price = _value1(forward, strike, is_call, deviation, below1(d1, tail_1), tail_2)
    of_call = 1.0 - tail_2 if above else below1(d1, tail_1)
    of_put = -(tail_2 if above else below1(-d1, tail_1))
    density = INV_SQRT_2PI * (bell * ratio if above else bell)
    live = is_live1(forward, strike, deviation)
    gamma = density / (forward * deviation) if live else 0.0
    vega = forward * root * density if live else 0.0
    theta = -0.5 * vega * vol / years if live else 0.0
    return price, of_call if is_call else of_put, gamma, vega, theta


@scalar
def _value1(
    forward: float,
    strike: float,
    is_call: bool,
    deviation: float,
    probability: float,
    tail_2: float,
) -> float:
    """Return the price; see `black76_numpy.value`."""
    low = strike if forward > strike else forward
    high = forward if forward > strike else strike
    twin = low * probability - high * tail_2
    twin = low if twin > low else twin
    twin = 0.0 if twin < 0.0 else twin
    twin = twin if is_live1(forward, strike, deviation) else 0.0
    intrinsic = forward - strike if is_call else strike - forward
    intrinsic = 0.0 if intrinsic < 0.0 else intrinsic
    value = intrinsic + twin
    bound = forward if is_call else strike
    return value if value < bound else bound
