"""`python -m scripts.simulate_stolen_keys HOURS.csv...`: what stolen keys take in 24 hours.

Margin keys: over the largest real moves, the share of the discount budget that turns into money.
Feed keys: every mark moved by whole shocks. Random books of several kinds from a seed, priced and
margined by the engine. docs/security.md holds what came out; --json gives the figures.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from keeper.chain.model_file import read_model
from keeper.errors import KeeperError
from keeper.margin.scenarios import Model
from keeper.testing.random_book import random_book
from scripts.measure_standard_margin.books import kinds_of_book
from scripts.simulate_pair_trade.prices import read_hours
from scripts.simulate_stolen_keys.moves import windows
from scripts.simulate_stolen_keys.takes import (
    Books,
    FeedTake,
    MarginTake,
    by_feed_keys,
    by_margin_keys,
)

MODEL_FILE = Path(__file__).resolve().parents[2] / "config" / "model.toml"
_LEGS_EACH, _LISTINGS = 5, 400
_HOURS, _WINDOWS = (2, 24), 30
_SHOCKS = (1, 2, 5)

MarginRow = tuple[str, int, str, list[MarginTake]]
FeedRow = tuple[str, FeedTake]


def main() -> None:
    """Measure, and print; end with the error's own exit code."""
    parser = argparse.ArgumentParser(prog="simulate_stolen_keys", description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", metavar="FILE")
    parser.add_argument("--accounts", type=int, default=4_000, help="of each kind of book")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="figures instead of tables")
    arguments = parser.parse_args()
    try:
        model = read_model(MODEL_FILE)
        drawn = random_book(
            model, arguments.accounts, _LEGS_EACH * arguments.accounts, arguments.seed, _LISTINGS
        )
        books = {name: Books.of(found, model) for name, found in kinds_of_book(drawn).items()}
        margin, feeds = margin_rows(books, arguments.files, model), feed_rows(books, model)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    if arguments.json:
        figures = {
            "margin": [[*row, [asdict(take) for take in takes]] for *row, takes in margin],
            "feeds": [[name, asdict(take)] for name, take in feeds],
        }
        sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    else:
        _show(margin, feeds)


def margin_rows(books: dict[str, Books], files: list[Path], model: Model) -> list[MarginRow]:
    """Return file, hours, kind of book, and the takes of the largest windows."""
    rows: list[MarginRow] = []
    for path in files:
        prices = read_hours(path)
        for hours in _HOURS:
            chosen = windows(prices, model, hours, _WINDOWS)
            for name, found in books.items():
                print(f"{path.name}, {hours} h: {name}", file=sys.stderr)
                takes = [by_margin_keys(found, window, model) for window in chosen]
                rows.append((path.name, hours, name, takes))
    return rows


def feed_rows(books: dict[str, Books], model: Model) -> list[FeedRow]:
    """Return kind of book and take, for every number of shocks and way to move marks."""
    rows: list[FeedRow] = []
    for name, found in books.items():
        print(f"feed keys: {name}", file=sys.stderr)
        rows += [(name, take) for shocks in _SHOCKS for take in by_feed_keys(found, model, shocks)]
    return rows


def _show(margin: list[MarginRow], feeds: list[FeedRow]) -> None:
    console = Console(width=140, highlight=False)
    headings = ("prices", "hours", "books", "best book, worst window", "all, worst", "tenth worst")
    table = Table(*headings, title="Stolen margin keys: share of the budget taken", box=box.SIMPLE)
    for path, hours, name, takes in margin:
        best = max(take.best for take in takes)
        means = sorted((take.mean for take in takes), reverse=True)
        tenth = means[min(9, len(means) - 1)]
        table.add_row(path, f"{hours}", name, f"{best:.1%}", f"{means[0]:.2%}", f"{tenth:.2%}")
    console.print(table)
    headings = (
        "shocks",
        "books",
        "worst for others",
        "flaggable",
        "lost of equity",
        "own, of gross",
    )
    table = Table(*headings, title="Stolen feed keys, everybody at IM", box=box.SIMPLE)
    for shocks in _SHOCKS:
        for name in dict.fromkeys(name for name, _ in feeds):
            rows = [take for other, take in feeds if other == name and take.shocks == shocks]
            worst = max(rows, key=lambda take: take.from_others)
            shares = (worst.flaggable, worst.from_others, max(take.own for take in rows))
            cells = (f"{share:.1%}" for share in shares)
            table.add_row(f"{shocks}", name, worst.marks, *cells)
    console.print(table)


if __name__ == "__main__":
    main()
