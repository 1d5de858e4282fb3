"""Books of many options: market makers, volatility of one underlying against another, mixtures."""

from __future__ import annotations

from typing import Final

from keeper.backtest.books.archetype import (
    CALL,
    PUT,
    Archetype,
    Bench,
    NoSuchBook,
)

_MOST_OPTIONS: Final = 30  # with a perpetual for each of two underlyings, the most legs of a book
_TRADED: Final = (0.02, 0.98)  # deltas
_TERM: Final = (0.15, 400.0)  # days


def _market_maker(bench: Bench) -> None:
    _quotes(bench, [bench.underlying])
    bench.hedge()


def _market_maker_across(bench: Bench) -> None:
    _quotes(bench, bench.market.underlyings)
    bench.hedge()


def _quotes(bench: Bench, underlyings: list[int]) -> None:
    """Hold 20 to 30 options, as many of each underlying, small amounts either way."""
    count = 20 + bench.chance.below(_MOST_OPTIONS - 19)
    for underlying in underlyings:
        rows = bench.market.between([underlying], _TRADED, _TERM)
        for row in bench.chance.some(rows, count // len(underlyings)):
            size = bench.chance.uniform(-1.0, 1.0) / count**0.5 * 3.0
            bench.option(row, bench.unit_of(underlying) * size)


def _short_gamma_maker(bench: Bench) -> None:
    """Sell near options, buy as much vega far out, and hedge the delta."""
    near = bench.market.between([bench.underlying], (0.08, 0.6), (0.3, 12.0))
    far = bench.market.between([bench.underlying], (0.1, 0.6), (20.0, 400.0))
    if len(near) < 12 or len(far) < 12:
        raise NoSuchBook
    vega = bench.market.vega
    sold, bought = 0.0, 0.0
    for row in bench.chance.some(near, 12):
        size = bench.chance.uniform(0.1, 0.4)
        sold += size * float(vega[row])
        bench.option(row, -size * bench.unit)
    sizes = {row: bench.chance.uniform(0.1, 0.4) for row in bench.chance.some(far, 12)}
    bought = sum(size * float(vega[row]) for row, size in sizes.items())
    for row, size in sizes.items():
        bench.option(row, size * bench.unit * sold / bought)
    bench.hedge()


def _straddle_against_straddle(bench: Bench) -> None:
    """Buy a straddle of one underlying and sell as much vol of another's, both delta-hedged."""
    side, expiry = bench.chance.sign(), bench.expiry()
    others = [number for number in bench.market.underlyings if number != bench.underlying]
    if not others:
        raise NoSuchBook
    other = bench.chance.one(others)
    terms = bench.market.terms(other, bench.bucket)
    other_expiry = expiry if expiry in terms else bench.expiry(underlying=other)
    own = bench.at_delta(expiry, CALL, 0.5)
    against = bench.at_delta(other_expiry, CALL, 0.5, other)
    iv, vega = bench.market.iv, bench.market.vega
    if not vega[against] > 0.0:  # where the expiry has only strikes far away
        raise NoSuchBook
    ratio = float(iv[own] * vega[own]) / float(iv[against] * vega[against])
    for row, coins in ((own, bench.unit), (against, -bench.unit * ratio)):
        bench.option(row, side * coins)
        bench.option(bench.at_strike(row, PUT), side * coins)
    bench.hedge()


def _mixture(bench: Bench) -> None:
    """Hold 3 to 19 options of any underlying, and half of the time perpetuals as well."""
    count = 3 + bench.chance.below(17)
    rows = bench.market.between(bench.market.underlyings, (0.0, 1.0), _TERM)
    for row in bench.chance.some(rows, count):
        size = bench.chance.uniform(-1.0, 1.0) / count**0.5 * 2.5
        bench.option(row, bench.unit_of(int(bench.market.underlying[row])) * size)
    if bench.chance.below(2):
        for underlying in bench.market.underlyings:
            bench.perpetual(bench.unit_of(underlying) * bench.chance.uniform(-0.5, 0.5), underlying)


MANY_LEGS: Final[tuple[Archetype, ...]] = (
    Archetype("market maker", "market maker", _market_maker),
    Archetype("market maker across", "market maker", _market_maker_across, across=True),
    Archetype("short gamma maker", "short gamma maker", _short_gamma_maker),
    Archetype("mixture", "mixture", _mixture, across=True),
    Archetype(
        "straddle against straddle",
        "volatility across",
        _straddle_against_straddle,
        ("s", "m", "l"),
        grouped=False,
        across=True,
    ),
)
