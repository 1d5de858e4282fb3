"""Where the likelihood of GARCH(1,1) and GJR-GARCH(1,1) is highest, under their constraints."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from itertools import product
from typing import Final, NamedTuple

import numpy as np
from scipy.optimize import LinearConstraint, OptimizeResult, minimize

from keeper.calibration.garch_likelihood import Coefficients, Likelihood, backcast, likelihood
from keeper.errors import NotConverged
from keeper.units import FloatArray

_HIGHEST_PERSISTENCE: Final = 1 - 1e-6
_LOWEST_OMEGA: Final = 1e-8  # of the variance of the returns
_LOWEST_NU, _HIGHEST_NU = 2.05, 500.0
_AT_BOUND: Final = 1e-8
_MOST_STEPS: Final = 1_000
_TOLERANCE: Final = 1e-13

_PERSISTENCE: Final = Coefficients(mu=0, omega=0, up=0.5, down=0.5, beta=1, inverse_nu=0)

_START_ALPHAS: Final = (0.02, 0.06, 0.15)
_START_PERSISTENCES: Final = (0.80, 0.95, 0.99)
_START_INVERSE_NU: Final = 0.125


class Shape(StrEnum):
    """Whether falls and rises move variance alike."""

    GARCH = "garch"
    GJR = "gjr"


class Innovations(StrEnum):
    """The distribution of standardised residuals."""

    NORMAL = "normal"
    STUDENT_T = "student-t"


class Optimum(NamedTuple):
    """The likeliest coefficients, the numbers that a constraint stopped, the optimiser's steps."""

    at: Coefficients
    at_bounds: tuple[str, ...]
    steps: int


def optimum(scaled: FloatArray, shape: Shape, innovations: Innovations) -> Optimum:
    """Return the most likely coefficients of returns (n,) with mean 0 and variance 1.

    Sequential quadratic programming (SLSQP) with analytic derivatives from nine starts, whose
    likeliest end counts: from the likeliest start alone, 8 of 240 simulated series ended at a lower
    peak. Raises NotConverged, with the optimiser's message, where no start leads to an optimum.
    """
    return _Problem(scaled, shape, innovations).solved()


class _Free(NamedTuple):
    """A number that the optimiser moves, and the coefficients that take its value."""

    name: str
    lowest: float
    highest: float
    sets: tuple[str, ...]


def _free_numbers(shape: Shape, innovations: Innovations) -> Iterator[_Free]:
    yield _Free("mu", -np.inf, np.inf, ("mu",))
    yield _Free("omega", _LOWEST_OMEGA, np.inf, ("omega",))
    if shape is Shape.GARCH:
        yield _Free("alpha", 0, 1, ("up", "down"))
    else:
        # Up to 2, as half of each counts in the persistence, which limits them.
        yield _Free("alpha", 0, 2, ("up",))
        yield _Free("alpha + gamma", 0, 2, ("down",))
    yield _Free("beta", 0, 1, ("beta",))
    if innovations is Innovations.STUDENT_T:
        yield _Free("nu", 1 / _HIGHEST_NU, 1 / _LOWEST_NU, ("inverse_nu",))


class _Problem:
    """The likelihood of a scaled series as a function of the free numbers, and its optimum."""

    def __init__(self, scaled: FloatArray, shape: Shape, innovations: Innovations) -> None:
        self._series = scaled
        self._before = backcast(scaled)
        self._free = tuple(_free_numbers(shape, innovations))
        self._expansion = np.array(
            [[float(name in number.sets) for number in self._free] for name in Coefficients._fields]
        )
        self._persistence = np.array(_PERSISTENCE) @ self._expansion

    def solved(self) -> Optimum:
        """Return the likeliest end; NotConverged if no start leads to one."""
        results = [self._minimised(start) for start in self._starts()]
        ends = [result for result in results if result.success and np.all(np.isfinite(result.x))]
        if not ends:
            raise NotConverged(
                f"the GARCH fit stopped after {results[0].nit} steps: {results[0].message}; give "
                "a longer series, or one without a break, or the other shape or innovations"
            )
        best = ends[int(np.argmin([result.fun for result in ends]))]
        return Optimum(self._at(best.x), self._at_bounds(best.x), int(best.nit))

    def _minimised(self, start: FloatArray) -> OptimizeResult:
        return minimize(
            self._loss,
            start,
            jac=True,
            method="SLSQP",
            bounds=[(number.lowest, number.highest) for number in self._free],
            constraints=LinearConstraint(self._persistence, ub=_HIGHEST_PERSISTENCE),
            options={"ftol": _TOLERANCE, "maxiter": _MOST_STEPS},
        )

    def _loss(self, free: FloatArray) -> tuple[float, FloatArray]:
        """Return what is minimised, of the order of 1, with its gradient."""
        found: Likelihood = likelihood(self._series, self._at(free), self._before)
        count = len(self._series)
        return -found.value / count, -(found.gradient @ self._expansion) / count

    def _at(self, free: FloatArray) -> Coefficients:
        return Coefficients(*(self._expansion @ free).tolist())

    def _starts(self) -> list[FloatArray]:
        starts: list[FloatArray] = []
        for alpha, persistence in product(_START_ALPHAS, _START_PERSISTENCES):
            values = {
                "mu": 0.0,
                "omega": 1 - persistence,  # the long-run variance is that of the returns
                "alpha": alpha,
                "alpha + gamma": alpha,
                "beta": persistence - alpha,
                "nu": _START_INVERSE_NU,
            }
            starts.append(np.array([values[number.name] for number in self._free]))
        return starts

    def _at_bounds(self, free: FloatArray) -> tuple[str, ...]:
        names = [
            number.name
            for number, value in zip(self._free, free.tolist(), strict=True)
            if min(value - number.lowest, number.highest - value) < _AT_BOUND
        ]
        if self._persistence @ free > _HIGHEST_PERSISTENCE - _AT_BOUND:
            names.append("persistence")
        return tuple(names)
