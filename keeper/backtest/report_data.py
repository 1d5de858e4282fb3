"""One run in one object: what JSON, text and the HTML report are made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from keeper.backtest.book_results import Rules
from keeper.backtest.chain_run import ChainRun
from keeper.backtest.chains import Verdict, judge
from keeper.backtest.known_prices import DAY, KnownPrices
from keeper.backtest.pool import Pool, pooled
from keeper.backtest.procyclicality import Procyclicality, procyclicality
from keeper.backtest.scan_path import RangePath, scan_path
from keeper.margin.history import day_text
from keeper.margin.scenarios import Model, model_hash
from keeper.units import WAD


@dataclass(frozen=True, slots=True)
class Sample:
    """What the figures are of.

    `unvalued` counts by horizon the books that the chain at its end cannot value, for want of the
    mark of a leg or of a price for its expiry: they are in no statistic.
    """

    source: str
    model_hash: bytes
    seed: int
    chains: int
    first_time: int
    last_time: int
    days: float
    books: int
    windows: dict[str, int]
    unvalued: dict[str, int]
    sentinels: int
    smiles: dict[str, int]
    smiles_refused: int


@dataclass(frozen=True, slots=True)
class ChainsResult:
    """The verdict, the sample, and how margins moved with markets.

    `margin_rise` is that of the median maintenance margin over gross of all books, by day.
    """

    passed: bool
    sample: Sample
    verdict: Verdict
    procyclicality: dict[str, Procyclicality]
    margin_rise: Procyclicality
    findings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ChainsReport:
    """The result and the columns behind it, for plots."""

    result: ChainsResult
    pool: Pool
    ranges: tuple[RangePath, ...]
    margin_days: tuple[str, ...] = field(default=())
    margin_of_gross: tuple[float, ...] = field(default=())


def chains_report(
    source: str, run: ChainRun, rules: Rules, scale: float, findings: Sequence[str]
) -> ChainsReport:
    """Return the report of a run; `scale` multiplies every margin, for sabotage."""
    pool = pooled(run.results)
    verdict = judge(pool, rules.seed, scale)
    ranges = range_paths(run.known, rules.model, run.moments[0].time // DAY)
    days, levels = _margin_by_day(pool)
    origins: Counter[str] = Counter()
    for fitted in run.smiles:
        origins.update(fitted.origins)
    known = np.isfinite(pool.losses).sum(axis=1).tolist()
    sample = Sample(
        source=source,
        model_hash=model_hash(rules.model),
        seed=rules.seed,
        chains=len(run.results),
        first_time=int(pool.times[0]),
        last_time=int(pool.times[-1]),
        days=pool.days,
        books=len(pool.kind),
        windows={"6 h": known[0], "24 h": known[1]},
        unvalued={"6 h": pool.unvalued[0], "24 h": pool.unvalued[1]},
        sentinels=pool.sentinels,
        smiles=dict(sorted(origins.items())),
        smiles_refused=sum(fitted.refused for fitted in run.smiles),
    )
    result = ChainsResult(
        passed=verdict.passed,
        sample=sample,
        verdict=verdict,
        procyclicality={path.symbol: procyclicality(path.scan_range) for path in ranges},
        margin_rise=procyclicality(levels),
        findings=tuple(findings),
    )
    return ChainsReport(result, pool, ranges, tuple(days), tuple(levels))


def range_paths(known: KnownPrices, model: Model, first_day: int) -> tuple[RangePath, ...]:
    """Return the ranges from a day on (unix time // 86400)."""
    start = known.days.index(first_day)
    paths: list[RangePath] = []
    for risk in model.underlyings:
        prices = known.price_e8[risk.underlying]
        ranges = scan_path(known.days, prices, model.scan, model.scan_sigmas()[risk.underlying])
        paths.append(
            RangePath(
                symbol=risk.symbol,
                days=tuple(day_text(day) for day in known.days[start:]),
                price_usd=tuple(price / 1e8 for price in prices[start:]),
                scan_range=tuple(value / WAD for value in ranges[start:]),
            )
        )
    return tuple(paths)


def _margin_by_day(pool: Pool) -> tuple[list[str], list[float]]:
    """Return the days and the median share of gross that books were asked."""
    day = pool.times[pool.moment] // DAY
    share = pool.required / pool.gross
    days: list[int] = np.unique(day).tolist()
    return [day_text(one) for one in days], [float(np.median(share[day == one])) for one in days]
