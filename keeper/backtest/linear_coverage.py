"""Point 2, first half: linear books held to the scan range, day by day, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from keeper.backtest.coverage import (
    Zone,
    accepted_breaches,
    at_least,
    conditional_coverage,
    independence,
    kupiec,
    traffic_light,
    transitions,
)
from keeper.backtest.daily_prices import DAY
from keeper.units import WAD

TAIL: Final = 0.01
LEVEL: Final = 0.05
BURN_DAYS: Final = 60  # days that only start the volatility
BASEL_DAYS: Final = 250


@dataclass(frozen=True, slots=True)
class LinearCoverage:
    """One book over non-overlapping days.

    `accepted_*` are the counts that Kupiec's test keeps; `worst_loss_over_margin` is 1 at a breach.
    `zone` judges the last 250 days. `initial_breaches` are days beyond `im_factor` ranges.
    """

    book: str
    days: int
    breaches: int
    accepted_least: int
    accepted_most: int
    kupiec_p: float
    christoffersen_p: float
    conditional_p: float
    at_least_p: float
    zone: Zone
    initial_breaches: int
    worst_loss_over_margin: float
    worst_day: int
    passed: bool


def linear_coverage(
    symbol: str,
    times: Sequence[int],
    prices_e8: Sequence[int],
    ranges_wad: Sequence[int],
    initial_factor: float,
) -> list[LinearCoverage]:
    """Return the coverage of the long and of the short book of one coin.

    The margin is the range at a price, the loss is to the next price a day later; days before a gap
    are left out. `ranges_wad` are what was known at each time.
    """
    starts = [
        index
        for index, (now, after) in enumerate(pairwise(times))
        if index >= BURN_DAYS and after - now == DAY
    ]
    moves = [
        (prices_e8[i + 1] - prices_e8[i]) * WAD / (prices_e8[i] * ranges_wad[i]) for i in starts
    ]
    days = [times[i] // DAY for i in starts]
    return [
        _judged(f"{side} {symbol}", days, [-sign * move for move in moves], initial_factor)
        for side, sign in (("long", 1), ("short", -1))
    ]


def _judged(
    book: str, days: Sequence[int], ratios: Sequence[float], initial_factor: float
) -> LinearCoverage:
    breached = [ratio > 1.0 for ratio in ratios]
    count, total = sum(breached), len(breached)
    number = kupiec(count, total, TAIL)
    apart = independence(transitions(breached))
    accepted = accepted_breaches(total, TAIL, LEVEL)
    worst = max(range(total), key=ratios.__getitem__)
    recent = breached[-BASEL_DAYS:]
    return LinearCoverage(
        book=book,
        days=total,
        breaches=count,
        accepted_least=accepted[0],
        accepted_most=accepted[-1],
        kupiec_p=number.p_value,
        christoffersen_p=apart.p_value,
        conditional_p=conditional_coverage(breached, TAIL).p_value,
        at_least_p=at_least(count, total, TAIL),
        zone=traffic_light(sum(recent), len(recent), TAIL),
        initial_breaches=sum(ratio > initial_factor for ratio in ratios),
        worst_loss_over_margin=ratios[worst],
        worst_day=days[worst],
        passed=not (number.rejects(LEVEL) or apart.rejects(LEVEL)),
    )
