"""Whether a margin is exceeded as often as it says: tests of a series of independent breaches.

They suppose windows that do not overlap. On overlapping ones they refuse a perfect model half of
the time (docs/backtest.md), and `resampling` and `episodes` serve instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from math import log
from typing import Final

from scipy.special import bdtr, bdtrc, bdtri, chdtrc

from keeper.errors import InputError

YELLOW: Final = 0.95
RED: Final = 0.9999


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """A likelihood-ratio statistic and the chance of one as large under the hypothesis."""

    statistic: float
    p_value: float

    def rejects(self, level: float) -> bool:
        """Return whether the hypothesis falls at a level such as 0.05."""
        return self.p_value < level


@dataclass(frozen=True, slots=True)
class Transitions:
    """How often a day of each kind followed one of each kind; `quiet_breach` is a breach after a
    day without.
    """

    quiet_quiet: int
    quiet_breach: int
    breach_quiet: int
    breach_breach: int


class Zone(Enum):
    """The zones of the traffic light."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


def kupiec(breaches: int, days: int, probability: float) -> LikelihoodRatio:
    """Test the number of breaches: proportion of failures, chi-square with one degree of freedom.

    Kupiec (1995), with 0 ln 0 = 0. Raises InputError for counts or a probability that cannot be.
    """
    _require(breaches, days, probability)
    expected = _log_likelihood(breaches, days, probability)
    found = _log_likelihood(breaches, days, breaches / days)
    return _ratio(found, expected, 1)


def accepted_breaches(days: int, probability: float, level: float) -> range:
    """Return the counts of breaches that Kupiec's test does not refuse at `level`."""
    fitting = [n for n in range(days + 1) if not kupiec(n, days, probability).rejects(level)]
    return range(fitting[0], fitting[-1] + 1)


def transitions(breached: Sequence[bool]) -> Transitions:
    """Count what follows what in a series of days, of which there are at least two.

    Raises InputError for fewer.
    """
    if len(breached) < 2:
        raise InputError(f"{len(breached)} days have no transition: give at least 2")
    pairs = [(bool(a), bool(b)) for a, b in pairwise(breached)]
    return Transitions(
        quiet_quiet=pairs.count((False, False)),
        quiet_breach=pairs.count((False, True)),
        breach_quiet=pairs.count((True, False)),
        breach_breach=pairs.count((True, True)),
    )


def independence(found: Transitions) -> LikelihoodRatio:
    """Test whether a breach makes the next day's more likely: Christoffersen (1998), section 3.2.

    One degree of freedom; without a breach before the last day nothing speaks against it.
    """
    after_quiet = found.quiet_quiet + found.quiet_breach
    after_breach = found.breach_quiet + found.breach_breach
    breaches = found.quiet_breach + found.breach_breach
    days = after_quiet + after_breach
    together = _log_likelihood(breaches, days, breaches / days)
    apart = _log_likelihood(
        found.quiet_breach, after_quiet, found.quiet_breach / max(after_quiet, 1)
    ) + _log_likelihood(
        found.breach_breach, after_breach, found.breach_breach / max(after_breach, 1)
    )
    return _ratio(apart, together, 1)


def conditional_coverage(breached: Sequence[bool], probability: float) -> LikelihoodRatio:
    """Test number and independence at once: the sum of both statistics, two degrees of freedom.

    The count is over all days, independence over the transitions between them.
    """
    count = kupiec(sum(map(bool, breached)), len(breached), probability)
    statistic = count.statistic + independence(transitions(breached)).statistic
    return LikelihoodRatio(statistic, float(chdtrc(2, statistic)))


def traffic_light(breaches: int, days: int, probability: float) -> Zone:
    """Return the zone by the chance of at most so many breaches: yellow from 95 %, red 99.99 %.

    Basel Committee (1996), Supervisory framework for the use of backtesting.
    """
    chance = at_most(breaches, days, probability)
    if chance >= RED:
        return Zone.RED
    return Zone.YELLOW if chance >= YELLOW else Zone.GREEN


def at_most(breaches: int, days: int, probability: float) -> float:
    """Return the chance of at most so many breaches under the hypothesis."""
    _require(breaches, days, probability)
    return float(bdtr(breaches, days, probability))


def at_least(breaches: int, days: int, probability: float) -> float:
    """Return the chance of at least so many breaches under the hypothesis."""
    _require(breaches, days, probability)
    return 1.0 if breaches == 0 else float(bdtrc(breaches - 1, days, probability))


def rate_limits(breaches: int, days: int, level: float) -> tuple[float, float]:
    """Return the exact two-sided interval of the rate at confidence `1 - level`.

    Clopper and Pearson (1934).
    """
    _require(breaches, days, level)
    lowest = 0.0 if breaches == 0 else float(bdtri(breaches - 1, days, 1.0 - level / 2.0))
    highest = 1.0 if breaches == days else float(bdtri(breaches, days, level / 2.0))
    return lowest, highest


def _require(breaches: int, days: int, probability: float) -> None:
    if not 0 <= breaches <= days or days == 0:
        raise InputError(f"{breaches} breaches in {days} days cannot be: give 0 to all of them")
    if not 0.0 < probability < 1.0:
        raise InputError(f"probability {probability!r}: give a number between 0 and 1")


def _log_likelihood(breaches: int, days: int, rate: float) -> float:
    hit = breaches * log(rate) if breaches else 0.0
    return hit + ((days - breaches) * log(1.0 - rate) if breaches < days else 0.0)


def _ratio(free: float, bound: float, freedom: int) -> LikelihoodRatio:
    # The free model cannot fit worse; what rounding makes of that is no statistic.
    statistic = max(2.0 * (free - bound), 0.0)
    return LikelihoodRatio(statistic, float(chdtrc(freedom, statistic)))
