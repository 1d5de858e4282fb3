"""Which scenarios decide, over the books of the backtest.

    python -m scripts.measure_table FOLDER [--every N] [--seed S]

For the books of every n-th chain of FOLDER: how often each row of the table is the worst, in which
group most often, and what share of books the minimum charge or standard margin decides instead.
What is wrong with the files is what `keeper backtest chains` reports of them.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keeper.backtest.books.all_archetypes import COPIES, TYPES, MadeBook, made_books
from keeper.backtest.books.market import book_market
from keeper.backtest.chain_smiles import ChainSmiles, chain_smiles
from keeper.backtest.chain_snapshot import chain_snapshot, publishable
from keeper.backtest.known_prices import KnownPrices, known_prices
from keeper.backtest.moment import moment_of
from keeper.cli.model_file import load_model
from keeper.draws import Draws
from keeper.errors import InputError, KeeperError
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.scenarios import Model
from keeper.sources.chain_files import read_chains
from keeper.state.option_chain import OptionChain

CHARGE: Final = "the minimum charge"
STANDARD: Final = "standard margin"
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Decider:
    """What decides some books: a row of the table, or what stands instead of one.

    `group` is the one with most of these books; empty where there are none.
    """

    name: str
    books: int
    group: str


def deciders(chains: Sequence[OptionChain], model: Model, every: int, seed: int) -> list[Decider]:
    """Return all of them for the books of every n-th chain, the rarest first.

    `chains` are in order of time. Raises InputError for none of them, for `every` below one, where
    no book can be made, and as `known_prices`.
    """
    if every < 1:
        raise InputError(f"every {every}: give 1 or more")
    if not chains:
        raise InputError("no chain can be used: give a folder of sound ones")
    known = known_prices([moment_of(chain) for chain in chains], model)
    groups: dict[str, Counter[str]] = {
        name: Counter() for name in (CHARGE, STANDARD, *(row.name for row in model.scenarios))
    }
    chosen = chains[::every]
    for chain, fitted in zip(chosen, chain_smiles(chosen), strict=True):
        books, margins = _margined(chain, fitted, known, model, seed)
        for book, name in zip(books, decided_by(margins, model), strict=True):
            groups.setdefault(name, Counter())[TYPES[book.kind].group] += 1
    if not any(groups.values()):
        raise InputError("no book can be made of these chains: give some with liquid smiles")
    found = [
        Decider(name, counts.total(), max(counts, key=counts.__getitem__, default=""))
        for name, counts in groups.items()
    ]
    return sorted(found, key=lambda decider: decider.books)


def decided_by(found: MarginBook, model: Model) -> list[str]:
    """Return what decides the requirement of each account, the smaller of SM and MM."""
    names = [scenario.name for scenario in model.scenarios]
    at_standard = found.standard_usd6 < found.maintenance_usd6
    at_charge = found.maintenance_usd6 - found.add_ons_usd6 <= found.minimum_charge_usd6
    rows: list[int] = found.worst_scenario.tolist()
    return [
        UNKNOWN
        if row >= len(names)
        else STANDARD
        if by_standard
        else CHARGE
        if by_charge
        else names[row]
        for row, by_standard, by_charge in zip(
            rows, at_standard.tolist(), at_charge.tolist(), strict=True
        )
    ]


def _margined(
    chain: OptionChain, fitted: ChainSmiles, known: KnownPrices, model: Model, seed: int
) -> tuple[list[MadeBook], MarginBook]:
    moment = moment_of(chain)
    smiles = {key: smile for key, smile in fitted.smile.items() if publishable(smile)}
    books = made_books(book_market(chain, moment, smiles), model, Draws(seed), COPIES)
    snapshot = chain_snapshot(moment, smiles, known.ring(chain.time), {}, books, model)
    return books, margin_book(snapshot, model)


def report(found: Sequence[Decider]) -> str:
    """Return a line for each."""
    total = sum(decider.books for decider in found)
    lines = [f"{total:,} books"]
    lines += [
        f"{decider.name:40} {decider.books / total:8.3%}  {decider.group}".rstrip()
        for decider in found
    ]
    return "\n".join(lines)


def main() -> None:
    """Print a row of the table a line, the rarest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="only every n-th chain")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        chains = [read.chain for read in read_chains(arguments.folder) if read.chain is not None]
        found = deciders(chains, load_model(None), arguments.every, arguments.seed)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(report(found))


if __name__ == "__main__":
    main()
