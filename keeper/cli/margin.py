"""`keeper margin`: one account's legs, margins and scenario losses, beside the contracts' own."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keeper.audit.account import AccountReport, inspect_account
from keeper.cli.compose import open_source
from keeper.cli.config import load_settings
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, write_json
from keeper.state.accounts import parse_account
from keeper.telemetry.logging import configure_logging
from keeper.units import USD6, usd

PLAIN_WIDTH = 120


def command(
    account: Annotated[
        str, typer.Argument(help="0x and 64 hex digits, or OWNER[:SUB].", metavar="ACCOUNT")
    ],
    block: Annotated[
        int | None, typer.Option("--block", min=0, help="Block number; the head by default.")
    ] = None,
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    as_json: AsJson = False,
) -> None:
    """Show an account's margins at a block, and how far the contracts' figures differ.

    Examples:

        keeper margin 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --config keeper.toml

        keeper margin 0x90F79bf6EB2c4f870365E785982E1f101E93b906:3 --block 1024 --json
    """
    wanted = parse_account(account)
    settings = load_settings(config, {"rpc_url": rpc, "deployment_file": deployment})
    configure_logging(settings.log_level)
    source = open_source(settings)
    at = source.client.head() if block is None else source.client.block(block)
    report = inspect_account(source.client, source.deployment, source.model, wanted, at)
    if as_json:
        write_json(report)
    else:
        _print(report)


def _print(report: AccountReport) -> None:
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(file=sys.stdout, width=width, highlight=False)
    console.print(f"account 0x{report.account.hex()}")
    console.print(f"block {report.block}, {report.health}, cash {usd(report.cash_usd6)} USD")
    if report.sentinel:
        console.print("its leaf would be the sentinel: standard margin applies to it")
    for table in (_legs(report), _figures(report), _scenarios(report)):
        console.print()
        console.print(table)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    return table


def _legs(report: AccountReport) -> Table:
    table = _table("Legs", "instrument", "lots", "mark of a lot", "value", "entry cost")
    for leg in report.legs:
        table.add_row(
            leg.instrument,
            f"{leg.lots:,}",
            f"{leg.mark_usd6 / USD6:,.6f}" if leg.priced else "no price",
            usd(leg.value_usd6),
            usd(leg.entry_cost_usd6),
        )
    return table


def _figures(report: AccountReport) -> Table:
    table = _table("Margins, USD", "", "keeper", "contracts", "difference, micro-dollars")
    rows = {
        "equity": "equity_usd6",
        "SM, standard": "standard_usd6",
        "SM at initial level": "standard_initial_usd6",
        "MM, to stay open": "maintenance_usd6",
        "IM without a leaf": "grid_initial_usd6",
        "worst loss": "worst_loss_usd6",
    }
    for name, field in rows.items():
        table.add_row(
            name,
            usd(getattr(report.keeper, field)),
            usd(getattr(report.chain, field)),
            f"{report.difference_usd6[field]:+,}",
        )
    table.add_row("IM of a leaf", usd(report.initial_usd6), "", "")
    return table


def _scenarios(report: AccountReport) -> Table:
    table = _table("Loss by scenario, USD", "scenario", "loss", "")
    for scenario in report.scenarios:
        is_worst = scenario.index == report.keeper.worst_scenario and scenario.loss_usd6 > 0
        table.add_row(scenario.name, usd(scenario.loss_usd6), "worst" if is_worst else "")
    return table
