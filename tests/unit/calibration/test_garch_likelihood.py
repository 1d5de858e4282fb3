"""The likelihood against a plain loop and scipy's densities, its gradient against differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from keeper.calibration.garch_likelihood import Coefficients, backcast, likelihood, variances
from tests.unit.calibration.simulated import simulated

RETURNS = simulated(300, alpha=0.1, beta=0.8, gamma=0.1, nu=5, seed=2)
NORMAL = Coefficients(mu=0.03, omega=0.05, up=0.04, down=0.2, beta=0.7, inverse_nu=0)
STUDENT = NORMAL._replace(inverse_nu=1 / 5.5)
BEFORE = 1.3


def path(at):
    variance = [at.omega + (at.up + at.down) / 2 * BEFORE + at.beta * BEFORE]
    for value in RETURNS:
        residual = value - at.mu
        weight = at.up if residual >= 0 else at.down
        variance.append(at.omega + weight * residual**2 + at.beta * variance[-1])
    return np.array(variance)


def test_variances__recursion__step_by_step():
    assert variances(RETURNS, NORMAL, BEFORE) == pytest.approx(path(NORMAL), rel=1e-13)


def test_likelihood__normal__sum_of_densities():
    deviations = np.sqrt(path(NORMAL)[:-1])
    expected = stats.norm.logpdf(RETURNS, loc=NORMAL.mu, scale=deviations).sum()
    assert likelihood(RETURNS, NORMAL, BEFORE).value == pytest.approx(expected, rel=1e-13)


def test_likelihood__student_t__sum_of_densities_of_variance_one():
    nu = 1 / STUDENT.inverse_nu
    scale = np.sqrt(path(STUDENT)[:-1] * (nu - 2) / nu)
    expected = stats.t.logpdf(RETURNS, nu, loc=STUDENT.mu, scale=scale).sum()
    assert likelihood(RETURNS, STUDENT, BEFORE).value == pytest.approx(expected, rel=1e-13)


def test_likelihood__many_degrees_of_freedom__is_nearly_the_normal():
    near = likelihood(RETURNS, NORMAL._replace(inverse_nu=1e-6), BEFORE)
    normal = likelihood(RETURNS, NORMAL, BEFORE)
    assert near.value == pytest.approx(normal.value, abs=1e-2)
    assert near.gradient[:5] == pytest.approx(normal.gradient[:5], rel=1e-3)


@pytest.mark.parametrize("at", [NORMAL, STUDENT])
@pytest.mark.parametrize("name", Coefficients._fields)
def test_likelihood__gradient__is_the_slope(at, name):
    if name == "inverse_nu" and at is NORMAL:
        assert likelihood(RETURNS, at, BEFORE).gradient[5] == 0
        return
    step = 1e-6

    def value(change):
        moved = at._replace(**{name: getattr(at, name) + change})
        return likelihood(RETURNS, moved, BEFORE).value

    slope = (value(step) - value(-step)) / (2 * step)
    found = likelihood(RETURNS, at, BEFORE).gradient[Coefficients._fields.index(name)]
    assert found == pytest.approx(slope, rel=1e-6, abs=1e-5)


def test_backcast__few_and_many_returns__weighted_squares_about_the_mean():
    for count in (10, 75, 200):
        deviations = (RETURNS[:count] - RETURNS[:count].mean())[:75]
        weights = [0.94**n for n in range(len(deviations))]
        expected = sum(w * d * d for w, d in zip(weights, deviations, strict=True)) / sum(weights)
        assert backcast(RETURNS[:count]) == pytest.approx(expected)
