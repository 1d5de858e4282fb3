"""All smiles of a chain: fitted expiry by expiry, then freed of calendar arbitrage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.calibration.expiry_fit import (
    ExpiryFit,
    fit_expiry,
    has_butterfly,
    repaired,
    shape_penalty,
    vols,
)
from keeper.calibration.smile_quotes import SmileQuotes, smile_quotes
from keeper.calibration.svi_fit import Penalty, Target, fit_smile
from keeper.calibration.svi_penalties import least_variance, most_variance
from keeper.pricing.svi_arbitrage import calendar_violation
from keeper.state.option_chain import OptionChain
from keeper.units import FloatArray

# Calendars are judged where both expiries are quoted; in extrapolated wings a repair would chase
# what nobody trades through whole chains of expiries (docs/calibration.md).
_JUDGED_DEVIATIONS: Final = 3.0
_JUDGED_POINTS: Final = 101
_MARGIN: Final = 1e-4  # of total variance
_FACTORS: Final = (100.0, 1_000.0, 10_000.0)

_Bound = Callable[[FloatArray, FloatArray, float, float, float], Penalty]


@dataclass(frozen=True, slots=True)
class Surface:
    """The fits of a chain, by underlying and expiry; `time` in Unix seconds."""

    source: str
    time: int
    fits: tuple[ExpiryFit, ...]

    def find(self, underlying: int, expiry: int) -> ExpiryFit | None:
        """Return the fit of one expiry, if the chain has it."""
        for fit in self.fits:
            if (fit.underlying, fit.expiry) == (underlying, expiry):
                return fit
        return None


def fit_surface(chain: OptionChain, previous: Surface | None = None) -> Surface:
    """Return the smile of every expiry of a chain, with how well it fits and whether it may serve.

    `previous` is an earlier surface, whose smiles serve where quotes do not suffice. Freedom from
    butterflies holds over the quoted strikes and five deviations; from calendar arbitrage where
    two successive expiries are both quoted, within three deviations of the shorter. Repairs that
    cost more than half a vol point of RMS are refused: that expiry is not accepted.
    """
    keys = sorted(set(zip(chain.underlying.tolist(), chain.expiry.tolist(), strict=True)))
    fits: list[ExpiryFit] = []
    quotes: list[SmileQuotes] = []
    for underlying, expiry in keys:
        quotes.append(smile_quotes(chain, underlying, expiry))
        before = None if previous is None else previous.find(underlying, expiry)
        fits.append(fit_expiry(quotes[-1], chain.time, before))
    for later in range(1, len(fits)):
        _free_of_calendar(fits, quotes, later)
    return Surface(chain.source, chain.time, tuple(fits))


def both_quoted(near: ExpiryFit, far: ExpiryFit) -> FloatArray:
    """Return the log-moneyness where two expiries are judged together; empty where nowhere."""
    reach = _JUDGED_DEVIATIONS * near.deviation
    low = max(near.quoted_from, far.quoted_from, -reach)
    high = min(near.quoted_to, far.quoted_to, reach)
    return np.linspace(low, high, _JUDGED_POINTS) if low < high else np.empty(0)


def has_calendar_arbitrage(near: ExpiryFit, far: ExpiryFit) -> bool:
    """Return whether total variance falls from `near` to `far` where both are quoted."""
    if near.underlying != far.underlying or near.smile is None or far.smile is None:
        return False
    k = both_quoted(near, far)
    if not len(k):
        return False
    return calendar_violation(near.smile, near.years, far.smile, far.years, k) is not None


def _free_of_calendar(fits: list[ExpiryFit], quotes: list[SmileQuotes], later: int) -> None:
    """Free an expiry of arbitrage against the last accepted one before it that is quoted where it
    is; where that one gives way and is refused, against the one before.
    """
    while fits[later].accepted:
        before = _quoted_before(fits, later)
        if before is None or not has_calendar_arbitrage(fits[before], fits[later]):
            return
        _bend(fits, quotes, before, later)
        if fits[before].accepted:
            return


def _quoted_before(fits: list[ExpiryFit], later: int) -> int | None:
    far = fits[later]
    return next(
        (
            n
            for n in range(later - 1, -1, -1)
            if fits[n].accepted
            and fits[n].underlying == far.underlying
            and len(both_quoted(fits[n], far))
        ),
        None,
    )


def _bend(fits: list[ExpiryFit], quotes: list[SmileQuotes], before: int, later: int) -> None:
    """Bend the later of two expiries up or the earlier down, whichever costs less."""
    near, far = fits[before], fits[later]
    k = both_quoted(near, far)
    up = _bent(far, quotes[later], near, least_variance, k)
    down = _bent(near, quotes[before], far, most_variance, k)
    if down.accepted and any(
        has_calendar_arbitrage(fit, down) for fit in fits[:before] if fit.accepted
    ):
        down = replace(down, accepted=False)
    if up.accepted and (not down.accepted or up.repair_points <= down.repair_points):
        fits[later] = up
    elif down.accepted:
        fits[before] = down
    elif near.residuals.liquid < far.residuals.liquid:
        fits[before] = down  # the expiry that fewer quotes speak for gives way
    else:
        fits[later] = up


def _bent(
    fit: ExpiryFit, quotes: SmileQuotes, other: ExpiryFit, bound: _Bound, k: FloatArray
) -> ExpiryFit:
    """Return `fit` beyond the total variance of `other` at `k`, or refused."""
    what = f"calendar arbitrage against {other.expiry}"
    if fit.smile is None or other.smile is None:
        return fit
    if not quotes.used.any():
        return replace(fit, accepted=False, reason=f"{what}: no quote tells what a repair costs")
    variance = vols(other.smile, k) ** 2 * other.years
    used = quotes.used
    target = Target(
        quotes.k[used], quotes.target[used], quotes.weight[used], quotes.years, quotes.deviation
    )
    for factor in _FACTORS:
        penalties = [bound(k, variance, fit.years, factor, _MARGIN), shape_penalty(fit, factor)]
        smile = fit_smile(target, penalties, first=[fit.smile])
        bent = replace(fit, smile=smile)
        near, far = (other, bent) if other.expiry < fit.expiry else (bent, other)
        if not has_calendar_arbitrage(near, far) and not has_butterfly(bent):
            return repaired(fit, quotes, smile, what)
    return repaired(fit, quotes, None, what)
