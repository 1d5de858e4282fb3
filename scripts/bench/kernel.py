"""Black-76 prices and Greeks: against numpy with ndtr, QuantLib's loop, and the roofline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, Final, TypeAlias

import mpmath
import numpy as np

from keeper.units import FloatArray
from scripts.bench import engine, quantlib_loop, user_pipeline
from scripts.bench.inputs import Options, random_options
from scripts.bench.limits import Limits
from scripts.bench.measure import Spread, Stopwatch, progress, require_close
from scripts.bench.report import Figure, Target, against_known, races, threads
from scripts.bench.sizes import Sizes

# Multiplications and additions an option with Greeks, counted from the kernel by hand; its seven
# divisions and two roots are left out, so that the roofline is a true bound.
FLOPS_WITH_GREEKS: Final = 199
_DIGITS: Final = 50

_OURS = "ours"
_NDTR = "numpy + ndtr, cache-blocked, same threads"
_QUANTLIB = "QuantLib-Python loop, extrapolated"
_ROOFLINE = "float64 roofline"

_Row: TypeAlias = tuple[float, float, float, float, bool]
_Kernel: TypeAlias = Callable[[Options], Sequence[FloatArray]]


def run(sizes: Sizes, limits: Sequence[Limits]) -> list[Figure]:
    """Return the lines of the kernel, for every number of threads of `limits`."""
    options = random_options(sizes.options)
    sample = options.part(slice(sizes.quantlib_options))
    stopwatch = Stopwatch(sizes.rounds, sizes.patience_seconds)
    figures: list[Figure] = []
    for limit in limits:
        for greeks in (False, True):
            progress(f"kernel, {'Greeks' if greeks else 'price'}, {threads(limit.threads)}")
            figures += _lines(options, sample, stopwatch, limit, greeks=greeks)
    progress(f"kernel, error on {sizes.reference_options} options")
    return [*figures, _error(options.part(slice(sizes.reference_options)))]


def _lines(
    options: Options, sample: Options, stopwatch: Stopwatch, limit: Limits, *, greeks: bool
) -> list[Figure]:
    ours, theirs, loop = (
        (m.price_and_greeks if greeks else m.price) for m in (engine, user_pipeline, quantlib_loop)
    )
    case = f"Black-76 {'with Greeks' if greeks else 'price'}, {len(options):,} options"
    results = np.array(ours(options))
    _require_same(case, results, np.array(theirs(options)), options)
    by_loop = np.array(loop(sample))
    _require_same(case, results[: len(by_loop), : len(sample)], by_loop, sample)
    share = -(-len(options) // limit.threads)
    block, their_block = (min(share, m.BLOCK_OPTIONS) for m in (engine, user_pipeline))
    with ThreadPoolExecutor(limit.threads) as pool:
        rounds = stopwatch.race(
            {
                _OURS: lambda: _in_blocks(ours, options, block, pool),
                _NDTR: lambda: _in_blocks(theirs, options, their_block, pool),
                _QUANTLIB: lambda: loop(sample),
            }
        )
    lines = races(
        "kernel",
        f"{case}, {threads(limit.threads)}",
        _OURS,
        rounds.scaled(_QUANTLIB, len(options) / len(sample)),
        {_NDTR: Target(3.5, at_least=True)} if greeks else {},
    )
    if greeks:
        least_seconds = FLOPS_WITH_GREEKS * len(options) / limit.flops
        bound = against_known(lines[0], _ROOFLINE, least_seconds)
        lines.append(replace(bound, target=Target(0.5, at_least=True)))
    return lines


def _in_blocks(kernel: _Kernel, options: Options, block: int, pool: ThreadPoolExecutor) -> None:
    """Compute block by block over the threads of `pool`; the results are let go."""

    def compute(first: int) -> None:
        kernel(options.part(slice(first, first + block)))

    for _ in pool.map(compute, range(0, len(options), block)):
        pass


def _require_same(what: str, ours: FloatArray, theirs: FloatArray, options: Options) -> None:
    """Raise Mismatch unless all outputs agree to 1e-9 of themselves or 1e-12 of their scale."""
    forward, one = options.forward, np.ones(len(options))
    scale = np.array([forward, one, one / forward, forward, forward])[: len(ours)]
    require_close(what, ours, theirs, 1e-12 * scale + 1e-9 * np.abs(theirs))


def _error(options: Options) -> Figure:
    """Return the largest error of a price, as a share of the forward, against mpmath."""
    o = options
    rows = zip(*(c.tolist() for c in (o.forward, o.strike, o.vol, o.years, o.is_call)), strict=True)
    with mpmath.workdps(_DIGITS):
        exact = [_exact_price(row) for row in rows]
        prices = engine.price(options)[0].tolist()
        errors = [
            float(abs(mpmath.mpf(price) - value) / forward)
            for price, value, forward in zip(prices, exact, o.forward.tolist(), strict=True)
        ]
    worst = max(errors)
    case = f"largest error of {len(options):,} prices, share of the forward (mpmath)"
    return Figure("kernel", case, "1", Spread(worst, worst, worst), target=Target(1e-15))


def _exact_price(row: _Row) -> Any:  # noqa: ANN401 (mpmath has no types)
    """Return the price in as many digits as mpmath is set to."""
    forward, strike, vol, years = map(mpmath.mpf, row[:4])
    deviation = vol * mpmath.sqrt(years)
    d1 = mpmath.log(forward / strike) / deviation + deviation / 2
    sign = 1 if row[4] else -1
    d2 = d1 - deviation
    return sign * (forward * mpmath.ncdf(sign * d1) - strike * mpmath.ncdf(sign * d2))
