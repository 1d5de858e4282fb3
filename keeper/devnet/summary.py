"""The end of a demo: tables for people, and the same as plain data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from keeper.devnet.record import EpochRecord, Liquidation, Record
from keeper.devnet.view import AccountLine
from keeper.units import E8, WAD, usd


def tables(record: Record) -> RenderableType:
    """Return everything that is printed when a demo has ended."""
    return Group(
        _replay(record),
        Text(),
        _accounts(record),
        Text(),
        _auctions(record),
        Text(),
        _gas(record),
        Text(),
        *_closing_lines(record),
    )


def document(record: Record, chain_id: int) -> dict[str, Any]:
    """Return the demo as data: integers stay integers, hashes become 0x hex."""
    verdicts = {verdict.epoch: verdict for verdict in record.verdicts}
    return {
        "chainId": chain_id,
        "epochs": [
            {
                "epoch": epoch.line.epoch,
                "hour": epoch.line.hour,
                "refBlock": epoch.line.ref_block,
                "refTime": epoch.line.time,
                "marginRoot": f"0x{epoch.line.root.hex()}",
                "bundleHash": f"0x{epoch.bundle_hash.hex()}",
                "leafCount": epoch.line.leaves,
                "sentinels": epoch.line.sentinels,
                "keepersAgreeing": epoch.line.agreeing,
                "verdict": _verdict(epoch, verdicts),
            }
            for epoch in record.epochs
        ],
        "summary": {
            "accounts": [
                {
                    "account": line.name,
                    "equityUsd6": line.equity_usd6,
                    "maintenanceUsd6": line.maintenance_usd6,
                    "outcome": _outcome(record, line),
                }
                for line in _last_lines(record)
            ],
            "withdrawal": None if record.withdrawal is None else _camel(record.withdrawal),
            "liquidations": [_camel(liquidation) for liquidation in record.liquidations],
            "settlements": [_camel(settlement) for settlement in record.settlements],
            "dustUsd6": record.dust_usd6,
            "gas": [_camel(use) for use in record.gas],
            "seconds": record.seconds,
            "problems": record.problems,
        },
    }


def _replay(record: Record) -> Table:
    table = _table("Every epoch replayed from chain data alone")
    for column in ("epoch", "block", "leaves", "signed by"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("replay", no_wrap=True)
    table.add_column("margin root", overflow="fold")
    verdicts = {verdict.epoch: verdict for verdict in record.verdicts}
    for epoch in record.epochs:
        verdict = verdicts.get(epoch.line.epoch)
        table.add_row(
            str(epoch.line.epoch),
            str(epoch.line.ref_block),
            str(epoch.line.leaves),
            str(len(verdict.signers)) if verdict else "",
            _verdict(epoch, verdicts),
            f"0x{epoch.line.root.hex()}",
        )
    return table


def _accounts(record: Record) -> Table:
    table = _table("Accounts")
    table.add_column("account")
    table.add_column("equity at the start", justify="right")
    table.add_column("at the end", justify="right")
    table.add_column("maintenance", justify="right")
    table.add_column("what happened")
    first = {line.name: line for line in record.epochs[0].line.accounts}
    for line in _last_lines(record):
        start = usd(first[line.name].equity_usd6) if line.name in first else ""
        end, maintenance = usd(line.equity_usd6), usd(line.maintenance_usd6)
        table.add_row(line.name, start, end, maintenance, _outcome(record, line))
    return table


def _auctions(record: Record) -> Table:
    table = _table("Auctions, USD; the line is what was asked for all of an account's equity")
    table.add_column("flagged")
    table.add_column("account")
    for column in ("equity", "needed", "sold", "line", "bounty", "reserve paid"):
        table.add_column(column, justify="right")
    table.add_column("end")
    for liquidation in record.liquidations:
        sold = " ".join(f"{sale.fraction_wad / WAD:.0%}" for sale in liquidation.sales)
        line = " ".join(usd(sale.line_usd6) for sale in liquidation.sales)
        covered, left = liquidation.covered_usd6, liquidation.uncovered_usd6
        paid = usd(covered) if covered else ""
        table.add_row(
            datetime.fromtimestamp(liquidation.time, tz=UTC).strftime("%d %b %H:%M"),
            liquidation.account,
            usd(liquidation.equity_usd6),
            usd(liquidation.required_usd6),
            sold,
            line,
            usd(liquidation.bounty_usd6) if liquidation.bounty_usd6 else "",
            f"{paid} of {usd(covered + left)}" if left else paid,
            liquidation.end,
        )
    return table


def _gas(record: Record) -> Table:
    table = _table("Gas")
    table.add_column("call")
    for column in ("count", "least", "median", "most"):
        table.add_column(column, justify="right")
    for use in record.gas:
        table.add_row(
            use.kind, str(use.count), f"{use.least:,}", f"{use.median:,}", f"{use.most:,}"
        )
    return table


def _closing_lines(record: Record) -> Iterator[Text]:
    if record.withdrawal is not None:
        withdrawal = record.withdrawal
        error = withdrawal.refusal.removeprefix("reverted: ").partition("(")[0]
        without = f"refused ({error})" if error else "accepted"
        yield Text(
            f"{withdrawal.account}: standard margin {usd(withdrawal.standard_usd6)}, grid "
            f"{usd(withdrawal.grid_usd6)}, attested {usd(withdrawal.attested_usd6)} USD; "
            f"withdrawing {usd(withdrawal.amount_usd6)} of {usd(withdrawal.equity_usd6)} was "
            f"{without} without its leaf, "
            f"{'accepted' if withdrawal.accepted else 'refused'} with it"
        )
    for settlement in record.settlements:
        expiry = datetime.fromtimestamp(settlement.expiry, tz=UTC).strftime("%d %b %H:%M UTC")
        price = f"{settlement.price_e8 / E8:,.2f}"
        yield Text(
            f"{settlement.underlying} expiry of {expiry}: fixed at {price}, "
            f"{settlement.legs} legs settled"
        )
    yield Text(f"money: the treasury holds {record.dust_usd6} micro-dollars more than it owes")
    parts = ", ".join(f"{part} {seconds} s" for part, seconds in record.seconds.items())
    yield Text(f"time: {parts}")
    equal = sum(verdict.ok for verdict in record.verdicts)
    style = "bold green" if not record.problems else "bold red"
    yield Text(f"{equal} of {len(record.epochs)} epochs are equal to the byte", style=style)
    yield from (Text(problem, style="bold red") for problem in record.problems)


def _outcome(record: Record, line: AccountLine) -> str:
    events = [
        _ending(liquidation)
        for liquidation in record.liquidations
        if liquidation.account == line.name
    ]
    if record.withdrawal is not None and record.withdrawal.account == line.name:
        verb = "withdrew" if record.withdrawal.accepted else "could not withdraw"
        events.insert(0, f"{verb} {usd(record.withdrawal.amount_usd6)} by its leaf")
    return "; ".join(events) or line.status


def _ending(liquidation: Liquidation) -> str:
    share = " + ".join(f"{sale.fraction_wad / WAD:.0%}" for sale in liquidation.sales)
    if liquidation.covered_usd6 or liquidation.uncovered_usd6:
        return f"insolvent, {share} sold"
    if not liquidation.sales:
        return "flagged, saved by a deposit" if liquidation.end == "cured" else "flagged"
    return f"liquidated, {share} sold"


def _last_lines(record: Record) -> tuple[AccountLine, ...]:
    return record.epochs[-1].line.accounts


def _verdict(epoch: EpochRecord, verdicts: dict[int, Any]) -> str:
    verdict = verdicts.get(epoch.line.epoch)
    if verdict is None:
        return "missing"
    return "equal" if verdict.ok else "DIFFERS"


def _table(title: str) -> Table:
    return Table(title=title, title_justify="left", border_style="dim", header_style="bold")


def _camel(value: object) -> object:
    """Return records as dictionaries with the names of JSON."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not is_dataclass(value):
        return value
    return {_camel_name(each.name): _camel(getattr(value, each.name)) for each in fields(value)}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
