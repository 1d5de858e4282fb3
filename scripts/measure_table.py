"""Which scenarios decide, over the books of the backtest.

    python -m scripts.measure_table FOLDER [--every N] [--seed S]

For the books of every n-th chain of FOLDER: how often each row of the table is the worst, in which
group most often, and what share of books the minimum charge or standard margin decides instead.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np

from keeper.backtest.books.all_archetypes import COPIES, TYPES, MadeBook, made_books
from keeper.backtest.books.market import book_market
from keeper.backtest.chain_smiles import ChainSmiles, chain_smiles
from keeper.backtest.chain_snapshot import chain_snapshot, publishable
from keeper.backtest.known_prices import KnownPrices, known_prices
from keeper.backtest.moment import Moment, moment_of
from keeper.cli.model_file import load_model
from keeper.draws import Draws
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.scenarios import Model
from keeper.sources.chain_files import read_chains
from keeper.state.option_chain import OptionChain


def deciding(folder: Path, every: int, seed: int) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Return how many books each row decides, and each row by group."""
    model = load_model(None)
    read = [one.chain for one in read_chains(folder)]
    chains = [chain for chain in read if chain is not None]
    moments = [moment_of(chain) for chain in chains]
    known = known_prices(moments, model)
    rows: Counter[str] = Counter()
    groups: Counter[tuple[str, str]] = Counter()
    chosen = chains[::every]
    for chain, fitted in zip(chosen, chain_smiles(chosen), strict=True):
        books, found = _margined(chain, fitted, known, model, seed)
        for book, row in zip(books, _deciders(found, model), strict=True):
            rows[row] += 1
            groups[row, TYPES[book.kind].group] += 1
    return rows, groups


def _margined(
    chain: OptionChain, fitted: ChainSmiles, known: KnownPrices, model: Model, seed: int
) -> tuple[list[MadeBook], MarginBook]:
    moment: Moment = moment_of(chain)
    smiles = {key: smile for key, smile in fitted.smile.items() if publishable(smile)}
    books = made_books(book_market(chain, moment, smiles), model, Draws(seed), COPIES)
    snapshot = chain_snapshot(moment, smiles, known.ring(chain.time), {}, books, model)
    return books, margin_book(snapshot, model)


def _deciders(found: MarginBook, model: Model) -> list[str]:
    """Return what decides the maintenance margin of each book."""
    names = [scenario.name for scenario in model.scenarios]
    by_charge = found.minimum_charge_usd6 >= found.worst_loss_usd6
    worst: list[int] = found.worst_scenario.astype(np.int64).tolist()
    return [
        "the minimum charge" if charged else names[row] if row < len(names) else "unknown"
        for row, charged in zip(worst, by_charge.tolist(), strict=True)
    ]


def main() -> None:
    """Print a row of the table a line, the rarest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every n-th chain")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rows, groups = deciding(arguments.folder, arguments.every, arguments.seed)
    total = rows.total()
    everything = ["the minimum charge", *(row.name for row in load_model(None).scenarios)]
    print(f"{total:,} books")
    for name in sorted(everything, key=lambda row: rows[row]):
        mine = {group: count for (row, group), count in groups.items() if row == name}
        most = max(mine, key=lambda group: mine[group], default="")
        print(f"{name:40} {rows[name] / total:8.3%}  {most}")


if __name__ == "__main__":
    main()
