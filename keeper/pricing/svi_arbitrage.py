"""Static arbitrage in raw SVI smiles (Gatheral and Jacquier 2014, "Arbitrage-free SVI volatility
surfaces").

Smiles are variance a year `v(k)`, so the total variance that the paper calls `w` is `v(k) * years`.
Judged is the formula itself, without the clamps that marks apply (`svi.variance_per_year`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.units import FloatArray

# Where smiles are judged: log-moneyness -3 to 3, strikes from a twentieth to twenty times F.
MONEYNESS: Final[FloatArray] = np.arange(-300, 301) / 100.0
MONEYNESS.flags.writeable = False

# Lee (2004), "The moment formula": total variance may not grow faster than 2 |k|.
STEEPEST_WING: Final = 2.0


@dataclass(frozen=True, slots=True)
class Smile:
    """Raw SVI for one expiry: `v(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2))`, finite."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float


class Fault(Enum):
    """What is wrong with the parameters by themselves."""

    NEGATIVE_SLOPE = "b is negative: the smile opens downwards"
    CORRELATION = "rho is not between -1 and 1: a wing slopes downwards"
    NO_CURVATURE = "sigma is not positive: the smile has a kink"
    NEGATIVE_VARIANCE = "a + b sigma sqrt(1 - rho^2) is negative: so is the least variance"
    STEEP_WING = "b (1 + |rho|) years exceeds 2: a wing is steeper than Lee's bound"


@dataclass(frozen=True, slots=True)
class ButterflyViolation:
    """The worst point of a smile whose implied density is negative.

    `g` has the sign of the density; it is minus infinity where the variance is not positive.
    """

    log_moneyness: float
    g: float


@dataclass(frozen=True, slots=True)
class CalendarViolation:
    """The worst point where the later expiry has the smaller total variance, and by how much."""

    log_moneyness: float
    missing_variance: float


def parameter_faults(smile: Smile, years: float) -> tuple[Fault, ...]:
    """Return the conditions on parameters that `smile` breaks, in the order of `Fault`."""
    within = -1.0 < smile.rho < 1.0
    root = np.sqrt(1.0 - smile.rho * smile.rho) if within else 0.0
    broken = {
        Fault.NEGATIVE_SLOPE: smile.b < 0.0,
        Fault.CORRELATION: not within,
        Fault.NO_CURVATURE: not smile.sigma > 0.0,
        Fault.NEGATIVE_VARIANCE: smile.a + smile.b * smile.sigma * root < 0.0,
        Fault.STEEP_WING: smile.b * (1.0 + abs(smile.rho)) * years > STEEPEST_WING,
    }
    return tuple(fault for fault in Fault if broken[fault])


def butterfly(k: FloatArray, smile: Smile, years: float) -> FloatArray:
    """Return Durrleman's g(k), eq. 2.1 of the paper, at log-moneyness `k`, float64 of any shape.

    The implied density is positive exactly where g is. Where total variance is not positive there
    is no density, and g is minus infinity. Raises InputError unless `sigma` and `years` are
    positive.
    """
    _require_positive("sigma", smile.sigma)
    _require_positive("years", years)
    distance = k - smile.m
    hypotenuse = np.sqrt(distance * distance + smile.sigma * smile.sigma)
    w = _total_variance(k, smile, years)
    slope = years * (smile.b * (smile.rho + distance / hypotenuse))
    bend = smile.sigma / hypotenuse
    curvature = years * (smile.b * (bend * bend / hypotenuse))
    positive = w > 0.0
    safe = np.where(positive, w, 1.0)
    skew = 1.0 - k * slope / (2.0 * safe)
    g = skew * skew - slope * slope / 4.0 * (1.0 / safe + 0.25) + curvature / 2.0
    return np.where(positive, g, -np.inf)


def butterfly_violation(
    smile: Smile, years: float, k: FloatArray = MONEYNESS
) -> ButterflyViolation | None:
    """Return where g is least if it is negative anywhere on the grid `k` [N], else None."""
    g = butterfly(k, smile, years)
    worst = int(np.argmin(g))
    if g[worst] >= 0.0:
        return None
    return ButterflyViolation(log_moneyness=float(k[worst]), g=float(g[worst]))


def calendar_violation(
    near: Smile, near_years: float, far: Smile, far_years: float, k: FloatArray = MONEYNESS
) -> CalendarViolation | None:
    """Return where total variance falls most from `near` to `far` on the grid `k` [N], if it does.

    Raises InputError unless `0 < near_years < far_years`.
    """
    _require_positive("near_years", near_years)
    if not near_years < far_years:
        raise InputError(
            f"far_years is {far_years!r}, not after near_years {near_years!r}: swap the smiles"
        )
    growth = _total_variance(k, far, far_years) - _total_variance(k, near, near_years)
    worst = int(np.argmin(growth))
    if growth[worst] >= 0.0:
        return None
    return CalendarViolation(log_moneyness=float(k[worst]), missing_variance=float(-growth[worst]))


def _total_variance(k: FloatArray, smile: Smile, years: float) -> FloatArray:
    distance = k - smile.m
    hypotenuse = np.sqrt(distance * distance + smile.sigma * smile.sigma)
    return years * (smile.a + smile.b * (smile.rho * distance + hypotenuse))


def _require_positive(name: str, value: float) -> None:
    if not value > 0.0:
        raise InputError(f"{name} is {value!r}: pass a positive number")
