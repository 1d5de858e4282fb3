"""Likelihood and gradient of GARCH(1,1) and GJR-GARCH(1,1), normal or Student-t.

    e[n] = r[n] - mu
    v[n] = omega + (up if e[n-1] >= 0 else down) e[n-1]^2 + beta v[n-1]

Bollerslev (1986) with up = down = alpha; Glosten, Jagannathan and Runkle (1993) with up = alpha and
down = alpha + gamma. The Student-t of Bollerslev (1987) is scaled to variance 1. It is handled by
the inverse of its degrees of freedom, in which the likelihood is smooth up to the normal.
"""

from __future__ import annotations

from math import log, pi
from typing import Final, NamedTuple

import numpy as np
from scipy.signal import lfilter
from scipy.special import digamma, gammaln

from keeper.units import FloatArray

_LOG_TWO_PI: Final = log(2 * pi)
_BACKCAST_DECAY: Final = 0.94
_BACKCAST_PERIODS: Final = 75


class Coefficients(NamedTuple):
    """One point of the likelihood; `inverse_nu` 0 is the normal distribution."""

    mu: float
    omega: float
    up: float
    down: float
    beta: float
    inverse_nu: float


class Likelihood(NamedTuple):
    """Logarithm, and its derivatives by `Coefficients` (6,); that by inverse_nu is 0 at 0."""

    value: float
    gradient: FloatArray


def backcast(log_returns: FloatArray) -> float:
    """Return the variance that stands for the time before the first return.

    The average of squared deviations from the mean over the first 75, with weights falling by 0.94
    from the first on (J.P. Morgan 1996); it does not follow the parameters.
    """
    deviations = (log_returns - np.mean(log_returns))[:_BACKCAST_PERIODS]
    weights = _BACKCAST_DECAY ** np.arange(len(deviations))
    return float(np.sum(weights * deviations * deviations) / np.sum(weights))


def variances(log_returns: FloatArray, at: Coefficients, before: float) -> FloatArray:
    """Return the conditional variance of each period and of the next, (n + 1,).

    `before` is the variance, and the squared residual of either sign, of period -1.
    """
    residuals = log_returns - at.mu
    drive = np.empty(len(residuals) + 1)
    drive[0] = at.omega + ((at.up + at.down) / 2 + at.beta) * before
    drive[1:] = at.omega + np.where(residuals >= 0, at.up, at.down) * residuals * residuals
    return _recursion(drive, at.beta)


def log_likelihood(log_returns: FloatArray, at: Coefficients, before: float) -> float:
    """Return the logarithm of the likelihood; see `likelihood`."""
    return likelihood(log_returns, at, before).value


def likelihood(log_returns: FloatArray, at: Coefficients, before: float) -> Likelihood:
    """Return the likelihood of returns (n,) given the `before` of `variances`."""
    residuals = log_returns - at.mu
    variance = variances(log_returns, at, before)[:-1]
    if at.inverse_nu == 0:
        density, by_variance, by_mu = _normal(residuals, variance)
        by_inverse_nu = 0.0
    else:
        density, by_variance, by_mu, by_inverse_nu = _student(residuals, variance, at.inverse_nu)
    slopes = _slopes(residuals, variance, at, before) @ by_variance
    slopes[0] += np.sum(by_mu)
    return Likelihood(float(np.sum(density)), np.append(slopes, by_inverse_nu))


def _normal(residuals: FloatArray, variance: FloatArray) -> tuple[FloatArray, ...]:
    """Return the log density and its derivatives by variance and mu, each (n,)."""
    squares = residuals * residuals / variance
    density = -0.5 * (_LOG_TWO_PI + np.log(variance) + squares)
    return density, 0.5 * (squares - 1) / variance, residuals / variance


def _student(
    residuals: FloatArray, variance: FloatArray, inverse_nu: float
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Return as `_normal`, and the derivative of the sum by the inverse degrees of freedom."""
    nu = 1 / inverse_nu
    ratio = residuals * residuals / ((nu - 2) * variance)
    tail = (nu + 1) * ratio / (1 + ratio)
    constant = float(gammaln((nu + 1) / 2) - gammaln(nu / 2)) - 0.5 * log(pi * (nu - 2))
    logs = np.log1p(ratio)
    density = constant - 0.5 * np.log(variance) - (nu + 1) / 2 * logs
    by_mu = (nu + 1) * residuals / ((nu - 2) * variance * (1 + ratio))
    by_constant = 0.5 * float(digamma((nu + 1) / 2) - digamma(nu / 2)) - 0.5 / (nu - 2)
    by_nu = len(residuals) * by_constant + 0.5 * float(np.sum(tail / (nu - 2) - logs))
    return density, 0.5 * (tail - 1) / variance, by_mu, -by_nu * nu * nu


def _slopes(
    residuals: FloatArray, variance: FloatArray, at: Coefficients, before: float
) -> FloatArray:
    """Return the derivatives of each variance by mu, omega, up, down and beta, (5, n).

    Each follows the recursion of the variance itself, with another drive.
    """
    last, rising = residuals[:-1], residuals[:-1] >= 0
    drive = np.zeros((5, len(residuals)))
    drive[0, 1:] = -2 * np.where(rising, at.up, at.down) * last
    drive[1] = 1
    drive[2:4, 0] = before / 2
    drive[2, 1:] = np.where(rising, last * last, 0)
    drive[3, 1:] = np.where(rising, 0, last * last)
    drive[4, 0] = before
    drive[4, 1:] = variance[:-1]
    return _recursion(drive, at.beta)


def _recursion(drive: FloatArray, beta: float) -> FloatArray:
    """Return `y[n] = drive[n] + beta y[n - 1]` along the last axis."""
    return np.asarray(lfilter([1.0], [1.0, -beta], drive), np.float64)
