"""Volatilities and correlations of a price history, beside the constants they gave reason for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import log
from typing import Final

import numpy as np

from keeper.calibration.ewma import decay_of_half_life, ewma_covariances
from keeper.calibration.garch import GarchFit, fit_garch
from keeper.calibration.garch_optimum import Innovations, Shape
from keeper.calibration.returns import JointReturns
from keeper.errors import InputError
from keeper.margin.scenarios import Model
from keeper.margin.volatility import DAYS_PER_YEAR, range_path
from keeper.units import E8, WAD, FloatArray, IntArray
from scripts.measure_history.prices import DailyPrices

# Days that an average runs before it counts: those of the calibration in docs/model.md.
RUN_IN: Final = 61
EPISODES: Final = ("2020-03", "2021-05", "2022-11")
# Beside the decay of the model: the half-life of expected shortfall.
_SHORT_HALF_LIFE: Final = 14
# That of the scenarios "dispersion" and "single" in docs/model.md.
_DISPERSION_FLOOR: Final = 0.70


@dataclass(frozen=True, slots=True)
class Track:
    """A figure that moves in time: its spread over all days, and its range in each episode.

    An episode is a month; one that the history does not cover is left out.
    """

    of: str
    measure: str
    lowest: float
    fifth_percentile: float
    median: float
    highest: float
    episodes: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Sigmas:
    """Constants of `config/model.toml`, a year, and the share of days below each."""

    of: str
    sigma_floor: float
    below_floor: float
    sigma_stress: float
    below_stress: float


@dataclass(frozen=True, slots=True)
class Apart:
    """Next-day moves of one underlying less another's, in scan ranges, against the dispersion rows.

    The rows reach `sqrt(2 (1 - floor))`; `ahead` and `behind` count moves beyond on either side.
    `implied_99` is the correlation whose rows would reach the 99th percentile of the wider side.
    """

    of: str
    days: int
    floor: float
    ahead: int
    behind: int
    implied_99: float


@dataclass(frozen=True, slots=True)
class Fit:
    """A GARCH fit to all days; a long-run volatility only where one exists."""

    of: str
    measure: str
    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float | None
    persistence: float
    log_likelihood: float
    long_run: float | None
    at_bounds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a history says; volatilities a year of 365 days."""

    first_day: str
    last_day: str
    volatilities: list[Track]
    correlations: list[Track]
    sigmas: list[Sigmas]
    apart: list[Apart]
    fits: list[Fit]


def averages(
    returns: JointReturns, days: IntArray, model: Model
) -> tuple[list[Track], list[Track], list[Sigmas]]:
    """Return EWMA volatilities and correlations, and the constants beside the former.

    `days` (n,) are those on which the returns end.
    """
    model_decay = model.scan.decay_wad / WAD
    volatilities: list[Track] = []
    correlations: list[Track] = []
    sigmas: list[Sigmas] = []
    for decay in (model_decay, decay_of_half_life(_SHORT_HALF_LIFE)):
        measure = f"EWMA, half-life {log(0.5) / log(decay):.0f} d"
        covariances = ewma_covariances(returns, decay)[RUN_IN:]
        deviations = np.sqrt(np.diagonal(covariances, axis1=1, axis2=2))
        annual = deviations * np.sqrt(DAYS_PER_YEAR)
        for column, name in enumerate(returns.names):
            volatilities.append(_track(name, measure, annual[:, column], days[RUN_IN:]))
            if decay == model_decay:
                sigmas.append(_sigmas(name, annual[:, column], model))
        for i, j in combinations(range(len(returns.names)), 2):
            values = covariances[:, i, j] / (deviations[:, i] * deviations[:, j])
            pair = f"{returns.names[i]}, {returns.names[j]}"
            correlations.append(_track(pair, measure, values, days[RUN_IN:]))
    return volatilities, correlations, sigmas


def fits(returns: JointReturns, days: IntArray) -> Iterator[tuple[Track, Fit]]:
    """Yield each asset's GARCH fits: the track of its volatility, and the parameters."""
    for name in returns.names:
        for shape in Shape:
            for innovations in Innovations:
                fit = fit_garch(returns, name, shape, innovations)
                measure = f"{shape.upper()}, {innovations}"
                annual = np.sqrt(DAYS_PER_YEAR * fit.variances)
                yield _track(name, measure, annual, days), _fit(name, measure, fit)


def moves_apart(prices: DailyPrices, model: Model) -> list[Apart]:
    """Return how far each pair went apart, against the scan ranges in force the day before."""
    underlyings = _underlyings(prices.symbols, model)
    sigmas = model.scan_sigmas()
    moves: list[FloatArray] = []
    for column, symbol in enumerate(prices.symbols):
        usd = prices.usd[:, column]
        prices_e8 = [round(price * E8) for price in usd.tolist()]
        if 0 in prices_e8:
            raise InputError(f"{symbol}: a price is below 1e-8 USD: give it in whole dollars")
        ranges = np.array(range_path(prices_e8, model.scan, sigmas[underlyings[symbol]])) / WAD
        moves.append(((usd[1:] / usd[:-1] - 1) / ranges[:-1])[RUN_IN:])
    found: list[Apart] = []
    reach = np.sqrt(2 * (1 - _DISPERSION_FLOOR))
    for i, j in combinations(range(len(moves)), 2):
        gap = moves[i] - moves[j]
        widest = max(float(np.percentile(gap, 99)), -float(np.percentile(gap, 1)))
        found.append(
            Apart(
                of=f"{prices.symbols[i]}, {prices.symbols[j]}",
                days=len(gap),
                floor=_DISPERSION_FLOOR,
                ahead=int(np.sum(gap > reach)),
                behind=int(np.sum(gap < -reach)),
                implied_99=1 - widest**2 / 2,
            )
        )
    return found


def _track(of: str, measure: str, values: FloatArray, days: IntArray) -> Track:
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(str)
    episodes: dict[str, tuple[float, float]] = {}
    for month in EPISODES:
        inside = values[months == month]
        if len(inside):
            episodes[month] = float(inside.min()), float(inside.max())
    lowest, fifth, median, highest = np.percentile(values, (0, 5, 50, 100)).tolist()
    return Track(of, measure, lowest, fifth, median, highest, episodes)


def _sigmas(name: str, annual: FloatArray, model: Model) -> Sigmas:
    sigmas = model.scan_sigmas()[_underlyings((name,), model)[name]]
    floor, stress = sigmas.sigma_floor_wad / WAD, sigmas.sigma_stress_wad / WAD
    return Sigmas(
        name, floor, float(np.mean(annual < floor)), stress, float(np.mean(annual < stress))
    )


def _fit(name: str, measure: str, fit: GarchFit) -> Fit:
    at = fit.parameters
    exists = "persistence" not in fit.at_bounds
    return Fit(
        of=name,
        measure=measure,
        omega=at.omega,
        alpha=at.alpha,
        gamma=at.gamma,
        beta=at.beta,
        nu=at.nu,
        persistence=at.persistence,
        log_likelihood=fit.log_likelihood,
        long_run=float(np.sqrt(DAYS_PER_YEAR * at.long_run_variance)) if exists else None,
        at_bounds=fit.at_bounds,
    )


def _underlyings(symbols: tuple[str, ...], model: Model) -> dict[str, int]:
    known = {symbol: underlying for underlying, symbol in model.symbols().items()}
    for symbol in symbols:
        if symbol not in known:
            raise InputError(f"{symbol} is not in the model: give columns of {sorted(known)}")
    return {symbol: known[symbol] for symbol in symbols}
