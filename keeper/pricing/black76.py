"""Undiscounted Black-76 value and Greeks of European options on a forward.

Black (1976), eq. 16 without the discount factor, which docs/model.md leaves out. The value is
computed as intrinsic plus the out-of-the-money twin: that one never subtracts two large numbers, so
the error stays below 1e-15 of the forward and put-call parity holds by construction.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from keeper.pricing.log import log
from keeper.pricing.normal import cdf, density
from keeper.units import BoolArray, FloatArray

Real: TypeAlias = NDArray[np.float64] | float
Flag: TypeAlias = NDArray[np.bool_] | bool

# N(-37) is 1e-299: beyond it a probability is 0 or 1. The clamp keeps infinities out of the
# polynomial and subnormals, which some settings flush to zero, out of the results.
_FARTHEST = 37.0


def price(forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag) -> FloatArray:
    """Return the undiscounted value per unit, in the units of `forward`; all arguments broadcast.

    `forward` and `strike` are finite and not negative, `vol` is a fraction a year. Where `vol <= 0`
    or `years <= 0` the value is intrinsic, exactly. A call lies in [max(F - K, 0), F], a put in
    [max(K - F, 0), K].
    """
    f, k = _floats(forward), _floats(strike)
    call = np.asarray(is_call, dtype=np.bool_)
    intrinsic = np.maximum(np.where(call, f - k, k - f), 0.0)
    return np.minimum(
        intrinsic + _out_of_the_money(f, k, _deviation(vol, years)), np.where(call, f, k)
    )


def delta(forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag) -> FloatArray:
    """Return the change of value per unit of forward: N(d1) for a call, N(d1) - 1 for a put.

    At expiry it is the step function with one half at the strike.
    """
    d1, _, _ = _d1_d2(_floats(forward), _floats(strike), _deviation(vol, years))
    call = np.asarray(is_call, dtype=np.bool_)
    return np.where(call, cdf(d1), -cdf(-d1))


def gamma(forward: Real, strike: Real, vol: Real, years: Real) -> FloatArray:
    """Return the change of delta per unit of forward; zero at expiry."""
    f, deviation = _floats(forward), _deviation(vol, years)
    d1, _, live = _d1_d2(f, _floats(strike), deviation)
    return np.where(live, density(d1) / np.where(live, f * deviation, 1.0), 0.0)


def vega(forward: Real, strike: Real, vol: Real, years: Real) -> FloatArray:
    """Return the change of value per 1.00 of vol; zero at expiry."""
    f = _floats(forward)
    d1, _, live = _d1_d2(f, _floats(strike), _deviation(vol, years))
    root = np.sqrt(np.maximum(_floats(years), 0.0))
    return np.where(live, f * root * density(d1), 0.0)


def _floats(x: Real) -> FloatArray:
    return np.asarray(x, dtype=np.float64)


def _deviation(vol: Real, years: Real) -> FloatArray:
    """Return vol * sqrt(years), zero where either is not positive."""
    return np.maximum(_floats(vol), 0.0) * np.sqrt(np.maximum(_floats(years), 0.0))


def _d1_d2(
    f: FloatArray, k: FloatArray, deviation: FloatArray
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Return d1, d2 and where they mean anything; elsewhere the limit of a vanishing deviation."""
    live = (deviation > 0.0) & (f > 0.0) & (k > 0.0)
    s = np.where(live, deviation, 1.0)
    with np.errstate(
        over="ignore"
    ):  # a vanishing s sends the quotient to infinity, then to the clamp
        middle = log(np.where(live, f, 1.0) / np.where(live, k, 1.0)) / s
    limit = np.where(f > k, _FARTHEST, np.where(f < k, -_FARTHEST, 0.0))
    d1 = np.where(live, middle + 0.5 * s, limit)
    d2 = np.where(live, middle - 0.5 * s, limit)
    return _clamp(d1), _clamp(d2), live


def _clamp(d: FloatArray) -> FloatArray:
    return np.maximum(np.minimum(d, _FARTHEST), -_FARTHEST)


def _out_of_the_money(f: FloatArray, k: FloatArray, deviation: FloatArray) -> FloatArray:
    """Return the value of the call where K >= F and of the put where K < F, in [0, min(F, K)]."""
    d1, d2, live = _d1_d2(f, k, deviation)
    side = np.where(k >= f, 1.0, -1.0)
    value = side * (f * cdf(side * d1) - k * cdf(side * d2))
    return np.where(live, np.maximum(np.minimum(value, np.minimum(f, k)), 0.0), 0.0)
