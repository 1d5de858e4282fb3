from collections import Counter
from dataclasses import replace

import pytest

from keeper.chain import lens
from keeper.chain.client import ChainClient
from keeper.chain.lens import read_snapshot
from keeper.errors import ConfigError, MarketDataError
from keeper.margin.portfolio import margin_book
from keeper.state.body import decode, encode
from keeper.units import E8
from tests.unit.chain.fake_node import AGGREGATOR, ARTIFACTS, DEPLOYMENT, T0, FakeNode, Serving
from tests.unit.chain.world import ALICE, BOB, EXPIRY, MODEL, account, market, parameters, views


@pytest.fixture
def node():
    with Serving(FakeNode(views=views())) as running:
        yield running


def read(node, epoch=0):
    client = ChainClient.connect(node.url, ARTIFACTS)
    return read_snapshot(client, DEPLOYMENT, MODEL, client.block(96), epoch=epoch)


def test_read_snapshot__is_canonical_whatever_the_order_on_chain(node):
    snapshot = read(node, epoch=3)
    head = snapshot.head
    assert (head.epoch, head.ref_block, head.ref_time) == (3, 96, T0 + 96)
    assert [row.tobytes() for row in snapshot.accounts.account] == [ALICE, BOB]
    assert snapshot.forwards.expiry.tolist() == [0, EXPIRY, 0, EXPIRY]
    assert snapshot.legs.lots.tolist() == [-100, -5_000, 100, 5_000]
    body = encode(snapshot)
    assert encode(decode(body)) == body
    assert len(margin_book(snapshot, MODEL)) == 2


def test_read_snapshot__average_that_comes_about__is_read_until_its_price_is_fixed():
    ahead = {"until": T0 - 1, "sum": 2**70 + 5}
    markets = [market(1, 7_940 * E8), market(2, 19_461_000_000)]
    for row, settlement in zip(markets, (0, 5), strict=True):
        row["forwards"][1] |= {"accrual": ahead, "expiry": T0 + 60, "settlement": settlement}
    with Serving(FakeNode(views=views(markets))) as running:
        found = read(running).accruals
    assert (found.underlying.tolist(), found.expiry.tolist()) == ([1], [T0 + 60])
    assert (found.until.tolist(), found.sum_e8.tolist()) == ([T0 - 1], [[2**6, 5]])


def test_read_snapshot__locked_account__is_flagged(node):
    node.views = views(accounts=[account(ALICE, 1, [], locked=True), account(BOB, 1, [])])
    assert read(node).accounts.flags.tolist() == [1, 0]


def test_read_snapshot__more_accounts_than_a_call_carries__reads_them_all(node, monkeypatch):
    monkeypatch.setattr(lens, "ACCOUNTS_A_CALL", 2)
    many = [account(bytes([n]) * 32, n, []) for n in range(5)]
    node.views = views(accounts=many)
    assert read(node).accounts.cash_usd6.tolist() == [0, 1, 2, 3, 4]


def test_read_snapshot__other_model_on_chain__is_a_config_error(node):
    node.views["RiskEngine", "modelHash"] = b"\x01" * 32
    with pytest.raises(ConfigError, match=r"model_file: its hash is 0x\w+, but the RiskEngine"):
        read(node)


FORGED = {
    "factors().maintenanceBps is 10001, the model's is 10000": replace(
        MODEL, factors=replace(MODEL.factors, maintenance_bps=10_001)
    ),
    "underlyingRisk(2).volUp is 7, the model's is": replace(
        MODEL, underlyings=(MODEL.underlyings[0], replace(MODEL.underlyings[1], vol_up=7))
    ),
    f"scenarioCount() is {len(MODEL.scenarios) - 1}, the": replace(
        MODEL, scenarios=MODEL.scenarios[:-1]
    ),
    "scenario(0).weightBps is 9999, the model's is 10000": replace(
        MODEL, scenarios=(replace(MODEL.scenarios[0], weight_bps=9_999), *MODEL.scenarios[1:])
    ),
}


@pytest.mark.parametrize("difference", FORGED)
def test_read_snapshot__honest_hash_over_forged_parameters__names_the_first(node, difference):
    node.views |= parameters(FORGED[difference])
    with pytest.raises(ConfigError) as caught:
        read(node)
    assert f"has the hash of the model, but its {difference}" in str(caught.value)


def test_read_snapshot__parameters_are_read_once__the_hash_each_time(node):
    client = ChainClient.connect(node.url, ARTIFACTS)
    seen = Counter()

    def counted(name, answer):
        def view(*args):
            seen[name] += 1
            return answer(*args) if callable(answer) else answer

        return view

    for key in [key for key in node.views if key[0] == "RiskEngine"]:
        node.views[key] = counted(key[1], node.views[key])
    for number in (96, 97):
        read_snapshot(client, DEPLOYMENT, MODEL, client.block(number))
    assert seen == {
        "modelHash": 2,
        "factors": 1,
        "underlyingRisk": len(MODEL.underlyings),
        "scenarioCount": 1,
        "scenario": len(MODEL.scenarios),
    }


def test_read_snapshot__forged_parameters__are_refused_again(node):
    client = ChainClient.connect(node.url, ARTIFACTS)
    node.views |= parameters(FORGED[f"scenarioCount() is {len(MODEL.scenarios) - 1}, the"])
    for _ in range(2):
        with pytest.raises(ConfigError, match="scenarioCount"):
            read_snapshot(client, DEPLOYMENT, MODEL, client.block(96))


@pytest.mark.parametrize(("spot", "fresh"), [(0, False), (180 * E8, False), (0, True)])
@pytest.mark.parametrize(
    ("answer", "updated_at", "problem"),
    [
        (0, T0 + 95, f"the aggregator {AGGREGATOR.address} answers 0"),
        (-5, T0 + 95, f"the aggregator {AGGREGATOR.address} answers -5"),
        (2**62 + 1, T0 + 95, f"the aggregator {AGGREGATOR.address} answers {2**62 + 1}"),
        (E8, T0 - 716, f"the answer of aggregator {AGGREGATOR.address} is 812 s old"),
        (E8, T0 + 99, f"the answer of aggregator {AGGREGATOR.address} is dated 3 s ahead"),
    ],
)
def test_read_snapshot__zero_or_stale_spot__names_what_the_aggregator_says(
    node, spot, fresh, answer, updated_at, problem
):
    node.views = views(markets=[market(1, 7_940 * E8), market(2, spot, fresh=fresh)])
    node.views["PriceFeedMock", "latestRoundData"] = (7, answer, updated_at, updated_at, 7)
    with pytest.raises(MarketDataError) as caught:
        read(node)
    assert f"zero or stale spot in block 96: underlying 2: {problem}: check" in str(caught.value)


def test_read_snapshot__aggregator_is_dead__says_so(node):
    node.views = views(markets=[market(2, 180 * E8, fresh=False)])
    node.views["SpotFeeds", "aggregatorOf"] = "0x" + "00" * 20
    with pytest.raises(MarketDataError, match=r"underlying 2: the aggregator 0x0+ does not answer"):
        read(node)
