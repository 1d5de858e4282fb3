"""Which contract of a deployment must point to which other one."""

from __future__ import annotations

from dataclasses import dataclass

from eth_typing import ChecksumAddress

from keeper.chain.deployment import Contract, Deployment


@dataclass(frozen=True, slots=True)
class Link:
    """A getter without arguments, and the address that it has to answer."""

    contract: Contract
    getter: str
    expected: ChecksumAddress


def links_of(deployment: Deployment) -> tuple[Link, ...]:
    """Every address that a contract of one instance holds of another one."""
    house, engine = deployment.clearinghouse, deployment.risk_engine
    feeds, lens = deployment.market_feeds, deployment.margin_lens
    spots, add_ons = deployment.spot_feeds, deployment.initial_add_ons
    guard, wind_down = deployment.guard, deployment.wind_down
    auction, oracle = deployment.liquidation_auction, deployment.margin_oracle
    listings, treasury, fund, router = (
        deployment.listings,
        deployment.treasury,
        deployment.insurance_fund,
        deployment.liquidation_router,
    )
    table = (
        (house, "usdc", deployment.usd_coin),
        (house, "engine", engine),
        (house, "feeds", feeds),
        (house, "oracle", oracle),
        (house, "auction", auction),
        (house, "guard", guard),
        (house, "listings", listings),
        (house, "collateral", deployment.collateral),
        (deployment.collateral, "clearinghouse", house),
        (deployment.collateral, "spots", spots),
        (lens, "collateral", deployment.collateral),
        (house, "treasury", treasury),
        (listings, "spots", spots),
        (listings, "clearinghouse", house),
        (listings, "engine", engine),
        (listings, "feeds", feeds),
        (treasury, "usdc", deployment.usd_coin),
        (treasury, "clearinghouse", house),
        (treasury, "auction", auction),
        (treasury, "fund", fund),
        (treasury, "guard", guard),
        (fund, "clearinghouse", house),
        (fund, "auction", auction),
        (router, "auction", auction),
        (router, "feeds", feeds),
        (router, "oracle", oracle),
        (lens, "clearinghouse", house),
        (lens, "engine", engine),
        (lens, "feeds", feeds),
        (auction, "clearinghouse", house),
        (auction, "engine", engine),
        (auction, "treasury", treasury),
        (auction, "fund", fund),
        (oracle, "engine", engine),
        (oracle, "clearinghouse", house),
        (oracle, "guard", guard),
        (engine, "feeds", feeds),
        (engine, "addOns", add_ons),
        (add_ons, "engine", engine),
        (add_ons, "clearinghouse", house),
        (feeds, "spots", spots),
        (feeds, "guard", guard),
        (feeds, "oracle", oracle),
        (spots, "windDown", wind_down),
        (wind_down, "feeds", feeds),
        (lens, "spots", spots),
    )
    return tuple(Link(contract, getter, target.address) for contract, getter, target in table)
