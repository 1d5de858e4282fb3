"""The ring of daily prices on its way from rounds to bodies: contracts and keepers agree on it."""

from dataclasses import replace

import pytest

from keeper.audit.replay import replay_all
from keeper.devnet import keys, market
from keeper.devnet.demo import build_next_epoch, post_market, sign_and_submit
from keeper.devnet.wallet import Wallet
from keeper.errors import MarketDataError
from keeper.jobs.observe import observe
from keeper.margin.agreement import require_agreement
from keeper.margin.volatility import scan_range
from tests.chain.stages import FEW, opened

pytestmark = pytest.mark.chain

TODAY = market.START // market.DAY
DAYS = 31
ETH_CENTS = [19_000 + 700 * (day % 3) + 11 * day for day in range(DAYS)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """ETH has 31 days of prices before today, each a round two minutes before midnight."""
    stage = opened(tmp_path_factory.mktemp("ring"), FEW)
    contracts = stage.exchange.contracts
    owner = Wallet(stage.client, keys.signer(keys.DEPLOYER, stage.chain.chain_id))
    feed, spots = contracts.price_feeds[market.ETH], contracts.deployment.spot_feeds
    first = stage.client.call(feed, "latestRoundData", at=stage.client.head())[0] + 1
    days = [TODAY - DAYS + 1 + n for n in range(DAYS)]
    for day, cents in zip(days, ETH_CENTS, strict=True):
        owner.send(feed, "postAt", cents * 10**6, day * market.DAY - 120)
    post_market(stage, 2)
    rounds = [first + n for n in range(DAYS)]
    owner.send(spots, "observe", market.ETH, days, rounds)
    yield stage
    stage.close()


@pytest.fixture(scope="module")
def works(stage):
    works = build_next_epoch(stage)
    sign_and_submit(stage, works)
    return works


def test_body__carries_the_ring_and_the_range_of_its_prices(stage, works):
    snapshot = works[0].snapshot
    rows = snapshot.observations
    assert rows.underlying.tolist() == [market.ETH] * DAYS
    assert rows.price_e8.tolist() == [cents * 10**6 for cents in ETH_CENTS]
    wanted = scan_range(
        rows.price_e8.tolist(), stage.model.scan, stage.model.scan_sigmas()[market.ETH]
    )
    ranges = dict(
        zip(
            snapshot.underlyings.underlying.tolist(),
            snapshot.underlyings.scan_range_wad.tolist(),
            strict=True,
        )
    )
    constants = {risk.underlying: risk.scan_range for risk in stage.model.underlyings}
    assert ranges == constants | {market.ETH: wanted}
    assert wanted != constants[market.ETH]


def test_keepers_and_replay__agree_on_the_digest(stage, works):
    assert len({work.digest for work in works}) == 1
    deployment = stage.exchange.contracts.deployment
    verdicts = replay_all(stage.client, deployment, stage.model, stage.client.head())
    assert verdicts
    assert all(verdict.ok for verdict in verdicts)


def test_body__range_of_other_prices__is_refused(stage, works):
    snapshot = works[0].snapshot
    prices = snapshot.observations.price_e8.copy()
    prices[-1] //= 2  # a fall that no range of before would have covered
    forged = replace(snapshot, observations=replace(snapshot.observations, price_e8=prices))
    require_agreement(snapshot, stage.model)
    with pytest.raises(MarketDataError, match="check the ring of the feeds"):
        require_agreement(forged, stage.model)


def test_observe__after_the_next_midnight__proves_the_day_once(stage, works):
    post_market(stage, 15)
    post_market(stage, 17)
    sent = observe(stage.liquidator)
    assert len(sent) == len(market.UNDERLYINGS)
    assert observe(stage.liquidator) == []
    spots = stage.exchange.contracts.deployment.spot_feeds
    for underlying in market.UNDERLYINGS:
        head = stage.client.head()
        days, prices = stage.client.call(spots, "observations", (underlying,), at=head)
        assert days[-1] == TODAY + 1
        assert prices[-1] == market.spot_e8(underlying, 15)
