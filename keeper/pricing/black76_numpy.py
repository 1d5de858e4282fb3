"""Black-76 in numpy: the reference whose every bit the compiled kernels repeat.

All arguments are float64 of one shape, `call` bool. Choices discard what has no meaning (0 / 0, a
logarithm of zero), so every lane computes everything.
"""

from __future__ import annotations

import numpy as np

from keeper.pricing.coefficients import FARTHEST, INV_SQRT_2PI
from keeper.pricing.log import log
from keeper.pricing.normal import bell, below, upper_tail
from keeper.units import BoolArray, FloatArray


def price(
    f: FloatArray, k: FloatArray, vol: FloatArray, years: FloatArray, call: BoolArray
) -> FloatArray:
    """Return the undiscounted values."""
    with np.errstate(all="ignore"):
        deviation = np.maximum(vol, 0.0) * np.sqrt(np.maximum(years, 0.0))
        d1, d2, live = d1_d2_live(f, k, deviation)
        tail_1 = upper_tail(np.abs(d1), bell(d1))
        tail_2 = upper_tail(np.abs(d2), bell(d2))
        return value(f, k, call, live, d1, d2, tail_1, tail_2)


def price_and_greeks(
    f: FloatArray, k: FloatArray, vol: FloatArray, years: FloatArray, call: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return price, delta, gamma, vega and theta."""
    with np.errstate(all="ignore"):
        vol = np.maximum(vol, 0.0)
        root = np.sqrt(np.maximum(years, 0.0))
        deviation = vol * root
        d1, d2, live = d1_d2_live(f, k, deviation)
        bell_1 = bell(d1)
        tail_1 = upper_tail(np.abs(d1), bell_1)
        tail_2 = upper_tail(np.abs(d2), bell(d2))
        prices = value(f, k, call, live, d1, d2, tail_1, tail_2)
        delta = np.where(call, below(d1, tail_1), -below(-d1, tail_1))
        density = INV_SQRT_2PI * bell_1
        gamma = np.where(live, density / (f * deviation), 0.0)
        vega = np.where(live, f * root * density, 0.0)
        theta = np.where(live, -0.5 * vega * vol / years, 0.0)
        return prices, delta, gamma, vega, theta


def d1_d2_live(
    f: FloatArray, k: FloatArray, deviation: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return d1, d2 and where they mean anything; elsewhere the limit of a vanishing deviation."""
    live = (deviation > 0.0) & (f > 0.0) & (k > 0.0)
    middle = log(f / k) / deviation
    limit = np.where(f > k, FARTHEST, np.where(f < k, -FARTHEST, 0.0))
    d1 = np.where(live, middle + 0.5 * deviation, limit)
    d2 = np.where(live, middle - 0.5 * deviation, limit)
    return _clamp(d1), _clamp(d2), live


def _clamp(d: FloatArray) -> FloatArray:
    return np.maximum(np.minimum(d, FARTHEST), -FARTHEST)


def value(
    f: FloatArray,
    k: FloatArray,
    call: BoolArray,
    live: BoolArray,
    d1: FloatArray,
    d2: FloatArray,
    tail_1: FloatArray,
    tail_2: FloatArray,
) -> FloatArray:
    """Return the price from d1, d2 and N(-|d1|), N(-|d2|): intrinsic plus out-of-the-money twin.

    The twin is the call where K >= F and the put where K < F, in [0, min(F, K)].
    """
    side = np.where(k >= f, 1.0, -1.0)
    twin = side * (f * below(side * d1, tail_1) - k * below(side * d2, tail_2))
    twin = np.where(live, np.maximum(np.minimum(twin, np.minimum(f, k)), 0.0), 0.0)
    intrinsic = np.maximum(np.where(call, f - k, k - f), 0.0)
    total, bound = intrinsic + twin, np.where(call, f, k)
    return np.where(total < bound, total, bound)  # for -0.0 np.minimum has no fixed answer
