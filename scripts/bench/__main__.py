"""`python -m scripts.bench`: ratios to other ways and to the machine's limits, in one run.

Docs: docs/benchmarks.md. The table goes to stdout, the figures to --json, progress to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

# First: it chooses the implementation of keccak that eth_hash then takes.
import keeper.cli  # noqa: F401  # pyright: ignore[reportUnusedImport]
from scripts.bench import book, engine, explain, kernel, limits, memory, restoration, tree
from scripts.bench.measure import ForeignShare
from scripts.bench.report import Figure, Report, show, write_json
from scripts.bench.sizes import FULL, QUICK, Sizes

BENCHMARKS: Final = (
    "kernel",
    "book",
    "account",
    "explain",
    "tree",
    "memory",
    "growth",
    "restore",
)
_PLAIN_WIDTH: Final = 140
_MOST_THREADS: Final = 2


def main() -> None:
    """Measure what is asked for, print the table, write the JSON."""
    arguments = _parser().parse_args()
    sizes: Sizes = QUICK if arguments.quick else FULL
    others = ForeignShare.begin()
    figures = measure(arguments.only, sizes)
    report = Report.of(figures, compiled=engine.COMPILED, foreign_share=others.end())
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    show(report, Console(width=width, highlight=False))
    write_json(report, arguments.json)


def measure(wanted: Sequence[str], sizes: Sizes) -> list[Figure]:
    """Return the figures of the benchmarks named, in the order of BENCHMARKS."""
    counts = range(1, min(_MOST_THREADS, os.cpu_count() or 1) + 1)
    peaks = [limits.measure(sizes, count) for count in counts]
    figures = [figure for peak in peaks for figure in limits.figures(peak)]
    runs = {
        "kernel": lambda: kernel.run(sizes, peaks),
        "book": lambda: book.run(sizes, peaks[-1]),
        "account": lambda: book.run_account(sizes),
        "explain": lambda: explain.run(sizes),
        "tree": lambda: tree.run(sizes),
        "memory": lambda: memory.run_memory(sizes),
        "growth": lambda: memory.run_growth(sizes),
        "restore": lambda: restoration.run(sizes),
    }
    for name in BENCHMARKS:
        if name in wanted:
            figures += runs[name]()
    return figures


def _names(text: str) -> list[str]:
    """Return the benchmarks of a comma-separated list."""
    names = text.split(",")
    if unknown := [name for name in names if name not in BENCHMARKS]:
        raise argparse.ArgumentTypeError(f"{unknown}: choose from {', '.join(BENCHMARKS)}")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: does it run, not how fast"
    )
    parser.add_argument(
        "--only",
        type=_names,
        default=list(BENCHMARKS),
        metavar="NAME,...",
        help=f"some of {', '.join(BENCHMARKS)}",
    )
    parser.add_argument(
        "--json", type=Path, default=Path("build/bench.json"), help="file of the figures"
    )
    return parser


if __name__ == "__main__":
    main()
