import threading

import pytest
import structlog
from eth_account import Account
from hexbytes import HexBytes

from keeper.chain.abi import decode_call
from keeper.chain.client import ChainClient
from keeper.errors import ChainUnavailable, ConfigError, Reverted
from keeper.tx.fees import FeePolicy
from keeper.tx.sender import DryRunSender, SigningSender, TxRequest
from keeper.tx.signers.ephemeral import EphemeralSigner
from tests.unit.chain.fake_node import ARTIFACTS, CHAIN_ID, DEPLOYMENT, FakeNode, Revert, Serving

ACCOUNT = b"\x01" * 32
FLAG = TxRequest(DEPLOYMENT.liquidation_auction, "flag", (ACCOUNT, 4), "under maintenance")
SIGNER = EphemeralSigner("sender", CHAIN_ID)


@pytest.fixture
def node():
    with Serving(FakeNode(views={("LiquidationAuction", "flag"): None})) as running:
        yield running


def sender_of(node, **options):
    client = ChainClient.connect(node.url, ARTIFACTS)
    return SigningSender(client, SIGNER, receipt_timeout=0.3, **options)


def typed(raw):
    """The fields of a raw EIP-1559 transaction."""
    from eth_account.typed_transactions.typed_transaction import TypedTransaction

    return TypedTransaction.from_bytes(HexBytes(raw)).as_dict()


def test_dry_run__logs_the_decoded_call_and_sends_nothing():
    with structlog.testing.capture_logs() as logs:
        assert DryRunSender().send(FLAG) is None
    assert logs[0]["event"] == "transaction_not_sent"
    assert logs[0]["call"] == f"LiquidationAuction.flag(0x{ACCOUNT.hex()}, 4)"
    assert logs[0]["reason"] == "under maintenance"


def test_send__signs_what_was_asked_with_nonce_fees_and_gas(node):
    outcome = sender_of(node).send(FLAG)
    assert outcome is not None
    assert (outcome.block, outcome.gas_used, outcome.status) == (101, 21_000, 1)
    [raw] = node.sent
    assert Account.recover_transaction(raw) == SIGNER.address
    fields = typed(raw)
    assert (fields["chainId"], fields["nonce"], fields["gas"]) == (CHAIN_ID, 7, 62_500)
    assert (fields["maxFeePerGas"], fields["maxPriorityFeePerGas"]) == (4 * 10**9, 2 * 10**9)
    abi = ARTIFACTS.abi("LiquidationAuction")
    assert decode_call(abi, "flag", bytes(fields["data"])) == (ACCOUNT, 4)


def test_send__simulation_reverts__raises_the_reason_and_sends_nothing(node):
    def flagged(account, _scenario):
        raise Revert("AlreadyFlagged", account)

    node.views["LiquidationAuction", "flag"] = flagged
    with pytest.raises(Reverted, match=f"AlreadyFlagged\\(0x{ACCOUNT.hex()}\\)"):
        sender_of(node).send(FLAG)
    assert node.sent == []


def test_send__fails_in_its_block__raises(node):
    node.receipt_status = 0
    with pytest.raises(Reverted, match="failed in its block"):
        sender_of(node).send(FLAG)
    assert len(node.sent) == 1


def test_send__needs_more_gas_than_the_cap__sends_nothing(node):
    node.estimate = 10**7
    with pytest.raises(ConfigError, match="needs 12500000 gas, the cap is 10000000"):
        sender_of(node, gas_cap=10**7).send(FLAG)
    assert node.sent == []


def test_send__gas_limit_given__asks_for_no_estimate(node):
    sender_of(node, gas_limit=123_456).send(FLAG)
    assert typed(node.sent[0])["gas"] == 123_456
    assert "eth_estimateGas" not in [method for method, _ in node.requests]


def test_send__fee_cap__is_kept(node):
    sender_of(node, fees=FeePolicy(max_fee_cap=10**9)).send(FLAG)
    assert typed(node.sent[0])["maxFeePerGas"] == 10**9


def test_send__never_mined__says_so(node):
    node.eth_getTransactionReceipt = lambda _transaction: None
    with pytest.raises(ChainUnavailable, match="was not mined in 0 s"):
        sender_of(node).send(FLAG)


def test_send__two_threads__one_transaction_at_a_time(node):
    inside = threading.Semaphore(1)
    overlaps = []

    def watched(*_args):
        if not inside.acquire(blocking=False):
            overlaps.append(True)
        else:
            threading.Event().wait(0.05)
            inside.release()

    node.views["LiquidationAuction", "flag"] = watched
    sender = sender_of(node)
    threads = [threading.Thread(target=sender.send, args=(FLAG,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(node.sent) == 3
    assert not overlaps
