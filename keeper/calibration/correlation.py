"""Correlation matrices: from covariances, blended with a stressed one, held between bounds.

Entries that were set one by one, as bounds set them, may belong to no joint distribution: such a
`Candidate` becomes `Correlations` by `keeper.calibration.nearest` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from keeper.calibration.returns import require_names
from keeper.errors import InputError
from keeper.units import FloatArray

# What rounding may do to an entry, and for each asset to an eigenvalue.
_ROUNDING: Final = 1e-12

Pair: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """`values` (assets, assets), float64: symmetric, diagonal 1, entries in [-1, 1].

    Eigenvalues may be negative. Raises InputError, naming entry, value and fix, for anything else;
    differences below 1e-12 pass as rounding.
    """

    names: tuple[str, ...]
    values: FloatArray

    def __post_init__(self) -> None:
        require_names(self.names)
        size = len(self.names)
        if self.values.shape != (size, size):
            raise InputError(
                f"correlations have shape {self.values.shape}: give {size} rows and columns, "
                f"one for each of {self.names}"
            )
        self._refuse(~np.isfinite(self.values), "give a number")
        self._refuse(
            np.eye(size, dtype=np.bool_) & (np.abs(self.values - 1) > _ROUNDING),
            "an asset's correlation with itself is 1; divide a covariance by its deviations first",
        )
        self._refuse(np.abs(self.values) > 1 + _ROUNDING, "give a number from -1 to 1")
        self._refuse(
            np.abs(self.values - self.values.T) > _ROUNDING,
            "its mirror entry is another; give both the same",
        )

    def _refuse(self, wrong: np.ndarray, fix: str) -> None:
        if found := np.argwhere(wrong).tolist():
            row, column = found[0]
            raise InputError(
                f"correlation {self.names[row]}, {self.names[column]} is "
                f"{self.values[row, column]}: {fix}"
            )

    def pair(self, first: str, second: str) -> float:
        """Return one entry; InputError for a name that is not among them."""
        return float(self.values[_entry(self.names, (first, second))])

    def smallest_eigenvalue(self) -> float:
        """Return it: below 0 no joint distribution has these correlations."""
        return float(np.linalg.eigvalsh(self.values)[0])


@dataclass(frozen=True, slots=True, eq=False)
class Correlations(Candidate):
    """A `Candidate` that some joint distribution has: no eigenvalue is below 0.

    Raises InputError as it does, and where the smallest eigenvalue is below -1e-12 an asset.
    """

    def __post_init__(self) -> None:
        Candidate.__post_init__(self)
        smallest = self.smallest_eigenvalue()
        if smallest < -_ROUNDING * len(self.names):
            raise InputError(
                f"correlations of {self.names} have an eigenvalue of {smallest:.6g}, so no joint "
                "distribution has them: repair them with nearest_correlations(Candidate(...), 0)"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """`lowest` and `highest` (assets, assets): what each correlation is held between."""

    lowest: FloatArray
    highest: FloatArray


def pair_bounds(
    names: tuple[str, ...], floors: Mapping[Pair, float], ceilings: Mapping[Pair, float]
) -> Bounds:
    """Return bounds from those of pairs, in either order; a pair without one is free in [-1, 1].

    Raises InputError for a name that is not in `names`, a pair of one asset, a bound outside
    [-1, 1], two for one pair, or a floor above its ceiling.
    """
    size = len(names)
    lowest, highest = np.full((size, size), -1.0), np.full((size, size), 1.0)
    np.fill_diagonal(lowest, 1.0)
    for kind, wanted, values in (("floor", floors, lowest), ("ceiling", ceilings, highest)):
        for pair, bound in wanted.items():
            row, column = _entry(names, pair)
            if row == column:
                raise InputError(f"{kind} of {pair}: name two assets, it stays at 1 for one")
            if not -1 <= bound <= 1:
                raise InputError(f"{kind} of {pair} is {bound}: give a number from -1 to 1")
            if pair[::-1] in wanted:
                raise InputError(f"{kind} of {pair} stands in both orders: give it once")
            values[row, column] = values[column, row] = bound
    crossed = np.argwhere(lowest > highest).tolist()
    if crossed:
        row, column = crossed[0]
        raise InputError(
            f"correlation {names[row]}, {names[column]}: floor {lowest[row, column]} is above "
            f"ceiling {highest[row, column]}: lower the floor"
        )
    return Bounds(lowest, highest)


def correlations_of(covariance: FloatArray, names: tuple[str, ...]) -> Correlations:
    """Return the correlations of a covariance (assets, assets).

    Raises InputError for a variance that is not positive, and where `Correlations` does: also for
    a covariance with a negative eigenvalue.
    """
    require_names(names)
    if covariance.shape != (len(names), len(names)):
        raise InputError(
            f"covariance has shape {covariance.shape}: give {len(names)} rows and columns, "
            f"one for each of {names}"
        )
    variances = np.diagonal(covariance)
    wrong = np.flatnonzero(~(variances > 0))
    if len(wrong):
        raise InputError(
            f"{names[wrong[0]]}: variance {variances[wrong[0]]}: give an asset that moves"
        )
    deviations = np.sqrt(variances)
    values = covariance / np.multiply.outer(deviations, deviations)
    np.fill_diagonal(values, 1.0)
    return Correlations(names, values)


def blended(normal: Correlations, stressed: Correlations, stress_weight: float) -> Correlations:
    """Return `(1 - w) normal + w stressed`, which has no negative eigenvalue as neither has any.

    Raises InputError for a weight outside [0, 1], or where the two are not of the same assets in
    the same order.
    """
    if not 0 <= stress_weight <= 1:
        raise InputError(f"stress_weight {stress_weight}: give a share from 0 to 1")
    if normal.names != stressed.names:
        missing = sorted(set(normal.names) ^ set(stressed.names))
        raise InputError(
            f"correlations of {normal.names} and of {stressed.names}: "
            + (f"{missing} stand in one alone, add them to the other" if missing else "reorder one")
        )
    values = (1 - stress_weight) * normal.values + stress_weight * stressed.values
    np.fill_diagonal(values, 1.0)
    return Correlations(normal.names, values)


def bounded(candidate: Candidate, bounds: Bounds) -> Candidate:
    """Return each entry at its nearest within bounds; eigenvalues may become negative.

    Raises InputError for bounds of another shape.
    """
    if bounds.lowest.shape != candidate.values.shape:
        raise InputError(
            f"bounds have shape {bounds.lowest.shape}: make them for {candidate.names}"
        )
    values = np.minimum(np.maximum(candidate.values, bounds.lowest), bounds.highest)
    return Candidate(candidate.names, values)


def _entry(names: tuple[str, ...], pair: Pair) -> tuple[int, int]:
    for name in pair:
        if name not in names:
            raise InputError(f"pair {pair}: {name} is not one of {names}: correct the name")
    return names.index(pair[0]), names.index(pair[1])
