"""The demo, step by step: one hour of the path after the other, in lock-step on a virtual clock.

Each step posts prices and signed surfaces, walks past the next epoch boundary, has three keepers
compute and sign the epoch each on its own, submits it with two signatures, and has the liquidator
look for accounts below maintenance.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from keeper.attestation.leaf import leaf_hash
from keeper.audit.replay import replay_all
from keeper.devnet import market
from keeper.devnet.actors import ACTORS, DEALERS, HEDGED_STRADDLE, RELATIVE_VALUE, Actor
from keeper.devnet.deployment import EPOCH_BLOCKS, THRESHOLD
from keeper.devnet.exchange import NO_CLAIM, account_of, claim
from keeper.devnet.record import EpochRecord, Record, Withdrawal
from keeper.devnet.report import read_chain, unmet_expectations
from keeper.devnet.stage import Stage
from keeper.devnet.view import AccountLine, EpochLine, View
from keeper.jobs import attest, liquidate, observe, settle
from keeper.jobs.attest import EpochWork
from keeper.jobs.sight import Sight
from keeper.liquidation.plan import Bid, Cure, Flag
from keeper.units import USD6, usd

INSURANCE_USD: Final = 50_000
LIQUIDATOR_USD: Final = 500_000
RESCUE_USD: Final = 2_500

# Ten minutes of grace, and twelve of the line.
_BID_AFTER_SECONDS: Final = 22 * 60
# Three rounds in force over the half hour before an expiry, the first at its start.
_SETTLEMENT_ROUNDS: Final = (31 * 60, 20 * 60, 10 * 60)


def run(stage: Stage, hours: Sequence[int], view: View) -> Record:
    """Play the hours of the path, replay every epoch from the chain, and tell what happened."""
    record = Record()
    with _timed(record, "opening"):
        post_market(stage, hours[0])
        open_accounts(stage, (*DEALERS, *ACTORS), view)
    with _timed(record, "steps"):
        for hour in hours:
            if hour != hours[0]:
                post_market(stage, hour)
            _step(stage, hour, view, record)
    with _timed(record, "replay"):
        head = stage.client.head()
        deployment = stage.exchange.contracts.deployment
        record.verdicts += replay_all(stage.client, deployment, stage.model, head)
    with _timed(record, "report"):
        read_chain(stage, record)
    record.problems += unmet_expectations(record, hours)
    return record


def post_market(stage: Stage, hour: int) -> None:
    """Post spots up to the hour, which an expiry on it settles at, and surfaces after."""
    at_hour = market.START + hour * market.HOUR
    if at_hour in market.EXPIRIES:
        for seconds in _SETTLEMENT_ROUNDS:
            stage.at(at_hour - seconds)
            for underlying in market.UNDERLYINGS:
                price = market.spot_before_e8(underlying, hour, seconds)
                stage.exchange.post_spot(underlying, price)
    stage.at(at_hour - len(market.UNDERLYINGS))
    for underlying in market.UNDERLYINGS:
        stage.exchange.post_spot(underlying, market.spot_e8(underlying, hour))
    stage.at(at_hour + 1)
    for underlying in market.UNDERLYINGS:
        # The feeds take updates of whole minutes.
        stage.exchange.post_surface(underlying, at_hour, market.surface(underlying, hour, at_hour))


def open_accounts(stage: Stage, actors: Sequence[Actor], view: View) -> None:
    """Fund the house and let the actors, dealers first, pay in and trade."""
    exchange = stage.exchange
    exchange.open_bank()
    exchange.insure(INSURANCE_USD)
    exchange.fund_liquidator(LIQUIDATOR_USD)
    for actor in actors:
        exchange.deposit(account_of(actor.name), actor.cash_usd)
        for underlying, coins in actor.spot_coins.items():
            exchange.pledge(actor, underlying, coins)
        for instrument, lots in actor.legs:
            exchange.trade(actor, instrument, lots)
        legs = len(actor.legs) + len(actor.spot_coins)
        book = f", trades {legs} leg{'s' * (legs > 1)}" if legs else ", makes the market"
        view.note(stage.chain.now(), f"{actor.name}: pays in {actor.cash_usd:,} USD{book}")


def _step(stage: Stage, hour: int, view: View, record: Record) -> None:
    _settle(stage, view)
    work = _attest(stage, hour, view, record)
    if record.withdrawal is None:
        record.withdrawal = _withdraw_by_leaf(stage, work, view)
    _flag(stage, work, view)
    _rescue(stage, view)
    if stage.auctions:
        stage.at(stage.chain.now() + _BID_AFTER_SECONDS)
        stage.chain.mine()
        _bid(stage, view)
        _cure(stage, view)
        _cover(stage, view)


def _settle(stage: Stage, view: View) -> None:
    """Prove daily prices, and fix what has expired, as soon as the price feed has a round after."""
    observe.observe(stage.liquidator)
    if stage.chain.now() > min(market.EXPIRIES) and settle.fix_settlements(stage.liquidator):
        settled = settle.settle_accounts(stage.liquidator)
        view.note(stage.chain.now(), f"expiry fixed, {len(settled)} accounts settled")


def _attest(stage: Stage, hour: int, view: View, record: Record) -> EpochWork:
    works = build_next_epoch(stage)
    work = sign_and_submit(stage, works)
    agreeing = sum(each.digest == work.digest for each in works)
    if agreeing != len(works):
        record.problems.append(f"epoch {work.epoch}: {agreeing} of {len(works)} keepers agree")
    line = EpochLine(
        hour=hour,
        time=work.at.timestamp,
        eth_e8=market.spot_e8(market.ETH, hour),
        btc_e8=market.spot_e8(market.BTC, hour),
        epoch=work.epoch,
        ref_block=work.at.number,
        leaves=len(work.leaves),
        sentinels=int(work.leaves.sentinel.sum()),
        root=work.tree.root,
        agreeing=agreeing,
        keepers=len(works),
        signed=THRESHOLD,
        accounts=tuple(_account_lines(stage, work)),
    )
    record.epochs.append(EpochRecord(line, work.bundle_hash, work.body))
    view.epoch(line)
    return work


def build_next_epoch(stage: Stage) -> tuple[EpochWork, ...]:
    """Walk past the next epoch boundary and let every keeper compute the epoch."""
    head = stage.client.head().number
    epoch = head // EPOCH_BLOCKS + 1
    # One block more: the oracle takes a reference block only when it lies in the past.
    stage.chain.mine(epoch * EPOCH_BLOCKS - head + 1)
    return tuple(attest.build_epoch(keeper, epoch) for keeper in stage.keepers)


def sign_and_submit(stage: Stage, works: Sequence[EpochWork]) -> EpochWork:
    """Let every keeper sign, and the one whose turn it is submit with its neighbour's signature."""
    signed = [
        attest.sign_epoch(keeper, work)[0]
        for keeper, work in zip(stage.keepers, works, strict=True)
    ]
    turn = works[0].epoch % len(stage.keepers)
    order = [(turn + offset) % len(stage.keepers) for offset in range(THRESHOLD)]
    attest.submit_epoch(stage.keepers[turn], works[turn], [signed[index] for index in order])
    return works[turn]


def _account_lines(stage: Stage, work: EpochWork) -> Iterator[AccountLine]:
    """Yield every account with a position, and those of the demo's people that have none left."""
    accounts, book = work.snapshot.accounts, work.margin_book
    row_of = {row: index for index, row in enumerate(book.account_row.tolist())}
    lines: dict[str, AccountLine] = {}
    for row, (key, cash, flags) in enumerate(
        zip(accounts.account, accounts.cash_usd6.tolist(), accounts.flags.tolist(), strict=True)
    ):
        account, index = key.tobytes(), row_of.get(row)
        if index is None:
            if account in stage.names:
                lines[stage.names[account]] = AccountLine(stage.names[account], cash, 0, "closed")
            continue
        name = stage.name_of(account)
        lines[name] = AccountLine(
            name=name,
            equity_usd6=int(book.equity_usd6[index]),
            maintenance_usd6=min(int(book.maintenance_usd6[index]), int(book.standard_usd6[index])),
            status="in auction" if flags & 1 else "open",
        )
    # In the order in which they came: names are entered as accounts appear.
    yield from (lines[name] for name in stage.names.values() if name in lines)


def _withdraw_by_leaf(stage: Stage, work: EpochWork, view: View) -> Withdrawal:
    """Withdraw down to between attested margin and grid: refused without a leaf, paid with it."""
    actor, house = RELATIVE_VALUE, stage.exchange.contracts.deployment.clearinghouse
    account = account_of(actor.name)
    leaf = next(leaf for leaf in work.leaves if leaf.account == account)
    health = stage.exchange.health(account)
    keep = (leaf.initial_margin + health["gridInitial"]) // 2
    amount = (health["equity"] - keep) // USD6 * USD6
    bare = stage.exchange.withdraw_call(actor, amount, NO_CLAIM)
    refusal = stage.client.simulate(house, "withdraw", bare, sender=bare[2])
    shown = claim(leaf, work.tree.proof(leaf_hash(leaf)), work.base_of(leaf.account))
    accepted = stage.exchange.withdraw(actor, amount, shown)
    withdrawal = Withdrawal(
        account=actor.name,
        amount_usd6=amount,
        equity_usd6=health["equity"],
        standard_usd6=health["standardInitial"],
        grid_usd6=health["gridInitial"],
        attested_usd6=leaf.initial_margin,
        refusal="" if refusal is None else str(refusal.error()),
        accepted=accepted,
    )
    now = stage.chain.now()
    view.note(
        now,
        f"{actor.name}: standard margin {usd(withdrawal.standard_usd6)}, on-chain grid "
        f"{usd(withdrawal.grid_usd6)}, attested {usd(withdrawal.attested_usd6)} USD",
    )
    name = "accepted" if refusal is None else refusal.name
    view.note(now, f"{actor.name}: withdraws {usd(amount)} without a leaf: {name}")
    outcome = "accepted" if accepted else "refused"
    view.note(now, f"{actor.name}: withdraws {usd(amount)} with its leaf: {outcome}")
    return withdrawal


def _flag(stage: Stage, work: EpochWork, view: View) -> None:
    """Flag what the epoch's margins show below maintenance and the contract confirms."""
    snapshot, book = work.snapshot, work.margin_book
    flagged = snapshot.accounts.account[snapshot.accounts.flags & 1 != 0]
    sight = Sight(
        at=work.at,
        snapshot=snapshot,
        margin_book=book,
        flagged=frozenset(row.tobytes() for row in flagged),
        row={account: index for index, account in enumerate(book.accounts)},
    )
    breaches = liquidate.confirmed_breaches(stage.liquidator, sight)
    for action in liquidate.flag_breaches(stage.liquidator, breaches):
        intent = action.intent
        if action.outcome is not None and isinstance(intent, Flag):
            stage.auctions.add(intent.account)
            scenario = stage.model.scenarios[intent.scenario].name
            text = f"flagged, {intent.reason} ({scenario})"
            view.note(stage.chain.now(), f"{stage.name_of(intent.account)}: {text}")


def _rescue(stage: Stage, view: View) -> None:
    """The owner of the hedged straddle pays in when it is flagged, and the auction ends."""
    account = account_of(HEDGED_STRADDLE.name)
    if account in stage.auctions:
        stage.exchange.deposit(account, RESCUE_USD)
        view.note(stage.chain.now(), f"{HEDGED_STRADDLE.name}: pays in {RESCUE_USD:,} USD")
        _cure(stage, view)


def _bid(stage: Stage, view: View) -> None:
    for action in liquidate.bid_auctions(stage.liquidator):
        intent = action.intent
        if not isinstance(intent, Bid):
            continue
        name = stage.name_of(intent.account)
        if action.outcome is None:
            view.note(stage.chain.now(), f"{name}: no bid, {action.error}")
            continue
        buyer = action.buyer or b""
        added = stage.exchange.secure_bought_book(buyer)
        text = f"liquidator takes {intent.reason} as {stage.name_of(buyer)}, adds {usd(added)} USD"
        view.note(stage.chain.now(), f"{name}: {text}")
    _forget_ended(stage)


def _cure(stage: Stage, view: View) -> None:
    for action in liquidate.cure_recovered(stage.liquidator):
        if action.outcome is not None and isinstance(action.intent, Cure):
            name = stage.name_of(action.intent.account)
            view.note(stage.chain.now(), f"{name}: auction ends, {action.intent.reason}")
    _forget_ended(stage)


def _cover(stage: Stage, view: View) -> None:
    covered = settle.cover_deficits(stage.liquidator)
    if covered:
        view.note(stage.chain.now(), f"the insurance fund covers {len(covered)} deficit")


def _forget_ended(stage: Stage) -> None:
    auction, head = stage.exchange.contracts.deployment.liquidation_auction, stage.client.head()
    for account in list(stage.auctions):
        if stage.client.call(auction, "auction", (account,), at=head)["startedAt"] == 0:
            stage.auctions.discard(account)


@contextmanager
def _timed(record: Record, part: str) -> Generator[None]:
    started = time.monotonic()
    yield
    record.seconds[part] = round(time.monotonic() - started, 1)
