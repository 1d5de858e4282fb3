import pytest

from keeper.chain import lens
from keeper.chain.client import ChainClient
from keeper.chain.lens import read_snapshot
from keeper.errors import ConfigError, MarketDataError
from keeper.margin.portfolio import margin_book
from keeper.state.body import decode, encode
from keeper.units import E8
from tests.unit.chain.fake_node import ARTIFACTS, DEPLOYMENT, T0, FakeNode, Serving
from tests.unit.chain.world import ALICE, BOB, EXPIRY, MODEL, account, market, views


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


@pytest.mark.parametrize(("spot", "fresh"), [(0, False), (180 * E8, False), (0, True)])
def test_read_snapshot__zero_or_stale_spot__names_the_underlying(node, spot, fresh):
    node.views = views(markets=[market(1, 7_940 * E8), market(2, spot, fresh=fresh)])
    with pytest.raises(MarketDataError, match="zero or stale spot in block 96: underlying 2: spot"):
        read(node)
