"""`keeper backtest`: whether the margins would have been enough, on real prices and real chains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keeper.backtest.daily_prices import daily_prices
from keeper.backtest.prices import backtest_prices
from keeper.cli.backtest_text import show_prices
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, write_json
from keeper.sources.price_files import read_prices

group = typer.Typer(no_args_is_help=True, help="Hold the margins to what happened afterwards.")


@group.command("prices")
def prices(
    file: Annotated[
        Path, typer.Argument(help="CSV of daily or hourly closes: date_utc or timestamp_utc.")
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
    _report([finding.text() for finding in read.findings])
    result, _ = backtest_prices(file.name, daily_prices(read.history), loaded)
    if as_json:
        write_json(result)
        return
    show_prices(Console(file=sys.stdout, highlight=False), result)


def _report(findings: list[str]) -> None:
    """Say on stderr what is wrong with the data: stdout is for results."""
    for text in findings:
        typer.echo(text, err=True)
