"""The state of a deployment at one block, read through MarginLens into the canonical snapshot."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from keeper.chain.abi import Decoded
from keeper.chain.aggregator import latest_answer
from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.chain.engine import require_model
from keeper.errors import MarketDataError
from keeper.margin.scenarios import Model, model_hash
from keeper.state.accounts import FLAGGED
from keeper.state.snapshot import (
    AccountRow,
    AccrualRow,
    BalanceRow,
    ForwardRow,
    Head,
    LegRow,
    ListingRow,
    ObservationRow,
    Snapshot,
    TokenRow,
    UnderlyingRow,
    build_snapshot,
)

ACCOUNTS_A_CALL = 50
"""With 32 legs each, well inside what nodes allow an `eth_call`."""

LISTINGS_A_CALL = 500


def read_snapshot(
    client: ChainClient,
    deployment: Deployment,
    model: Model,
    at: BlockRef,
    *,
    epoch: int = 0,
) -> Snapshot:
    """All attested inputs at one block. `epoch` 0 stands for a block that no epoch refers to.

    Raises ConfigError when the deployment was made from another model, MarketDataError when a spot
    is zero or stale.
    """
    require_model(client, deployment, model, at)
    markets = read_markets(client, deployment, at)
    require_spots(client, deployment, markets, at)
    listed: int = client.call(deployment.listings, "listingCount", at=at)
    listings = _batches(client, deployment, "listings", listed, LISTINGS_A_CALL, at)
    enlisted: int = client.call(deployment.clearinghouse, "accountCount", at=at)
    accounts = _batches(client, deployment, "accounts", enlisted, ACCOUNTS_A_CALL, at)
    tokens: list[dict[str, Decoded]] = client.call(deployment.margin_lens, "tokens", at=at)
    return build_snapshot(
        head=Head(epoch, at.number, at.timestamp, model_hash(model)),
        underlyings=[_underlying(market) for market in markets],
        forwards=[_forward(market, row) for market in markets for row in market["forwards"]],
        accruals=[row for market in markets for row in _accruals(market)],
        observations=[row for market in markets for row in _observations(market)],
        listings=[_listing(listing) for listing in listings],
        accounts=[_account(account) for account in accounts],
        tokens=[_token(token) for token in tokens],
        balances=[
            BalanceRow(account["account"], balance["id"], balance["amount"])
            for account in accounts
            for balance in account["pledged"]
        ],
    )


def read_markets(
    client: ChainClient, deployment: Deployment, at: BlockRef
) -> list[dict[str, Decoded]]:
    """Of each underlying: spot, and every live or unsettled expiry with quote and settlement."""
    return client.call(deployment.margin_lens, "markets", at=at)


def require_spots(
    client: ChainClient, deployment: Deployment, markets: list[dict[str, Decoded]], at: BlockRef
) -> None:
    """Refuse to value anything on a spot that the feeds themselves call zero or stale.

    That of an underlying that was wound down is final, not stale.
    """
    problems = [
        f"underlying {market['underlying']}: "
        f"{_spot_problem(client, deployment, market['underlying'], at)}"
        for market in markets
        if (market["spot"] == 0 or not market["spotFresh"])
        and not is_closed(client, deployment, market["underlying"], at)
    ]
    if problems:
        raise MarketDataError(
            f"zero or stale spot in block {at.number}: {'; '.join(problems)}: check the aggregator"
        )


def is_closed(client: ChainClient, deployment: Deployment, underlying: int, at: BlockRef) -> bool:
    """Whether the underlying was wound down."""
    return client.call(deployment.spot_feeds, "closedAt", (underlying,), at=at) != 0


def _spot_problem(
    client: ChainClient, deployment: Deployment, underlying: int, at: BlockRef
) -> str:
    """What is wrong at the source: the feeds themselves show the last good price instead."""
    spots = deployment.spot_feeds
    address = to_checksum_address(client.call(spots, "aggregatorOf", (underlying,), at=at))
    latest = latest_answer(client, address, at)
    if latest is None:
        return f"the aggregator {address} does not answer"
    if not latest.is_usable:
        return f"the aggregator {address} answers {latest.answer}"
    age = at.timestamp - latest.updated_at
    if age < 0:
        return f"the answer of aggregator {address} is dated {-age} s ahead"
    return f"the answer of aggregator {address} is {age} s old"


def _batches(
    client: ChainClient, deployment: Deployment, view: str, count: int, size: int, at: BlockRef
) -> list[dict[str, Decoded]]:
    """All rows of a lens view, in calls that a node accepts."""
    rows: list[dict[str, Decoded]] = []
    for first in range(0, count, size):
        rows += client.call(deployment.margin_lens, view, (first, min(size, count - first)), at=at)
    return rows


def _underlying(market: dict[str, Decoded]) -> UnderlyingRow:
    return UnderlyingRow(
        underlying=market["underlying"],
        lot_wad=market["lot"],
        spot_e8=market["spot"],
        spot_time=market["spotTime"],
        scan_range_wad=market["scanRange"],
    )


def _forward(market: dict[str, Decoded], row: dict[str, Decoded]) -> ForwardRow:
    quote = row["quote"]
    return ForwardRow(
        underlying=market["underlying"],
        expiry=row["expiry"],
        ratio_wad=quote["ratio"],
        a=quote["a"],
        b=quote["b"],
        rho=quote["rho"],
        m=quote["m"],
        sigma=quote["sigma"],
        confidence_wad=quote["confidence"],
        time=quote["time"],
    )


def _accruals(market: dict[str, Decoded]) -> list[AccrualRow]:
    """What of settlement averages has come about; a fixed price needs none of it any more."""
    rows = [row for row in market["forwards"] if row["accrual"]["until"] and not row["settlement"]]
    return [
        AccrualRow(
            market["underlying"], row["expiry"], row["accrual"]["until"], row["accrual"]["sum"]
        )
        for row in rows
    ]


def _observations(market: dict[str, Decoded]) -> list[ObservationRow]:
    rows = zip(market["observedDays"], market["observedPrices"], strict=True)
    return [ObservationRow(market["underlying"], day, price) for day, price in rows]


def _listing(listing: dict[str, Decoded]) -> ListingRow:
    return ListingRow(listing["instrument"], listing["openInterest"], listing["settlement"])


def _token(token: dict[str, Decoded]) -> TokenRow:
    return TokenRow(token["id"], token["decimals"], token["price"], token["haircut"])


def _account(view: dict[str, Decoded]) -> AccountRow:
    return AccountRow(
        account=view["account"],
        mode=view["mode"],
        flags=FLAGGED if view["locked"] else 0,
        cash_usd6=view["cash"],
        reserve_usd6=view["reserve"],
        legs=tuple(
            LegRow(leg["instrument"], leg["lots"], leg["cost"]) for leg in view["positions"]
        ),
    )
