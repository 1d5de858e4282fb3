"""What the machine can do at most: float64 arithmetic, division, and streams from memory."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numba import njit

from keeper.units import FloatArray
from scripts.bench.measure import Spread, progress
from scripts.bench.report import Figure, threads
from scripts.bench.sizes import Sizes

_LANES: Final = (8, 64)  # 4 KB, inside the nearest cache
_STEPS: Final = 8  # multiplications, and additions, a lane and pass

_Run: TypeAlias = Callable[[FloatArray, int], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """Peaks of this machine with one number of threads: operations, divisions, bytes a second."""

    threads: int
    flops: float
    divisions: float
    bandwidth: float


def _multiply_add(lanes: FloatArray, passes: int) -> None:
    # Eight chains in turns hide the latency of each; the compiler makes a vector of each one.
    for _ in range(passes):
        for i in range(lanes.shape[1]):
            x0, x1, x2, x3 = lanes[0, i], lanes[1, i], lanes[2, i], lanes[3, i]
            x4, x5, x6, x7 = lanes[4, i], lanes[5, i], lanes[6, i], lanes[7, i]
            for _ in range(8):
                x0 = x0 * 0.999 + 0.5
                x1 = x1 * 0.999 + 0.5
                x2 = x2 * 0.999 + 0.5
                x3 = x3 * 0.999 + 0.5
                x4 = x4 * 0.999 + 0.5
                x5 = x5 * 0.999 + 0.5
                x6 = x6 * 0.999 + 0.5
                x7 = x7 * 0.999 + 0.5
            lanes[0, i], lanes[1, i], lanes[2, i], lanes[3, i] = x0, x1, x2, x3
            lanes[4, i], lanes[5, i], lanes[6, i], lanes[7, i] = x4, x5, x6, x7


def _divide(lanes: FloatArray, passes: int) -> None:
    row = lanes[0]
    for _ in range(passes):
        for i in range(row.size):
            row[i] = 1.5 / row[i]


def _triad(arrays: FloatArray, passes: int) -> None:
    a, b, c = arrays[0], arrays[1], arrays[2]
    for _ in range(passes):
        for i in range(a.size):
            a[i] = b[i] + 3.0 * c[i]


_multiply_add_compiled: _Run = njit(nogil=True, error_model="numpy")(_multiply_add)
_divide_compiled: _Run = njit(nogil=True, error_model="numpy")(_divide)
_triad_compiled: _Run = njit(nogil=True, error_model="numpy")(_triad)


def measure(sizes: Sizes, count: int) -> Limits:
    """Return the best of a few runs on `count` threads: a limit is what nothing exceeds."""
    progress(f"limits, {threads(count)}")
    lanes = np.ones(_LANES)
    passes = sizes.limit_passes
    stream = np.ones((3, sizes.stream_doubles // count))
    moved = 4 * stream[0].nbytes * count  # two read, one fetched before it is written, one written
    return Limits(
        threads=count,
        flops=2
        * _STEPS
        * lanes.size
        * passes
        * count
        / _fastest(_multiply_add_compiled, lanes, passes, count),
        divisions=lanes[0].size * passes * count / _fastest(_divide_compiled, lanes, passes, count),
        bandwidth=moved / _fastest(_triad_compiled, stream, 1, count),
    )


def figures(limits: Limits) -> list[Figure]:
    """Return the limits themselves as lines of the report."""
    name = threads(limits.threads)
    lines = (
        (f"multiply and add, float64, {name}", "flop/s", limits.flops),
        (f"division, float64, {name}", "flop/s", limits.divisions),
        (f"triad, write-allocate counted, {name}", "B/s", limits.bandwidth),
    )
    return [
        Figure("limits", case, unit, Spread(value, value, value)) for case, unit, value in lines
    ]


def _fastest(run: _Run, data: FloatArray, passes: int, count: int) -> float:
    """Return seconds of the fastest of some runs on all threads, each with its own data."""
    copies = [data.copy() for _ in range(count)]
    seconds: list[float] = []
    with ThreadPoolExecutor(count) as pool:
        for _ in range(7):
            began = time.perf_counter()
            list(pool.map(run, copies, itertools.repeat(passes)))
            seconds.append(time.perf_counter() - began)
    return min(seconds[1:])
