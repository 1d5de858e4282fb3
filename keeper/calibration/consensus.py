"""One price from several sources: the median of those that agree, or an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError, MarketDataError
from keeper.units import YEAR_SECONDS

_NORMAL: Final = 1.4826
"""Median absolute deviations in a standard deviation of the normal distribution."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one source says: a price, and when it was made, Unix seconds."""

    source: str
    price_usd: float
    time: int


@dataclass(frozen=True, slots=True)
class Rules:
    """When readings count. `least` fresh ones have to agree; a reading older than
    `oldest_seconds` or ahead of now by more than `ahead_seconds` is not fresh.

    One farther from the median than `outlier` deviations (of the median absolute deviation, at
    least `noise` of the price, since venues never agree to the last digit) is an outlier.
    `vol` a year is what price may have moved by since a reading.
    """

    least: int = 3
    oldest_seconds: int = 60
    ahead_seconds: int = 5
    outlier: float = 4.0
    noise: float = 0.0005
    vol: float = 0.8


@dataclass(frozen=True, slots=True)
class Rejected:
    """A reading that does not count, and why."""

    reading: Reading
    reason: str


@dataclass(frozen=True, slots=True)
class Consensus:
    """The median price; `confidence` is its half-width as a share; who counted and who did not."""

    price_usd: float
    confidence: float
    time: int
    used: tuple[Reading, ...]
    rejected: tuple[Rejected, ...]


def consensus(readings: Sequence[Reading], now: int, rules: Rules) -> Consensus:
    """Return the median of the fresh readings without outliers.

    Confidence joins the dispersion of those used, as a standard error of the median, and what
    price may have moved since the middle one of them, as `vol` times the root of its age. `time` is
    that of the oldest used. Raises MarketDataError, with every reading's fate, where fewer than
    `least` remain: two of two that differ say nothing about which is right. InputError where a
    source speaks twice.
    """
    names = [reading.source for reading in readings]
    if len(set(names)) < len(names):
        raise InputError(f"sources {names}: each speaks once; a voice counted twice is no median")
    rejected = [
        Rejected(reading, why) for reading in readings if (why := _stale(reading, now, rules))
    ]
    stale = {item.reading.source for item in rejected}
    fresh = [reading for reading in readings if reading.source not in stale]
    if len(fresh) >= rules.least:
        fresh, outliers = _without_outliers(fresh, rules)
        rejected += outliers
    if len(fresh) < rules.least:
        fates = "; ".join(f"{item.reading.source} {item.reason}" for item in rejected) or "none"
        raise MarketDataError(
            f"{len(fresh)} of {rules.least} needed sources are fresh and agree; rejected: {fates}"
        )
    prices = np.array([reading.price_usd for reading in fresh])
    middle = float(np.median(prices))
    # Of the median of n normal readings: sqrt(pi / 2 / n) standard deviations.
    # Where most say the same to the digit, the median deviation is 0 and the others still differ.
    spread = max(_deviation(prices, middle), float(np.std(prices)))
    error = spread * float(np.sqrt(np.pi / 2.0 / len(prices))) / middle
    age = max(float(np.median([now - reading.time for reading in fresh])), 0.0)
    moved = rules.vol * (age / YEAR_SECONDS) ** 0.5
    return Consensus(
        price_usd=middle,
        confidence=(error * error + moved * moved) ** 0.5,
        time=min(reading.time for reading in fresh),
        used=tuple(fresh),
        rejected=tuple(rejected),
    )


def _stale(reading: Reading, now: int, rules: Rules) -> str:
    """Return why a reading does not count by itself, or nothing."""
    if not 0 < reading.price_usd < np.inf:
        return f"price {reading.price_usd} is not positive"
    if reading.time > now + rules.ahead_seconds:
        return f"is {reading.time - now} s ahead of the clock"
    if now - reading.time > rules.oldest_seconds:
        return f"is {now - reading.time} s old, at most {rules.oldest_seconds} count"
    return ""


def _without_outliers(
    readings: list[Reading], rules: Rules
) -> tuple[list[Reading], list[Rejected]]:
    prices = np.array([reading.price_usd for reading in readings])
    middle = float(np.median(prices))
    scale = max(_deviation(prices, middle), rules.noise * middle)
    kept: list[Reading] = []
    outliers: list[Rejected] = []
    for reading in readings:
        apart = abs(reading.price_usd - middle) / scale
        if apart > rules.outlier:
            reason = f"lies {apart:.1f} deviations from the median {middle:.2f}"
            outliers.append(Rejected(reading, reason))
        else:
            kept.append(reading)
    return kept, outliers


def _deviation(prices: np.ndarray, middle: float) -> float:
    return _NORMAL * float(np.median(np.abs(prices - middle)))
