"""The nearest correlation matrix against Higham's example and the definition of a projection."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration import nearest
from keeper.calibration.correlation import Candidate, Correlations, pair_bounds
from keeper.calibration.nearest import nearest_correlations
from keeper.errors import InputError, NotConverged

NAMES = ("A", "B", "C")
# Higham (2002), section 4: no three variables are correlated 1, 1 and 0.
IMPOSSIBLE = Candidate(NAMES, np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
POSSIBLE = Correlations(NAMES, np.array([[1.0, 0.8, 0.6], [0.8, 1.0, 0.7], [0.6, 0.7, 1.0]]))


def test_nearest__highams_example__published_figures():
    found = nearest_correlations(IMPOSSIBLE, 0.0)
    assert found.correlations.pair("A", "B") == pytest.approx(0.76069, abs=5e-6)
    assert found.correlations.pair("B", "C") == pytest.approx(0.76069, abs=5e-6)
    assert found.correlations.pair("A", "C") == pytest.approx(0.157298, abs=5e-7)
    assert found.distance == pytest.approx(0.5277905, abs=5e-8)
    assert found.correlations.smallest_eigenvalue() >= -1e-14


def test_nearest__eigenvalue_above_zero__can_be_factorised():
    found = nearest_correlations(IMPOSSIBLE, 1e-8)
    assert found.correlations.smallest_eigenvalue() == pytest.approx(1e-8, rel=1e-6)
    np.linalg.cholesky(found.correlations.values)
    assert found.distance == pytest.approx(0.5277905, abs=1e-7)


def test_nearest__already_one__is_the_input_itself():
    found = nearest_correlations(POSSIBLE, 1e-8)
    assert found.correlations.values is POSSIBLE.values
    assert (found.distance, found.steps) == (0.0, 0)
    perfect = Correlations(NAMES, np.ones((3, 3)))
    assert nearest_correlations(perfect, 0.0).correlations.values is perfect.values
    candidate = Candidate(NAMES, POSSIBLE.values)
    assert isinstance(nearest_correlations(candidate, 0.0).correlations, Correlations)


def test_nearest__floor__holds_while_the_rest_gives_way():
    floor = pair_bounds(NAMES, {("A", "B"): 0.9}, {})
    found = nearest_correlations(IMPOSSIBLE, 1e-8, floor).correlations
    assert found.pair("A", "B") == pytest.approx(0.9, abs=1e-8)
    # By search along the edge of what A, B = 0.9 allows: of all, the nearest to 1 and 0.
    b_c = np.linspace(0, 1, 1_000_001)
    a_c = 0.9 * b_c - np.sqrt((1 - 0.9**2) * (1 - b_c**2))
    best = np.argmin((b_c - 1) ** 2 + a_c**2)
    assert found.pair("B", "C") == pytest.approx(b_c[best], abs=1e-5)
    assert found.pair("A", "C") == pytest.approx(a_c[best], abs=1e-5)
    assert found.smallest_eigenvalue() >= 0.99e-8


def test_nearest__ceiling_on_a_possible_matrix__moves_it_there_alone():
    ceiling = pair_bounds(NAMES, {}, {("A", "C"): 0.55})
    found = nearest_correlations(POSSIBLE, 1e-8, ceiling)
    expected = np.array([[1.0, 0.8, 0.55], [0.8, 1.0, 0.7], [0.55, 0.7, 1.0]])
    assert found.correlations.values == pytest.approx(expected, abs=1e-9)
    assert found.distance == pytest.approx(0.05 * np.sqrt(2))


def test_nearest__bounds_alone_make_it_possible__each_entry_at_its_nearest_bound():
    # Projections without a correction for the bounds end elsewhere, 0.03 further away.
    start = Candidate(NAMES, np.array([[1.0, 0.5, -1.0], [0.5, 1.0, 1.0], [-1.0, 1.0, 1.0]]))
    bounds = pair_bounds(NAMES, {("A", "B"): 0.6, ("A", "C"): 0.7}, {("B", "C"): 0.2})
    found = nearest_correlations(start, 0.0, bounds)
    expected = np.array([[1.0, 0.6, 0.7], [0.6, 1.0, 0.2], [0.7, 0.2, 1.0]])
    assert found.correlations.values == pytest.approx(expected, abs=1e-9)


def test_nearest__bounds_that_no_matrix_meets__is_not_a_result(monkeypatch):
    monkeypatch.setattr(nearest, "_MOST_STEPS", 500)
    bounds = pair_bounds(NAMES, {("A", "B"): 0.9, ("B", "C"): 0.9}, {("A", "C"): -0.5})
    with pytest.raises(NotConverged, match=r"in 500 steps, the last is off by 0\.5"):
        nearest_correlations(POSSIBLE, 0.0, bounds)


@pytest.mark.parametrize("smallest", [-1e-9, 1.0, np.nan])
def test_nearest__eigenvalue_that_none_can_have__is_named(smallest):
    with pytest.raises(InputError, match=f"smallest_eigenvalue {smallest}"):
        nearest_correlations(POSSIBLE, smallest)


def test_nearest__bounds_of_other_assets__are_refused():
    with pytest.raises(InputError, match=r"bounds have shape \(2, 2\)"):
        nearest_correlations(POSSIBLE, 0.0, pair_bounds(NAMES[:2], {}, {}))
