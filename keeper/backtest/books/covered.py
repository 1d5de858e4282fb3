"""Options with a linear leg: covered, delta-hedged, and those that leave no risk but the marks'."""

from __future__ import annotations

from typing import Final

from keeper.backtest.books.archetype import (
    CALL,
    PUT,
    Archetype,
    Bench,
    NoSuchBook,
    by_term,
    different,
)
from keeper.backtest.books.outright import strangle


def _covered_call(bench: Bench) -> None:
    row = bench.at_delta(bench.expiry(), CALL, bench.chance.uniform(0.1, 0.5))
    bench.option(row, -bench.unit)
    bench.perpetual(bench.unit)


def _protective_put(bench: Bench) -> None:
    row = bench.at_delta(bench.expiry(), PUT, bench.chance.uniform(0.1, 0.5))
    bench.option(row, bench.unit)
    bench.perpetual(bench.unit)


def _collar(bench: Bench) -> None:
    expiry = bench.expiry()
    bench.option(bench.at_delta(expiry, CALL, bench.chance.uniform(0.1, 0.5)), -bench.unit)
    bench.option(bench.at_delta(expiry, PUT, bench.chance.uniform(0.1, 0.5)), bench.unit)
    bench.perpetual(bench.unit)


def _hedged_short_option(bench: Bench) -> None:
    is_call = bool(bench.chance.below(2))
    row = bench.at_delta(bench.expiry(), is_call, bench.chance.uniform(0.1, 0.5))
    bench.option(row, -bench.unit)
    bench.hedge()


def _hedged_risk_reversal(bench: Bench) -> None:
    expiry, side = bench.expiry(), bench.chance.sign()
    bench.option(bench.at_delta(expiry, CALL, bench.chance.uniform(0.1, 0.5)), side * bench.unit)
    bench.option(bench.at_delta(expiry, PUT, bench.chance.uniform(0.1, 0.5)), -side * bench.unit)
    bench.hedge()


def _conversion(bench: Bench) -> None:
    expiry, side = bench.expiry(), bench.chance.sign()
    call = bench.at_delta(expiry, CALL, 0.5)
    _synthetic(bench, call, side * bench.unit)
    bench.future(expiry, -side * bench.unit)


def _box(bench: Bench) -> None:
    expiry, side = bench.expiry(), bench.chance.sign()
    inner = bench.at_delta(expiry, CALL, 0.5)
    outer = bench.at_delta(expiry, CALL, bench.chance.uniform(0.15, 0.35))
    different(inner, outer)
    _synthetic(bench, inner, side * bench.unit)
    _synthetic(bench, outer, -side * bench.unit)


def _synthetic(bench: Bench, call: int, coins: float) -> None:
    """Buy the call and sell the put of its strike, which is a forward."""
    put = bench.at_strike(call, PUT)
    if bench.market.strike_e8[put] != bench.market.strike_e8[call]:
        raise NoSuchBook
    bench.option(call, coins)
    bench.option(put, -coins)


COVERED: Final[tuple[Archetype, ...]] = (
    by_term("covered call", "covered", _covered_call),
    by_term("protective put", "covered", _protective_put),
    by_term("collar", "covered", _collar),
    by_term("hedged short option", "hedged short gamma", _hedged_short_option),
    by_term("hedged short strangle", "hedged short gamma", strangle(-1, hedged=True)),
    by_term("hedged risk reversal", "hedged risk reversal", _hedged_risk_reversal, grouped=False),
    by_term("conversion", "conversion and box", _conversion, grouped=False),
    by_term("box", "conversion and box", _box, grouped=False),
)
