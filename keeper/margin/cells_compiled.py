"""The compiled twin of `cells.scenario_cells`; there is the explanation. Serial, without the
interpreter lock: callers split the listings between threads.
"""

from __future__ import annotations

import numpy as np

from keeper.margin.cells import CELL_LIMIT, SHIFT_LIMIT
from keeper.pricing.coefficients import ROUNDER, ROUNDER_BITS
from keeper.pricing.jit import kernel, scalar
from keeper.pricing.scalars import exp1, price1
from keeper.units import BoolArray, FloatArray, IntArray

_ROUNDER_WORD = np.int64(ROUNDER_BITS)


@scalar
def _to_integer(x: float) -> int:
    """Return `x` to nearest, half to even: 1.5 * 2**52 more, it stands in the low bits."""
    x = CELL_LIMIT if x > CELL_LIMIT else x
    x = -CELL_LIMIT if x < -CELL_LIMIT else x
    return np.float64(x + ROUNDER).view(np.int64) - _ROUNDER_WORD  # pyright: ignore[reportReturnType]


@kernel
def fill(
    reference: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    moneyness: FloatArray,
    mark: FloatArray,
    micro_per_lot: FloatArray,
    is_option: BoolArray,
    is_call: BoolArray,
    settled: BoolArray,
    term: IntArray,
    move: FloatArray,
    root_years: FloatArray,
    shift: FloatArray,
    skew: FloatArray,
    curvature: FloatArray,
    weight: FloatArray,
    pnl: IntArray,
) -> None:
    """Write `pnl` int64 [L, S], micro-dollars a long lot.

    Columns of listings are [L], those of terms [G, S], `weight` is [S]; see `shocks.Shocks`.
    `root_years` is the square root of its years.
    """
    for n in range(reference.size):
        g = term[n]
        f, k, v, z, now, micro = (
            reference[n], strike[n], vol[n], moneyness[n], mark[n], micro_per_lot[n],
        )  # fmt: skip
        size = abs(z)
        call = is_call[n]
        if settled[n]:
            for s in range(weight.size):
                pnl[n, s] = 0
        elif is_option[n]:
            for s in range(weight.size):
                tilt = skew[g, s] * z + curvature[g, s] * size
                total = shift[g, s] + tilt
                total = -SHIFT_LIMIT if total < -SHIFT_LIMIT else total
                total = SHIFT_LIMIT if total > SHIFT_LIMIT else total
                moved = price1(f * (1.0 + move[g, s]), k, v * exp1(total) * root_years[g, s], call)
                pnl[n, s] = _to_integer(weight[s] * (moved - now) * micro)
        else:
            for s in range(weight.size):
                moved = f * (1.0 + move[g, s])
                pnl[n, s] = _to_integer(weight[s] * (moved - now) * micro)
