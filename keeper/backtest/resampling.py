"""The stationary bootstrap: what a mean could have been, for series that remember.

Politis and Romano (1994), The stationary bootstrap. Blocks of geometric length begin anywhere and
wrap around, so that a resampled series is stationary and keeps the clustering of the original.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.draws import Draws
from keeper.errors import InputError
from keeper.units import FloatArray, IntArray

DRAWS: Final = 1_000


def resampled_rows(length: int, mean_block: float, draws: Draws, count: int = DRAWS) -> IntArray:
    """Return int64 [count, length]: the rows of `count` resampled series.

    `mean_block` is the mean length of a block in rows, at least one. Raises InputError otherwise.
    """
    if length < 1 or mean_block < 1.0:
        raise InputError(f"{length} rows in blocks of {mean_block!r}: give at least 1 of each")
    begins = draws.fractions("block begins", count * length).reshape(count, length) < 1 / mean_block
    begins[:, 0] = True
    at = draws.below("block at", count * length, length).reshape(count, length)
    step = np.arange(length)
    last_begin = np.maximum.accumulate(np.where(begins, step, 0), axis=1)
    first = np.take_along_axis(at, last_begin, axis=1)
    return (first + step - last_begin) % length


def resampled_means(values: FloatArray, rows: IntArray) -> FloatArray:
    """Return the mean of each resampled series [count]; NaN rows of `values` [length] are left out.

    A series that drew nothing but those has the mean of all.
    """
    known = np.isfinite(values)
    if not known.any():
        raise InputError("no row has a value: there is no mean to resample")
    if known.all():
        return values[rows].mean(axis=1)
    filled = np.where(known, values, 0.0)
    taken = known[rows].sum(axis=1)
    whole = filled.sum() / known.sum()
    return np.where(taken > 0, filled[rows].sum(axis=1) / np.maximum(taken, 1), whole)


def holm(p_values: list[float]) -> list[float]:
    """Return the adjusted p-values of tests made together: Holm (1979), in the order given."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min((len(p_values) - place) * p_values[index], 1.0))
        adjusted[index] = highest
    return adjusted
