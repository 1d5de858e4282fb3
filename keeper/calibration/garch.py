"""GARCH(1,1) and GJR-GARCH(1,1) by maximum likelihood: parameters, variances, forecasts.

Nothing is drawn at random: one series has one result on one machine. The returns are scaled to
variance 1 for the optimiser and the result is scaled back, so that units do not matter.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Final

import numpy as np

from keeper.calibration.garch_likelihood import Coefficients, backcast, log_likelihood, variances
from keeper.calibration.garch_optimum import Innovations, Shape, optimum
from keeper.calibration.returns import JointReturns
from keeper.errors import InputError, NotConverged
from keeper.units import FloatArray

# Hwang and Valls Pereira (2006): with fewer, estimates of GARCH(1,1) are biased and may not exist.
LEAST_RETURNS: Final = 500


@dataclass(frozen=True, slots=True)
class GarchParameters:
    """`v' = omega + (alpha + gamma where e < 0) e^2 + beta v`, `e = r - mu`; units of a period.

    `gamma` is 0 in GARCH; `nu` are the degrees of freedom of the Student-t, None with the normal.

    Raises InputError unless all are finite, omega > 0, alpha, alpha + gamma and beta >= 0,
    persistence < 1 and nu > 2.
    """

    mu: float
    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float | None = None

    def __post_init__(self) -> None:
        finite = all(np.isfinite(value) for value in astuple(self) if value is not None)
        least = min(self.alpha, self.alpha + self.gamma, self.beta)
        if not (finite and self.omega > 0 and least >= 0 and self.persistence < 1):
            raise InputError(
                f"{self}: give omega > 0, alpha, alpha + gamma and beta >= 0, and "
                f"alpha + gamma / 2 + beta < 1 (it is {self.persistence})"
            )
        if self.nu is not None and self.nu <= 2:
            raise InputError(f"nu {self.nu}: give more than 2, or the variance is infinite")

    @property
    def persistence(self) -> float:
        """`alpha + gamma / 2 + beta`: the share of a variance shock left after a period."""
        return self.alpha + self.gamma / 2 + self.beta

    @property
    def long_run_variance(self) -> float:
        """`omega / (1 - persistence)`, a period."""
        return self.omega / (1 - self.persistence)

    def next_variance(self, variance: float, log_return: float) -> float:
        """Return the variance of the next period after this one's variance and return."""
        residual = log_return - self.mu
        weight = self.alpha + (self.gamma if residual < 0 else 0)
        return self.omega + weight * residual * residual + self.beta * variance


@dataclass(frozen=True, slots=True, eq=False)
class GarchFit:
    """The most likely parameters, and what they say of the returns.

    `variances` (n,) conditional on the past, a period; `residuals` (n,) standardised by them;
    `next_variance` of the period after the last. `at_bounds` names parameters that a constraint
    stopped: with `persistence` among them there is no long-run variance to speak of.
    """

    parameters: GarchParameters
    log_likelihood: float
    variances: FloatArray
    residuals: FloatArray
    next_variance: float
    at_bounds: tuple[str, ...]
    steps: int

    def forecast_variances(self, periods: int) -> FloatArray:
        """Return the expected variance of each of the next periods, (periods,).

        `E v[n + k] = m + persistence^(k - 1) (v[n + 1] - m)`, m the long-run variance. Raises
        InputError for fewer than one.
        """
        if periods < 1:
            raise InputError(f"periods {periods}: give 1 or more")
        long_run = self.parameters.long_run_variance
        decay: FloatArray = self.parameters.persistence ** np.arange(periods, dtype=np.float64)
        return long_run + decay * (self.next_variance - long_run)


def fit_garch(
    returns: JointReturns,
    asset: str,
    shape: Shape = Shape.GARCH,
    innovations: Innovations = Innovations.NORMAL,
) -> GarchFit:
    """Return the maximum-likelihood fit to one asset's returns.

    Raises InputError for an unknown asset, fewer than 500 returns or returns that never change;
    NotConverged, with the optimiser's message, where it does not end at an optimum.
    """
    if asset not in returns.names:
        raise InputError(f"asset {asset} is not one of {returns.names}: correct the name")
    series = returns.rows[:, returns.names.index(asset)]
    JointReturns((asset,), series[:, None]).require(LEAST_RETURNS, "a GARCH fit")
    mean, deviation = float(np.mean(series)), float(np.std(series))
    try:
        found = optimum((series - mean) / deviation, shape, innovations)
    except NotConverged as error:
        raise NotConverged(f"{asset}: {error}") from None
    scaled = found.at
    at = scaled._replace(mu=mean + deviation * scaled.mu, omega=scaled.omega * deviation**2)
    return _described(series, at, found.at_bounds, found.steps)


def _described(
    series: FloatArray, at: Coefficients, at_bounds: tuple[str, ...], steps: int
) -> GarchFit:
    path = variances(series, at, backcast(series))
    return GarchFit(
        parameters=GarchParameters(
            mu=at.mu,
            omega=at.omega,
            alpha=at.up,
            gamma=at.down - at.up,
            beta=at.beta,
            nu=1 / at.inverse_nu if at.inverse_nu else None,
        ),
        log_likelihood=log_likelihood(series, at, backcast(series)),
        variances=path[:-1],
        residuals=(series - at.mu) / np.sqrt(path[:-1]),
        next_variance=float(path[-1]),
        at_bounds=at_bounds,
        steps=steps,
    )
