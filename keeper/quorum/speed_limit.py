"""How far quotes lie from others, and which limit of `MarketFeeds` that breaks.

The twin of `SpeedLib`: the forward by the logarithm of its ratio, the smile by that of its vol at
the forward and two deviations to either side. In floats, as a warning beforehand: the contract
alone decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.attestation.typed_data import ExpiryQuote
from keeper.chain.feeds import SpeedLimits
from keeper.pricing.svi import variance_per_year
from keeper.units import WAD, YEAR_SECONDS, FloatArray

_VOL_TENOR_SECONDS: Final = 30 * 86_400
_LEAST_TERM_SECONDS: Final = 69_120
_WING_DEVIATIONS: Final = 2.0
_LEAST_WING: Final = 0.05
NEAR: Final = 3
"""A mark lies within a third of the shock; within the whole it opens or confirms a world."""


@dataclass(frozen=True, slots=True)
class Excess:
    """A limit that a quote breaks: `limit` as MarketFeeds names it, moves of a logarithm."""

    expiry: int
    limit: str
    moved: float
    allowed: float

    def text(self) -> str:
        """Return it in words."""
        return f"expiry {self.expiry}: {self.limit}: moved {self.moved:+.4f} of {self.allowed:.4f}"


def excesses(
    before: Sequence[ExpiryQuote],
    after: Sequence[ExpiryQuote],
    limits: SpeedLimits,
    time: int,
    divisor: int = NEAR,
) -> tuple[Excess, ...]:
    """Return the limits that `after` breaks against `before`, over `divisor`.

    `time` is that of the update. An expiry without a past breaks none.
    """
    past = {quote.expiry: quote for quote in before}
    found: list[Excess] = []
    for quote in after:
        if quote.expiry in past:
            found += _of_quote(past[quote.expiry], quote, limits, time, divisor)
    return tuple(found)


def vol_moves(
    before: ExpiryQuote, after: ExpiryQuote, time: int, deviations: float = _WING_DEVIATIONS
) -> FloatArray:
    """Return the change of ln vol so many deviations below the forward, at it and above, [3]."""
    seconds = max(after.expiry - time, 0)
    at_forward = _variance(before, np.zeros(1))[0]
    wing = max(deviations * np.sqrt(at_forward * seconds / YEAR_SECONDS), _LEAST_WING)
    k = np.array([-wing, 0.0, wing])
    return 0.5 * np.log(_variance(after, k) / _variance(before, k))


def _of_quote(
    before: ExpiryQuote, after: ExpiryQuote, limits: SpeedLimits, time: int, divisor: int
) -> list[Excess]:
    found: list[Excess] = []
    moved, allowed = float(np.log(after.ratio / before.ratio)), limits.ratio / WAD / divisor
    if abs(moved) > allowed:
        found.append(Excess(after.expiry, "ratio", moved, allowed))
    if after.expiry <= time:
        return found
    term = max(after.expiry - time, _LEAST_TERM_SECONDS)
    scale = np.sqrt(_VOL_TENOR_SECONDS / term)
    moves = vol_moves(before, after, time)
    for name, level, most in (
        ("volUp", limits.vol_up, float(np.max(moves))),
        ("volDown", limits.vol_down, float(np.min(moves))),
    ):
        allowed = min(level * scale, limits.vol_most) / WAD / divisor
        if (most if name == "volUp" else -most) > allowed:
            found.append(Excess(after.expiry, name, most, float(allowed)))
    return found


def _variance(quote: ExpiryQuote, k: FloatArray) -> FloatArray:
    a, b, rho, m, sigma = (
        np.float64(x / WAD) for x in (quote.a, quote.b, quote.rho, quote.m, quote.sigma)
    )
    return variance_per_year(k, *(np.asarray(x) for x in (a, b, rho, m, sigma)))
