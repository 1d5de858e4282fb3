"""The account that a bid buys into: a fresh sub-account of the sender, funded before the bid."""

from __future__ import annotations

from eth_hash.auto import keccak

from keeper.chain.client import BlockRef
from keeper.jobs.context import KeeperContext
from keeper.margin.portfolio import MAX_LEGS
from keeper.state.accounts import account_id, bounty_reserve_usd6
from keeper.tx.sender import TxRequest
from keeper.units import BPS, mul_bps_up

MOST_RESERVE_USD6 = bounty_reserve_usd6(MAX_LEGS)
"""The bounty reserve of the largest book."""

CUSHION_BPS = 10_200
"""Deposited over the margin computed, because marks move until the bid is mined."""


def buyer_account(ctx: KeeperContext, seller: bytes) -> bytes:
    """The sub-account for the next bid on a seller's book.

    Derived from the state of the auction: a bid that failed is tried again from the account that
    is funded already, and one that succeeded is followed by another account.
    """
    owner = ctx.sender.address or ""
    state = ctx.client.call(
        ctx.deployment.liquidation_auction, "auction", (seller,), at=ctx.client.head()
    )
    words = (state["startedAt"], state["fractionSold"], state["worstPayout"])
    seed = seller + b"".join(word.to_bytes(32, "big") for word in words)
    return account_id(owner, int.from_bytes(keccak(seed)[:12], "big"))


def capital_usd6(ctx: KeeperContext, at: BlockRef, bids: int) -> int:
    """Margin that the sender's dollars carry over so many bids, less reserves and cushion."""
    if ctx.sender.address is None:
        return 0
    balance: int = ctx.client.call(
        ctx.deployment.usd_coin, "balanceOf", (ctx.sender.address,), at=at
    )
    return max(balance - bids * MOST_RESERVE_USD6, 0) * BPS // CUSHION_BPS


def takeover_cost_usd6(ctx: KeeperContext, seller: bytes, at: BlockRef) -> int:
    """What a purchase costs beyond its share: standard margin of one lot a leg, as lots round, and
    the bounty reserve of its legs."""
    legs = ctx.client.call(ctx.deployment.clearinghouse, "legsOf", (seller,), at=at)
    single = [(leg["instrument"], 1 if leg["lots"] > 0 else -1) for leg in legs]
    assessment = ctx.client.call(ctx.deployment.risk_engine, "assess", (single, 0, 0), at=at)
    return assessment["standardInitial"] + bounty_reserve_usd6(len(legs))


def fund_buyer(ctx: KeeperContext, buyer: bytes, seller: bytes, margin_usd6: int) -> None:
    """Deposit what the buyer's account lacks for a share of a book with that margin."""
    house, coin, head = ctx.deployment.clearinghouse, ctx.deployment.usd_coin, ctx.client.head()
    payee = ctx.deployment.treasury.address
    needed = mul_bps_up(margin_usd6 + takeover_cost_usd6(ctx, seller, head), CUSHION_BPS)
    cash: int = ctx.client.call(house, "accountState", (buyer,), at=head)["cash"]
    missing = needed - cash
    if missing <= 0:
        return
    allowed: int = ctx.client.call(coin, "allowance", (ctx.sender.address, payee), at=head)
    if allowed < missing:
        approval = (payee, missing)
        ctx.sender.send(TxRequest(coin, "approve", approval, "pay for the margin of a bid"))
    ctx.sender.send(TxRequest(house, "deposit", (buyer, missing), "margin of a bid"))
