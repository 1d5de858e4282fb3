"""The contracts on a fresh chain, with the shipped model, and mocks of tokens and price feeds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from keeper.chain.client import ChainClient
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.engine import add_on_words, risk_words, scan_words, scenario_words, sigma_words
from keeper.chain.model_file import read_model
from keeper.devnet import keys
from keeper.devnet.market import ETH, EXPIRIES, SYMBOLS
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
NO_SEQUENCER: Final = "0x" + "00" * 20
# Without one the coin is the unit of account, and no depeg is charged for.
NO_COIN_FEED: Final = ("0x" + "00" * 20, 0, 0)
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
    owner = wallet.address
    before = client.head().number
    usd_coin = _create(wallet, "UsdCoin")
    spot_tokens = {
        underlying: _create(wallet, "TokenMock", f"Demo {symbol}", symbol, SPOT_TOKEN_DECIMALS)
        for underlying, symbol in SYMBOLS.items()
    }
    price_feeds = _price_feeds(wallet, first_spots_e8)
    spots = _create(wallet, "SpotFeeds", owner, scan_words(model.scan), NO_SEQUENCER, 0)
    feeds = _create(
        wallet, "MarketFeeds", owner, spots.address, _addresses(keys.FEED_SIGNERS), THRESHOLD
    )
    for risk in model.underlyings:
        underlying, aggregator = risk.underlying, price_feeds[risk.underlying].address
        age, sigmas = MAX_SPOT_AGE_SECONDS, sigma_words(risk)
        wallet.send(spots, "addUnderlying", underlying, aggregator, age, sigmas)
        wallet.send(feeds, "addUnderlying", underlying, SPEED_LIMITS)
        for expiry in EXPIRIES:
            wallet.send(feeds, "addExpiry", underlying, expiry)
    engine = _create(wallet, "RiskEngine", feeds.address, *_model_words(model))
    oracle = _create(wallet, "MarginOracle", _oracle_settings(wallet, engine))
    house = _create(
        wallet,
        "Clearinghouse",
        owner,
        usd_coin.address,
        engine.address,
        feeds.address,
        oracle.address,
    )
    listings = _created_by(client, house, "listings", "Listings")
    rates = add_on_words(model.add_ons)
    add_ons = _create(wallet, "InitialAddOns", engine.address, house.address, rates, NO_COIN_FEED)
    wallet.send(engine, "connectAddOns", add_ons.address)
    auction = _create(
        wallet, "LiquidationAuction", house.address, engine.address, EPOCH_BLOCKS, ETH
    )
    wallet.send(house, "connectAuction", auction.address)
    wallet.send(oracle, "connectClearinghouse", house.address)
    router = _create(wallet, "LiquidationRouter", auction.address, feeds.address, oracle.address)
    for underlying, token in spot_tokens.items():
        wallet.send(listings, "setSpotToken", underlying, token.address)
        wallet.send(listings, "setOpenInterestCap", underlying, OPEN_INTEREST_CAP_LOTS)
    wallet.send(listings, "list", list(instruments))
    lens = _create(wallet, "MarginLens", house.address, engine.address, feeds.address)
    deployment = Deployment(
        chain_id=client.chain_id,
        block=before + 1,
        clearinghouse=house,
        listings=listings,
        treasury=_created_by(client, house, "treasury", "Treasury"),
        risk_engine=engine,
        initial_add_ons=add_ons,
        margin_oracle=oracle,
        liquidation_auction=auction,
        insurance_fund=_created_by(client, auction, "fund", "InsuranceFund"),
        liquidation_router=router,
        market_feeds=feeds,
        spot_feeds=spots,
        margin_lens=lens,
        usd_coin=usd_coin,
    )
    return DevDeployment(deployment, price_feeds, spot_tokens)


def _oracle_settings(wallet: Wallet, engine: Contract) -> tuple[object, ...]:
    """Return IAttestationConfig.Settings of the demo: its owner is the guardian as well."""
    return (
        wallet.address,
        wallet.address,
        engine.address,
        _create(wallet, "BlockhashSource").address,
        _addresses(keys.MARGIN_KEEPERS),
        THRESHOLD,
        EPOCH_BLOCKS,
        MAX_BLOCK_AGE,
        DISCOUNT_PER_DAY_USD6,
        DISCOUNT_PER_DAY_USD6,
    )


def _price_feeds(wallet: Wallet, first_spots_e8: Mapping[int, int]) -> dict[int, Contract]:
    price_feeds: dict[int, Contract] = {}
    for underlying, symbol in SYMBOLS.items():
        feed = _create(wallet, "PriceFeedMock", 8, f"{symbol} / USD")
        # MarketFeeds accepts no aggregator that has never answered.
        wallet.send(feed, "post", first_spots_e8[underlying])
        price_feeds[underlying] = feed
    return price_feeds


def _create(wallet: Wallet, name: str, *args: object) -> Contract:
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
