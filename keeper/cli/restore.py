"""`keeper restore`: the cheapest trades that restore an account; nothing is signed or sent."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from keeper.cli.body_file import load_snapshot
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, write_json
from keeper.errors import ConfigError, InputError
from keeper.liquidation.advice import Advice, advice
from keeper.liquidation.objectives import (
    DeltaTarget,
    Health,
    LeastMargin,
    Level,
    Objective,
    Restrictions,
)
from keeper.liquidation.restore import restore
from keeper.margin.scenarios import Model
from keeper.state.accounts import parse_account
from keeper.state.instruments import Instrument
from keeper.state.snapshot import Snapshot
from keeper.units import BPS, USD6, WAD, usd, wad

PLAIN_WIDTH = 120
_HEX = re.compile(r"0x[0-9a-fA-F]{1,32}", re.ASCII)
_DELTA = re.compile(r"(?P<symbol>[^=]+)=(?P<coins>-?[0-9.]+)", re.ASCII)


def command(
    account: Annotated[
        str, typer.Argument(help="0x and 64 hex digits, or OWNER[:SUB].", metavar="ACCOUNT")
    ],
    body: Annotated[
        Path | None, typer.Option("--body", help="A saved snapshot body, instead of a chain.")
    ] = None,
    target: Annotated[
        Level, typer.Option("--target", help="The requirement that equity has to reach.")
    ] = Level.INITIAL,
    buffer: Annotated[str, typer.Option("--buffer", help="Times the requirement, as 1.05.")] = "1",
    delta: Annotated[
        str | None,
        typer.Option("--delta", metavar="UNDERLYING=COINS", help="Instead: a net delta, ETH=-2.5."),
    ] = None,
    minimise_margin: Annotated[
        bool, typer.Option("--minimise-margin", help="Instead: the least IM that --budget buys.")
    ] = False,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Most that may be spent on spreads, USD.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="INSTRUMENT", help="Trade only this; may be repeated."),
    ] = None,
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="Only make legs smaller, open none.")
    ] = False,
    block: Annotated[
        int | None, typer.Option("--block", min=0, help="Block number; the head by default.")
    ] = None,
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Propose the cheapest trades that restore health, reach a delta, or make margin least.

    Trades are priced at marks and half-spreads that widen with size against open interest. The plan
    is judged by the margin engine as a whole and never dearer than closing the book pro rata; the
    clearinghouse asks for margin after each single trade. Exit code 4 where no trades suffice.

    Examples:

        keeper restore 0x90F79bf6EB2c4f870365E785982E1f101E93b906 --body book.body --target mm

        keeper restore 0x90F79bf6EB2c4f870365E785982E1f101E93b906 -c keeper.toml --delta ETH=0
    """
    wanted = parse_account(account)
    aims = _Aims(target, buffer, delta, minimise_margin, budget)
    if body is not None:
        if config or rpc or deployment or block is not None:
            raise ConfigError("--body and --config, --rpc, --deployment, --block contradict")
        parameters = load_model(model)
        snapshot = load_snapshot(body)
    else:
        if model is not None:
            raise ConfigError("--model goes with --body: a chain's model is in its settings")
        snapshot, parameters = _from_chain(config, rpc, deployment, block)
    found = advice(
        restore(
            snapshot,
            parameters,
            wanted,
            aims.objective(snapshot, parameters),
            Restrictions(reduce_only=reduce_only, only=_ids(only, snapshot, parameters)),
        ),
        parameters,
    )
    if as_json:
        write_json(found)
    else:
        _print(found)


def _from_chain(
    config: Path | None, rpc: str | None, deployment: Path | None, block: int | None
) -> tuple[Snapshot, Model]:
    # Imported here: a saved body needs no web3.
    from keeper.chain.lens import read_snapshot
    from keeper.cli.compose import open_source
    from keeper.cli.config import load_settings
    from keeper.telemetry.logging import configure_logging

    settings = load_settings(config, {"rpc_url": rpc, "deployment_file": deployment})
    configure_logging(settings.log_level)
    source = open_source(settings)
    at = source.client.head() if block is None else source.client.block(block)
    return read_snapshot(source.client, source.deployment, source.model, at), source.model


class _Aims:
    """What was asked for, as options say it."""

    def __init__(
        self, target: Level, buffer: str, delta: str | None, minimise: bool, budget: str | None
    ) -> None:
        if minimise != (budget is not None):
            raise ConfigError("--minimise-margin and --budget go together: give both or neither")
        if minimise and delta is not None:
            raise ConfigError("--delta and --minimise-margin contradict: give one")
        if (minimise or delta is not None) and (target is not Level.INITIAL or buffer != "1"):
            raise ConfigError("--target and --buffer are for health alone: leave them out here")
        self._health = Health(target, _scaled("buffer", buffer, BPS))
        self._delta = delta
        self._budget = budget

    def objective(self, snapshot: Snapshot, model: Model) -> Objective:
        """Return the objective; a delta needs the snapshot's lot."""
        if self._budget is not None:
            return LeastMargin(_scaled("budget", self._budget, USD6))
        if self._delta is not None:
            return _delta_target(self._delta, snapshot, model)
        return self._health


def _scaled(name: str, text: str, unit: int) -> int:
    """Return plain decimal text in whole units; raise InputError where it has finer digits."""
    value = wad(text) * unit
    if value % WAD:
        raise InputError(f"{name} {text!r} is finer than 1/{unit:,}: round it")
    return value // WAD


def _delta_target(text: str, snapshot: Snapshot, model: Model) -> DeltaTarget:
    found = _DELTA.fullmatch(text)
    numbers = {symbol: number for number, symbol in model.symbols().items()}
    if found is None or found["symbol"] not in numbers:
        raise InputError(f"delta {text!r}: write UNDERLYING=COINS, as ETH=-2.5, of {list(numbers)}")
    number = numbers[found["symbol"]]
    table = snapshot.underlyings
    lots = {
        u: lot for u, lot in zip(table.underlying.tolist(), table.lot_wad.tolist(), strict=True)
    }
    if number not in lots:
        raise InputError(f"delta {text!r}: the snapshot lacks {found['symbol']}")
    return DeltaTarget(number, round(wad(found["coins"]) / lots[number]))


def _ids(names: list[str] | None, snapshot: Snapshot, model: Model) -> frozenset[int] | None:
    """Return the ids of instruments given by name or as 0x id; a name may mean several hours."""
    if not names:
        return None
    by_name: dict[str, set[int]] = {}
    for high, low in snapshot.listings.instrument.tolist():
        instrument = Instrument.unpack(high << 64 | low)
        by_name.setdefault(instrument.name(model.symbols()), set()).add(instrument.pack())
    by_id = {f"{instrument:#x}": {instrument} for same in by_name.values() for instrument in same}
    meant = [(by_name | by_id).get(_plain(name), set[int]()) for name in names]
    if unknown := [name for name, found in zip(names, meant, strict=True) if not found]:
        fix = f"write a name such as {min(by_name)}" if by_name else "nothing is"
        raise InputError(f"only {', '.join(unknown)}: not listed, {fix}")
    return frozenset().union(*meant)


def _plain(text: str) -> str:
    """Return 0x digits without leading zeros, and anything else as it is."""
    return f"{int(text, 16):#x}" if _HEX.fullmatch(text) else text


def _print(found: Advice) -> None:
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    console = Console(file=sys.stdout, width=width, highlight=False)
    console.print(f"account 0x{found.account.hex()}, block {found.block}: {found.objective}")
    if found.is_flagged:
        console.print("in auction: it cannot trade before it is cured")
    if found.trades:
        console.print()
        console.print(_trades(found))
    console.print()
    console.print(_before_and_after(found))
    console.print()
    console.print(_comparison(found))


def _table(*columns: str, left: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right")
    return table


def _trades(found: Advice) -> Table:
    table = _table("instrument", "side", "lots", "mark of a lot", "cost", left=2)
    for trade in found.trades:
        mark = f"{trade.mark_usd6 / USD6:,.6f}"
        table.add_row(trade.instrument, trade.side, f"{trade.lots:,}", mark, usd(trade.cost_usd6))
    return table


def _before_and_after(found: Advice) -> Table:
    table = _table("USD", "before", "after", left=1)

    def row(name: str, field: str) -> None:
        values = (getattr(one, field) for one in (found.before, found.after))
        table.add_row(name, *(usd(value) for value in values))

    row("equity", "equity_usd6")
    row("MM", "maintenance_usd6")
    row("IM", "initial_usd6")
    row("required", "required_usd6")
    row("surplus", "surplus_usd6")
    for symbol in found.before.delta_coins:
        deltas = (one.delta_coins[symbol] for one in (found.before, found.after))
        table.add_row(f"delta, {symbol}", *(f"{coins:,.4f}" for coins in deltas))
    return table


def _comparison(found: Advice) -> str:
    if not found.trades:
        return "no trade is needed" if found.pro_rata_cost_usd6 is None else "no trade helps"
    cost = f"{len(found.trades)} trades cost {usd(found.cost_usd6)} USD"
    if found.pro_rata_cost_usd6 is None:
        return f"{cost}; no pro-rata close does it"
    return f"{cost}; a pro-rata close {usd(found.pro_rata_cost_usd6)} USD"
