"""Black-76 in numpy: the reference whose every bit the compiled kernels repeat.

All arguments are float64 of one shape, `call` bool. Choices discard what has no meaning (0 / 0, a
logarithm of zero), so every lane computes everything.

A put struck below the forward is a call on its strike, struck at the forward: whatever the option,
what it is worth beyond intrinsic is the out-of-the-money call on `low = min(F, K)` struck at `high
= max(F, K)`, its twin. `d1`, `d2` and `ratio = low / high` are the twin's. Its `d2` is never
positive, and `low phi(d1) = high phi(d2)`: one bell serves both tails.
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
        d1, d2, ratio = standardised(f, k, deviation)
        bell_1 = bell(d1)
        probability = below(d1, upper_tail(np.abs(d1), bell_1))
        tail_2 = upper_tail(-d2, bell_1 * ratio)
        return value(f, k, call, deviation, probability, tail_2)


def price_and_greeks(
    f: FloatArray, k: FloatArray, vol: FloatArray, years: FloatArray, call: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return price, delta, gamma, vega and theta."""
    with np.errstate(all="ignore"):
        vol = np.maximum(vol, 0.0)
        root = np.sqrt(np.maximum(years, 0.0))
        deviation = vol * root
        d1, d2, ratio = standardised(f, k, deviation)
        bell_1 = bell(d1)
        tail_1 = upper_tail(np.abs(d1), bell_1)
        tail_2 = upper_tail(-d2, bell_1 * ratio)
        above = f > k
        prices = value(f, k, call, deviation, below(d1, tail_1), tail_2)
        of_call = np.where(above, 1.0 - tail_2, below(d1, tail_1))
        of_put = -np.where(above, tail_2, below(-d1, tail_1))
        density = INV_SQRT_2PI * np.where(above, bell_1 * ratio, bell_1)
        live = is_live(f, k, deviation)
        gamma = np.where(live, density / (f * deviation), 0.0)
        vega = np.where(live, f * root * density, 0.0)
        theta = np.where(live, -0.5 * vega * vol / years, 0.0)
        return prices, np.where(call, of_call, of_put), gamma, vega, theta


def is_live(f: FloatArray, k: FloatArray, deviation: FloatArray) -> BoolArray:
    """Return where an option may yet be worth more than intrinsic."""
    return (deviation > 0.0) & (f > 0.0) & (k > 0.0)


def standardised(
    f: FloatArray, k: FloatArray, deviation: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return d1, d2 and low / high; where not live, d1 and d2 of a vanishing deviation."""
    low, high = np.where(f > k, k, f), np.where(f > k, f, k)
    live = is_live(f, k, deviation)
    ratio = low / high
    middle = log(ratio) / deviation
    limit = np.where(low < high, -FARTHEST, 0.0)
    d1 = np.where(live, middle + 0.5 * deviation, limit)
    d2 = np.where(live, middle - 0.5 * deviation, limit)
    return _clamp(d1), np.maximum(d2, -FARTHEST), ratio


def _clamp(d: FloatArray) -> FloatArray:
    return np.maximum(np.minimum(d, FARTHEST), -FARTHEST)


def value(
    f: FloatArray,
    k: FloatArray,
    call: BoolArray,
    deviation: FloatArray,
    probability: FloatArray,
    tail_2: FloatArray,
) -> FloatArray:
    """Return the price, intrinsic plus twin, from the twin's N(d1) and N(d2).

    The twin is in [0, low].
    """
    low, high = np.where(f > k, k, f), np.where(f > k, f, k)
    twin = np.maximum(np.minimum(low * probability - high * tail_2, low), 0.0)
    twin = np.where(is_live(f, k, deviation), twin, 0.0)
    intrinsic = np.maximum(np.where(call, f - k, k - f), 0.0)
    total, bound = intrinsic + twin, np.where(call, f, k)
    return np.where(total < bound, total, bound)  # for -0.0 np.minimum has no fixed answer
