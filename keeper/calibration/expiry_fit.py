"""The smile of one expiry: fitted, freed of butterflies, or carried on, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

import numpy as np

from keeper.calibration.smile_quotes import SmileQuotes
from keeper.calibration.svi_fit import Penalty, Target, fit_smile
from keeper.calibration.svi_penalties import butterfly_penalty
from keeper.pricing.svi import raw_variance
from keeper.pricing.svi_arbitrage import MONEYNESS, Smile, butterfly_violation
from keeper.units import FloatArray

FEWEST_STRIKES: Final = 5
"""As many as parameters."""
FEWEST_A_SIDE: Final = 2
LIQUID_STRIKES: Final = 8
"""From here on an expiry counts in the statistics of docs/calibration.md."""
DEAREST_REPAIR: Final = 0.5
"""Vol points of RMS that freedom from arbitrage may cost."""
LONGEST_CARRY_SECONDS: Final = 86_400

# Beyond five deviations there is no value that a negative density could move.
_JUDGED_DEVIATIONS: Final = 5.0
_JUDGED_POINTS: Final = 201
_G_MARGIN: Final = 2e-3
_FACTORS: Final = (10.0, 100.0, 1_000.0, 10_000.0)
# An error of half a spread halves the weight of its square: quotes that no smile meets pull less.
_REWEIGHTS: Final = 2
_CARRIED_POINTS: Final = np.array([0.5, 1.0, 1.5, 2.0, 2.5])  # deviations
_CARRIED_WEIGHT: Final = 0.2


class Origin(Enum):
    """Where a smile comes from."""

    FITTED = "fitted to quotes"
    REPAIRED = "fitted to quotes and bent until free of arbitrage"
    CARRIED = "the previous smile, in moneyness"
    MISSING = "there is none"


@dataclass(frozen=True, slots=True)
class Residuals:
    """How far quotes lie from a smile, in vol points; over liquid quotes, all used if none is."""

    liquid: int
    two_sided: int
    inside: int
    median_points: float
    rms_points: float


@dataclass(frozen=True, slots=True)
class ExpiryFit:
    """One expiry of a surface.

    `smile` is variance a year over log-moneyness ln(K / forward), None where `origin` is MISSING.
    `forward_spread` is how far the forwards of rows lie from their median at most, as a share.
    `quoted_at` is the time of the quotes behind it, Unix seconds. `quoted_from` and `quoted_to` are
    the log-moneyness between which both sides are quoted, NaN where nowhere. `repair_points` is
    what freedom from arbitrage costs in RMS. `reason` says why it is not accepted, or what was
    done to it.
    """

    underlying: int
    expiry: int
    years: float
    forward_usd: float
    forward_spread: float
    smile: Smile | None
    origin: Origin
    quoted_at: int
    strikes: int
    quoted_from: float
    quoted_to: float
    deviation: float
    residuals: Residuals
    repair_points: float
    accepted: bool
    reason: str


def fit_expiry(quotes: SmileQuotes, time: int, previous: ExpiryFit | None) -> ExpiryFit:
    """Return the smile of the quotes read at `time`; `previous` is the same expiry's, if any.

    Fewer than five strikes carry the previous smile on; an empty wing takes its shape from it.
    """
    strikes = int(quotes.used.sum())
    known = previous if previous is not None and previous.smile is not None else None
    if strikes < FEWEST_STRIKES:
        return _carried(quotes, time, known, f"{strikes} usable strikes, a fit takes 5")
    empty = [side for side in (-1, 1) if _strikes_beside(quotes, side) < FEWEST_A_SIDE]
    words = " and ".join("below" if side < 0 else "above" for side in empty)
    if empty and (known is None or known.smile is None):
        fit = fitted(quotes, time, _target(quotes))
        reason = f"no quotes {words} the forward, and no earlier smile to take the wing from"
        return replace(fit, accepted=False, reason=reason)
    target = _target(quotes)
    if empty and known is not None and known.smile is not None:
        target = _with_wings(target, known.smile, empty)
    fit = fitted(quotes, time, target)
    if empty and fit.accepted:
        return replace(fit, reason=f"no quotes {words} the forward: that wing as before")
    return fit


def fitted(quotes: SmileQuotes, time: int, target: Target) -> ExpiryFit:
    """Return the fit of a target, without butterflies where that costs little enough."""
    smile = fit_smile(target)
    for _ in range(_REWEIGHTS):
        target = _reweighted(target, quotes, smile)
        smile = fit_smile(target, first=[smile])
    lowest, highest = quotes.quoted_range() or (np.nan, np.nan)
    raw = ExpiryFit(
        underlying=quotes.underlying,
        expiry=quotes.expiry,
        years=quotes.years,
        forward_usd=quotes.forward_usd,
        forward_spread=quotes.forward_spread,
        smile=smile,
        origin=Origin.FITTED,
        quoted_at=time,
        strikes=int(quotes.used.sum()),
        quoted_from=lowest,
        quoted_to=highest,
        deviation=quotes.deviation,
        residuals=residuals(quotes, smile),
        repair_points=0.0,
        accepted=True,
        reason="",
    )
    return _without_butterflies(raw, quotes, target)


def repaired(raw: ExpiryFit, quotes: SmileQuotes, smile: Smile | None, what: str) -> ExpiryFit:
    """Return `raw` with a smile free of `what`, refused where there is none or it costs too much.

    A refused expiry keeps its raw smile, to be looked at.
    """
    if smile is None or raw.smile is None:
        return replace(raw, accepted=False, reason=f"{what} that no fit is free of")
    after = residuals(quotes, smile)
    cost = raw.repair_points + after.rms_points - raw.residuals.rms_points
    if cost > DEAREST_REPAIR:
        reason = f"{what}: the repair costs {cost:.2f} vol points, more than {DEAREST_REPAIR}"
        return replace(raw, accepted=False, reason=reason)
    return replace(
        raw,
        smile=smile,
        origin=Origin.REPAIRED,
        residuals=after,
        repair_points=max(cost, 0.0),
        reason=f"{what} repaired at {max(cost, 0.0):.2f} vol points",
    )


def judged_moneyness(fit: ExpiryFit) -> FloatArray:
    """Return where a smile has to be free of butterflies: where quoted, and five deviations."""
    reach = _JUDGED_DEVIATIONS * fit.deviation
    low, high = np.fmin(fit.quoted_from, -reach), np.fmax(fit.quoted_to, reach)
    return np.linspace(
        max(float(low), MONEYNESS[0]), min(float(high), MONEYNESS[-1]), _JUDGED_POINTS
    )


def has_butterfly(fit: ExpiryFit) -> bool:
    """Return whether the implied density is negative where it is judged."""
    if fit.smile is None:
        return False
    return butterfly_violation(fit.smile, fit.years, judged_moneyness(fit)) is not None


def shape_penalty(fit: ExpiryFit, factor: float) -> Penalty:
    """Return the penalty that keeps butterflies out."""
    return butterfly_penalty(judged_moneyness(fit), fit.years, factor, _G_MARGIN)


def vols(smile: Smile, k: FloatArray) -> FloatArray:
    """Return the vols a year of a smile at log-moneyness `k`."""
    numbers = (np.float64(x) for x in (smile.a, smile.b, smile.rho, smile.m, smile.sigma))
    return np.sqrt(np.maximum(raw_variance(k, *(np.asarray(x) for x in numbers)), 0.0))


def residuals(quotes: SmileQuotes, smile: Smile) -> Residuals:
    """Return how far the quotes lie from a smile."""
    vol = vols(smile, quotes.k)
    both, liquid = quotes.two_sided, quotes.liquid
    counted = liquid if liquid.any() else quotes.used
    errors = 100.0 * np.abs(vol - quotes.target)[counted]
    inside = (vol >= quotes.bid_vol - 1e-9) & (vol <= quotes.ask_vol + 1e-9) & both
    return Residuals(
        liquid=int(liquid.sum()),
        two_sided=int(both.sum()),
        inside=int(inside.sum()),
        median_points=float(np.median(errors)) if len(errors) else np.nan,
        rms_points=float(np.sqrt(np.mean(errors * errors))) if len(errors) else np.nan,
    )


def _target(quotes: SmileQuotes) -> Target:
    used = quotes.used
    return Target(
        quotes.k[used], quotes.target[used], quotes.weight[used], quotes.years, quotes.deviation
    )


def _reweighted(target: Target, quotes: SmileQuotes, smile: Smile) -> Target:
    """Return the target with less weight on what lies far from the smile, in spreads."""
    spread = np.interp(target.k, quotes.k, np.nan_to_num(quotes.ask_vol - quotes.bid_vol, nan=0.2))
    error = (vols(smile, target.k) - target.vol) / np.maximum(0.5 * spread, 0.0025)
    return target._replace(weight=target.weight / np.sqrt(np.sqrt(1.0 + error * error)))


def _strikes_beside(quotes: SmileQuotes, side: int) -> int:
    return int((quotes.used & (side * quotes.k > 0)).sum())


def _with_wings(target: Target, previous: Smile, sides: list[int]) -> Target:
    """Return the target with points of the previous smile, at today's level, on empty sides."""
    points = np.concatenate([side * _CARRIED_POINTS for side in sides]) * target.deviation
    level = target.deviation / np.sqrt(target.years) / vols(previous, np.zeros(1))[0]
    weight = np.full(len(points), _CARRIED_WEIGHT * float(np.max(target.weight)))
    k = np.concatenate([target.k, points])
    order = np.argsort(k, kind="stable")
    return target._replace(
        k=k[order],
        vol=np.concatenate([target.vol, level * vols(previous, points)])[order],
        weight=np.concatenate([target.weight, weight])[order],
    )


def _without_butterflies(raw: ExpiryFit, quotes: SmileQuotes, target: Target) -> ExpiryFit:
    if raw.smile is None or not has_butterfly(raw):
        return raw
    for factor in _FACTORS:
        smile = fit_smile(target, [shape_penalty(raw, factor)], first=[raw.smile])
        if not has_butterfly(replace(raw, smile=smile)):
            return repaired(raw, quotes, smile, "a butterfly")
    return repaired(raw, quotes, None, "a butterfly")


def _carried(quotes: SmileQuotes, time: int, previous: ExpiryFit | None, why: str) -> ExpiryFit:
    smile = None if previous is None else previous.smile
    quoted_at = time if previous is None else previous.quoted_at
    fresh = previous is not None and previous.accepted
    fresh = fresh and time - quoted_at <= LONGEST_CARRY_SECONDS
    said = "previous smile carried" if fresh else "no accepted smile of the last day to carry"
    nothing = Residuals(0, int(quotes.two_sided.sum()), 0, np.nan, np.nan)
    return ExpiryFit(
        underlying=quotes.underlying,
        expiry=quotes.expiry,
        years=quotes.years,
        forward_usd=quotes.forward_usd,
        forward_spread=quotes.forward_spread,
        smile=smile,
        origin=Origin.MISSING if smile is None else Origin.CARRIED,
        quoted_at=quoted_at,
        strikes=int(quotes.used.sum()),
        quoted_from=np.nan,
        quoted_to=np.nan,
        deviation=quotes.deviation,
        residuals=nothing if smile is None else residuals(quotes, smile),
        repair_points=0.0,
        accepted=fresh,
        reason=f"{why}: {said}",
    )
