"""Books without an option: perpetuals and futures, and one underlying against another."""

from __future__ import annotations

from typing import Final

from keeper.backtest.books.archetype import Archetype, Bench, Build, NoSuchBook


def _one_way(side: int) -> Build:
    def build(bench: Bench) -> None:
        bench.perpetual(side * bench.unit)

    return build


def _all_one_way(bench: Bench) -> None:
    side = bench.chance.sign()
    bench.perpetual(side * bench.unit)
    for other in _others(bench):
        bench.perpetual(side * bench.unit_of(other) * bench.chance.uniform(0.3, 1.5), other)


def _against(bench: Bench) -> None:
    side = bench.chance.sign()
    bench.perpetual(side * bench.unit)
    other = bench.chance.one(_others(bench))
    bench.perpetual(-side * bench.unit_of(other), other)


def _futures_calendar(bench: Bench) -> None:
    terms = sorted(bench.chance.some(bench.market.expiries[bench.underlying], 2))
    if len(terms) < 2:
        raise NoSuchBook
    near, far = terms
    side = bench.chance.sign()
    bench.future(near, side * bench.unit)
    bench.future(far, -side * bench.unit)


def _basis(bench: Bench) -> None:
    expiry, side = bench.chance.one(bench.market.expiries[bench.underlying]), bench.chance.sign()
    bench.future(expiry, side * bench.unit)
    bench.perpetual(-side * bench.unit)


def _others(bench: Bench) -> list[int]:
    others = [number for number in bench.market.underlyings if number != bench.underlying]
    if not others:
        raise NoSuchBook
    return others


LINEAR: Final[tuple[Archetype, ...]] = (
    Archetype("long perpetual", "linear", _one_way(1)),
    Archetype("short perpetual", "linear", _one_way(-1)),
    Archetype("all one way", "linear", _all_one_way, across=True),
    Archetype("one against another", "linear across", _against, across=True),
    Archetype("futures calendar", "futures basis", _futures_calendar),
    Archetype("future against perpetual", "futures basis", _basis),
)
