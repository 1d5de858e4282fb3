"""The nearest matrix that is a correlation matrix, within bounds (Higham 2002)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.calibration.correlation import Bounds, Candidate, Correlations, bounded, pair_bounds
from keeper.errors import InputError, NotConverged
from keeper.units import FloatArray

_MOST_STEPS: Final = 20_000
_TOLERANCE: Final = 1e-11
# What rounding may do to an eigenvalue of a matrix of entries up to 1, for each row.
_ROUNDING: Final = 1e-15


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The repaired matrix, and its `distance` from the input: the root of summed squares."""

    correlations: Correlations
    distance: float
    steps: int


def nearest_correlations(
    candidate: Candidate, smallest_eigenvalue: float, bounds: Bounds | None = None
) -> Nearest:
    """Return the nearest matrix with eigenvalues from `smallest_eigenvalue` on, within `bounds`.

    With 0 that is the nearest correlation matrix; a little above 0, such as 1e-8, it can be
    inverted and factorised. The input is kept if it already is such a matrix.
    Alternating projections with Dykstra's correction: N. J. Higham, "Computing the nearest
    correlation matrix", IMA J. Numer. Anal. 22 (2002), algorithm 3.3, which bounds on the entries
    extend, being convex as well. Bounds hold to 1e-8, eigenvalues to rounding.

    Raises InputError for a smallest eigenvalue outside [0, 1) and bounds of another shape;
    NotConverged where no matrix meets the bounds, or none was found.
    """
    if not 0 <= smallest_eigenvalue < 1:
        raise InputError(f"smallest_eigenvalue {smallest_eigenvalue}: give a number in [0, 1)")
    limits = pair_bounds(candidate.names, {}, {}) if bounds is None else bounds
    within = bounded(candidate, limits)
    rounding = _ROUNDING * len(candidate.names)
    if (
        np.array_equal(within.values, candidate.values)
        and candidate.smallest_eigenvalue() >= smallest_eigenvalue - rounding
    ):
        return Nearest(Correlations(candidate.names, candidate.values), 0.0, 0)
    found, steps = _projected(candidate.values, smallest_eigenvalue, limits)
    repaired = Correlations(candidate.names, _lifted(found, smallest_eigenvalue))
    return Nearest(repaired, _norm(repaired.values - candidate.values), steps)


def _projected(start: FloatArray, smallest: float, limits: Bounds) -> tuple[FloatArray, int]:
    """Return the projection on both convex sets, and the steps it took."""
    inside, raised = start, start
    raise_correction, inside_correction = np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _MOST_STEPS + 1):
        raised_before, inside_before = raised, inside
        wanted = inside + raise_correction
        raised = _with_eigenvalues_from(wanted, smallest)
        raise_correction = wanted - raised
        wanted = raised + inside_correction
        inside = np.minimum(np.maximum(wanted, limits.lowest), limits.highest)
        inside_correction = wanted - inside
        moved = (inside - raised, raised - raised_before, inside - inside_before)
        if max(map(_norm, moved)) <= _TOLERANCE * _norm(inside):
            return inside, step
    raise NotConverged(
        f"no correlation matrix within the bounds was found in {_MOST_STEPS} steps, the last is "
        f"off by {_norm(inside - raised):.3g}: widen the floors and ceilings, or lower "
        f"smallest_eigenvalue {smallest}"
    )


def _with_eigenvalues_from(matrix: FloatArray, smallest: float) -> FloatArray:
    """Return the nearest symmetric matrix whose eigenvalues are no smaller."""
    eigenvalues, vectors = np.linalg.eigh(matrix)
    raised = (vectors * np.maximum(eigenvalues, smallest)) @ vectors.T
    return (raised + raised.T) / 2


def _lifted(matrix: FloatArray, smallest: float) -> FloatArray:
    """Return a mixture with the identity that takes away what the iteration left below."""
    lowest = float(np.linalg.eigvalsh(matrix)[0])
    share = max(0.0, (smallest - lowest) / (1 - lowest))
    return (1 - share) * matrix + share * np.eye(len(matrix))


def _norm(matrix: FloatArray) -> float:
    return float(np.linalg.norm(matrix))
