"""What bends an SVI fit towards absence of arbitrage, with derivatives.

Butterfly: Durrleman's g >= 0 (Gatheral and Jacquier 2014, eq. 2.1). Calendar: total variance that
does not fall with the term (their Lemma 2.1).
"""

from __future__ import annotations

import numpy as np

from keeper.calibration.svi_fit import Penalty, Rows
from keeper.pricing.svi_arbitrage import Smile
from keeper.units import FloatArray


def butterfly_penalty(k: FloatArray, years: float, factor: float, margin: float) -> Penalty:
    """Return `factor` times what g lacks to `margin` at log-moneyness `k` [P]."""

    def rows(smile: Smile) -> Rows:
        g, by = butterfly_with_derivatives(k, smile, years)
        lacking = margin - g
        broken = lacking > 0
        return factor * np.where(broken, lacking, 0.0), -factor * np.where(broken[:, None], by, 0.0)

    return rows


def least_variance(
    k: FloatArray, least: FloatArray, years: float, factor: float, margin: float
) -> Penalty:
    """Return `factor` times the share of total variance that lacks to `least` [P] at `k` [P]."""
    wanted = least * (1.0 + margin)

    def rows(smile: Smile) -> Rows:
        w, _, _, by, _, _ = _variance(k, smile, years)
        lacking = (wanted - w) / least
        broken = lacking > 0
        slope = -factor * by / least[:, None]
        return factor * np.where(broken, lacking, 0.0), np.where(broken[:, None], slope, 0.0)

    return rows


def most_variance(
    k: FloatArray, most: FloatArray, years: float, factor: float, margin: float
) -> Penalty:
    """Return `factor` times the share of total variance above `most` [P] at `k` [P]."""
    wanted = most * (1.0 - margin)

    def rows(smile: Smile) -> Rows:
        w, _, _, by, _, _ = _variance(k, smile, years)
        excess = (w - wanted) / most
        broken = excess > 0
        slope = factor * by / most[:, None]
        return factor * np.where(broken, excess, 0.0), np.where(broken[:, None], slope, 0.0)

    return rows


def butterfly_with_derivatives(
    k: FloatArray, smile: Smile, years: float
) -> tuple[FloatArray, FloatArray]:
    """Return g [P] at log-moneyness `k` [P], and its derivatives [P, 5] by a, b, rho, m, sigma."""
    w, slope, curvature, by_w, by_slope, by_curvature = _variance(k, smile, years)
    w = np.maximum(w, 1e-12)
    skew = 1.0 - k * slope / (2.0 * w)
    g = skew * skew - slope * slope / 4.0 * (1.0 / w + 0.25) + curvature / 2.0
    from_w = skew * k * slope / (w * w) + slope * slope / (4.0 * w * w)
    from_slope = -skew * k / w - slope / 2.0 * (1.0 / w + 0.25)
    by = from_w[:, None] * by_w + from_slope[:, None] * by_slope + 0.5 * by_curvature
    return g, by


def _variance(
    k: FloatArray, smile: Smile, years: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return total variance, slope and curvature [P], and their derivatives [P, 5]."""
    b, sigma = smile.b, smile.sigma
    distance = k - smile.m
    hypotenuse = np.sqrt(distance * distance + sigma * sigma)
    cosine, bend = distance / hypotenuse, sigma / hypotenuse
    lean = smile.rho * distance + hypotenuse
    tilt = smile.rho + cosine
    cube = bend * bend / hypotenuse  # sigma^2 / hypotenuse^3
    zero, one = np.zeros(len(k)), np.ones(len(k))
    w = years * (smile.a + b * lean)
    by_w = years * np.column_stack([one, lean, b * distance, -b * tilt, b * bend])
    by_slope = years * np.column_stack(
        [zero, tilt, b * one, -b * cube, -b * cosine * bend / hypotenuse]
    )
    by_curvature = years * np.column_stack(
        [
            zero,
            cube,
            zero,
            3.0 * b * cube * cosine / hypotenuse,
            b * bend * (2.0 - 3.0 * bend * bend) / (hypotenuse * hypotenuse),
        ]
    )
    return w, years * b * tilt, years * b * cube, by_w, by_slope, by_curvature
