"""What daily prices say of the scan range: breaches by `kappa`, and what years chose for the next.

    python -m scripts.measure_ranges FILE [--hourly FILE] [--json]

FILE has a close a day. Ranges are those of the ring that the contracts hold; a breach is a day on
which a long or short coin lost more than its range; a day before a gap is left out. `kappa` is
chosen as the largest that both tests of point 2 (docs/backtest.md) accept for all books on the days
before a year, and judged by that year. With an hourly file: moves within the length of a
liquidation, in scan ranges.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from keeper.backtest.coverage import accepted_breaches, independence, kupiec, transitions
from keeper.backtest.daily_prices import DAY, DailyPrices, daily_prices
from keeper.backtest.linear_coverage import BURN_DAYS, LEVEL, TAIL
from keeper.backtest.scan_path import scan_path
from keeper.cli.model_file import load_model
from keeper.errors import InputError, KeeperError
from keeper.margin.scenarios import Model
from keeper.sources.price_files import STEP_SECONDS, read_prices
from keeper.state.price_history import PriceHistory
from keeper.units import WAD, BoolArray, FloatArray, IntArray

KAPPAS: Final = tuple(round(2.0 + 0.1 * n, 1) for n in range(13))
LEAST_DAYS_BEFORE: Final = 500  # a year: with fewer, Kupiec's test refuses next to nothing
LEAST_DAYS: Final = BURN_DAYS + 3  # for two windows, the least that have a transition
HOUR: Final = STEP_SECONDS["timestamp_utc"]
HOURS: Final = (1, 2, 6)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the days before a year accept, the largest of it, and the year's breaches with that.

    Where they accept nothing, nothing is chosen and nothing judged.
    """

    year: int
    days_before: int
    accepted: tuple[float, ...]
    chosen: float | None
    days: int
    allowed: tuple[int, int]
    breaches: dict[str, int]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Breaches by kappa and book over all days, the choices, and the median range of each coin."""

    days: int
    allowed: tuple[int, int]
    breaches: dict[float, dict[str, int]]
    accepted: tuple[float, ...]
    choices: tuple[Choice, ...]
    medians: dict[str, float]
    hours: dict[str, dict[str, float]]


def measured(prices: DailyPrices, hourly: PriceHistory | None, model: Model) -> Ranges:
    """Return all of it; `hourly` holds a close an hour.

    Raises InputError for a coin that the model or `hourly` lacks, for too few days, and for prices
    that are not hourly or not of those days.
    """
    _require(prices, hourly, model)
    days = prices.time[_starts(prices)] // DAY
    breached = {kappa: _breaches(prices, model, kappa) for kappa in KAPPAS}
    everything = np.ones(len(days), dtype=np.bool_)
    years = sorted({datetime.fromtimestamp(day * DAY, UTC).year for day in days.tolist()})
    columns = prices.price_e8.T.tolist()
    return Ranges(
        days=len(days),
        allowed=_allowed(len(days)),
        breaches={kappa: _counts(books, everything) for kappa, books in breached.items()},
        accepted=tuple(k for k, books in breached.items() if _is_accepted(books, everything)),
        choices=tuple(
            _choice(breached, days, year)
            for year in years
            if (days < _first_day(year)).sum() >= LEAST_DAYS_BEFORE
        ),
        medians={
            symbol: float(np.median(_ranges(prices, model, symbol, column)[BURN_DAYS:]))
            for symbol, column in zip(prices.symbols, columns, strict=True)
        },
        hours={} if hourly is None else _hours(prices, hourly, model),
    )


def _require(prices: DailyPrices, hourly: PriceHistory | None, model: Model) -> None:
    if unknown := sorted(set(prices.symbols) - set(model.symbols().values())):
        raise InputError(f"the model has no {', '.join(unknown)}: leave the column out")
    if (count := len(_starts(prices)) + BURN_DAYS + 1) < LEAST_DAYS:
        raise InputError(f"daily closes: {count} days without a gap: give at least {LEAST_DAYS}")
    if hourly is None:
        return
    if hourly.step_seconds != HOUR:
        raise InputError(f"{hourly.source}: closes every {hourly.step_seconds} s: give hourly ones")
    if missing := sorted(set(prices.symbols) - set(hourly.symbols)):
        raise InputError(f"{hourly.source}: no {', '.join(missing)}: give the coins of the days")


def _starts(prices: DailyPrices) -> IntArray:
    """Return the positions of the days to judge: after the burn-in, with a price a day later."""
    return np.flatnonzero(np.diff(prices.time[BURN_DAYS:]) == DAY) + BURN_DAYS


def _choice(breached: Mapping[float, Mapping[str, BoolArray]], days: IntArray, year: int) -> Choice:
    first, last = _first_day(year), _first_day(year + 1)
    before, within = days < first, (days >= first) & (days < last)
    accepted = tuple(k for k, books in breached.items() if _is_accepted(books, before))
    chosen = max(accepted, default=None)
    return Choice(
        year=year,
        days_before=int(before.sum()),
        accepted=accepted,
        chosen=chosen,
        days=int(within.sum()),
        allowed=_allowed(int(within.sum())),
        breaches={} if chosen is None else _counts(breached[chosen], within),
    )


def _breaches(prices: DailyPrices, model: Model, kappa: float) -> dict[str, BoolArray]:
    """Return on which days each book lost more than its range."""
    other = replace(model, scan=replace(model.scan, kappa_wad=round(kappa * 10) * WAD // 10))
    found: dict[str, BoolArray] = {}
    starts = _starts(prices)
    for symbol, column in zip(prices.symbols, prices.price_e8.T.tolist(), strict=True):
        price = np.array(column, dtype=np.float64)
        ranges = _ranges(prices, other, symbol, column)[starts]
        moves = (price[starts + 1] / price[starts] - 1.0) / ranges
        found |= {f"long {symbol}": moves < -1.0, f"short {symbol}": moves > 1.0}
    return found


def _ranges(prices: DailyPrices, model: Model, symbol: str, column: Sequence[int]) -> FloatArray:
    risk = next(risk for risk in model.underlyings if risk.symbol == symbol)
    sigmas = model.scan_sigmas()[risk.underlying]
    days: list[int] = (prices.time // DAY).tolist()
    return np.array(scan_path(days, column, model.scan, sigmas)) / WAD


def _hours(prices: DailyPrices, hourly: PriceHistory, model: Model) -> dict[str, dict[str, float]]:
    """Return quantiles of the size of moves over hours, in the scan range of the day before."""
    found: dict[str, dict[str, float]] = {}
    times = hourly.known_at
    at = np.searchsorted(prices.time, times, side="right") - 1
    known = (at >= BURN_DAYS) & (times - prices.time[at] < DAY)
    for symbol, column in zip(prices.symbols, prices.price_e8.T.tolist(), strict=True):
        ranges = _ranges(prices, model, symbol, column)
        price = hourly.close_usd[:, hourly.symbols.index(symbol)]
        for hours in HOURS:
            whole = times[hours:] - times[:-hours] == hours * HOUR
            kept = known[:-hours] & whole
            if not kept.any():
                raise InputError(f"{hourly.source}: no {hours} h within the days of daily closes")
            moves = np.abs(price[hours:] / price[:-hours] - 1.0)[kept] / ranges[at[:-hours]][kept]
            found[f"{symbol} {hours} h"] = {
                "windows": len(moves),
                "p99": float(np.quantile(moves, 0.99)),
                "p999": float(np.quantile(moves, 0.999)),
                "most": float(moves.max()),
                "beyond": float((moves > 1.0).sum()),
            }
    return found


def _is_accepted(books: Mapping[str, BoolArray], days: BoolArray) -> bool:
    series: list[list[bool]] = [breached[days].tolist() for breached in books.values()]
    return not any(
        kupiec(sum(one), len(one), TAIL).rejects(LEVEL)
        or independence(transitions(one)).rejects(LEVEL)
        for one in series
    )


def _counts(books: Mapping[str, BoolArray], days: BoolArray) -> dict[str, int]:
    return {book: int(breached[days].sum()) for book, breached in books.items()}


def _allowed(days: int) -> tuple[int, int]:
    accepted = accepted_breaches(days, TAIL, LEVEL)
    return accepted[0], accepted[-1]


def _first_day(year: int) -> int:
    return int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) // DAY


def report(found: Ranges) -> str:
    """Return the figures as text."""
    books = list(found.breaches[KAPPAS[0]])
    lines = [f"{found.days} days, accepted {found.allowed[0]} to {found.allowed[1]} breaches"]
    lines.append("kappa  " + "  ".join(f"{book:>9}" for book in books))
    for kappa, counts in found.breaches.items():
        mark = "accepted" if kappa in found.accepted else ""
        lines.append(f"{kappa:5}  " + "  ".join(f"{counts[b]:9}" for b in books) + f"  {mark}")
    for choice in found.choices:
        before = f"{choice.year}: {choice.days_before} days before accept"
        if not choice.accepted:
            lines.append(f"{before} none")
            continue
        lines.append(
            f"{before} {choice.accepted[0]} to {choice.accepted[-1]}, chosen {choice.chosen}; "
            f"{choice.days} days, accepted {choice.allowed[0]} to {choice.allowed[1]}: "
            + ", ".join(f"{book} {choice.breaches[book]}" for book in books)
        )
    lines += [f"median range {symbol}: {value:.4f}" for symbol, value in found.medians.items()]
    lines += [
        f"moves of {name}, in ranges: p99 {row['p99']:.3f}, p99.9 {row['p999']:.3f}, most "
        f"{row['most']:.2f}; beyond one range {row['beyond']:.0f} of {row['windows']:.0f}"
        for name, row in found.hours.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the figures; what is wrong with the files goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("--hourly", type=Path, help="CSV of closes an hour")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        daily = daily_prices(_read(arguments.file))
        hourly = None if arguments.hourly is None else _read(arguments.hourly)
        found = measured(daily, hourly, load_model(None))
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(json.dumps(asdict(found)) if arguments.json else report(found))


def _read(file: Path) -> PriceHistory:
    read = read_prices(file)
    for finding in read.findings:
        print(finding.text(), file=sys.stderr)
    return read.history


if __name__ == "__main__":
    main()
