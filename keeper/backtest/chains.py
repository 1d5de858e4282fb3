"""The verdict over chains: points 3 to 5 of docs/backtest.md decide, everything else is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.books.all_archetypes import GROUPS, TYPES
from keeper.backtest.efficiency import (
    LEAST_C99,
    Efficiency,
    GroupCapital,
    efficiency,
    group_capital,
)
from keeper.backtest.pool import Pool
from keeper.backtest.sufficiency import TARGET_SHORT, Outcomes, Sufficiency, sufficiency
from keeper.backtest.walk_forward import Month, months
from keeper.units import FloatArray

SABOTAGE: Final = (0.5, 0.8, 2.0)
_SHORT, _LONG = 0, 1  # rows of losses
_NAMES: Final = tuple(kind.name for kind in TYPES)


@dataclass(frozen=True, slots=True)
class OtherMargin:
    """Another margin on the same books: which groups fail by points 3 and 4."""

    name: str
    failing: tuple[str, ...]
    amber: tuple[str, ...]
    groups: tuple[Sufficiency, ...]


@dataclass(frozen=True, slots=True)
class Sabotage:
    """Margins made wrong on purpose, and how many groups show it: by the bootstrap bound, by
    episodes, by a c99 that was in order and is no more.
    """

    scale: float
    rate: int
    episodes: int
    inefficient: int
    needed: int
    met: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """Points 3, 4 and 5 and what they are of; `scale` is what margins were multiplied by.

    `unjudged` are the groups without a window over 24 h, `unjudged_short` those over 6 h: none is
    excused, so with any of them the points that ask for its windows are not met.
    """

    scale: float
    point_3: bool
    point_4: bool
    point_5: bool
    passed: bool
    failing: tuple[str, ...]
    failing_short: tuple[str, ...]
    unjudged: tuple[str, ...]
    unjudged_short: tuple[str, ...]
    amber: tuple[str, ...]
    amber_types: tuple[str, ...]
    groups: tuple[Sufficiency, ...]
    groups_short: tuple[Sufficiency, ...]
    types: tuple[Sufficiency, ...]
    efficiency: Efficiency
    capital: tuple[GroupCapital, ...]
    others: tuple[OtherMargin, ...]
    sabotage: tuple[Sabotage, ...]
    months: tuple[Month, ...]


def judge(pool: Pool, seed: int, scale: float) -> Verdict:
    """Return the verdict on the margins of `pool` times `scale`."""
    long = _groups(pool, _LONG, pool.required * scale, seed)
    short = _groups(pool, _SHORT, pool.required * scale, seed)
    types = sufficiency(_outcomes(pool, _LONG, pool.required * scale, by_type=True), _NAMES, seed)
    others = tuple(
        _other(pool, name, margin, seed)
        for name, margin in (("naive", pool.naive), ("pmrm2", pool.pmrm2))
    )
    failing, failing_short = _failing(long), _failing_short(short)
    unjudged, unjudged_short = _unjudged(long), _unjudged(short)
    capital = group_capital(pool)
    efficient = efficiency(
        pool,
        scale,
        long,
        capital,
        len({*failing, *failing_short}),
        len(others[-1].failing),
    )
    sufficient, sufficient_short = not (failing or unjudged), not (failing_short or unjudged_short)
    point_5 = efficient.passed and not unjudged
    return Verdict(
        scale=scale,
        point_3=sufficient,
        point_4=sufficient_short,
        point_5=point_5,
        passed=sufficient and sufficient_short and point_5,
        failing=failing,
        failing_short=failing_short,
        unjudged=unjudged,
        unjudged_short=unjudged_short,
        amber=tuple(group.name for group in long if group.amber),
        amber_types=tuple(kind.name for kind in types if kind.amber),
        groups=tuple(long),
        groups_short=tuple(short),
        types=tuple(types),
        efficiency=efficient,
        capital=tuple(capital),
        others=others,
        sabotage=tuple(_sabotage(pool, long, scale, wrong, seed) for wrong in SABOTAGE),
        months=tuple(months(_outcomes(pool, _LONG, pool.required * scale), GROUPS)),
    )


def _outcomes(pool: Pool, horizon: int, margin: FloatArray, *, by_type: bool = False) -> Outcomes:
    key = pool.kind if by_type else pool.group
    return Outcomes(pool.times, pool.moment, key, pool.losses[horizon], margin)


def _groups(pool: Pool, horizon: int, margin: FloatArray, seed: int) -> list[Sufficiency]:
    return sufficiency(_outcomes(pool, horizon, margin), GROUPS, seed)


def _failing(groups: Sequence[Sufficiency]) -> tuple[str, ...]:
    return tuple(group.name for group in groups if not group.passed)


def _failing_short(groups: Sequence[Sufficiency]) -> tuple[str, ...]:
    return tuple(group.name for group in groups if group.rate > TARGET_SHORT)


def _unjudged(groups: Sequence[Sufficiency]) -> tuple[str, ...]:
    judged = {group.name for group in groups}
    return tuple(name for name in GROUPS if name not in judged)


def _other(pool: Pool, name: str, margin: FloatArray, seed: int) -> OtherMargin:
    long, short = (_groups(pool, horizon, margin, seed) for horizon in (_LONG, _SHORT))
    failing = {*_failing(long), *_failing_short(short)}
    return OtherMargin(
        name=name,
        failing=tuple(group for group in GROUPS if group in failing),
        amber=tuple(group.name for group in long if group.amber),
        groups=tuple(long),
    )


def _sabotage(
    pool: Pool, right: Sequence[Sufficiency], scale: float, wrong: float, seed: int
) -> Sabotage:
    """Return what margins scaled once more do; the counts needed are those of docs/backtest.md."""
    groups = _groups(pool, _LONG, pool.required * (scale * wrong), seed)
    before = {group.name for group in right if group.c99 >= LEAST_C99.get(group.name, np.inf)}
    lost = sum(group.name in before and group.c99 < LEAST_C99[group.name] for group in groups)
    rate = sum("rate" in group.failures for group in groups)
    needed = {0.5: 8, 0.8: 3}.get(wrong, max((len(before) + 1) // 2, 1))
    return Sabotage(
        scale=wrong,
        rate=rate,
        episodes=sum("episodes" in group.failures for group in groups),
        inefficient=lost,
        needed=needed,
        met=(rate if wrong < 1.0 else lost) >= needed,
    )
