"""Scan ranges from the ring of daily prices: EWMA volatility, floored, stressed, capped, slowed.

All integers. Every number here is non-negative and every division truncates, so that Solidity gets
the very same number from uint256, its own `/` and a floor square root: no product reaches 2^256
(the largest is kappa * 1e36, or a 64-bit price * 1e18). Fractions are wad (1e-18); variances are
1e-36, so that squares and roots lose nothing in between. See docs/model.md, "Scan range".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import isqrt
from typing import Final

from keeper.errors import InputError, MarketDataError
from keeper.margin.toml_fields import Range
from keeper.state.tables import Observations
from keeper.units import WAD

DAYS_PER_YEAR: Final = 365
MIN_OBSERVATIONS: Final = 30
"""Days below which prices give no range: with fewer the stress start weighs more than half."""

# Inclusive limits of each field without its `_wad`, in wad.
SCAN_RULE_LIMITS: Final[dict[str, Range]] = {
    "kappa": (1, 10 * WAD),
    "decay": (1, WAD - 1),
    "stress_weight": (0, WAD),
    "winsor": (1, WAD),
    "cap": (1, WAD),
    "rise": (WAD, 2 * WAD),
    "fall": (1, WAD),
}
SCAN_SIGMA_LIMITS: Final[dict[str, Range]] = {
    "sigma_floor": (1, 10 * WAD),
    "sigma_stress": (1, 10 * WAD),
}


@dataclass(frozen=True, slots=True)
class ScanRule:
    """How a range follows volatility, the same for every underlying; fractions in wad.

    `decay_wad` is the EWMA weight kept per observation, `winsor_wad` the largest absolute return
    counted, `cap_wad` the largest range, `rise_wad` and `fall_wad` the largest and smallest ratio
    of a range to the one before. Raises InputError for a value outside SCAN_RULE_LIMITS.
    """

    kappa_wad: int
    decay_wad: int
    stress_weight_wad: int
    winsor_wad: int
    cap_wad: int
    rise_wad: int
    fall_wad: int

    def __post_init__(self) -> None:
        _require_limits(self, SCAN_RULE_LIMITS)


@dataclass(frozen=True, slots=True)
class ScanSigmas:
    """Floor and stress volatility of one underlying, a year, wad.

    Raises InputError for a value outside SCAN_SIGMA_LIMITS.
    """

    sigma_floor_wad: int
    sigma_stress_wad: int

    def __post_init__(self) -> None:
        _require_limits(self, SCAN_SIGMA_LIMITS)


def scan_ranges(
    observations: Observations, rule: ScanRule, sigmas: Mapping[int, ScanSigmas]
) -> dict[int, int]:
    """Return the scan range of each underlying of `sigmas`, wad.

    Rows ascend by underlying and UTC day (unix time // 86400). A day may be missing: the next
    return then spans the gap, counts once, and moves the range by one step at most.

    Raises InputError for rows out of order, a day that stands twice, or an underlying that
    `sigmas` lacks; MarketDataError for a price of zero, or an underlying without any observation.
    """
    prices = prices_by_underlying(observations)
    if unknown := sorted(prices.keys() - sigmas.keys()):
        raise InputError(f"the model lacks underlyings {unknown}, which are observed: add them")
    if missing := sorted(sigmas.keys() - prices.keys()):
        raise MarketDataError(
            f"underlyings {missing} have no daily price: record one before asking for their range"
        )
    return {u: scan_range(prices[u], rule, sigmas[u]) for u in sorted(sigmas)}


def enough_prices(observations: Observations) -> dict[int, list[int]]:
    """Return the daily prices, 1e-8 USD, of each underlying that has enough of them.

    Raises as `prices_by_underlying` does.
    """
    prices = prices_by_underlying(observations)
    return {u: row for u, row in prices.items() if len(row) >= MIN_OBSERVATIONS}


def scan_range(prices_e8: Sequence[int], rule: ScanRule, sigmas: ScanSigmas) -> int:
    """Return the range after the last of these daily prices, wad; see `range_path`."""
    return range_path(prices_e8, rule, sigmas)[-1]


def range_path(prices_e8: Sequence[int], rule: ScanRule, sigmas: ScanSigmas) -> list[int]:
    """Return the range after each daily price, wad; prices are positive, in order of their days.

    The first is the unlimited range of the stress volatility, as nothing is known yet.
    """
    variances = daily_variance(prices_e8, rule, daily_sigma(sigmas.sigma_stress_wad) ** 2)
    targets = (unlimited_range(variance, rule, sigmas) for variance in variances)
    return list(accumulate(targets, lambda before, target: limited_range(before, target, rule)))


def daily_variance(prices_e8: Sequence[int], rule: ScanRule, seed_e36: int) -> list[int]:
    """Return the EWMA of squared daily returns after each price, 1e-36; the first is the seed.

    RiskMetrics (1996), section 5.2, with simple winsorised returns and a mean of zero.
    """
    returns = (daily_return(old, new, rule) for old, new in pairwise(prices_e8))
    return list(
        accumulate(returns, lambda v, r: next_variance(v, r, rule.decay_wad), initial=seed_e36)
    )


def daily_return(before_e8: int, after_e8: int, rule: ScanRule) -> int:
    """Return the absolute simple return, winsorised, wad, rounded down.

    The sign is dropped before the division, the only place where Python and Solidity would differ.
    """
    return min(abs(after_e8 - before_e8) * WAD // before_e8, rule.winsor_wad)


def next_variance(variance_e36: int, return_wad: int, decay_wad: int) -> int:
    """Return `decay * variance + (1 - decay) * return^2`, 1e-36, rounded down."""
    return (decay_wad * variance_e36 + (WAD - decay_wad) * return_wad * return_wad) // WAD


def unlimited_range(variance_e36: int, rule: ScanRule, sigmas: ScanSigmas) -> int:
    """Return `min(kappa ((1 - w) max(sigma, floor) + w stress), cap)`, wad, rounded down."""
    sigma = max(isqrt(variance_e36), daily_sigma(sigmas.sigma_floor_wad))
    weight = rule.stress_weight_wad
    blend_e36 = (WAD - weight) * sigma + weight * daily_sigma(sigmas.sigma_stress_wad)
    return min(rule.kappa_wad * blend_e36 // (WAD * WAD), rule.cap_wad)


def limited_range(before_wad: int, target_wad: int, rule: ScanRule) -> int:
    """Return the target held between `fall` and `rise` times the range before, wad, rounded down.

    One observation is one step, however many days it spans: limits never accrue.
    """
    highest = before_wad * rule.rise_wad // WAD
    lowest = before_wad * rule.fall_wad // WAD
    return max(lowest, min(target_wad, highest))


def daily_sigma(annual_wad: int) -> int:
    """Return volatility a day from volatility a year of 365 days, wad, rounded down."""
    return isqrt(annual_wad * annual_wad // DAYS_PER_YEAR)


def prices_by_underlying(observations: Observations) -> dict[int, list[int]]:
    """Return the daily prices of each underlying, 1e-8 USD, in order of their days.

    Raises InputError for rows that do not ascend strictly, MarketDataError for a price of zero.
    """
    prices: dict[int, list[int]] = {}
    last = (-1, -1)
    for underlying, day, price_e8 in zip(
        observations.underlying.tolist(),
        observations.day.tolist(),
        observations.price_e8.tolist(),
        strict=True,
    ):
        if (underlying, day) <= last:
            raise InputError(
                f"OBSR: underlying {underlying}, day {day} follows underlying {last[0]}, "
                f"day {last[1]}: rows must ascend strictly"
            )
        if price_e8 == 0:
            raise MarketDataError(
                f"underlying {underlying}: price_e8 of day {day} is 0, check the price feed"
            )
        prices.setdefault(underlying, []).append(price_e8)
        last = underlying, day
    return prices


def _require_limits(parameters: ScanRule | ScanSigmas, limits: Mapping[str, Range]) -> None:
    values = ((f"{name}_wad", limit) for name, limit in limits.items())
    problems = [
        f"{name} {getattr(parameters, name)} is not an integer in {low}..{high}"
        for name, (low, high) in values
        if not low <= getattr(parameters, name) <= high
    ]
    if problems:
        raise InputError("; ".join(problems))
