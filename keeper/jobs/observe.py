"""Daily prices: prove the price at 00:00 UTC of each underlying to the ring of SpotFeeds."""

from __future__ import annotations

from typing import Final

import structlog

from keeper.chain.aggregator import round_in_force
from keeper.chain.client import BlockRef
from keeper.chain.lens import read_markets
from keeper.errors import Reverted
from keeper.jobs.context import KeeperContext
from keeper.tx.sender import TxOutcome, TxRequest

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 86_400
# A keeper that was down over one midnight still proves it on the next day.
LOOK_BACK_DAYS: Final = 2


def observe(ctx: KeeperContext) -> list[TxOutcome]:
    """Observe today's and yesterday's prices where the ring lacks them and a round proves them."""
    at = ctx.client.head()
    outcomes = [
        _observe(ctx, at, market["underlying"], frozenset(market["observedDays"]))
        for market in read_markets(ctx.client, ctx.deployment, at)
    ]
    return [outcome for outcome in outcomes if outcome is not None]


def _observe(
    ctx: KeeperContext, at: BlockRef, underlying: int, observed: frozenset[int]
) -> TxOutcome | None:
    today = at.timestamp // DAY_SECONDS
    missing = sorted(set(range(today - LOOK_BACK_DAYS + 1, today + 1)) - observed)
    if not missing:
        return None
    spots = ctx.deployment.spot_feeds
    address: str = ctx.client.call(spots, "aggregatorOf", (underlying,), at=at)
    rounds = {d: round_in_force(ctx.client, address, d * DAY_SECONDS, at) for d in missing}
    proven = {day: found for day, found in rounds.items() if found is not None}
    if not proven:
        return None
    days, ids = list(proven), list(proven.values())
    reason = f"prices at 00:00 UTC of days {', '.join(map(str, days))}"
    try:
        return ctx.sender.send(TxRequest(spots, "observe", (underlying, days, ids), reason))
    except Reverted as error:
        log.warning("action_reverted", call=f"observe({underlying})", error=str(error))
        return None
