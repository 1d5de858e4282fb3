"""What each constant of the scan range does: the ranges of a price history by other rules.

    python -m scripts.measure_scan_rule FILE

FILE has a close a day. Each line is the shipped rule with one thing changed; ranges are from the
61st day on. A ring of `n` days holds the last n; the shipped one holds 125 to 128.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from keeper.backtest.daily_prices import DAY, DailyPrices, daily_prices
from keeper.backtest.linear_coverage import BURN_DAYS
from keeper.backtest.scan_path import scan_path
from keeper.cli.model_file import load_model
from keeper.errors import InputError, KeeperError
from keeper.margin.scenarios import Model
from keeper.margin.volatility import ScanRule, ScanSigmas, range_path, scan_range
from keeper.sources.price_files import read_prices
from keeper.units import WAD, FloatArray

Ranges: TypeAlias = Callable[[Sequence[int], Sequence[int], ScanRule, ScanSigmas], list[int]]
"""Days and prices in 1e-8 USD, a rule and its sigmas, to the range at each day, wad."""


@dataclass(frozen=True, slots=True)
class Row:
    """One coin by one rule. `longs` and `shorts` are days that lost more than the range before;
    `rise` is the largest in a day, `above` and `below` the largest and least range over that of the
    whole history by the shipped rule, less one.
    """

    rule: str
    symbol: str
    median: float
    largest: float
    peak_to_trough: float
    rise: float
    above: float
    below: float
    longs: int
    shorts: int


def _ring_of(days_held: int) -> Ranges:
    def ranges(
        _: Sequence[int], prices_e8: Sequence[int], rule: ScanRule, sigmas: ScanSigmas
    ) -> list[int]:
        ends = range(1, len(prices_e8) + 1)
        return [scan_range(prices_e8[max(end - days_held, 0) : end], rule, sigmas) for end in ends]

    return ranges


def _whole(
    _: Sequence[int], prices_e8: Sequence[int], rule: ScanRule, sigmas: ScanSigmas
) -> list[int]:
    return range_path(prices_e8, rule, sigmas)


def _rules(shipped: ScanRule) -> list[tuple[str, ScanRule, Ranges]]:
    fortnight = replace(shipped, decay_wad=round(0.5 ** (1 / 14) * WAD))
    return [
        ("as shipped", shipped, scan_path),
        ("half-life 14 d", fortnight, scan_path),
        ("no stress weight", replace(shipped, stress_weight_wad=0), scan_path),
        ("winsor 0.30", replace(shipped, winsor_wad=3 * WAD // 10), scan_path),
        ("no limit of rises", replace(shipped, rise_wad=2 * WAD), scan_path),
        ("ring of 64 days", shipped, _ring_of(64)),
        ("ring of 256 days", shipped, _ring_of(256)),
        ("whole history", shipped, _whole),
    ]


def measured(prices: DailyPrices, model: Model) -> list[Row]:
    """Return a row for each rule and coin.

    Raises InputError for a coin that the model lacks, a missing day or too few days.
    """
    if unknown := sorted(set(prices.symbols) - set(model.symbols().values())):
        raise InputError(f"the model has no {', '.join(unknown)}: leave the column out")
    if len(prices) < BURN_DAYS + 2 or (np.diff(prices.time) != DAY).any():
        raise InputError(
            f"daily closes: give at least {BURN_DAYS + 2} days, none missing: here are "
            f"{len(prices)}, {int((np.diff(prices.time) != DAY).sum())} gap(s)"
        )
    sigmas = {risk.symbol: model.scan_sigmas()[risk.underlying] for risk in model.underlyings}
    days: list[int] = (prices.time // DAY).tolist()
    rows: list[Row] = []
    for symbol, column in zip(prices.symbols, prices.price_e8.T.tolist(), strict=True):
        whole = _fractions(_whole(days, column, model.scan, sigmas[symbol]))
        price = np.array(column, dtype=np.float64)[BURN_DAYS:]
        moves = price[1:] / price[:-1] - 1.0
        for name, rule, ranges in _rules(model.scan):
            found = _fractions(ranges(days, column, rule, sigmas[symbol]))
            rows.append(_row(name, symbol, found, whole, moves))
    return rows


def _fractions(ranges_wad: Sequence[int]) -> FloatArray:
    return np.array(ranges_wad[BURN_DAYS:]) / WAD


def _row(name: str, symbol: str, found: FloatArray, whole: FloatArray, moves: FloatArray) -> Row:
    ratio = found / whole - 1.0
    return Row(
        rule=name,
        symbol=symbol,
        median=float(np.median(found)),
        largest=float(found.max()),
        peak_to_trough=float(found.max() / found.min()),
        rise=max(after / before - 1.0 for before, after in pairwise(found.tolist())),
        above=float(ratio.max()),
        below=float(ratio.min()),
        longs=int((moves < -found[:-1]).sum()),
        shorts=int((moves > found[:-1]).sum()),
    )


HEADINGS: Final = (
    "rule                 coin   median  largest  peak/trough  rise a day  over whole history   "
    "long  short"
)


def report(rows: Sequence[Row]) -> str:
    """Return the table."""
    lines = [HEADINGS]
    lines += [
        f"{row.rule:20} {row.symbol:5} {row.median:7.2%} {row.largest:8.2%} "
        f"{row.peak_to_trough:12.2f} {row.rise:11.2%} {row.below:+10.2%}{row.above:+10.2%} "
        f"{row.longs:6} {row.shorts:6}"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    arguments = parser.parse_args()
    try:
        read = read_prices(arguments.file)
        for finding in read.findings:
            print(finding.text(), file=sys.stderr)
        rows = measured(daily_prices(read.history), load_model(None))
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(report(rows))


if __name__ == "__main__":
    main()
