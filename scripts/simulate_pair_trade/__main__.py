"""`python -m scripts.simulate_pair_trade FILE...`: what a pair of colluding accounts earns.

Each FILE is a CSV of `timestamp_utc` and columns such as `btc_usd`, a row an hour. The table, or
with --json its figures, goes to stdout. docs/security.md holds what came out.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from keeper.chain.model_file import read_model
from keeper.errors import KeeperError
from keeper.margin.scenarios import Model
from keeper.units import BPS, WAD
from scripts.simulate_pair_trade.pair_trade import Outcome, Terms, play
from scripts.simulate_pair_trade.prices import read_hours

MODEL_FILE = Path(__file__).resolve().parents[2] / "config" / "model.toml"
_MARGINS = (0.05, 0.065, 0.10, 0.15)  # the survey's, where initial and maintenance are one
_HOLDS, _DELAYS = (1, 24), (1, 2)


def main() -> None:
    """Play, and print; end with the error's own exit code."""
    parser = argparse.ArgumentParser(prog="simulate_pair_trade", description=__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--json", action="store_true", help="figures instead of a table")
    arguments = parser.parse_args()
    try:
        rows = simulate(arguments.files, read_model(MODEL_FILE))
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if arguments.json:
        figures = [
            {"file": file, "coin": coin} | asdict(terms) | asdict(outcome)
            for file, coin, terms, outcome in rows
        ]
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    else:
        Console(width=120).print(_table(rows))


def simulate(files: list[Path], model: Model) -> list[tuple[str, str, Terms, Outcome]]:
    """Return file, coin, terms and outcome of every game."""
    games = [
        (path.name, coin, hours, prices, terms)
        for path in files
        for coin, (hours, prices) in read_hours(path).items()
        for terms in _all_terms(model, coin)
    ]
    steps = track(games, description="pair trade", console=Console(stderr=True))
    return [(name, coin, terms, play(h, p, terms)) for name, coin, h, p, terms in steps]


def _all_terms(model: Model, coin: str) -> list[Terms]:
    """Return the survey's margins, and what the shipped model asks of an outright perpetual.

    Least is what no leaf can go below: the floor of initial margin, from its scenario of one scan
    range. Standard is what an account without a leaf pays at most.
    """
    pairs = [(margin, margin) for margin in _MARGINS]
    for risk in model.underlyings:
        if risk.symbol == coin:
            factor = model.factors.initial_bps / BPS
            scan, standard = risk.scan_range / WAD, risk.linear_rate / WAD
            pairs += [(factor * scan, scan), (factor * standard, min(scan, standard))]
    return [Terms(*pair, hold, delay) for pair, hold, delay in product(pairs, _HOLDS, _DELAYS)]


def _table(rows: list[tuple[str, str, Terms, Outcome]]) -> Table:
    table = Table(title="What the pair takes; margins and gains as shares of one side's notional")
    for name in ("coin", "initial", "maint.", "hold h", "delay h", "flags", "deficits"):
        table.add_column(name, justify="right")
    for name in ("a year", "of capital", "worst"):
        table.add_column(name, justify="right")
    for _, coin, t, o in rows:
        shares = (o.gain_a_year, o.return_a_year(t), o.worst_gain)
        counts = (str(o.flags), str(o.deficits), *(f"{share:.2%}" for share in shares))
        table.add_row(
            coin, f"{t.initial:.3f}", f"{t.maintenance:.3f}", str(t.hold), str(t.delay), *counts
        )
    return table


if __name__ == "__main__":
    main()
