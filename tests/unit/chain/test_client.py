import pytest
from web3 import HTTPProvider, Web3

from keeper.chain.client import BlockRef, ChainClient
from keeper.errors import ChainUnavailable, NotDeployed, Reverted, WrongChain
from tests.unit.chain.fake_node import (
    AGGREGATOR,
    ARTIFACTS,
    DEPLOYMENT,
    T0,
    WIRING,
    FakeNode,
    Revert,
    Serving,
    block_hash,
)


@pytest.fixture
def node():
    with Serving(FakeNode()) as running:
        yield running


def client_of(node):
    return ChainClient.connect(node.url, ARTIFACTS)


def test_head__gives_number_hash_and_time(node):
    head = client_of(node).head()
    assert head == BlockRef(100, bytes.fromhex(block_hash(100)[2:]), T0 + 100)


def test_call__node_reads_by_hash__asks_for_that_canonical_hash(node):
    node.views["MarginOracle", "epochBlocks"] = 32
    client = client_of(node)
    assert client.call(DEPLOYMENT.margin_oracle, "epochBlocks", at=client.block(64)) == 32
    _, (_, block) = node.requests[-1]
    assert block == {"blockHash": block_hash(64), "requireCanonical": True}


def test_call__node_without_reads_by_hash__asks_by_number_and_checks_the_hash_around(node):
    node.by_hash = False
    node.views["MarginOracle", "epochBlocks"] = 32
    client = client_of(node)
    at = client.block(64)
    assert client.reads_by_hash is False
    node.requests.clear()
    assert client.call(DEPLOYMENT.margin_oracle, "epochBlocks", at=at) == 32
    methods = [method for method, _ in node.requests]
    assert methods == ["eth_getBlockByNumber", "eth_call", "eth_getBlockByNumber"]
    assert node.requests[1][1][1] == hex(64)


def test_call__block_was_reorganised__is_an_error(node):
    node.by_hash = False
    node.views["MarginOracle", "epochBlocks"] = 32
    client = client_of(node)
    gone = BlockRef(64, b"\x11" * 32, T0 + 64)
    with pytest.raises(ChainUnavailable, match="block 64 was reorganised"):
        client.call(DEPLOYMENT.margin_oracle, "epochBlocks", at=gone)


def test_call__several_results__are_a_tuple(node):
    node.views["MarginOracle", "latest"] = (3, 96, T0, 5, b"\x01" * 32, b"\x02" * 32)
    client = client_of(node)
    latest = client.call(DEPLOYMENT.margin_oracle, "latest", at=client.head())
    assert latest == (3, 96, T0, 5, b"\x01" * 32, b"\x02" * 32)


def test_call__view_reverts__raises_the_named_error(node):
    def reverts(*_args):
        raise Revert("UnknownUnderlying", 9)

    node.views["RiskEngine", "lotOf"] = reverts
    client = client_of(node)
    with pytest.raises(Reverted, match=r"UnknownUnderlying\(9\)") as caught:
        client.call(DEPLOYMENT.risk_engine, "lotOf", (9,), at=client.head())
    assert (caught.value.name, caught.value.arguments) == ("UnknownUnderlying", (9,))


def test_simulate__would_revert__returns_the_reason_and_sends_nothing(node):
    def healthy(account, _scenario):
        raise Revert("Healthy", account, 5, 3)

    node.views["LiquidationAuction", "flag"] = healthy
    client = client_of(node)
    revert = client.simulate(
        DEPLOYMENT.liquidation_auction,
        "flag",
        (b"\x01" * 32, 2),
        sender=DEPLOYMENT.usd_coin.address,
    )
    assert revert is not None
    assert (revert.name, revert.args) == ("Healthy", (b"\x01" * 32, 5, 3))
    assert node.sent == []


def test_simulate__would_succeed__returns_none(node):
    node.views["LiquidationAuction", "flag"] = None
    client = client_of(node)
    assert (
        client.simulate(
            DEPLOYMENT.liquidation_auction,
            "flag",
            (b"\x01" * 32, 2),
            sender=DEPLOYMENT.usd_coin.address,
        )
        is None
    )


def test_check__right_chain_and_code__passes(node):
    client = client_of(node)
    client.check(DEPLOYMENT, client.head())


def test_check__other_chain__names_both_ids(node):
    node.chain_id = 1
    client = client_of(node)
    with pytest.raises(WrongChain, match="serves chain 1, the deployment is on chain 31337"):
        client.check(DEPLOYMENT, client.head())


def test_check__no_code__names_contract_and_address(node):
    node.code["MarketFeeds"] = "0x"
    client = client_of(node)
    address = DEPLOYMENT.market_feeds.address
    with pytest.raises(NotDeployed, match=f"no code for MarketFeeds at {address} on chain 31337"):
        client.check(DEPLOYMENT, client.head())


def test_check__other_code__names_contract(node):
    node.code["MarginLens"] = "0x60006000fd"
    client = client_of(node)
    with pytest.raises(NotDeployed, match="is not that of MarginLens"):
        client.check(DEPLOYMENT, client.head())


def test_check__immutables_filled_in__is_the_same_code(node):
    offset, length = ARTIFACTS.manifest["contracts"]["MarginLens"]["immutables"][0]
    text = node.eth_getCode(DEPLOYMENT.margin_lens.address, "latest")
    code = bytearray.fromhex(text[2:])
    code[offset : offset + length] = b"\xab" * length
    node.code["MarginLens"] = f"0x{code.hex()}"
    client = client_of(node)
    client.check(DEPLOYMENT, client.head())


@pytest.mark.parametrize(("contract", "getter"), list(WIRING))
def test_check__contract_of_another_instance__names_getter_and_both(node, contract, getter):
    node.views[contract, getter] = AGGREGATOR.address
    client = client_of(node)
    expected = WIRING[contract, getter]
    with pytest.raises(NotDeployed) as caught:
        client.check(DEPLOYMENT, client.head())
    assert str(caught.value).startswith(f"{contract} at 0x")
    assert f"answers {getter}() with {AGGREGATOR.address}, the deployment has {expected}" in str(
        caught.value
    )


def test_check__any_token_is_the_dollar(node):
    node.code["UsdCoin"] = "0x00"
    client = client_of(node)
    client.check(DEPLOYMENT, client.head())


def test_connect__nobody_listens__says_so_without_the_key_in_the_url():
    client = ChainClient.connect("http://user:pw@127.0.0.1:1/v3/SECRET", ARTIFACTS, timeout=1)
    with pytest.raises(ChainUnavailable) as caught:
        client.head()
    assert "http://127.0.0.1:1/***" in str(caught.value)
    assert "SECRET" not in repr(caught.value)
    assert "pw" not in repr(caught.value)
    assert caught.value.__suppress_context__


def test_call__contract_did_not_exist_yet__says_so(node):
    node.eth_call = lambda _tx, _at: "0x"
    client = client_of(node)
    with pytest.raises(NotDeployed, match=r"MarginLens at 0x.* did not exist yet in block 3"):
        client.call(DEPLOYMENT.margin_lens, "markets", at=client.block(3))


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, "slow down", "answers with HTTP status 429"),
        (200, "<html>no</html>", "does not speak JSON-RPC: check rpc_url"),
        (200, '{"status": "ok"}', "does not speak JSON-RPC: check rpc_url"),
    ],
)
def test_head__not_a_node__says_what_came(node, status, body, expected):
    node.raw_reply = (status, body)
    with pytest.raises(ChainUnavailable, match=expected):
        client_of(node).head()


def test_reads_by_hash__connection_lost__is_unavailable(node):
    client = client_of(node)
    head = client.head()
    client.head = lambda: head
    node.raw_reply = (503, "")
    with pytest.raises(ChainUnavailable, match="503"):
        client.call(DEPLOYMENT.margin_lens, "markets", at=head)


def test_block__beyond_the_head__is_unavailable(node):
    with pytest.raises(ChainUnavailable, match="not found"):
        client_of(node).block(101)


def test_guard__a_bug__stays_what_it_is(node):
    client = ChainClient(Web3(HTTPProvider(node.url)), ARTIFACTS)

    def bug():
        raise ZeroDivisionError("bug")

    with pytest.raises(ZeroDivisionError, match="bug"):
        client.guard(bug)


def test_guard__an_error_of_ours__passes_unchanged(node):
    ours = NotDeployed("as it is")

    def fails():
        raise ours

    with pytest.raises(NotDeployed) as caught:
        client_of(node).guard(fails)
    assert caught.value is ours


def answers(node, **replies):
    """The node answers these methods so, whatever the arguments."""
    for method, reply in replies.items():
        setattr(node, method, lambda *_params, reply=reply: reply)


def malformed(method):
    return pytest.raises(ChainUnavailable, match=rf"http://127\S+ gave a malformed.* to {method}: ")


@pytest.mark.parametrize("reply", ["zebra", None, [], {}])
def test_chain_id__malformed__names_endpoint_and_method(node, reply):
    answers(node, eth_chainId=reply)
    with malformed("eth_chainId"):
        _ = client_of(node).chain_id


@pytest.mark.parametrize(
    "change", [{"number": None}, {"hash": None}, {"timestamp": "zebra"}, {"hash": "0x12"}]
)
def test_block__malformed__names_endpoint_and_method(node, change):
    answers(node, eth_getBlockByNumber=node.eth_getBlockByNumber("0x40", False) | change)
    with malformed("eth_getBlockByNumber"):
        client_of(node).block(64)


@pytest.mark.parametrize("reply", [None, [], {}, "zebra", [1]])
def test_block__no_block_at_all__is_unavailable(node, reply):
    answers(node, eth_getBlockByNumber=reply)
    with pytest.raises(ChainUnavailable, match="http://127"):
        client_of(node).block(64)


@pytest.mark.parametrize("reply", ["0x01", "zebra", None, {}, 5])
def test_call__malformed__names_endpoint_and_view(node, reply):
    client = client_of(node)
    assert client.reads_by_hash
    at = client.head()
    answers(node, eth_call=reply)
    with malformed("eth_call of MarginOracle.epochBlocks"):
        client.call(DEPLOYMENT.margin_oracle, "epochBlocks", at=at)


@pytest.mark.parametrize("reply", [None, [{}], [None], "zebra", [{"topics": []}]])
def test_events__malformed__names_endpoint_and_method(node, reply):
    answers(node, eth_getLogs=reply)
    with malformed("eth_getLogs"):
        client_of(node).events(DEPLOYMENT.margin_oracle, "Attested", 0, 9)


@pytest.mark.parametrize("reply", [{"to": "zebra", "input": "0x"}, {"to": 5}, [1], "zebra"])
def test_transaction__malformed__names_endpoint_and_method(node, reply):
    answers(node, eth_getTransactionByHash=reply)
    with malformed("eth_getTransactionByHash"):
        client_of(node).transaction(b"\x01" * 32)


@pytest.mark.parametrize("body", ["null", "[]", "5", '"zebra"'])
def test_head__reply_is_no_object__is_unavailable(node, body):
    node.raw_reply = (200, body)
    with pytest.raises(ChainUnavailable, match=r"http://127.*eth_getBlockByNumber"):
        client_of(node).head()


def test_malformed__text_of_the_answer_is_one_short_redacted_line(node):
    answers(node, eth_chainId="https://host/SECRET\n" * 50)
    with malformed("eth_chainId") as caught:
        _ = client_of(node).chain_id
    assert "SECRET" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250
