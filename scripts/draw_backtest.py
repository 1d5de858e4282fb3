"""Writes the plots of the backtest's report as docs/backtest-N.png: what `--report` shows.

    python -m scripts.draw_backtest FOLDER [--seed S]

The same functions draw both, so these are the report's own pictures without its page.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Final

from keeper.backtest.book_results import Rules
from keeper.backtest.books.all_archetypes import COPIES
from keeper.backtest.chain_run import run_chains
from keeper.backtest.report_data import ChainsReport, chains_report
from keeper.cli.backtest_plots import PLOTS
from keeper.cli.model_file import load_model
from keeper.sources.chain_files import read_chains

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
DOTS_AN_INCH: Final = 80


def reported(folder: Path, seed: int) -> ChainsReport:
    """Return what the report is drawn from."""
    rules = Rules(load_model(None), seed, COPIES)
    chains = [read.chain for read in read_chains(folder)]
    found = [chain for chain in chains if chain is not None]
    run = run_chains(found, rules, os.cpu_count() or 1, _quiet)
    return chains_report(folder.name, run, rules, 1.0, [])


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


def main() -> None:
    """Draw every plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    report = reported(arguments.folder, arguments.seed)
    for number, plot in enumerate(PLOTS, start=1):
        figure = plot.draw(report)
        file = DOCS / f"backtest-{number}.png"
        figure.savefig(file, dpi=DOTS_AN_INCH, metadata={"Software": None})
        print(f"{file.name}: {plot.title}")


if __name__ == "__main__":
    main()
