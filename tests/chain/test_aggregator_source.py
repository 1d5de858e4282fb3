"""Rounds of aggregators on the embedded chain as a source, and one price from several of them."""

import pytest

from keeper.calibration.consensus import Rules, consensus
from keeper.devnet import keys, market
from keeper.devnet.deployment import create
from keeper.devnet.embedded import EmbeddedChain
from keeper.devnet.stage import GENESIS_TIME, build_stage
from keeper.devnet.wallet import Wallet
from keeper.errors import MarketDataError
from keeper.sources.aggregator_round import AggregatorRound

pytestmark = pytest.mark.chain


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = build_stage(EmbeddedChain(GENESIS_TIME), tmp_path_factory.mktemp("rounds"))
    yield stage
    stage.close()


@pytest.fixture
def wallet(stage):
    return Wallet(stage.client, keys.signer(keys.DEPLOYER, stage.chain.chain_id))


def feed(wallet, name="BTC / USD"):
    return create(wallet, "PriceFeedMock", 8, name)


def source(stage, contract, name="aggregator"):
    return AggregatorRound(stage.client, contract.address, name)


def test_read__newest_round__its_price_and_its_time(stage, wallet):
    contract, time = feed(wallet), stage.chain.now()
    wallet.send(contract, "postAt", 9_012_345_678_901, time - 40)
    first = source(stage, contract, "venue").read()
    assert (first.source, first.price_usd, first.time) == ("venue", 90_123.45678901, time - 40)
    wallet.send(contract, "postAt", 9_000_000_000_000, time - 10)
    assert source(stage, contract).read().price_usd == 90_000.0


@pytest.mark.parametrize("answer", [None, 0, -1, 2**60])
def test_read__no_round_or_no_price__refused_and_never_made_up(stage, wallet, answer):
    contract = feed(wallet)
    if answer is not None:
        wallet.send(contract, "postAt", answer, stage.chain.now())
    with pytest.raises(MarketDataError, match=f"{contract.address}: its newest round has no price"):
        source(stage, contract).read()


def test_read__the_demos_feed__is_what_the_contracts_read(stage):
    contracts = stage.exchange.contracts
    reading = source(stage, contracts.price_feeds[market.BTC]).read()
    spots = contracts.deployment.spot_feeds
    price_e8 = stage.client.call(spots, "reading", (market.BTC,), at=stage.client.head())[0]
    assert round(reading.price_usd * 10**8) == price_e8


def test_consensus__aggregators_on_chain__outlier_and_stale_round_named(stage, wallet):
    now = stage.chain.now()
    sources = []
    for name, price, age in (
        ("a", 90_000.0, 5), ("b", 90_010.0, 10), ("c", 89_995.0, 20), ("off", 93_000.0, 5),
        ("old", 90_000.0, 500),
    ):  # fmt: skip
        contract = feed(wallet, name)
        wallet.send(contract, "postAt", round(price * 10**8), now - age)
        sources.append(source(stage, contract, name))
    readings = [one.read() for one in sources]
    found = consensus(readings, now, Rules())
    assert found.price_usd == 90_000.0
    assert {one.reading.source: one.reason for one in found.rejected}.keys() == {"off", "old"}
    with pytest.raises(MarketDataError, match="2 of 3 needed"):
        consensus([readings[0], readings[1], readings[4]], now, Rules())
