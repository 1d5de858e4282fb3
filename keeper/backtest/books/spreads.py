"""Options against options of the same expiry, and of several: spreads, condors, calendars."""

from __future__ import annotations

from typing import Final

from keeper.backtest.books.archetype import (
    CALL,
    PUT,
    Archetype,
    Bench,
    Build,
    by_term,
    different,
)

# Near and far term of each kind of calendar.
_TERMS: Final = {"sm": ("s", "m"), "ml": ("m", "l"), "sl": ("s", "l")}


def _vertical(near: float, far: float) -> Build:
    """Return what trades so many units of an option and of one further out."""

    def build(bench: Bench) -> None:
        is_call, expiry = bool(bench.chance.below(2)), bench.expiry()
        delta = bench.chance.uniform(0.1, 0.5)
        inner = bench.at_delta(expiry, is_call, delta)
        outer = bench.at_delta(expiry, is_call, delta * bench.chance.uniform(0.2, 0.75))
        different(inner, outer)
        bench.option(inner, near * bench.unit)
        bench.option(outer, far * bench.unit)

    return build


def _condor(bench: Bench) -> None:
    expiry, delta = bench.expiry(), bench.chance.uniform(0.2, 0.45)
    narrow = delta * bench.chance.uniform(0.25, 0.7)
    for is_call in (CALL, PUT):
        sold, bought = (bench.at_delta(expiry, is_call, d) for d in (delta, narrow))
        different(sold, bought)
        bench.option(sold, -bench.unit)
        bench.option(bought, bench.unit)


def _calendar(side: int, *, neutral: bool) -> Build:
    """Return what buys (1) or sells (-1) the near option against the far; `neutral` in vega and
    delta.
    """

    def build(bench: Bench) -> None:
        near_term, far_term = _TERMS[bench.bucket]
        is_call = bool(bench.chance.below(2))
        near = bench.at_delta(bench.expiry(near_term), is_call, bench.chance.uniform(0.3, 0.5))
        far = bench.at_strike(near, is_call, bench.expiry(far_term))
        vega = bench.market.vega
        ratio = float(vega[near]) / max(float(vega[far]), 1e-9) if neutral else 1.0
        bench.option(near, side * bench.unit)
        bench.option(far, -side * bench.unit * ratio)
        if neutral:
            bench.hedge()

    return build


def _by_terms(name: str, group: str, build: Build) -> Archetype:
    return Archetype(name, group, build, tuple(_TERMS), grouped=False)


SPREADS: Final[tuple[Archetype, ...]] = (
    by_term("credit spread", "spreads", _vertical(-1, 1)),
    by_term("debit spread", "spreads", _vertical(1, -1)),
    by_term("iron condor", "spreads", _condor),
    by_term("ratio 1x2", "ratio 1x2", _vertical(1, -2), grouped=False),
    _by_terms("calendar", "calendar short near", _calendar(-1, neutral=False)),
    _by_terms("neutral calendar", "calendar short near", _calendar(-1, neutral=True)),
    _by_terms("reverse calendar", "calendar long near", _calendar(1, neutral=False)),
    _by_terms("neutral reverse calendar", "calendar long near", _calendar(1, neutral=True)),
)
