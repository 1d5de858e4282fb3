"""Writes the plots of the backtest's report as docs/backtest-N.png: what `--report` shows.

    python -m scripts.draw_backtest FOLDER [--seed S] [--out DIR]

The same functions draw both, so these are the report's own pictures without its page. What is wrong
with the files is what `keeper backtest chains` reports of them.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Final

from keeper.backtest.book_results import Rules
from keeper.backtest.books.all_archetypes import COPIES
from keeper.backtest.chain_run import run_chains
from keeper.backtest.report_data import ChainsReport, chains_report
from keeper.cli.backtest_plots import PLOTS
from keeper.cli.model_file import load_model
from keeper.errors import InputError, KeeperError
from keeper.sources.chain_files import read_chains

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
DOTS_AN_INCH: Final = 80


def reported(folder: Path, seed: int) -> ChainsReport:
    """Return what the report is drawn from; raises as `read_chains` and `run_chains`."""
    rules = Rules(load_model(None), seed, COPIES)
    chains = [read.chain for read in read_chains(folder) if read.chain is not None]
    run = run_chains(chains, rules, os.cpu_count() or 1, _quiet)
    return chains_report(folder.name, run, rules, 1.0, [])


def drawn(report: ChainsReport, out: Path) -> list[str]:
    """Write a picture of each plot into a folder and return a line for each.

    Raises InputError where the folder cannot be written to.
    """
    lines: list[str] = []
    for number, plot in enumerate(PLOTS, start=1):
        file = out / f"backtest-{number}.png"
        try:
            plot.draw(report).savefig(file, dpi=DOTS_AN_INCH, metadata={"Software": None})
        except OSError as error:
            raise InputError(f"picture {file}: {error.strerror}") from error
        lines.append(f"{file.name}: {plot.title}")
    return lines


def _quiet(_stage: str, _done: int, _total: int) -> None:
    """Show no progress."""


def main() -> None:
    """Draw every plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the pictures")
    arguments = parser.parse_args()
    try:
        lines = drawn(reported(arguments.folder, arguments.seed), arguments.out)
    except KeeperError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
