"""The contracts on a fresh chain, with the shipped model, and mocks of tokens and price feeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Final

from eth_utils.address import to_checksum_address

from keeper.chain.client import ChainClient
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.engine import add_on_words, risk_words, scan_words, scenario_words, sigma_words
from keeper.chain.model_file import read_model
from keeper.devnet import keys
from keeper.devnet.market import ETH, EXPIRIES, SYMBOLS
from keeper.devnet.terms import Listed, Quorum, Terms
from keeper.devnet.wallet import Wallet
from keeper.margin.scenarios import Model, model_hash
from keeper.units import USD6, WAD

EPOCH_BLOCKS: Final = 32
MAX_BLOCK_AGE: Final = 128
DISCOUNT_PER_DAY_USD6: Final = 100_000_000 * USD6
THRESHOLD: Final = 2
OPEN_INTEREST_CAP_LOTS: Final = 10**9
MAX_SPOT_AGE_SECONDS: Final = 3 * 3_600
SPOT_TOKEN_DECIMALS: Final = 18
# The demo tells two days of March 2020 in twenty steps, an hour and more apart: faster than marks
# may move where people trade, so here they may move at will.
SPEED_LIMITS: Final = (18 * WAD, 18 * WAD, 18 * WAD, 9 * WAD)


@dataclass(frozen=True, slots=True)
class DevDeployment:
    """The product's contracts and, by underlying, the mocks that stand in for the world."""

    deployment: Deployment
    price_feeds: dict[int, Contract]
    spot_tokens: dict[int, Contract]


def shipped_model() -> Model:
    """Return the margin model that the package ships."""
    return read_model()


def deploy(
    client: ChainClient, model: Model, first_spots_e8: Mapping[int, int], instruments: Sequence[int]
) -> DevDeployment:
    """Deploy and connect everything as the demo's owner, and list instruments."""
    wallet = Wallet(client, keys.signer(keys.DEPLOYER, client.chain_id))
    before = client.head().number
    usd_coin = create(wallet, "UsdCoin")
    spot_tokens = {
        underlying: create(wallet, "TokenMock", f"Demo {symbol}", symbol, SPOT_TOKEN_DECIMALS)
        for underlying, symbol in SYMBOLS.items()
    }
    price_feeds = _price_feeds(wallet, first_spots_e8)
    listed = {
        underlying: Listed(
            aggregator=price_feeds[underlying].address,
            max_age_seconds=MAX_SPOT_AGE_SECONDS,
            token=spot_tokens[underlying].address,
            limits_wad=SPEED_LIMITS,
            open_interest_cap_lots=OPEN_INTEREST_CAP_LOTS,
            expiries=EXPIRIES,
        )
        for underlying in SYMBOLS
    }
    terms = Terms(
        guardian=wallet.address,
        usd_coin=usd_coin.address,
        block_hash_source="BlockhashSource",
        margin=Quorum(_addresses(keys.MARGIN_KEEPERS), THRESHOLD),
        feeds=Quorum(_addresses(keys.FEED_SIGNERS), THRESHOLD),
        epoch_blocks=EPOCH_BLOCKS,
        max_block_age=MAX_BLOCK_AGE,
        discount_per_day_usd6=DISCOUNT_PER_DAY_USD6,
        max_discount_per_day_usd6=DISCOUNT_PER_DAY_USD6,
        gas_underlying=ETH,
        underlyings=listed,
        instruments=instruments,
    )
    placed = place(wallet, model, terms)
    return DevDeployment(replace(placed, block=before + 1), price_feeds, spot_tokens)


def place(wallet: Wallet, model: Model, terms: Terms) -> Deployment:
    """Deploy and connect all contracts for these terms; the wallet owns them until it hands over.

    `terms.underlyings` are those of the model. Raises what sending does: `Reverted` with the name
    of the contract's error, or ChainError.
    """
    client, owner = wallet.client, wallet.address
    before = client.head().number
    guard = create(wallet, "Guard", owner, terms.guardian)
    spots = create(
        wallet,
        "SpotFeeds",
        owner,
        scan_words(model.scan),
        terms.sequencer_feed,
        terms.sequencer_grace_seconds,
    )
    feeds = create(
        wallet,
        "MarketFeeds",
        owner,
        guard.address,
        spots.address,
        terms.feeds.signers,
        terms.feeds.threshold,
    )
    wind_down = create(wallet, "WindDown", owner, feeds.address)
    wallet.send(spots, "connectWindDown", wind_down.address)
    for risk in model.underlyings:
        listed = terms.underlyings[risk.underlying]
        age, sigmas = listed.max_age_seconds, sigma_words(risk)
        wallet.send(spots, "addUnderlying", risk.underlying, listed.aggregator, age, sigmas)
        wallet.send(feeds, "addUnderlying", risk.underlying, listed.limits_wad)
        for expiry in listed.expiries:
            wallet.send(feeds, "addExpiry", risk.underlying, expiry)
    engine = create(wallet, "RiskEngine", feeds.address, *_model_words(model))
    oracle = create(wallet, "MarginOracle", _oracle_settings(wallet, guard, engine, terms))
    wallet.send(feeds, "connectOracle", oracle.address)
    # Each names the other: what the wallet creates after the next transaction is the clearinghouse.
    collateral = create(wallet, "Collateral", wallet.creates_after(1), spots.address)
    house = create(
        wallet,
        "Clearinghouse",
        owner,
        terms.usd_coin,
        engine.address,
        oracle.address,
        collateral.address,
    )
    listings = _created_by(client, house, "listings", "Listings")
    rates = add_on_words(model.add_ons)
    add_ons = create(wallet, "InitialAddOns", engine.address, house.address, rates, terms.coin_feed)
    wallet.send(engine, "connectAddOns", add_ons.address)
    auction = create(
        wallet,
        "LiquidationAuction",
        house.address,
        engine.address,
        terms.epoch_blocks,
        terms.gas_underlying,
    )
    wallet.send(house, "connectAuction", auction.address)
    wallet.send(oracle, "connectClearinghouse", house.address)
    router = create(wallet, "LiquidationRouter", auction.address, feeds.address, oracle.address)
    for underlying, listed in terms.underlyings.items():
        if listed.token is not None:
            wallet.send(listings, "setSpotToken", underlying, listed.token)
        cap = listed.open_interest_cap_lots
        wallet.send(listings, "setOpenInterestCap", underlying, cap)
    wallet.send(listings, "list", list(terms.instruments))
    lens = create(wallet, "MarginLens", house.address, engine.address, feeds.address)
    return Deployment(
        chain_id=client.chain_id,
        block=before + 1,
        clearinghouse=house,
        listings=listings,
        collateral=collateral,
        treasury=_created_by(client, house, "treasury", "Treasury"),
        risk_engine=engine,
        initial_add_ons=add_ons,
        margin_oracle=oracle,
        liquidation_auction=auction,
        insurance_fund=_created_by(client, auction, "fund", "InsuranceFund"),
        liquidation_router=router,
        market_feeds=feeds,
        spot_feeds=spots,
        guard=guard,
        wind_down=wind_down,
        margin_lens=lens,
        usd_coin=Contract("UsdCoin", to_checksum_address(terms.usd_coin)),
    )


def _oracle_settings(
    wallet: Wallet, guard: Contract, engine: Contract, terms: Terms
) -> tuple[object, ...]:
    """Return IAttestationConfig.Settings."""
    return (
        wallet.address,
        guard.address,
        engine.address,
        create(wallet, terms.block_hash_source).address,
        terms.margin.signers,
        terms.margin.threshold,
        terms.epoch_blocks,
        terms.max_block_age,
        terms.discount_per_day_usd6,
        terms.max_discount_per_day_usd6,
    )


def _price_feeds(wallet: Wallet, first_spots_e8: Mapping[int, int]) -> dict[int, Contract]:
    price_feeds: dict[int, Contract] = {}
    for underlying, symbol in SYMBOLS.items():
        feed = create(wallet, "PriceFeedMock", 8, f"{symbol} / USD")
        # MarketFeeds accepts no aggregator that has never answered.
        wallet.send(feed, "post", first_spots_e8[underlying])
        price_feeds[underlying] = feed
    return price_feeds


def create(wallet: Wallet, name: str, *args: object) -> Contract:
    """Create a contract of the artefacts by its name."""
    path = wallet.client.artifacts.folder / "bytecode" / f"{name}.json"
    return wallet.deploy(name, json.loads(path.read_text(encoding="utf-8"))["creation"], *args)


def _created_by(client: ChainClient, creator: Contract, getter: str, name: str) -> Contract:
    """Return a contract that the constructor of another one made."""
    address: str = client.call(creator, getter, at=client.head())
    return Contract(name, to_checksum_address(address))


def _addresses(labels: Sequence[str]) -> list[str]:
    """Return the labels' addresses, ascending as the contracts want them."""
    return sorted(map(keys.address, labels), key=str.lower)


def _model_words(model: Model) -> tuple[object, ...]:
    """Return the model as RiskEngine's constructor takes it, after the feeds."""
    underlyings = [risk.underlying for risk in model.underlyings]
    risks = [risk_words(risk) for risk in model.underlyings]
    scenarios = [scenario_words(scenario) for scenario in model.scenarios]
    return model_hash(model), astuple(model.factors), underlyings, risks, scenarios
