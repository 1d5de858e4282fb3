"""Whether margins were no larger than they need be: point 5 of docs/backtest.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.books.all_archetypes import GROUPS
from keeper.backtest.pool import Pool
from keeper.backtest.sufficiency import Sufficiency
from keeper.units import FloatArray

_TERMS: Final = ("s", "m", "l")
# The least 99 % quantile of loss over margin; 0.5 is twice what the sample needed.
LEAST_C99: Final = {
    "linear": 0.5,
    **{f"spreads {term}": 0.5 for term in _TERMS},
    **{f"covered {term}": 0.5 for term in _TERMS},
    "calendar short near": 0.5,
    "calendar long near": 0.5,
    "long option m": 0.5,
    **{f"naked short {term}": 0.35 for term in _TERMS},
    "hedged short gamma s": 0.35,
    "hedged short gamma m": 0.35,
}
EXEMPT: Final = "short wings: their margin insures against moves that no sample of months holds"
# Groups whose median discount against standard margin must reach this; of the others no claim.
LEAST_DISCOUNT: Final = 0.40
DISCOUNTED: Final = (
    *(f"spreads {term}" for term in _TERMS),
    *(f"covered {term}" for term in _TERMS),
    "calendar short near",
    "calendar long near",
    *(f"hedged short gamma {term}" for term in _TERMS),
    "hedged risk reversal",
    "market maker",
    "short gamma maker",
    "linear across",
    "volatility across",
)
MOST_OF_PMRM2: Final = 0.75


@dataclass(frozen=True, slots=True)
class GroupCapital:
    """What a group was asked, medians as shares of gross notional, and its discount `1 - MM / SM`:
    10 %, median, 90 %. `standard_binds` is the share of books whose MM exceeds SM, `beyond_initial`
    that of long windows that lost more than the initial margin, `beyond_quoted` that of those whose
    loss from the exchange's marks at both ends is beyond what was required.
    """

    name: str
    maintenance: float
    naive: float
    pmrm2: float
    standard: float
    discount_p10: float
    discount_p50: float
    discount_p90: float
    standard_binds: float
    beyond_initial: float
    beyond_quoted: float


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The verdict of point 5, with what fails it."""

    c99_below: tuple[str, ...]
    discount_below: tuple[str, ...]
    of_pmrm2: float
    failing: int
    failing_pmrm2: int
    exempt: str
    passed: bool


def group_capital(pool: Pool) -> list[GroupCapital]:
    """Return what each group that has books was asked."""
    found: list[GroupCapital] = []
    for index, name in enumerate(GROUPS):
        own = pool.group == index
        if not own.any():
            continue
        gross, standard = pool.gross[own], np.maximum(pool.standard[own], 1e-9)
        low, middle, high = np.quantile(1.0 - pool.required[own] / standard, [0.1, 0.5, 0.9])
        found.append(
            GroupCapital(
                name=name,
                maintenance=_median(pool.required[own] / gross),
                naive=_median(pool.naive[own] / gross),
                pmrm2=_median(pool.pmrm2[own] / gross),
                standard=_median(standard / gross),
                discount_p10=float(low),
                discount_p50=float(middle),
                discount_p90=float(high),
                standard_binds=float((pool.maintenance[own] > pool.standard[own]).mean()),
                beyond_initial=_share(pool.losses[-1, own], pool.initial[own]),
                beyond_quoted=_share(pool.quoted_losses[-1, own], pool.required[own]),
            )
        )
    return found


def efficiency(
    pool: Pool,
    scale: float,
    groups: Sequence[Sufficiency],
    capital: Sequence[GroupCapital],
    failing: int,
    failing_pmrm2: int,
) -> Efficiency:
    """Return the verdict; `groups` are over the long horizon, with margins times `scale`."""
    c99 = {group.name: group.c99 for group in groups}
    below = tuple(name for name, least in LEAST_C99.items() if c99.get(name, least) < least)
    poor = tuple(
        group.name
        for group in capital
        if group.name in DISCOUNTED and 1.0 - scale * (1.0 - group.discount_p50) < LEAST_DISCOUNT
    )
    share = float(scale * pool.required.sum() / pool.pmrm2.sum())
    sound = not below and not poor and share <= MOST_OF_PMRM2 and failing <= failing_pmrm2
    return Efficiency(below, poor, share, failing, failing_pmrm2, EXEMPT, sound)


def _share(losses: FloatArray, margin: FloatArray) -> float:
    known = np.isfinite(losses)
    return float((losses[known] > margin[known]).mean()) if known.any() else 0.0


def _median(values: FloatArray) -> float:
    return float(np.median(values))
