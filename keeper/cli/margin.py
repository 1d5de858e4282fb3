"""`keeper margin`: why one account's margin is what it is, beside the contracts' own figures."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from keeper.cli.body_file import load_snapshot
from keeper.cli.margin_text import PLAIN_WIDTH, show
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, plain, write_json
from keeper.errors import ConfigError, InputError
from keeper.margin.explain import explain
from keeper.margin.explanation import Explanation
from keeper.margin.scenarios import Model
from keeper.margin.what_if import Trade, listed_instrument, what_if
from keeper.state.accounts import parse_account
from keeper.state.snapshot import Snapshot
from keeper.units import E8

if TYPE_CHECKING:
    from keeper.audit.account import AccountReport

_TRADE: Final = re.compile(
    r"(?P<instrument>[^:@]+):(?P<lots>[+-]?[0-9]{1,8})(?:@(?P<whole>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,8}))?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class _World:
    """What an account is explained from; `report` compares with the contracts where there are."""

    snapshot: Snapshot
    model: Model
    report: AccountReport | None = None


def command(
    account: Annotated[
        str, typer.Argument(help="0x and 64 hex digits, or OWNER[:SUB].", metavar="ACCOUNT")
    ],
    block: Annotated[
        int | None, typer.Option("--block", min=0, help="Block number; the head by default.")
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option("--body", help="A saved snapshot body instead of a chain."),
    ] = None,
    trades: Annotated[
        list[str] | None,
        typer.Option(
            "--what-if",
            metavar="INSTRUMENT:LOTS[@PRICE]",
            help="Show the account after a trade as well; may be repeated. LOTS are bought, "
            "negative ones sold, at PRICE in USD a unit or at the mark. The instrument by name, "
            "as ETH-20260626-3000-C, or by hex id.",
        ),
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", help="Draw P&L over price and vol into this .png or .svg file."),
    ] = None,
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Break down an account's margin at a block, and show how far the contracts' figures differ.

    By component, leg, scenario and Greek, with the spots at which it could be liquidated. With
    --body everything but the comparison is shown, without a node.

    Examples:

        keeper margin 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --config keeper.toml

        keeper margin 0x90F79bf6EB2c4f870365E785982E1f101E93b906:3 --block 1024 --json

        keeper margin 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --body epoch-3.body
        --what-if ETH-PERP:-500 --what-if ETH-20260626-3000-C:1000@85.5 --plot margin.svg
    """
    wanted = parse_account(account)
    if plot is not None:
        _require_format(plot)
    if body is None:
        if model is not None:
            raise ConfigError("--model goes with --body: the model of a chain is in the settings")
        world = _from_chain(wanted, block, config, {"rpc_url": rpc, "deployment_file": deployment})
    else:
        given = {"--block": block, "--config": config, "--rpc": rpc, "--deployment": deployment}
        if named := [name for name, value in given.items() if value is not None]:
            raise ConfigError(f"--body and {named[0]} contradict: give a file or a chain")
        world = _World(load_snapshot(body), load_model(model))
    _explain(world, wanted, trades or (), plot, as_json=as_json)


def _explain(
    world: _World, account: bytes, trades: Sequence[str], plot: Path | None, *, as_json: bool
) -> None:
    shown = explain(world.snapshot, world.model, account)
    asked = [_trade(world, text) for text in trades]
    after = what_if(world.snapshot, world.model, account, asked) if asked else None
    if plot is not None:
        _draw(world, shown, plot)
    if as_json:
        compared = {} if world.report is None else plain(world.report)
        write_json(compared | {"explanation": plain(shown), "what_if": plain(after)})
        return
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    show(Console(file=sys.stdout, width=width, highlight=False), shown, world.report, after)


def _from_chain(
    account: bytes, block: int | None, config: Path | None, overrides: dict[str, object]
) -> _World:
    """Read the block and ask the contracts; only here is a client of a node imported."""
    from keeper.audit.account import compare_account
    from keeper.chain.lens import read_snapshot
    from keeper.cli.compose import open_source
    from keeper.cli.config import load_settings
    from keeper.telemetry.logging import configure_logging

    settings = load_settings(config, overrides)
    configure_logging(settings.log_level)
    source = open_source(settings)
    at = source.client.head() if block is None else source.client.block(block)
    snapshot = read_snapshot(source.client, source.deployment, source.model, at)
    report = compare_account(source.client, source.deployment, source.model, account, at, snapshot)
    return _World(snapshot, source.model, report)


def _trade(world: _World, text: str) -> Trade:
    """Read INSTRUMENT:LOTS[@PRICE]."""
    form = _TRADE.fullmatch(text)
    if form is None:
        raise InputError(
            f"what-if {text!r}: write INSTRUMENT:LOTS or INSTRUMENT:LOTS@PRICE with whole lots and "
            "a price in USD of at most 8 decimals, as ETH-PERP:-500@3010.25"
        )
    price = None
    if form["whole"] is not None:
        price = int(form["whole"]) * E8 + int(f"{form['fraction'] or '':0<8}")
    instrument = listed_instrument(world.snapshot, world.model, form["instrument"])
    return Trade(instrument, int(form["lots"]), price)


def _require_format(plot: Path) -> None:
    if plot.suffix not in (".png", ".svg"):
        raise InputError(f"plot {plot}: write a name that ends in .png or .svg")


def _draw(world: _World, shown: Explanation, plot: Path) -> None:
    """Draw the picture; matplotlib is imported only where one is asked for."""
    from keeper.cli.margin_plot import draw
    from keeper.margin.price_vol import price_vol

    draw(price_vol(world.snapshot, world.model, shown), shown, plot)
