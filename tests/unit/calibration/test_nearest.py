"""The nearest correlation matrix against Higham's example and the definition of a projection."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.calibration import nearest
from keeper.calibration.correlation import Correlations, pair_bounds
from keeper.calibration.nearest import nearest_correlations
from keeper.errors import InputError, NotConverged

NAMES = ("A", "B", "C")
# Higham (2002), section 4: no three variables are correlated 1, 1 and 0.
IMPOSSIBLE = Correlations(NAMES, np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
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
    assert found.correlations is POSSIBLE
    assert (found.distance, found.steps) == (0.0, 0)
    perfect = Correlations(NAMES, np.ones((3, 3)))
    assert nearest_correlations(perfect, 0.0).correlations is perfect


def test_nearest__floor__holds_while_the_rest_gives_way():
    floor = pair_bounds(NAMES, {("A", "B"): 0.9}, {})
    found = nearest_correlations(IMPOSSIBLE, 1e-8, floor).correlations
    assert found.pair("A", "B") == pytest.approx(0.9, abs=1e-8)
    assert found.pair("B", "C") < 0.76069
    assert found.smallest_eigenvalue() >= 0.99e-8


def test_nearest__ceiling_on_a_possible_matrix__moves_it_there_alone():
    ceiling = pair_bounds(NAMES, {}, {("A", "C"): 0.55})
    found = nearest_correlations(POSSIBLE, 1e-8, ceiling)
    expected = np.array([[1.0, 0.8, 0.55], [0.8, 1.0, 0.7], [0.55, 0.7, 1.0]])
    assert found.correlations.values == pytest.approx(expected, abs=1e-9)
    assert found.distance == pytest.approx(0.05 * np.sqrt(2))


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
