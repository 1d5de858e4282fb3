"""The vol at which Black-76 gives a price, for many options at once."""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.pricing import black76
from keeper.units import BoolArray, FloatArray

_MOST_STEPS: Final = 64  # bisection alone reaches 1e-17 of the bracket
_TOLERANCE: Final = 1e-13  # of the deviation
_LEAST: Final = 4e-16  # of the forward: what subtracting intrinsic may leave of nothing
_WIDEST: Final = 40.0  # deviations: beyond, an option is worth all that it can be
_ROOT_TWO_PI: Final = np.sqrt(2.0 * np.pi)


def implied_vol(
    price: FloatArray,
    forward: FloatArray,
    strike: FloatArray,
    years: FloatArray,
    is_call: BoolArray,
) -> FloatArray:
    """Return vols a year [Q], NaN where no vol gives the price.

    Undiscounted Black-76; `price`, `forward` and `strike` are in one unit, arguments are float64
    [Q]. No vol gives a price at or below intrinsic, or at or above the forward (a call) or the
    strike (a put). Solved is the option out of the money of the same strike, by parity: Newton's
    method on the logarithm of the price within a bracket that halves wherever a step would leave
    it, from the deviation sqrt(2 |ln(K/F)|) at which the price bends over (Manaster and Koehler
    1982).
    """
    out = np.full(len(price), np.nan)
    at_strike = strike / forward
    intrinsic = np.where(is_call, np.maximum(1.0 - at_strike, 0.0), np.maximum(at_strike - 1, 0.0))
    value = price / forward - intrinsic
    solvable = (
        np.isfinite(value) & (value > _LEAST) & (value < np.minimum(1.0, at_strike)) & (years > 0)
    )
    if solvable.any():
        deviation = _deviation(value[solvable], at_strike[solvable])
        out[solvable] = deviation / np.sqrt(years[solvable])
    return out


def _deviation(value: FloatArray, strike: FloatArray) -> FloatArray:
    """Return vol times the root of time of options out of the money, forward 1."""
    is_call = strike >= 1.0
    one = np.ones(len(value))
    low, high = np.zeros(len(value)), np.full(len(value), _WIDEST)
    at = np.maximum(np.sqrt(2.0 * np.abs(np.log(strike))), value * _ROOT_TWO_PI)
    at = np.minimum(at, _WIDEST / 2)
    wanted = np.log(value)
    for _ in range(_MOST_STEPS):
        found = black76.price_and_greeks(one, strike, at, one, is_call)
        below = found.price < value
        low, high = np.where(below, at, low), np.where(below, high, at)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = found.price * (wanted - np.log(found.price)) / found.vega
        new = at + step
        new = np.where((new > low) & (new < high), new, 0.5 * (low + high))
        done = np.abs(new - at) <= _TOLERANCE * at
        at = new
        if done.all():
            break
    return at
