"""Forwards and rates that put-call parity implies, expiry by expiry.

A call less the put of its strike is worth `D (F - K)`: a straight line over strikes, whose slope
says the discount factor D and whose zero the forward F (Stoll 1969). The line is Theil's and Sen's
(1968): the median of the slopes between any two strikes, so that no third of the quotes moves it
far; each slope weighs by how well the two strikes' markets say it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS, FloatArray, IntArray

FEWEST_PAIRS: Final = 5
"""Strikes with both sides of call and put: of fewer one odd quote is too large a share."""

_NARROWEST: Final = 1e-4  # of the forward: a tick of the listed options
_DEVIATION: Final = 1.4826  # a normal law's standard deviation over its median absolute deviation


@dataclass(frozen=True, slots=True)
class Parity:
    """What the quotes of one expiry imply.

    `discount` is D and `rate` -ln D over `years`, continuous, a year. Prices in coins become USD by
    the forward of their own row, so this is the rate on top of the exchange's own forward: 0 where
    its options are undiscounted. `forward_spread` is the standard deviation of the strikes'
    forwards, a share, and `rate_error` that of the rate, both robust. Numbers are NaN where
    `accepted` is false, for a `reason`.
    """

    underlying: int
    expiry: int
    years: float
    pairs: int
    forward_usd: float
    discount: float
    rate: float
    forward_spread: float
    rate_error: float
    accepted: bool
    reason: str


def parities(chain: OptionChain) -> tuple[Parity, ...]:
    """Return what parity says of every expiry of a chain, by underlying and expiry."""
    keys = sorted(set(zip(chain.underlying.tolist(), chain.expiry.tolist(), strict=True)))
    return tuple(parity(chain, *key) for key in keys)


def parity(chain: OptionChain, underlying: int, expiry: int) -> Parity:
    """Return what the two-sided quotes of one expiry imply, refused where they are too few."""
    chain = chain.take((chain.underlying == underlying) & (chain.expiry == expiry))
    years = (expiry - chain.time) / YEAR_SECONDS
    call, put = _pairs(chain)
    count = len(call)
    if count < FEWEST_PAIRS:
        few = f"{count} strikes with both sides of call and put, parity takes {FEWEST_PAIRS}"
        return _refused(underlying, expiry, years, count, few)
    middle = 0.5 * (chain.bid_coin + chain.ask_coin) * chain.forward_usd
    width = 0.5 * (chain.ask_coin - chain.bid_coin) * chain.forward_usd
    strike = chain.strike_e8[call] / E8
    worth = middle[call] - middle[put]
    narrowest = _NARROWEST * chain.forward_usd[call]
    noise = np.maximum(np.sqrt(width[call] ** 2 + width[put] ** 2), narrowest)
    discount = -_slope(strike, worth, noise)
    if not discount > 0.0:
        odd = f"call less put rises with the strike, by {-discount:.3g} a dollar: no discount"
        return _refused(underlying, expiry, years, count, odd)
    forwards = worth / discount + strike
    forward = _weighted_median(forwards, 1.0 / noise)
    errors = (worth - discount * (forward - strike)) / noise
    return Parity(
        underlying=underlying,
        expiry=expiry,
        years=years,
        pairs=count,
        forward_usd=forward,
        discount=discount,
        rate=float(-np.log(discount)) / years,
        forward_spread=_DEVIATION * _weighted_median(abs(forwards - forward), 1 / noise) / forward,
        rate_error=_slope_error(strike, noise, errors) / discount / years,
        accepted=True,
        reason="",
    )


def _refused(underlying: int, expiry: int, years: float, pairs: int, reason: str) -> Parity:
    none = float("nan")
    return Parity(
        underlying,
        expiry,
        years,
        pairs,
        none,
        none,
        none,
        none,
        none,
        accepted=False,
        reason=reason,
    )


def _pairs(chain: OptionChain) -> tuple[IntArray, IntArray]:
    """Return the rows of the calls and of the puts of strikes that have both sides of both."""
    quoted = np.isfinite(chain.bid_coin) & np.isfinite(chain.ask_coin)
    calls, puts = np.flatnonzero(chain.is_call & quoted), np.flatnonzero(~chain.is_call & quoted)
    _, of_calls, of_puts = np.intersect1d(
        chain.strike_e8[calls], chain.strike_e8[puts], return_indices=True
    )
    return calls[of_calls], puts[of_puts]


def _slope(x: FloatArray, y: FloatArray, noise: FloatArray) -> float:
    """Return the median slope between any two points, weighted by its own inverse variance."""
    low, high = np.triu_indices(len(x), 1)
    run = x[high] - x[low]
    weight = run * run / (noise[low] ** 2 + noise[high] ** 2)
    return _weighted_median((y[high] - y[low]) / run, weight)


def _slope_error(x: FloatArray, noise: FloatArray, errors: FloatArray) -> float:
    """Return the standard error of a weighted slope, with a robust scale of the errors."""
    weight = 1.0 / noise**2
    lever = x - (weight @ x) / weight.sum()
    scale = _DEVIATION * float(np.median(np.abs(errors)))
    return scale / float(np.sqrt(weight @ (lever * lever)))


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """Return the least value that has half of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(reached, 0.5 * reached[-1])])
