"""Options bought or sold without a cover: single ones, wings, strangles."""

from __future__ import annotations

from typing import Final

from keeper.backtest.books.archetype import CALL, PUT, Archetype, Bench, Build, by_term


def _single(is_call: bool, side: int) -> Build:
    def build(bench: Bench) -> None:
        row = bench.at_delta(bench.expiry(), is_call, bench.chance.uniform(0.03, 0.6))
        bench.option(row, side * bench.unit)

    return build


def strangle(side: int, *, hedged: bool) -> Build:
    """Return what buys or sells a call and a put of one delta, delta-hedged or not."""

    def build(bench: Bench) -> None:
        expiry, delta = bench.expiry(), bench.chance.uniform(0.1, 0.5)
        for is_call in (CALL, PUT):
            bench.option(bench.at_delta(expiry, is_call, delta), side * bench.unit)
        if hedged:
            bench.hedge()

    return build


def _wing(bench: Bench) -> None:
    is_call = bool(bench.chance.below(2))
    row = bench.at_delta(bench.expiry(), is_call, bench.chance.uniform(0.005, 0.03))
    bench.option(row, -bench.unit)


OUTRIGHT: Final[tuple[Archetype, ...]] = (
    by_term("short call", "naked short", _single(CALL, -1)),
    by_term("short put", "naked short", _single(PUT, -1)),
    by_term("short strangle", "naked short", strangle(-1, hedged=False)),
    by_term("short wing", "short wing", _wing),
    by_term("long call", "long option", _single(CALL, 1)),
    by_term("long put", "long option", _single(PUT, 1)),
    by_term("long strangle", "long gamma", strangle(1, hedged=False)),
    by_term("hedged long strangle", "long gamma", strangle(1, hedged=True)),
)
