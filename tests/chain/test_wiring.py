"""Two instances on the embedded chain, mixed; an honest hash over another table; a dead price."""

from dataclasses import replace

import pytest

from keeper.chain.client import ChainClient
from keeper.chain.engine import require_model
from keeper.chain.lens import read_snapshot
from keeper.devnet import deployment as devnet
from keeper.devnet import market
from keeper.devnet.deployment import deploy
from keeper.devnet.embedded import EmbeddedChain
from keeper.devnet.stage import GENESIS_TIME, build_stage
from keeper.errors import ConfigError, MarketDataError, NotDeployed
from keeper.margin.scenarios import model_hash
from tests.chain.stages import post_spots

pytestmark = pytest.mark.chain

SPOTS = {underlying: market.spot_e8(underlying, 0) for underlying in market.UNDERLYINGS}


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    stage = build_stage(EmbeddedChain(GENESIS_TIME), tmp_path_factory.mktemp("wiring"))
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def ours(stage):
    return stage.exchange.contracts.deployment


@pytest.fixture(scope="module")
def theirs(stage):
    return deploy(stage.client, stage.model, SPOTS, []).deployment


def test_check__each_instance_by_itself__passes(stage, ours, theirs):
    for deployment in (ours, theirs):
        stage.client.check(deployment, stage.client.head())


@pytest.mark.parametrize(
    "field",
    [
        "clearinghouse",
        "listings",
        "collateral",
        "treasury",
        "risk_engine",
        "initial_add_ons",
        "margin_oracle",
        "liquidation_auction",
        "insurance_fund",
        "liquidation_router",
        "market_feeds",
        "spot_feeds",
        "guard",
        "wind_down",
        "margin_lens",
        "usd_coin",
    ],
)
def test_check__one_contract_of_another_instance__is_refused(stage, ours, theirs, field):
    mixed = replace(ours, **{field: getattr(theirs, field)})
    with pytest.raises(NotDeployed, match="it mixes two instances"):
        stage.client.check(mixed, stage.client.head())


def test_require_model__honest_hash_over_a_forged_table__names_the_scenario(stage, monkeypatch):
    first, *rest = stage.model.scenarios
    forged = replace(stage.model, scenarios=(replace(first, weight_bps=1), *rest))
    monkeypatch.setattr(devnet, "model_hash", lambda _model: model_hash(stage.model))
    deployment = deploy(stage.client, forged, SPOTS, []).deployment
    stage.client.check(deployment, stage.client.head())
    with pytest.raises(ConfigError, match=r"scenario\(0\)\.weightBps is 1, the model's is "):
        require_model(stage.client, deployment, stage.model, stage.client.head())


def test_require_model__a_second_client_of_the_same_node__asks_for_the_hash_alone(stage, ours):
    head = stage.client.head()
    require_model(stage.client, ours, stage.model, head)
    other = ChainClient(stage.chain.web3, stage.client.artifacts)
    asked = []
    call = other.call
    other.call = lambda *args, **options: asked.append(args[1]) or call(*args, **options)
    require_model(other, ours, stage.model, head)
    assert asked == ["modelHash"]


def test_read_snapshot__aggregator_answers_zero__is_not_called_old(stage, ours):
    post_spots(stage, 1)
    stage.exchange.post_spot(market.ETH, 0)
    with pytest.raises(MarketDataError, match=f"underlying {market.ETH}: the agg.* answers 0"):
        read_snapshot(stage.client, ours, stage.model, stage.client.head())
