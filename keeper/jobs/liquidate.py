"""Liquidation: find under-margined accounts, flag them by the scenario that proves it, bid, cure.

The margin engine proposes and the contract decides: every flag is tried by `eth_call` before it
counts as found, and the sender simulates every transaction before it signs. An action that reverts
(another liquidator was faster, the price moved) is logged and does not stop the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog

from keeper.chain.client import NOBODY, BlockRef
from keeper.errors import Reverted
from keeper.jobs.buyer import buyer_account, capital_usd6, fund_buyer
from keeper.jobs.context import KeeperContext
from keeper.jobs.sight import Sight, look, open_auctions
from keeper.liquidation.health import Breach, judge
from keeper.liquidation.plan import (
    Bid,
    Cure,
    Flag,
    Intent,
    OpenAuction,
    Plan,
    PlanConfig,
    TakeOver,
    make_plan,
)
from keeper.tx.sender import TxOutcome, TxRequest

log = structlog.get_logger(__name__)

BID_LIFE_SECONDS = 600
"""How long a bid may wait to be mined: less than the line takes to lose a third."""


@dataclass(frozen=True, slots=True)
class Action:
    """What became of an intent; without an outcome nothing was sent, and `error` says why."""

    intent: Intent
    outcome: TxOutcome | None
    error: str = ""
    buyer: bytes | None = None


@dataclass(frozen=True, slots=True)
class LiquidationRound:
    """One cycle: what was seen, what was meant, what was done."""

    at: BlockRef
    breaches: tuple[Breach, ...]
    plan: Plan
    actions: tuple[Action, ...]


def liquidate(ctx: KeeperContext) -> LiquidationRound:
    """One whole cycle at the head: flags for new breaches, cures and bids for open auctions."""
    sight = look(ctx)
    breaches = confirmed_breaches(ctx, sight)
    plan = _plan(ctx, sight, breaches, open_auctions(ctx, sight))
    for skip in plan.skips:
        log.info("account_skipped", account=skip.account, reason=skip.reason)
    return LiquidationRound(sight.at, breaches, plan, tuple(perform(ctx, plan.intents)))


def find_breaches(ctx: KeeperContext, at: BlockRef | None = None) -> tuple[Breach, ...]:
    """Accounts under maintenance, worst first, each confirmed by the contract."""
    return confirmed_breaches(ctx, look(ctx, at))


def flag_breaches(ctx: KeeperContext, breaches: Iterable[Breach]) -> list[Action]:
    """Start an auction for each."""
    return perform(
        ctx, make_plan(tuple(breaches), (), now=0, capital_usd6=0, config=_config(ctx)).intents
    )


def bid_auctions(ctx: KeeperContext, sight: Sight | None = None) -> list[Action]:
    """Bid on every open auction that is worth it."""
    return _on_auctions(ctx, sight, Bid)


def cure_recovered(ctx: KeeperContext, sight: Sight | None = None) -> list[Action]:
    """End every auction whose account is healthy again."""
    return _on_auctions(ctx, sight, Cure)


def confirmed_breaches(ctx: KeeperContext, sight: Sight) -> tuple[Breach, ...]:
    """What the margin engine finds below maintenance and the auction would accept a flag for."""
    report = judge(sight.margin_book)
    for skip in report.skips:
        log.warning("account_unjudged", account=skip.account, reason=skip.reason)
    candidates = [breach for breach in report.breaches if breach.account not in sight.flagged]
    return tuple(breach for breach in candidates if _is_confirmed(ctx, breach))


def perform(ctx: KeeperContext, intents: Sequence[Intent]) -> list[Action]:
    """Do them one after the other; one that reverts does not stop the next."""
    return [_performed(ctx, intent) for intent in intents]


def _performed(ctx: KeeperContext, intent: Intent) -> Action:
    try:
        if isinstance(intent, Bid):
            return _bid(ctx, intent)
        return Action(intent, ctx.sender.send(_request(ctx, intent)))
    except Reverted as error:
        log.warning(
            "action_reverted", account=intent.account, reason=intent.reason, error=str(error)
        )
        return Action(intent, None, str(error))


def _request(ctx: KeeperContext, intent: Flag | Cure | TakeOver) -> TxRequest:
    auction = ctx.deployment.liquidation_auction
    if isinstance(intent, Flag):
        return TxRequest(auction, "flag", (intent.account, intent.scenario), intent.reason)
    function = "cure" if isinstance(intent, Cure) else "takeOver"
    return TxRequest(auction, function, (intent.account,), intent.reason)


def _bid(ctx: KeeperContext, bid: Bid) -> Action:
    if ctx.sender.address is None:
        log.info("bid_not_sent", why="no sender", account=bid.account, reason=bid.reason)
        return Action(bid, None, "no sender")
    buyer = buyer_account(ctx, bid.account)
    fund_buyer(ctx, buyer, bid.account, bid.buyer_margin_usd6)
    deadline = ctx.client.head().timestamp + BID_LIFE_SECONDS
    request = TxRequest(
        contract=ctx.deployment.liquidation_auction,
        function="bid",
        args=(bid.account, buyer, bid.fraction_wad, bid.min_cash_to_buyer_usd6, deadline),
        reason=bid.reason,
    )
    return Action(bid, ctx.sender.send(request), buyer=buyer)


def _on_auctions(ctx: KeeperContext, sight: Sight | None, kind: type[Bid | Cure]) -> list[Action]:
    sight = look(ctx) if sight is None else sight
    plan = _plan(ctx, sight, (), open_auctions(ctx, sight))
    return perform(ctx, [intent for intent in plan.intents if isinstance(intent, kind)])


def _plan(
    ctx: KeeperContext, sight: Sight, breaches: Sequence[Breach], auctions: Sequence[OpenAuction]
) -> Plan:
    return make_plan(
        breaches,
        auctions,
        now=sight.at.timestamp,
        capital_usd6=capital_usd6(ctx, sight.at, len(auctions)),
        config=_config(ctx),
    )


def _config(ctx: KeeperContext) -> PlanConfig:
    return PlanConfig(min_profit_usd6=ctx.liquidation.min_profit_usd6)


def _is_confirmed(ctx: KeeperContext, breach: Breach) -> bool:
    revert = ctx.client.simulate(
        ctx.deployment.liquidation_auction,
        "flag",
        (breach.account, breach.scenario),
        sender=ctx.sender.address or NOBODY,
    )
    if revert is not None:
        log.warning(
            "breach_not_confirmed",
            account=breach.account,
            scenario=breach.scenario,
            equity_usd6=breach.equity_usd6,
            required_usd6=breach.required_usd6,
            contract=str(revert.error()),
        )
    return revert is None
