"""What the floor under attested margins holds, over the books of the backtest.

    python -m scripts.measure_floor FOLDER [--seed S]

The floor of a book is `max(0.1 % of gross, initial_factor * worst of the floor's scenarios)` and
its add-ons (docs/model.md, Aggregation), at most standard margin: what stolen margin keys cannot go
below that attest zero. Shown is what it is to the initial margin with an honest leaf, and how often
a day loses more.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from keeper.backtest.book_results import Rules
from keeper.backtest.books.all_archetypes import COPIES, GROUPS
from keeper.backtest.chain_run import run_chains
from keeper.backtest.pool import Pool, pooled
from keeper.cli.model_file import load_model
from keeper.errors import KeeperError
from keeper.margin.scenarios import Model
from keeper.sources.chain_files import read_chains
from keeper.state.option_chain import OptionChain
from keeper.units import BPS

MARKET_MAKER: Final = "market maker"
LONG: Final = 1  # the horizon of 24 hours
SHOWN: Final = 3  # groups


@dataclass(frozen=True, slots=True)
class Floor:
    """Over all books: the floor over the initial margin, 5th percentile and median, the share of
    books where it binds, and that of windows of 24 h that lose more, in all and by group.
    `of_standard` is the least and median MM over SM of market makers.
    """

    books: int
    windows: int
    share: tuple[float, float]
    binding: float
    beyond: float
    beyond_by_group: dict[str, float]
    of_standard: tuple[float, float]


def floor_model(model: Model) -> Model:
    """Return a model whose MM is the floor of `model`: its charge is of the whole gross."""
    factors = replace(
        model.factors,
        maintenance_bps=model.factors.initial_bps,
        minimum_charge_bps=model.factors.floor_gross_bps,
        minimum_charge_standard_bps=1_000 * BPS,
    )
    return replace(model, factors=factors, scenarios=tuple(s for s in model.scenarios if s.floor))


def measured(chains: Sequence[OptionChain], model: Model, seed: int, processes: int) -> Floor:
    """Return the figures of the books of these chains; raises as `run_chains`."""
    honest, bound = (
        pooled(run_chains(chains, Rules(one, seed, COPIES), processes, _quiet).results)
        for one in (model, floor_model(model))
    )
    return compared(honest, bound)


def compared(honest: Pool, bound: Pool) -> Floor:
    """Compare the same books by the model and by its floor, which is the MM of `bound`."""
    # Where IM reaches SM, standard margin holds in the end, with any leaf.
    floor = np.minimum(bound.maintenance, np.maximum(honest.initial, honest.standard))
    losses = honest.losses[LONG]
    known = np.isfinite(losses)
    beyond = losses > floor
    binding = (floor > honest.initial) & (honest.initial < honest.standard)
    makers = honest.group == GROUPS.index(MARKET_MAKER)
    ratio = honest.maintenance[makers] / honest.standard[makers]
    of_group = {
        name: known & (honest.group == number)
        for number, name in enumerate(GROUPS)
        if (known & (honest.group == number)).any()
    }
    return Floor(
        books=len(floor),
        windows=int(known.sum()),
        share=_two(floor / honest.initial, 5),
        binding=float(binding.mean()),
        beyond=float(beyond[known].mean()),
        beyond_by_group={name: float(beyond[own].mean()) for name, own in of_group.items()},
        of_standard=_two(ratio, 0) if len(ratio) else (float("nan"), float("nan")),
    )


def _two(ratios: np.ndarray, low: int) -> tuple[float, float]:
    least, median = np.percentile(ratios, [low, 50]).tolist()
    return least, median


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


def report(found: Floor) -> str:
    """Return the figures as text."""
    most = sorted(found.beyond_by_group.items(), key=lambda one: -one[1])[:SHOWN]
    return "\n".join(
        [
            f"{found.books:,} books: floor over IM, p5 and median: {found.share[0]:.0%}, "
            f"{found.share[1]:.0%}; it binds on {found.binding:.2%}",
            f"{found.windows:,} windows of 24 h: {found.beyond:.2%} lose more than the floor; most "
            + ", ".join(f"{name} {share:.1%}" for name, share in most),
            f"MM over SM of {MARKET_MAKER}: least {found.of_standard[0]:.1%}, median "
            f"{found.of_standard[1]:.1%}",
        ]
    )


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    try:
        chains = [read.chain for read in read_chains(arguments.folder) if read.chain is not None]
        found = measured(chains, load_model(None), arguments.seed, os.cpu_count() or 1)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print(report(found))


if __name__ == "__main__":
    main()
