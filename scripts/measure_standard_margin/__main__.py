"""`python -m scripts.measure_standard_margin`: how often MM exceeds SM, by market and kind of book.

The contract takes the smaller of the two. The table, or with --json its figures, goes to stdout,
progress to stderr. What came out stands in docs/model.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from keeper.chain.model_file import read_model
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.scenarios import Model
from keeper.testing.random_book import DEFAULT_LISTINGS, random_book
from keeper.units import FloatArray
from scripts.measure_standard_margin.books import Stress, kinds_of_book, stressed

MODEL_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "model.toml"
_LEGS_EACH: Final = 5
_PLAIN_WIDTH: Final = 200

STRESSES: Final = (
    Stress("calm", range_tenths=10, vol_tenths=10),
    Stress("range ×1.5", range_tenths=15, vol_tenths=10),
    Stress("range ×1.5, vol ×1.5", range_tenths=15, vol_tenths=15),
    Stress("range ×2", range_tenths=20, vol_tenths=10),
    Stress("range ×2, vol ×1.5", range_tenths=20, vol_tenths=15),
    Stress("range at its cap", range_tenths=50, vol_tenths=10),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One kind of book in one market.

    `excess` is MM/SM where MM > SM > 0: median, 95th percentile, largest. `saving` is SM/MM where
    MM > 0: 5th percentile, median, 95th. `families` counts those of the worst scenario where
    MM > SM; of scenarios that lose the same the first in the table counts.
    """

    market: str
    books: str
    accounts: int
    exceeding: int
    without_standard: int
    excess: list[float]
    saving: list[float]
    families: dict[str, int]


def main() -> None:
    """Measure, and print the table or its figures."""
    parser = argparse.ArgumentParser(prog="measure_standard_margin", description=__doc__)
    parser.add_argument("--accounts", type=int, default=20_000, help="of each kind of book")
    parser.add_argument("--seed", type=int, default=1, help="of the market and the books")
    parser.add_argument("--json", action="store_true", help="figures instead of the table")
    arguments = parser.parse_args()
    model = read_model(MODEL_FILE)
    cells = list(measure(model, arguments.accounts, arguments.seed))
    if arguments.json:
        print(json.dumps([asdict(cell) for cell in cells], indent=1, ensure_ascii=False))
    else:
        show(cells)


def measure(
    model: Model, accounts: int, seed: int, listings: int = DEFAULT_LISTINGS
) -> Iterator[Cell]:
    """Yield a cell for every market and kind of book."""
    drawn = random_book(model, accounts, _LEGS_EACH * accounts, seed, listings)
    books = kinds_of_book(drawn)
    for stress in STRESSES:
        for name, snapshot in books.items():
            print(f"{stress.name}: {name}", file=sys.stderr)
            margins = margin_book(stressed(snapshot, stress, model.scan.cap_wad), model)
            yield compared(stress.name, name, margins, model)


def compared(market: str, books: str, margins: MarginBook, model: Model) -> Cell:
    """Compare MM with SM of the accounts that are measured: none has more than 32 legs."""
    known = margins.measured
    mm, sm = margins.maintenance_usd6[known], margins.standard_usd6[known]
    exceeds = mm > sm
    above = exceeds & (sm > 0)
    worst: list[int] = margins.worst_scenario[known][exceeds].tolist()
    return Cell(
        market=market,
        books=books,
        accounts=len(mm),
        exceeding=int(exceeds.sum()),
        without_standard=int((exceeds & (sm == 0)).sum()),
        excess=_percentiles(mm[above] / sm[above], (50, 95, 100)),
        saving=_percentiles(sm[mm > 0] / mm[mm > 0], (5, 50, 95)),
        families=dict(Counter(model.scenarios[n].name.split()[0] for n in worst).most_common()),
    )


def _percentiles(ratios: FloatArray, wanted: Sequence[int]) -> list[float]:
    """Return them, or nothing of nothing."""
    return np.percentile(ratios, wanted).tolist() if len(ratios) else []


def show(cells: Sequence[Cell]) -> None:
    """Print the table."""
    there, all_of_them = "MM/SM there: 50, 95, 100 %", "SM/MM: 5, 50, 95 %"
    headings = ("market", "books", "accounts", "MM > SM", "SM = 0 < MM", there, all_of_them)
    table = Table(*headings, "worst scenario there", box=box.SIMPLE)
    for cell in cells:
        table.add_row(
            cell.market,
            cell.books,
            f"{cell.accounts:,}",
            f"{cell.exceeding / max(cell.accounts, 1):.2%}",
            f"{cell.without_standard}",
            " ".join(f"{ratio:.3f}" for ratio in cell.excess),
            " ".join(f"{ratio:.2f}" for ratio in cell.saving),
            ", ".join(f"{name} {count}" for name, count in cell.families.items()),
        )
    Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, highlight=False).print(table)


if __name__ == "__main__":
    main()
