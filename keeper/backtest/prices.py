"""`keeper backtest prices`: linear books over a price history, and naked ones against its worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from keeper.backtest.daily_prices import DAY, DailyPrices, longest_run
from keeper.backtest.linear_coverage import BURN_DAYS, LinearCoverage, linear_coverage
from keeper.backtest.naked_books import NakedCover, naked_cover
from keeper.backtest.procyclicality import Procyclicality, procyclicality
from keeper.backtest.scan_path import RangePath, scan_path
from keeper.backtest.shortfall_coverage import ShortfallCoverage, shortfall_coverage
from keeper.errors import InputError
from keeper.margin.history import day_text
from keeper.margin.scenarios import Model, model_hash
from keeper.units import BPS, WAD


@dataclass(frozen=True, slots=True)
class PricesResult:
    """What a price history says of the margins; `passed` is points 2 and 6 of docs/backtest.md, of
    the coins that it has. `unjudged` are the model's others.
    """

    source: str
    model_hash: bytes
    first_day: str
    last_day: str
    linear: tuple[LinearCoverage, ...]
    shortfall: tuple[ShortfallCoverage, ...]
    naked: NakedCover
    procyclicality: dict[str, Procyclicality]
    missing_days: int
    unjudged: tuple[str, ...]
    point_2: bool
    point_6: bool
    passed: bool
    findings: tuple[str, ...]


def backtest_prices(
    source: str, prices: DailyPrices, model: Model, findings: Sequence[str] = ()
) -> tuple[PricesResult, tuple[RangePath, ...]]:
    """Return the verdict over daily prices, and the ranges it is of; `findings` are those of the
    file, for whoever reads the result.

    Shortfall and naked books take the longest run of days without a gap.

    Raises InputError for a coin that the model lacks, or too few days.
    """
    risks = {risk.symbol: risk for risk in model.underlyings}
    if unknown := sorted(set(prices.symbols) - risks.keys()):
        raise InputError(f"{source}: the model has no {', '.join(unknown)}: leave the column out")
    if len(prices) < BURN_DAYS + 2:
        raise InputError(f"{source}: {len(prices)} days: give at least {BURN_DAYS + 2}")
    days: list[int] = (prices.time // DAY).tolist()
    times: list[int] = prices.time.tolist()
    linear: list[LinearCoverage] = []
    paths: list[RangePath] = []
    sigmas, factor = model.scan_sigmas(), model.factors.initial_bps / BPS
    for symbol, column in zip(prices.symbols, prices.price_e8.T.tolist(), strict=True):
        ranges = scan_path(days, column, model.scan, sigmas[risks[symbol].underlying])
        linear += linear_coverage(symbol, times, column, ranges, factor)
        paths.append(_path(symbol, days, column, ranges))
    unbroken = longest_run(prices)
    shortfall, naked = shortfall_coverage(unbroken, model), naked_cover(unbroken, model)
    sound = all(book.passed for book in linear) and all(book.passed for book in shortfall)
    result = PricesResult(
        source=source,
        model_hash=model_hash(model),
        first_day=day_text(days[0]),
        last_day=day_text(days[-1]),
        linear=tuple(linear),
        shortfall=tuple(shortfall),
        naked=naked,
        procyclicality={path.symbol: procyclicality(path.scan_range) for path in paths},
        unjudged=tuple(symbol for symbol in risks if symbol not in prices.symbols),
        missing_days=days[-1] - days[0] + 1 - len(days),
        point_2=sound,
        point_6=naked.passed,
        passed=sound and naked.passed,
        findings=tuple(findings),
    )
    return result, tuple(paths)


def _path(symbol: str, days: list[int], prices_e8: list[int], ranges_wad: list[int]) -> RangePath:
    kept = slice(BURN_DAYS, None)
    return RangePath(
        symbol=symbol,
        days=tuple(day_text(day) for day in days[kept]),
        price_usd=tuple(price / 1e8 for price in prices_e8[kept]),
        scan_range=tuple(value / WAD for value in ranges_wad[kept]),
    )
