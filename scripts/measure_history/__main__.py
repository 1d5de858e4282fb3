"""`python -m scripts.measure_history FILE`: volatilities and correlations of daily prices.

FILE is a CSV of `date_utc` and one column a coin, such as `btc_usd`, a row for every day. What came
out stands in docs/calibration.md. The tables, or with --json their figures, go to stdout, progress
to stderr.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from keeper.calibration.garch import LEAST_RETURNS
from keeper.calibration.returns import joint_returns
from keeper.chain.model_file import read_model
from keeper.errors import KeeperError
from keeper.margin.scenarios import Model
from scripts.measure_history.figures import (
    EPISODES,
    Figures,
    Fit,
    Track,
    averages,
    fits,
    moves_apart,
)
from scripts.measure_history.prices import read_prices

MODEL_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "model.toml"
# The fall of ETH on 12 March 2020 was -0.59: beyond 0.7 a price is a misprint.
_LARGEST: Final = 0.7
_PLAIN_WIDTH: Final = 160


def main() -> None:
    """Measure, and print the tables or their figures; end with the error's own exit code."""
    parser = argparse.ArgumentParser(prog="measure_history", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV of daily prices")
    parser.add_argument(
        "--largest",
        type=float,
        default=_LARGEST,
        help="absolute log return a day beyond which a price is refused",
    )
    parser.add_argument("--json", action="store_true", help="figures instead of tables")
    arguments = parser.parse_args()
    try:
        model = read_model(MODEL_FILE)
        figures = measure(arguments.file, model, arguments.largest)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if arguments.json:
        print(json.dumps(asdict(figures), indent=1))
    else:
        show(figures)


def measure(file: Path, model: Model, largest: float) -> Figures:
    """Return the figures of a file, with a line to stderr before each step."""
    _say(f"{file}: reading")
    prices = read_prices(file)
    returns = joint_returns(prices.days, prices.usd, prices.symbols, largest)
    returns.require(LEAST_RETURNS, "a measurement")
    days = prices.days[1:]
    _say(f"{len(returns)} returns of {', '.join(returns.names)}: averages")
    apart = moves_apart(prices, model)
    volatilities, correlations, sigmas = averages(returns, days, model)
    found: list[Fit] = []
    for track, fit in fits(returns, days):
        _say(f"{fit.of}: {fit.measure}: log-likelihood {fit.log_likelihood:.1f}")
        volatilities.append(track)
        found.append(fit)
    first, last = (str(np.datetime64(int(day), "D")) for day in prices.days[[0, -1]])
    return Figures(first, last, volatilities, correlations, sigmas, apart, found)


def show(figures: Figures) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False)
    console.print(f"Daily prices from {figures.first_day} to {figures.last_day}")
    console.print(_tracks("Volatility a year", figures.volatilities))
    console.print(_tracks("Correlation", figures.correlations))
    console.print(_constants(figures))
    console.print(_fits(figures.fits))


def _tracks(title: str, tracks: Sequence[Track]) -> Table:
    headings = ("of", "measure", "min", "5 %", "median", "max", *EPISODES)
    table = Table(*headings, title=title, box=box.SIMPLE)
    for track in tracks:
        spread = (track.lowest, track.fifth_percentile, track.median, track.highest)
        months = (track.episodes.get(month) for month in EPISODES)
        table.add_row(
            track.of,
            track.measure,
            *(f"{value:.3f}" for value in spread),
            *(f"{month[0]:.3f} to {month[1]:.3f}" if month else "-" for month in months),
        )
    return table


def _constants(figures: Figures) -> Table:
    table = Table("constant", "of", "value", "measured", title="The model's", box=box.SIMPLE)
    for row in figures.sigmas:
        measured = f"{row.below_floor:.1%} of days below"
        table.add_row("sigma_floor", row.of, f"{row.sigma_floor:.2f}", measured)
        measured = f"{row.below_stress:.1%} of days below"
        table.add_row("sigma_stress", row.of, f"{row.sigma_stress:.2f}", measured)
    for row in figures.apart:
        measured = f"{row.ahead} and {row.behind} of {row.days} days beyond; 99 % needs "
        table.add_row("dispersion", row.of, f"{row.floor:.2f}", f"{measured}{row.implied_99:.2f}")
    return table


def _fits(found: Sequence[Fit]) -> Table:
    names = ("omega", "alpha", "gamma", "beta", "nu", "persistence", "log-likelihood", "long run")
    table = Table("of", "fit", *names, "at a bound", title="Fits, in days", box=box.SIMPLE)
    for fit in found:
        table.add_row(
            fit.of,
            fit.measure,
            f"{fit.omega:.2e}",
            *(f"{value:.3f}" for value in (fit.alpha, fit.gamma, fit.beta)),
            "-" if fit.nu is None else f"{fit.nu:.2f}",
            f"{fit.persistence:.4f}",
            f"{fit.log_likelihood:.1f}",
            "none" if fit.long_run is None else f"{fit.long_run:.3f}",
            ", ".join(fit.at_bounds) or "-",
        )
    return table


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
