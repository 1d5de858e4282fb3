"""Vols of every scenario, [S, O] over scenarios and options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from keeper.margin.models.pmrm2.inputs import Scenario, SkewCap, SkewShock, Vol, VolShock
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.units import FloatArray

DAY_SECONDS: Final = 86400.0
# At zero an option is worth its intrinsic value, whatever its vol: any finite number will do.
_SHORTEST_DAYS: Final = 1.0 / DAY_SECONDS
_SMALLEST_K_STAR: Final = 1e-18


def term_multipliers(seconds: FloatArray, shock: VolShock) -> tuple[FloatArray, FloatArray]:
    """Return the factors on vol of Up and Down at `seconds` to expiry, any shape.

    `1 + range * (30 d / max(T, floor))**power`, with one power up to 30 days and one beyond.
    """
    days = seconds / DAY_SECONDS
    power = np.where(days <= 30.0, shock.short_term_power, shock.long_term_power)
    counted = np.maximum(np.maximum(days, shock.floor_days), _SHORTEST_DAYS)
    growth = exp(power * log(30.0 / counted))
    return 1.0 + shock.range_up * growth, np.maximum(1.0 - shock.range_down * growth, 0.0)


def skew_multiplier(k: FloatArray, years: FloatArray, shock: SkewShock, cap: SkewCap) -> FloatArray:
    """Return the factor on vol at log-moneyness `k`: one in the middle, 1 +- cap from k* on.

    A cap may be negative. Only the far side is cut then, so that the factor can fall below 1 + cap,
    but never below zero.
    """
    root = np.sqrt(years)
    most = cap.base + cap.per_root_year * root
    k_star = root * shock.width * (shock.vol_static + root * shock.vol_per_root_year)
    turn = k * most / np.maximum(np.maximum(k_star, shock.least_k_star), _SMALLEST_K_STAR)
    cut = np.where(k >= 0.0, np.minimum(turn, most), np.maximum(turn, -most))
    return np.maximum(1.0 + cut, 0.0)


def shocked_vols(
    scenarios: Sequence[Scenario],
    vol: FloatArray,
    k: FloatArray,
    seconds: FloatArray,
    years: FloatArray,
    vol_shock: VolShock,
    skew_shock: SkewShock,
) -> FloatArray:
    """Return vols [S, O]; the other arrays are [O], `k` is ln(strike / forward)."""
    up, down = term_multipliers(seconds, vol_shock)
    by_kind = {
        Vol.UP: np.maximum(vol * up, vol_shock.least_vol_up),
        Vol.DOWN: vol * down,
        Vol.NONE: vol,
        Vol.LINEAR: vol * skew_multiplier(k, years, skew_shock, skew_shock.linear),
        Vol.ABS: vol * skew_multiplier(np.abs(k), years, skew_shock, skew_shock.absolute),
    }
    return np.stack([by_kind[scenario.vol] for scenario in scenarios])
