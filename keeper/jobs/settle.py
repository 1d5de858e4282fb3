"""Settlement: prove daily prices, fix the price of every expiry that has passed, turn expired legs
into cash, and have Backstop and insurance fund cover what an emptied account still owes."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import structlog

from keeper.chain.aggregator import round_in_force
from keeper.chain.client import BlockRef
from keeper.chain.lens import is_closed, read_markets
from keeper.errors import Reverted
from keeper.jobs.context import KeeperContext
from keeper.jobs.observe import observe
from keeper.jobs.sight import Sight, look
from keeper.state.accounts import FLAGGED
from keeper.state.instruments import Instrument, Kind
from keeper.tx.sender import TxOutcome, TxRequest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Settlements:
    """What one cycle sent."""

    observed: tuple[TxOutcome, ...]
    fixed: tuple[TxOutcome, ...]
    settled: tuple[TxOutcome, ...]
    covered: tuple[TxOutcome, ...]


def settle(ctx: KeeperContext) -> Settlements:
    """One whole cycle at the head."""
    observed = observe(ctx)
    fixed = fix_settlements(ctx)
    settled = settle_accounts(ctx)
    return Settlements(tuple(observed), tuple(fixed), tuple(settled), tuple(cover_deficits(ctx)))


def fix_settlements(ctx: KeeperContext) -> list[TxOutcome]:
    """Fix every expiry that has passed, from the price feed's rounds in the window before it."""
    at = ctx.client.head()
    window: int = ctx.client.call(ctx.deployment.market_feeds, "SETTLEMENT_WINDOW", at=at)
    outcomes = [
        _fix(ctx, at, market["underlying"], row["expiry"], window)
        for market in read_markets(ctx.client, ctx.deployment, at)
        for row in market["forwards"]
        if 0 < row["expiry"] < at.timestamp and row["settlement"] == 0
    ]
    return [outcome for outcome in outcomes if outcome is not None]


def settle_accounts(ctx: KeeperContext, sight: Sight | None = None) -> list[TxOutcome]:
    """Settle every account that holds a leg whose settlement price is fixed, or that wound down."""
    house = ctx.deployment.clearinghouse
    sight = look(ctx) if sight is None else sight
    closed = frozenset(
        underlying
        for underlying in sight.snapshot.underlyings.underlying.tolist()
        if is_closed(ctx.client, ctx.deployment, underlying, sight.at)
    )
    outcomes = [
        _send(ctx, TxRequest(house, "settle", (account,), "legs that are due"))
        for account in accounts_to_settle(sight, closed)
    ]
    return [outcome for outcome in outcomes if outcome is not None]


def cover_deficits(ctx: KeeperContext) -> list[TxOutcome]:
    """Have Backstop and insurance fund, while they can, cover who owes and holds nothing."""
    at = ctx.client.head()
    house, auction = ctx.deployment.clearinghouse, ctx.deployment.liquidation_auction
    backstop: bytes = ctx.client.call(auction, "backstopAccount", at=at)
    own: int = ctx.client.call(house, "accountState", (backstop,), at=at)["cash"]
    if own <= 0 and ctx.client.call(ctx.deployment.insurance_fund, "coverRoom", at=at) <= 0:
        return []
    accounts = look(ctx, at).snapshot.accounts
    owing = (accounts.cash_usd6 < 0) & (accounts.legs == 0) & (accounts.flags & FLAGGED == 0)
    reason = "it owes and holds nothing"
    indebted = [account.tobytes() for account in accounts.account[owing]]
    outcomes = [
        _send(ctx, TxRequest(auction, "takeDeficit", (account,), reason))
        for account in (indebted if own >= 0 else [*indebted, backstop])
    ]
    return [outcome for outcome in outcomes if outcome is not None]


def accounts_to_settle(sight: Sight, closed: Set[int] = frozenset()) -> list[bytes]:
    """Accounts with a leg whose settlement price is fixed, or any but SPOT of an underlying that is
    closed, in the order of the snapshot."""
    snapshot, now = sight.snapshot, sight.at.timestamp
    listings = snapshot.listings
    due = np.array(
        [
            _is_due(Instrument.unpack(high << 64 | low), settlement, now, closed)
            for (high, low), settlement in zip(
                listings.instrument.tolist(), listings.settlement_e8.tolist(), strict=True
            )
        ],
        dtype=np.bool_,
    )
    holder = np.repeat(np.arange(len(snapshot.accounts)), snapshot.accounts.legs)
    rows = np.unique(holder[due[snapshot.legs.listing]])
    return [snapshot.accounts.account[row].tobytes() for row in rows.tolist()]


def _is_due(instrument: Instrument, settlement_e8: int, now: int, closed: Set[int]) -> bool:
    if instrument.underlying in closed:
        return instrument.kind is not Kind.SPOT
    return settlement_e8 != 0 and 0 < instrument.expiry <= now


def _fix(
    ctx: KeeperContext, at: BlockRef, underlying: int, expiry: int, window: int
) -> TxOutcome | None:
    deployment = ctx.deployment
    address: str = ctx.client.call(deployment.spot_feeds, "aggregatorOf", (underlying,), at=at)
    if round_in_force(ctx.client, address, expiry, at) is None:
        log.info("settlement_waits", underlying=underlying, expiry=expiry, why="no later round yet")
        return None
    found = round_in_force(ctx.client, address, expiry - window, at)
    if found is None:
        log.warning("settlement_unproven", underlying=underlying, expiry=expiry, why="no round")
        return None
    reason = f"round {found} was in force {window} s before expiry"
    call = TxRequest(deployment.market_feeds, "fixSettlement", (underlying, expiry, found), reason)
    return _send(ctx, call)


def _send(ctx: KeeperContext, request: TxRequest) -> TxOutcome | None:
    try:
        return ctx.sender.send(request)
    except Reverted as error:
        log.warning("action_reverted", call=request.text(), error=str(error))
        return None
