"""What a liquidator sees at one block: snapshot, margins, open auctions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import structlog

from keeper.chain.client import BlockRef
from keeper.chain.lens import read_snapshot
from keeper.jobs.context import KeeperContext
from keeper.liquidation.auction import SMALLEST_DIVISIBLE_LEG, least_bounties_usd6
from keeper.liquidation.plan import OpenAuction
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.scenarios import Factors
from keeper.state.accounts import FLAGGED, bounty_reserve_usd6
from keeper.state.snapshot import Snapshot
from keeper.units import IntArray, mul_bps_up

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """One block, computed. `flagged` are in auction, `row` finds an account's margins."""

    at: BlockRef
    snapshot: Snapshot
    margin_book: MarginBook
    flagged: frozenset[bytes]
    row: dict[bytes, int]

    def lots_of(self, row: int) -> IntArray:
        """Lots of each leg of the account in that row of the margin book."""
        accounts = self.snapshot.accounts
        last = np.cumsum(accounts.legs, dtype=np.int64)
        at = int(self.margin_book.account_row[row])
        return self.snapshot.legs.lots[last[at] - int(accounts.legs[at]) : last[at]]


def look(ctx: KeeperContext, at: BlockRef | None = None) -> Sight:
    """Read and compute the state of a block, the head by default."""
    at = ctx.client.head() if at is None else at
    snapshot = read_snapshot(ctx.client, ctx.deployment, ctx.model, at)
    book = margin_book(snapshot, ctx.model)
    rows = snapshot.accounts.account
    flagged = np.flatnonzero(snapshot.accounts.flags & FLAGGED)
    return Sight(
        at=at,
        snapshot=snapshot,
        margin_book=book,
        flagged=frozenset(rows[index].tobytes() for index in flagged.tolist()),
        row={account: index for index, account in enumerate(book.accounts)},
    )


def open_auctions(ctx: KeeperContext, sight: Sight) -> list[OpenAuction]:
    """Every auction with the figures that a bid is planned from; unpriced books are left out."""
    return [
        auction
        for account in sorted(sight.flagged)
        if (auction := _open_auction(ctx, sight, account)) is not None
    ]


def _open_auction(ctx: KeeperContext, sight: Sight, account: bytes) -> OpenAuction | None:
    auction = ctx.deployment.liquidation_auction
    state = ctx.client.call(auction, "auction", (account,), at=sight.at)
    begins: int = ctx.client.call(auction, "beginsAt", (account,), at=sight.at)
    row = sight.row.get(account)
    backstop = account[:20] == bytes.fromhex(auction.address[2:])
    if row is None:
        return OpenAuction(account, begins, state["fractionSold"], 0, 0, 0, 0, backstop=backstop)
    book = sight.margin_book
    if not book.measured[row]:
        log.warning("account_unjudged", account=account, reason="a leg of its book has no price")
        return None
    initial = _initial_margin(book, row, ctx.model.factors)
    lots = sight.lots_of(row)
    return OpenAuction(
        account=account,
        begins_at=begins,
        fraction_sold_wad=state["fractionSold"],
        equity_usd6=int(book.equity_usd6[row]),
        standard_usd6=int(book.standard_usd6[row]),
        initial_usd6=initial,
        # What rounding of lots adds for a buyer is not in proportion, and added when he is funded.
        buyer_margin_usd6=initial,
        divisible=int(np.abs(lots).max()) >= SMALLEST_DIVISIBLE_LEG,
        required_usd6=None if backstop else _required(book, row),
        bounty_usd6=_own_bounty(ctx, sight, account, state["flagger"]),
        reserve_usd6=bounty_reserve_usd6(len(lots)),
        backstop=backstop,
    )


def _required(book: MarginBook, row: int) -> int:
    return min(int(book.standard_usd6[row]), int(book.maintenance_usd6[row]))


def _own_bounty(ctx: KeeperContext, sight: Sight, account: bytes, flagger: str) -> int:
    """The least of the bounty reserve that a first bid still pays us; the flagger is zero after."""
    if int(flagger, 16) == 0:
        return 0
    house = ctx.deployment.clearinghouse
    reserve: int = ctx.client.call(house, "accountState", (account,), at=sight.at)["reserve"]
    bounty, bonus = least_bounties_usd6(reserve)
    return bonus + (bounty if flagger == ctx.sender.address else 0)


def _initial_margin(book: MarginBook, row: int, factors: Factors) -> int:
    """Margin at initial level as the auction sees it: without a leaf's cents, at most SM_im."""
    worst = max(int(book.worst_loss_usd6[row]), int(book.minimum_charge_usd6[row]))
    scaled = mul_bps_up(worst, factors.initial_bps) + int(book.add_ons_usd6[row])
    return min(int(book.standard_initial_usd6[row]), scaled)
