"""`keeper stress`: what a move, or a crash of the past, would do to the accounts of a book."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.table import Table

from keeper.backtest.stress.cascade import Accounts, Cascade, Market, cascade
from keeper.backtest.stress.replay import CRASHES, Replay, Step, find_crash, replay
from keeper.backtest.stress.world import Move
from keeper.cli.body_file import load_snapshot
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, require_within, result_console, write_json
from keeper.errors import InputError
from keeper.margin.scenarios import Model
from keeper.sources.price_files import read_prices
from keeper.state.snapshot import Snapshot
from keeper.units import E8

# USD a day over spot and perpetuals, of an ordinary day of 2025, to the nearest power and half.
_TRADED_USD: Final = {"BTC": 30e9, "ETH": 20e9}
_OTHER_TRADED_USD: Final = 1e9


def command(
    body: Annotated[Path, typer.Argument(help="A saved snapshot body.", metavar="BODY")],
    moves: Annotated[
        list[str] | None,
        typer.Option("--move", metavar="SYMBOL=SHARE", help="As BTC=-0.3; may be repeated."),
    ] = None,
    vol: Annotated[float, typer.Option("--vol", help="Rise of vols at 30 days, as 0.5.")] = 0.0,
    crash: Annotated[
        str | None,
        typer.Option("--replay", help=f"One of {', '.join(crash.name for crash in CRASHES)}."),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="CSV[.gz] of closes that the replay takes.")
    ] = None,
    traded: Annotated[
        list[str] | None,
        typer.Option("--traded", metavar="SYMBOL=USD", help="Traded a day where buyers hedge."),
    ] = None,
    line: Annotated[
        float, typer.Option("--line", help="Share of a positive equity at which auctions sell.")
    ] = 0.9,
    gas_gwei: Annotated[float, typer.Option("--gas-gwei", help="Price of gas.")] = 20.0,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Show who falls below, what their liquidation pushes, and what it takes to pay for it.

    The engine values every account, those below sell, buyers hedge, prices give way, and so on
    until nobody falls below. The clock stands still and scan ranges stay as they are.

    Examples:

        keeper stress epoch-3.body --move BTC=-0.3 --move ETH=-0.4 --vol 0.6

        keeper stress epoch-3.body --replay march-2020 --prices prices/btc_eth_1d.csv --json
    """
    require_within("--gas-gwei", gas_gwei, 0.0, 1e6)
    snapshot, loaded = load_snapshot(body), load_model(model)
    numbers = {symbol: number for number, symbol in loaded.symbols().items()}
    market = _market(snapshot, loaded, _by_number(traded or [], numbers), line)
    if crash is None:
        if prices is not None:
            raise InputError("--prices goes with --replay: name a crash")
        shares = _by_number(moves or [], numbers)
        move = Move({number: 1.0 + share for number, share in shares.items()}, vol)
        result = cascade(Accounts(snapshot), move, market, loaded)
        _show_cascade(result, snapshot, loaded, gas_gwei, as_json=as_json)
        return
    if prices is None or moves or vol:
        raise InputError(
            "--replay takes its moves from --prices FILE: give that, and neither --move nor --vol"
        )
    wanted = find_crash(crash)
    read = read_prices(prices)
    for finding in read.findings:  # stdout is for results
        typer.echo(finding.text(), err=True)
    played = replay(snapshot, read.history, wanted, market, loaded)
    if as_json:
        write_json(played)
        return
    _show_replay(played, loaded)


def _market(snapshot: Snapshot, model: Model, traded: dict[int, float], line: float) -> Market:
    """Return the market: volumes given or usual, volatility that the scan range stands for."""
    table = snapshot.underlyings
    symbols = model.symbols()
    ranges = zip(table.underlying.tolist(), table.scan_range_wad.tolist(), strict=True)
    sigma = {number: value / model.scan.kappa_wad for number, value in ranges}
    usual = {n: _TRADED_USD.get(symbols.get(n, ""), _OTHER_TRADED_USD) for n in sigma}
    return Market(usual | traded, sigma, line)


def _by_number(texts: list[str], numbers: dict[str, int]) -> dict[int, float]:
    """Read SYMBOL=NUMBER."""
    found: dict[int, float] = {}
    for text in texts:
        symbol, _, value = text.partition("=")
        try:
            if numbers[symbol] in found:
                raise InputError(f"{text!r}: {symbol} has a number already: give each one")
            found[numbers[symbol]] = float(value)
        except (KeyError, ValueError):
            raise InputError(
                f"{text!r}: write SYMBOL=NUMBER, as BTC=-0.3, with one of {', '.join(numbers)}"
            ) from None
    return found


def _gas_usd(result: Cascade, snapshot: Snapshot, model: Model, gwei: float) -> float | None:
    """Return the cost of the gas at the snapshot's ETH, if it has any."""
    symbols = model.symbols()
    table = snapshot.underlyings
    for number, spot in zip(table.underlying.tolist(), table.spot_e8.tolist(), strict=True):
        if symbols.get(number) == "ETH":
            return result.gas * gwei * 1e-9 * spot / E8
    return None


def _show_cascade(
    result: Cascade, snapshot: Snapshot, model: Model, gwei: float, *, as_json: bool
) -> None:
    cost = _gas_usd(result, snapshot, model, gwei)
    if as_json:
        write_json({"cascade": result, "gas_usd": cost})
        return
    console = result_console()
    symbols = model.symbols()
    table = Table(box=None, pad_edge=False)
    for name in ("round", "sell", "below zero", "buyers hedge, USD", "price after"):
        table.add_column(name, justify="right")
    for number, step in enumerate(result.rounds, start=1):
        table.add_row(
            str(number),
            f"{step.liquidated:,}",
            f"{step.insolvent:,}",
            ", ".join(f"{symbols[n]} {usd:+,.0f}" for n, usd in step.hedged_usd.items()),
            ", ".join(f"{symbols[n]} {price - 1.0:+.2%}" for n, price in step.price.items()),
        )
    console.print(table)
    priced = "" if cost is None else f", {cost:,.0f} USD at {gwei:g} gwei"
    ends = "the rounds end by themselves" if result.settled else "the rounds do NOT end"
    console.print(
        f"{result.below:,} of {result.accounts:,} accounts fall below, {result.liquidated:,} are "
        f"liquidated in the end, {result.insolvent:,} below zero; {ends}\n"
        f"insurance pays {result.insurance_usd:,.0f} USD; buyers post {result.capital_usd:,.0f} "
        f"and are paid {result.discount_usd:,.0f}\n"
        f"gas {result.gas:,} in {result.transactions:,} transactions{priced}"
    )


def _show_replay(played: Replay, model: Model) -> None:
    console = result_console()
    symbols = model.symbols()
    accounts = played.steps[-1].so_far.accounts
    console.print(f"{played.crash} from {played.source}, {accounts:,} accounts")
    if still := sorted(set(symbols.values()) - set(played.symbols)):
        console.print(f"the file has no prices of {', '.join(still)}: they stand still")
    table = Table(box=None, pad_edge=False)
    for name in ("known at", "price", "vol", "below", "sold so far", "below zero", "insurance USD"):
        table.add_column(name, justify="right")
    shown = _telling(played)
    for step in shown:
        table.add_row(
            datetime.fromtimestamp(step.time, UTC).strftime("%d %b %Y %H:%M"),
            ", ".join(f"{symbols[n]} {price - 1.0:+.1%}" for n, price in step.price.items()),
            f"{step.vol:+.0%}",
            f"{step.so_far.below:,}",
            f"{step.so_far.liquidated:,}",
            f"{step.so_far.insolvent:,}",
            f"{step.so_far.insurance_usd:,.0f}",
        )
    console.print(table)
    if quiet := len(played.steps) - len(shown):
        console.print(f"{quiet} steps in which nobody falls below are left out; --json has them")
    end = played.steps[-1].so_far
    console.print(
        f"in all buyers post {end.capital_usd:,.0f} USD, are paid {end.discount_usd:,.0f}; gas "
        f"{end.gas:,} in {end.transactions:,} transactions"
    )


def _telling(played: Replay) -> list[Step]:
    """Return the steps in which somebody falls below, that of the lowest price, and the last."""
    steps = played.steps
    lowest = min(range(len(steps)), key=lambda at: min(steps[at].price.values()))
    kept = {lowest, len(steps) - 1}
    return [step for at, step in enumerate(steps) if step.so_far.below or at in kept]
