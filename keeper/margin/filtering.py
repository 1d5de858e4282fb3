"""Daily volatility over history and today, and the history's returns in standard deviations.

RiskMetrics (1996), section 5.2: an EWMA of squared log-returns with a mean of zero. Filtered
historical simulation (Hull and White 1998; Barone-Adesi, Giannopoulos and Vosper 1999) divides each
past return by the volatility known the day before and multiplies it by today's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import isqrt
from typing import Final

import numpy as np

from keeper.margin.history import NANO, History
from keeper.margin.scenarios import Model
from keeper.margin.shortfall_rule import WARM_UP_DAYS
from keeper.margin.volatility import daily_sigma, enough_prices, next_variance
from keeper.pricing.log import log
from keeper.state.snapshot import Snapshot
from keeper.units import WAD, FloatArray

_WAD_A_NANO: Final = WAD // NANO
# A feed that stood still for weeks has no volatility to divide by; no market is this quiet.
_LEAST_SIGMA_WAD: Final = WAD // 10**4


def today_sigmas(snapshot: Snapshot, model: Model) -> dict[int, float]:
    """Return today's volatility a day of each underlying of the snapshot, a fraction.

    From the daily prices of the snapshot, never below the model's floor. Where those are fewer than
    MIN_OBSERVATIONS the scan range is constant: then it is what the range stands for,
    `scan_range / kappa` (docs/adr/0009-expected-shortfall.md).
    """
    table, kappa_wad = snapshot.underlyings, model.scan.kappa_wad
    prices, sigmas = enough_prices(snapshot.observations), model.scan_sigmas()
    found: dict[int, float] = {}
    rows = zip(table.underlying.tolist(), table.scan_range_wad.tolist(), strict=True)
    for number, scan_range in rows:
        if number not in prices:
            found[number] = scan_range / kappa_wad
            continue
        returns = log_returns_e9(prices[number])
        seed_e36 = daily_sigma(sigmas[number].sigma_stress_wad) ** 2
        variance = ewma(returns, model.shortfall.decay_wad, model.scan.winsor_wad, seed_e36)[-1]
        found[number] = max(isqrt(variance), daily_sigma(sigmas[number].sigma_floor_wad)) / WAD
    return found


def log_returns_e9(prices_e8: Sequence[int]) -> list[int]:
    """Return the log-returns between positive prices, 1e-9, to nearest."""
    ratios = np.array([b / a for a, b in pairwise(prices_e8)])
    nanos: list[int] = np.rint(log(ratios) * NANO).astype(np.int64).tolist()
    return nanos


def ewma(returns_e9: Sequence[int], decay_wad: int, winsor_wad: int, seed_e36: int) -> list[int]:
    """Return the variance a day before each return and after the last, 1e-36, rounded down.

    Returns count up to `winsor_wad` in size, as in the scan range.
    """
    sizes = (min(abs(x) * _WAD_A_NANO, winsor_wad) for x in returns_e9)
    return list(
        accumulate(sizes, lambda v, size: next_variance(v, size, decay_wad), initial=seed_e36)
    )


@lru_cache(maxsize=8)
def filtered(history: History, decay_wad: int, winsor_wad: int) -> Mapping[str, FloatArray]:
    """Return each day's return over the volatility known before it, float64 [D] by symbol.

    The mean square of the first WARM_UP_DAYS starts the volatility; those days stand at zero.
    """
    found: dict[str, FloatArray] = {}
    for symbol, column in history.returns_e9.items():
        returns: list[int] = column.tolist()
        first, later = returns[:WARM_UP_DAYS], returns[WARM_UP_DAYS:]
        seed_e36 = sum((x * _WAD_A_NANO) ** 2 for x in first) // len(first)
        variances = ewma(later, decay_wad, winsor_wad, seed_e36)[:-1]
        sigmas = (max(isqrt(variance), _LEAST_SIGMA_WAD) for variance in variances)
        scores = [x * _WAD_A_NANO / sigma for x, sigma in zip(later, sigmas, strict=True)]
        found[symbol] = np.array([0.0] * len(first) + scores)
        found[symbol].setflags(write=False)
    return found
