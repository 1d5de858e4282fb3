"""Raw SVI through the vols of one expiry, by least squares with an analytic Jacobian.

Fitted are five free numbers whose smile has, whatever they are, positive variance, wings below
Lee's bound and parameters that `MarketFeeds` takes; conditions on the shape are penalties.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import least_squares

from keeper.calibration.svi_start import starts
from keeper.pricing.svi_arbitrage import Smile
from keeper.units import FloatArray

# What 64 bits of wad hold, which is more of a and b than MarketFeeds takes (docs/model.md): |a| and
# b <= 9; with it rho within 1, |m| <= 2, sigma >= 0.001. b and a bind for terms of days, where a
# parabola over a few per cent is a high hyperbola far below.
_LEAST_A: Final = -8.9
_LEAST_A_FACTOR: Final = 100.0
_MOST_B: Final = 8.99
# Few quotes near the forward see a parabola, which hyperbolas of any depth have: of those the
# shallow one. A depth of 1 costs as much as one quote of full weight a tenth of a vol point off.
_DEPTH_FACTOR: Final = 0.1
_MOST_RHO: Final = 0.999
_MOST_M: Final = 1.99
_LEAST_SIGMA: Final = 1.1e-3
_STARTS: Final = 1  # a second changed no statistic of 30 chains
_MOST_EVALUATIONS: Final = 50
_TOLERANCE: Final = 1e-9
_SMALL: Final = 1e-9
_DIGITS: Final = 6

Rows = tuple[FloatArray, FloatArray]
Penalty = Callable[[Smile], Rows]
"""Residuals [P] that vanish where a condition holds, and their derivatives [P, 5] by a..sigma."""


class Target(NamedTuple):
    """What is fitted: vols [N] and weights [N] at log-moneyness `k` [N], `years` to expiry."""

    k: FloatArray
    vol: FloatArray
    weight: FloatArray
    years: float
    deviation: float


def fit_smile(
    target: Target, penalties: Sequence[Penalty] = (), first: Sequence[Smile] = ()
) -> Smile:
    """Return the smile nearest to the target in weighted vols, squared and summed.

    Started from `first`, or where that is empty from the best points of a grid; the nearest end
    counts, to a millionth of each parameter: the optimiser's last digits are not the same from one
    process to the next. `target` needs at least five positive weights.
    """
    begin = list(first) or starts(target.k, target.vol, target.weight, target.deviation, _STARTS)
    problem = _Problem(target, penalties)
    ends = [problem.solved(smile) for smile in begin]
    nearest = min(ends, key=lambda end: end[0])[1]
    return Smile(*(round(value, _DIGITS) for value in astuple(nearest)))


class _Problem:
    def __init__(self, target: Target, penalties: Sequence[Penalty]) -> None:
        self._target = target
        self._penalties = penalties
        # b years <= 1 keeps every wing below Lee's bound of 2, as |rho| < 1.
        self._most_b = min(_MOST_B, 1.0 / target.years)
        # The optimiser asks for the residuals and then the Jacobian of one point.
        self._last: tuple[FloatArray, Rows] | None = None

    def solved(self, start: Smile) -> tuple[float, Smile]:
        """Return half the sum of squares and the smile that the start leads to."""
        found = least_squares(
            self._residuals,
            self._free(start),
            jac=self._jacobian,  # pyright: ignore[reportArgumentType]
            method="lm",
            max_nfev=_MOST_EVALUATIONS,
            xtol=_TOLERANCE,
            ftol=_TOLERANCE,
            gtol=_TOLERANCE,
        )
        return float(found.cost), self._smile(found.x)[0]

    def _residuals(self, x: FloatArray) -> FloatArray:
        return self._rows(x)[0]

    def _jacobian(self, x: FloatArray) -> FloatArray:
        return self._rows(x)[1]

    def _rows(self, x: FloatArray) -> Rows:
        if self._last is None or not np.array_equal(self._last[0], x):
            self._last = x.copy(), self._fresh_rows(x)
        return self._last[1]

    def _fresh_rows(self, x: FloatArray) -> Rows:
        smile, chain = self._smile(x)
        residual, jacobian = _vol_rows(smile, self._target)
        rows = [_depth(smile), *(penalty(smile) for penalty in self._penalties)]
        residuals = np.concatenate([residual, *(row[0] for row in rows)])
        return residuals, np.concatenate([jacobian, *(row[1] for row in rows)]) @ chain

    def _free(self, smile: Smile) -> FloatArray:
        b = np.clip(smile.b / self._most_b, _SMALL, 1 - 1e-3)
        rho = np.clip(smile.rho / _MOST_RHO, -1 + 1e-3, 1 - 1e-3)
        m = np.clip(smile.m / _MOST_M, -0.99, 0.99)
        sigma = max(smile.sigma - _LEAST_SIGMA, _SMALL)
        least = smile.a + smile.b * smile.sigma * np.sqrt(1 - smile.rho**2)
        least = max(least, 1e-3 * float(np.min(self._target.vol) ** 2))
        return np.array(
            [np.log(least), np.log(b / (1 - b)), np.arctanh(rho), np.arctanh(m), np.log(sigma)]
        )

    def _smile(self, x: FloatArray) -> tuple[Smile, FloatArray]:
        """Return the smile of free numbers [5] and the derivatives [5, 5] of a..sigma by them."""
        # Beyond, exponentials leave the range of numbers and nothing changes any more.
        x = np.clip(x, -40.0, [3.0, 40.0, 20.0, 20.0, 1.5])
        least = np.exp(x[0])
        share = 1.0 / (1.0 + np.exp(-x[1]))
        b = self._most_b * share
        turn = np.tanh(x[2])
        rho = _MOST_RHO * turn
        middle = np.tanh(x[3])
        spread = np.exp(x[4])
        sigma = _LEAST_SIGMA + spread
        root = np.sqrt(1.0 - rho * rho)
        a = least - b * sigma * root
        b_by = b * (1.0 - share)
        rho_by = _MOST_RHO * (1.0 - turn * turn)
        chain = np.zeros((5, 5))
        chain[0] = (
            least,
            -sigma * root * b_by,
            b * sigma * rho / root * rho_by,
            0.0,
            -b * root * spread,
        )
        chain[1, 1] = b_by
        chain[2, 2] = rho_by
        chain[3, 3] = _MOST_M * (1.0 - middle * middle)
        chain[4, 4] = spread
        smile = Smile(float(a), float(b), float(rho), float(_MOST_M * middle), float(sigma))
        return smile, chain


def _depth(smile: Smile) -> Rows:
    """Return rows that keep `a` above its least value and, where quotes do not care, near 0."""
    beyond = _LEAST_A - smile.a
    hinge = _LEAST_A_FACTOR * max(beyond, 0.0)
    by = -_LEAST_A_FACTOR if beyond > 0 else 0.0
    jacobian = np.zeros((2, 5))
    jacobian[:, 0] = (by, _DEPTH_FACTOR)
    return np.array([hinge, _DEPTH_FACTOR * smile.a]), jacobian


def _vol_rows(smile: Smile, target: Target) -> Rows:
    """Return weighted errors in vol points and their derivatives by a, b, rho, m and sigma."""
    distance = target.k - smile.m
    hypotenuse = np.sqrt(distance * distance + smile.sigma * smile.sigma)
    lean = smile.rho * distance + hypotenuse
    vol = np.sqrt(np.maximum(smile.a + smile.b * lean, 1e-12))
    points = 100.0 * target.weight
    by_variance = points / (2.0 * vol)
    jacobian = np.empty((len(vol), 5))
    jacobian[:, 0] = by_variance
    jacobian[:, 1] = by_variance * lean
    jacobian[:, 2] = by_variance * smile.b * distance
    jacobian[:, 3] = -by_variance * smile.b * (smile.rho + distance / hypotenuse)
    jacobian[:, 4] = by_variance * smile.b * smile.sigma / hypotenuse
    return points * (vol - target.vol), jacobian
