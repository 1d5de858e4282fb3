"""What holds of every correlation matrix and of every GARCH fit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keeper.calibration.correlation import Bounds, Candidate, blended, bounded, correlations_of
from keeper.calibration.ewma import ewma_covariance
from keeper.calibration.garch import fit_garch
from keeper.calibration.garch_likelihood import Coefficients, backcast, log_likelihood
from keeper.calibration.garch_optimum import Innovations, Shape
from keeper.calibration.nearest import nearest_correlations
from keeper.calibration.returns import JointReturns
from keeper.calibration.shrinkage import ledoit_wolf
from tests.unit.calibration.simulated import ASSET, one_asset, simulated

pytestmark = pytest.mark.property

SEEDS = st.integers(0, 2**32 - 1)
SIZES = st.integers(1, 7)
ROUNDING = 1e-13


def names(count):
    return tuple(f"A{n}" for n in range(count))


def possible(seed, size):
    """A correlation matrix of `size` assets with as many factors: near singular at times."""
    draw = np.random.default_rng(seed)
    loadings = draw.standard_normal((size, size)) * draw.exponential(1.0, size) ** 3
    return correlations_of(loadings @ loadings.T + 1e-12 * np.eye(size), names(size))


def arbitrary(seed, size):
    """Entries that need not belong to any joint distribution."""
    values = np.random.default_rng(seed).uniform(-1, 1, (size, size))
    values = (values + values.T) / 2
    np.fill_diagonal(values, 1.0)
    return Candidate(names(size), values)


@given(SEEDS, SEEDS, SIZES, st.floats(0, 1))
def test_blended__of_two_without_negative_eigenvalues__has_none(seed, other, size, weight):
    found = blended(possible(seed, size), possible(other, size), weight)
    assert found.smallest_eigenvalue() >= -ROUNDING
    assert np.array_equal(np.diagonal(found.values), np.ones(size))


@given(SEEDS, SIZES, st.sampled_from([0.0, 1e-8, 1e-3, 0.2]))
def test_nearest__any_entries__a_correlation_matrix_with_those_eigenvalues(seed, size, smallest):
    start = arbitrary(seed, size)
    found = nearest_correlations(start, smallest)
    values = found.correlations.values
    assert np.array_equal(np.diagonal(values), np.ones(size))
    assert np.array_equal(values, values.T)
    assert found.correlations.smallest_eigenvalue() >= smallest - ROUNDING
    assert found.distance == pytest.approx(np.linalg.norm(values - start.values))


@given(SEEDS, SIZES)
def test_nearest__already_one__is_the_input(seed, size):
    start = possible(seed, size)
    assume(start.smallest_eigenvalue() >= 0)
    found = nearest_correlations(start, 0.0)
    assert found.correlations.values is start.values
    assert found.distance == 0


@given(SEEDS, SEEDS, st.integers(2, 7))
def test_nearest__every_other_correlation_matrix__lies_at_an_obtuse_angle(seed, other, size):
    # What defines the projection x of a on a convex set: <a - x, y - x> <= 0 for all y in it.
    start = arbitrary(seed, size).values
    nearest = nearest_correlations(arbitrary(seed, size), 0.0).correlations.values
    elsewhere = possible(other, size).values
    assert np.sum((start - nearest) * (elsewhere - nearest)) <= 1e-7


@given(SEEDS, SEEDS, st.integers(2, 6), st.floats(0.0, 0.5))
def test_nearest__bounds_that_one_matrix_meets__hold(seed, inside, size, width):
    anchor = possible(inside, size).values
    free = ~np.eye(size, dtype=bool)
    bounds = Bounds(
        np.where(free, np.maximum(anchor - width - 0.05, -1), 1.0),
        np.where(free, np.minimum(anchor + width + 0.05, 1), 1.0),
    )
    start = arbitrary(seed, size)
    found = nearest_correlations(start, 0.0, bounds).correlations
    assert found.smallest_eigenvalue() >= -ROUNDING
    assert np.sum((start.values - found.values) * (anchor - found.values)) <= 1e-7
    assert bounded(found, bounds).values == pytest.approx(found.values, abs=1e-8)


@given(SEEDS, st.integers(2, 40), SIZES)
def test_ledoit_wolf__any_returns__shrinkage_within_0_and_1(seed, count, size):
    rows = np.random.default_rng(seed).standard_t(3, (count, size))
    found = ledoit_wolf(JointReturns(names(size), rows))
    assert 0 <= found.shrinkage <= 1
    assert np.linalg.eigvalsh(found.covariance)[0] >= -1e-12 * np.trace(found.covariance)


@given(SEEDS, st.integers(2, 40), SIZES, st.sampled_from([0.125, 2.0, 1024.0]))
def test_ledoit_wolf__other_units__same_shrinkage(seed, count, size, unit):
    rows = np.random.default_rng(seed).standard_normal((count, size))
    found = ledoit_wolf(JointReturns(names(size), rows))
    scaled = ledoit_wolf(JointReturns(names(size), unit * rows))
    assert scaled.shrinkage == found.shrinkage
    assert np.array_equal(scaled.covariance, unit**2 * found.covariance)


@given(SEEDS, SIZES, st.floats(0.5, 0.97))
def test_ewma__any_returns__correlations_without_negative_eigenvalues(seed, size, decay):
    rows = np.random.default_rng(seed).standard_t(3, (120, size))
    found = correlations_of(ewma_covariance(JointReturns(names(size), rows), decay), names(size))
    assert found.smallest_eigenvalue() >= -ROUNDING


def coefficients(fit):
    at = fit.parameters
    inverse_nu = 0.0 if at.nu is None else 1 / at.nu
    return Coefficients(at.mu, at.omega, at.alpha, at.alpha + at.gamma, at.beta, inverse_nu)


def fitted(seed, persistence, share, shape, innovations, volatility=1.0):
    alpha = share * persistence
    returns = simulated(
        600, alpha=alpha, beta=persistence - alpha, nu=5, seed=seed, volatility=volatility
    )
    return returns, fit_garch(one_asset(returns), ASSET, shape, innovations)


GARCH_CASES = {
    "seed": SEEDS,
    "persistence": st.floats(0.5, 0.99),
    "share": st.floats(0.03, 0.3),
    "shape": st.sampled_from(Shape),
    "innovations": st.sampled_from(Innovations),
}


@settings(max_examples=25)
@given(**GARCH_CASES, nudges=st.lists(st.floats(-0.05, 0.05), min_size=6, max_size=6))
def test_fit_garch__parameters_nudged__no_likelier(
    seed, persistence, share, shape, innovations, nudges
):
    returns, fit = fitted(seed, persistence, share, shape, innovations)
    at = coefficients(fit)
    up = at.up * (1 + nudges[2])
    nudged = Coefficients(
        mu=at.mu + nudges[0],
        omega=at.omega * (1 + nudges[1]),
        up=up,
        down=up if shape is Shape.GARCH else at.down * (1 + nudges[3]),
        beta=at.beta * (1 + nudges[4]),
        inverse_nu=min(max(at.inverse_nu * (1 + nudges[5]), 1 / 500), 1 / 2.05)
        if at.inverse_nu
        else 0.0,
    )
    assume((nudged.up + nudged.down) / 2 + nudged.beta <= 1 - 1e-6)
    before = backcast(returns)
    assert log_likelihood(returns, nudged, before) <= fit.log_likelihood + 1e-5


@settings(max_examples=20)
@given(**GARCH_CASES, unit=st.sampled_from([2.0**-10, 0.25, 128.0]))
def test_fit_garch__other_units__scale_omega_and_mu_alone(
    seed, persistence, share, shape, innovations, unit
):
    returns, fit = fitted(seed, persistence, share, shape, innovations)
    scaled = fit_garch(one_asset(unit * returns), ASSET, shape, innovations)
    ours, theirs = fit.parameters, scaled.parameters
    assert theirs.omega == unit**2 * ours.omega
    assert theirs.mu == unit * ours.mu
    unmoved = ("alpha", "gamma", "beta", "nu")
    assert [getattr(ours, name) for name in unmoved] == [getattr(theirs, name) for name in unmoved]
    assert np.array_equal(scaled.variances, unit**2 * fit.variances)
    expected = fit.log_likelihood - len(returns) * np.log(unit)
    assert scaled.log_likelihood == pytest.approx(expected, abs=1e-6)


@settings(max_examples=20)
@given(**GARCH_CASES)
def test_fit_garch__any_series__keeps_the_constraints(seed, persistence, share, shape, innovations):
    _, fit = fitted(seed, persistence, share, shape, innovations)
    at = fit.parameters
    assert at.omega > 0
    assert min(at.alpha, at.alpha + at.gamma, at.beta) >= 0
    assert at.persistence < 1
    assert fit.variances.min() > 0
