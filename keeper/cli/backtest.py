"""`keeper backtest`: whether the margins would have been enough, on real prices and real chains."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TaskID

from keeper.backtest.book_results import Rules
from keeper.backtest.books.all_archetypes import COPIES
from keeper.backtest.chain_run import run_chains
from keeper.backtest.daily_prices import daily_prices
from keeper.backtest.prices import backtest_prices
from keeper.backtest.report_data import ChainsReport, chains_report
from keeper.cli.backtest_text import show_chains, show_prices
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, require_within, result_console, write_json
from keeper.errors import InputError
from keeper.sources.chain_files import read_chains
from keeper.sources.finding import Fault, Finding
from keeper.sources.price_files import read_prices

group = typer.Typer(no_args_is_help=True, help="Hold the margins to what happened afterwards.")


@group.command("prices")
def prices(
    file: Annotated[
        Path, typer.Argument(help="CSV[.gz] of daily or hourly closes: date_utc or timestamp_utc.")
    ],
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Hold linear books to the scan range and to expected shortfall, each day from days before it.

    Counts of days beyond must pass Kupiec's and Christoffersen's tests on both sides, expected
    shortfall that of Acerbi and Szekely, and initial margin of naked books must cover the stressed
    window: points 2 and 6 of docs/backtest.md.

    Examples:

        keeper backtest prices prices/btc_eth_1d.csv

        keeper backtest prices prices/btc_eth_1h.csv --json
    """
    loaded = load_model(model)
    read = read_prices(file)
    findings = [finding.text() for finding in read.findings]
    _report(findings)
    result, _ = backtest_prices(file.name, daily_prices(read.history), loaded, findings)
    if as_json:
        write_json(result)
        return
    show_prices(result_console(), result)


@group.command("chains")
def chains(
    folder: Annotated[
        Path, typer.Argument(help="Folder of chains: YYYYMMDDTHHMMSSZ.csv[.gz].", metavar="DIR")
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chance that books are drawn by.")] = 1,
    scale: Annotated[
        float, typer.Option("--scale", help="Multiply every margin, 0.01 to 100: sabotage.")
    ] = 1.0,
    copies: Annotated[
        int, typer.Option("--copies", min=1, help="Books of a type and underlying at a moment.")
    ] = COPIES,
    processes: Annotated[
        int | None, typer.Option("--processes", min=1, help="By default one for each core.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the plots into this .html file.")
    ] = None,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Margin books of 85 types at every chain, and hold the margins to the marks 6 and 24 h later.

    Needs nothing but the folder and the shipped history. `passed` is points 3 to 5 of
    docs/backtest.md. The same folder and seed give the same bytes, with any number of processes.

    Examples:

        keeper backtest chains chains --seed 1 --report backtest.html

        keeper backtest chains chains --seed 2 --scale 0.5 --json
    """
    require_within("--scale", scale, 0.01, 100.0)
    if report is not None and report.suffix != ".html":
        raise InputError(f"report {report}: write a name that ends in .html")
    if report is not None and not report.absolute().parent.is_dir():
        raise InputError(f"report {report}: there is no folder {report.absolute().parent}")
    rules = Rules(load_model(model), seed, copies)
    underlyings = {symbol: number for number, symbol in rules.model.symbols().items()}
    read = list(read_chains(folder, underlyings))
    findings = [finding for chain in read for finding in chain.findings]
    _report(_summary(findings))
    with _progress() as advance:
        found = [one.chain for one in read if one.chain is not None]
        run = run_chains(found, rules, processes or os.cpu_count() or 1, advance)
    shown = chains_report(folder.name, run, rules, scale, [finding.text() for finding in findings])
    if report is not None:
        _write_report(shown, report)
    if as_json:
        write_json(shown.result)
        return
    show_chains(result_console(), shown.result)


def _write_report(shown: ChainsReport, file: Path) -> None:
    """Write the page; matplotlib is imported only where one is asked for."""
    from keeper.cli.backtest_html import page

    try:
        file.write_text(page(shown), encoding="utf-8")
    except OSError as error:
        raise InputError(f"report {file}: {error.strerror}") from error


@contextmanager
def _progress() -> Generator[Callable[[str, int, int], None], None, None]:
    """Show on stderr how far each stage is."""
    stages: dict[str, TaskID] = {}
    with Progress(console=Console(stderr=True)) as bars:

        def advance(stage: str, done: int, total: int) -> None:
            if stage not in stages:
                stages[stage] = bars.add_task(stage, total=total)
            bars.update(stages[stage], completed=done)

        yield advance


def _summary(findings: Sequence[Finding]) -> list[str]:
    """Return a line a fault, the first case whole; the result and the report have every one."""
    found: dict[Fault, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.fault, []).append(finding)
    return [of_it[0].text() + _more(of_it[1:]) for of_it in found.values()]


def _more(findings: Sequence[Finding]) -> str:
    rows = sum(len(one.rows) for one in findings)
    return f"; {len(findings)} more file(s), {rows} row(s)" if findings else ""


def _report(findings: list[str]) -> None:
    """Say on stderr what is wrong with the data: stdout is for results."""
    for text in findings:
        typer.echo(text, err=True)
