"""What the chain says about a demo that has ended: auctions, settlements and gas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import Any, Final, cast

from eth_hash.auto import keccak
from hexbytes import HexBytes
from web3.types import FilterParams

from keeper.chain.abi import EventLog, decode_event, event_topic, signature_of
from keeper.chain.deployment import Contract
from keeper.chain.lens import read_snapshot
from keeper.devnet import keys, market
from keeper.devnet.actors import HEDGED_STRADDLE, OVER_LEVERED
from keeper.devnet.exchange import account_of
from keeper.devnet.record import GasUse, Liquidation, Record, Sale, Settlement
from keeper.devnet.stage import Stage

_GAP_HOUR: Final = 11
# Roundings of a few hundred transfers, all in favour of the house.
_MOST_DUST_USD6: Final = 1_000
# An expiry is fixed at the first step whose price round comes after it.
_SETTLED_HOUR: Final = 25


def read_chain(stage: Stage, record: Record) -> None:
    """Fill in what the chain alone can tell."""
    events = list(_events(stage))
    record.liquidations += _liquidations(stage, events)
    record.settlements += _settlements(events)
    record.dust_usd6 = _dust_usd6(stage)
    record.gas += _gas(stage)


def unmet_expectations(record: Record, hours: Sequence[int]) -> Iterator[str]:
    """Yield what should have happened in these hours and did not, and every epoch that differs."""
    for verdict in record.verdicts:
        if not verdict.ok:
            yield f"epoch {verdict.epoch}: {'; '.join(verdict.problems)}"
    if [verdict.epoch for verdict in record.verdicts] != [
        epoch.line.epoch for epoch in record.epochs
    ]:
        yield "the replay did not find the epochs that were attested"
    withdrawal = record.withdrawal
    if withdrawal is None or not withdrawal.refusal.startswith("reverted: InsufficientMargin"):
        yield "no withdrawal was refused for want of margin without a leaf"
    if withdrawal is None or not withdrawal.accepted:
        yield "no withdrawal was accepted by its leaf"
    ends = {liquidation.account: liquidation for liquidation in record.liquidations}
    if hours[-1] >= _GAP_HOUR:
        insolvent = ends.get(OVER_LEVERED.name)
        if insolvent is None or insolvent.covered_usd6 <= 0 or insolvent.uncovered_usd6:
            yield f"the deficit of the {OVER_LEVERED.name} was not covered by the insurance fund"
        if not any(each.sales and each.sales[0].equity_usd6 > 0 for each in ends.values()):
            yield "no solvent account was liquidated"
        saved = ends.get(HEDGED_STRADDLE.name)
        if saved is None or saved.end != "cured" or saved.sales:
            yield f"the {HEDGED_STRADDLE.name} was not cured by its owner's deposit"
    if record.dust_usd6 is None or not 0 <= record.dust_usd6 <= _MOST_DUST_USD6:
        yield f"the treasury holds {record.dust_usd6} micro-dollars over what it owes"
    if hours[-1] >= _SETTLED_HOUR:
        settled = {item.underlying for item in record.settlements if item.legs}
        if settled < {market.SYMBOLS[market.ETH]}:
            yield "no expired option was settled"


def _events(stage: Stage) -> Iterator[EventLog]:
    """Yield the events that the report reads, in chain order, from one query."""
    client, deployment = stage.client, stage.exchange.contracts.deployment
    wanted: dict[Contract, tuple[str, ...]] = {
        deployment.liquidation_auction: ("Flagged", "Bid", "Cured", "Emptied", "DeficitTaken"),
        deployment.clearinghouse: ("ReservePaid", "Settled"),
        deployment.market_feeds: ("SettlementFixed",),
    }
    known = {
        (contract.address, event_topic(client.artifacts.abi(contract.name), name)): (contract, name)
        for contract, names in wanted.items()
        for name in names
    }
    query: FilterParams = {
        "fromBlock": deployment.block,
        "toBlock": client.head().number,
        "address": [contract.address for contract in wanted],
    }
    for log in client.guard(lambda: client.web3.eth.get_logs(query)):
        topics = [bytes(topic) for topic in log["topics"]]
        if (log["address"], topics[0]) not in known:
            continue
        contract, name = known[log["address"], topics[0]]
        abi = client.artifacts.abi(contract.name)
        yield EventLog(
            name=name,
            args=decode_event(abi, name, topics, bytes(log["data"])),
            block=log["blockNumber"],
            block_hash=bytes(log["blockHash"]),
            transaction=bytes(log["transactionHash"]),
            index=log["logIndex"],
        )


def _liquidations(stage: Stage, events: Sequence[EventLog]) -> list[Liquidation]:
    """Put the events of each auction together; an account may have several, one after the other."""
    found: list[Liquidation] = []
    open_now: dict[bytes, Liquidation] = {}
    over: dict[bytes, Liquidation] = {}
    for event in events:
        args: dict[str, Any] = event.args
        if event.name == "Flagged":
            flagged = Liquidation(
                account=stage.name_of(args["account"]),
                time=stage.client.block(event.block).timestamp,
                scenario=stage.model.scenarios[args["scenario"]].name,
                equity_usd6=args["equity"],
                required_usd6=args["required"],
            )
            found.append(flagged)
            open_now[args["account"]] = flagged
        elif event.name == "Bid":
            open_now[args["account"]].sales.append(
                Sale(
                    buyer=stage.name_of(args["buyer"]),
                    time=stage.client.block(event.block).timestamp,
                    fraction_wad=args["fraction"],
                    equity_usd6=args["equity"],
                    line_usd6=args["line"],
                    cash_to_buyer_usd6=args["cashToBuyer"],
                )
            )
        elif event.name == "ReservePaid":
            open_now[args["account"]].bounty_usd6 += args["amount"]
        elif event.name in ("Cured", "Emptied"):
            ended = open_now.pop(args["account"])
            ended.end = event.name.lower()
            ended.uncovered_usd6 = args.get("deficit", 0)
            over[args["account"]] = ended
        elif event.name == "DeficitTaken" and args["account"] in over:
            over[args["account"]].covered_usd6 += args["covered"]
            over[args["account"]].uncovered_usd6 = args["remaining"]
    return found


def _settlements(events: Sequence[EventLog]) -> Iterator[Settlement]:
    legs = [event.args["instrument"] for event in events if event.name == "Settled"]
    for event in events:
        if event.name == "SettlementFixed":
            args: dict[str, Any] = event.args
            underlying, expiry = args["underlying"], args["expiry"]
            prefix = underlying << 40 | expiry
            yield Settlement(
                underlying=market.SYMBOLS[underlying],
                expiry=expiry,
                price_e8=args["price"],
                legs=sum(cast(int, instrument) >> 72 == prefix for instrument in legs),
            )


def _dust_usd6(stage: Stage) -> int:
    """Return dollars held less what all accounts have: cash, reserves, less entry costs."""
    client, deployment = stage.client, stage.exchange.contracts.deployment
    head, house = client.head(), deployment.clearinghouse
    held: int = client.call(
        deployment.usd_coin, "balanceOf", (deployment.treasury.address,), at=head
    )
    snapshot = read_snapshot(client, deployment, stage.model, head)
    cash = int(snapshot.accounts.cash_usd6.sum()) + int(snapshot.accounts.reserve_usd6.sum())
    # The snapshot has the accounts that ever held a leg; these two never do.
    backstop: bytes = client.call(deployment.liquidation_auction, "backstopAccount", at=head)
    for account in (backstop, account_of(keys.LIQUIDATOR)):
        cash += client.call(house, "accountState", (account,), at=head)["cash"]
    return held - cash + int(snapshot.legs.cost_usd6.sum())


def _gas(stage: Stage) -> Iterator[GasUse]:
    """Yield gas by kind of call: the block's gas, as each block holds one transaction."""
    names = _selectors(stage)
    used: dict[str, list[int]] = {}
    eth = stage.client.web3.eth
    for number in stage.chain.transaction_blocks:
        block = eth.get_block(number, full_transactions=True)
        transaction = cast(dict[str, Any], block.get("transactions", [])[0])
        # eth-tester calls the field `data` inside of blocks.
        data = bytes(HexBytes(transaction.get("input") or transaction.get("data") or b""))
        kind = names.get(data[:4], "deploy") if transaction.get("to") else "deploy"
        used.setdefault(kind, []).append(block.get("gasUsed", 0))
    for kind, values in sorted(used.items(), key=lambda item: -max(item[1])):
        yield GasUse(kind, len(values), min(values), median_low(values), max(values))


def _selectors(stage: Stage) -> dict[bytes, str]:
    artifacts = stage.client.artifacts
    return {
        keccak(signature_of(entry).encode())[:4]: f"{name}.{entry['name']}"
        for name, abi in artifacts.abis.items()
        for entry in abi
        if entry.get("type") == "function" and entry["stateMutability"] not in ("view", "pure")
    }
