import pytest
import structlog

from keeper.attestation.leaf import leaf_hash
from keeper.attestation.merkle import verify
from keeper.attestation.typed_data import oracle_domain
from keeper.errors import (
    ConfigError,
    InputError,
    QuorumNotReached,
    SigningRefused,
    VerificationMismatch,
)
from keeper.jobs.attest import (
    attest_latest,
    build_epoch,
    sign_epoch,
    submit_epoch,
)
from keeper.quorum.recovery import recover
from keeper.state.accounts import positions_hash
from keeper.state.body import bundle_hash, decode
from tests.unit.chain.fake_node import (
    CHAIN_ID,
    DEPLOYMENT,
    T0,
    FakeNode,
    Serving,
    block_hash,
    decoded,
)
from tests.unit.chain.world import ALICE, BOB, PUT, account, views
from tests.unit.jobs.keeper_of import SIGNERS, keeper_of

EPOCH = 3


@pytest.fixture
def node():
    table = views() | {
        ("MarginOracle", "signersOf"): [signer.address for signer in SIGNERS],
        ("MarginOracle", "thresholdOf"): 2,
        ("MarginOracle", "submit"): None,
    }
    with Serving(FakeNode(head=100, views=table)) as running:
        yield running


@pytest.fixture
def keeper(node, tmp_path):
    ctx = keeper_of(node, tmp_path / "signing.log")
    yield ctx
    assert ctx.signing_log is not None
    ctx.signing_log.close()


def test_base_of__hashes_to_what_the_leaf_says(keeper):
    work = build_epoch(keeper, EPOCH)
    leaf = next(leaf for leaf in work.leaves if leaf.account == ALICE)
    base = work.base_of(ALICE)
    assert dict(base)[PUT] == -5_000
    assert positions_hash(2, base) == leaf.positions_hash


def test_build_epoch__everything_refers_to_its_reference_block(keeper):
    work = build_epoch(keeper, EPOCH)
    attestation = work.attestation
    assert (attestation.ref_block, attestation.ref_time) == (96, T0 + 96)
    assert attestation.ref_block_hash.hex() == block_hash(96)[2:]
    assert attestation.config_digest == b"\xcd" * 32
    assert attestation.leaf_count == len(work.leaves) == 2
    assert attestation.bundle_hash == bundle_hash(work.body) == work.bundle_hash
    assert decode(work.body).head.epoch == EPOCH
    domain = oracle_domain(CHAIN_ID, DEPLOYMENT.margin_oracle.address)
    assert work.digest == attestation.digest(domain)


def test_build_epoch__leaves_are_of_the_margin_book_and_provable(keeper):
    work = build_epoch(keeper, EPOCH)
    assert [leaf.account for leaf in work.leaves] == [ALICE, BOB]
    for row, leaf in enumerate(work.leaves):
        assert leaf.initial_margin == work.margin_book.initial_usd6[row]
        assert leaf.maintenance_margin == work.margin_book.maintenance_usd6[row]
        hashed = leaf_hash(leaf)
        assert verify(work.attestation.margin_root, hashed, work.tree.proof(hashed))


def test_build_epoch__two_keepers__the_same_digest(node, keeper):
    node.by_hash = False
    assert build_epoch(keeper, EPOCH).digest == build_epoch(keeper_of(node), EPOCH).digest


def test_sign_epoch__every_signer_signs_the_digest(keeper):
    work = build_epoch(keeper, EPOCH)
    signed = sign_epoch(keeper, work)
    recovered = [recover(work.digest, item.signature) for item in signed]
    assert recovered == [signer.address for signer in SIGNERS]


def test_sign_epoch__no_signing_log__refuses(node):
    from dataclasses import replace

    ctx = replace(keeper_of(node), signers=SIGNERS)
    with pytest.raises(ConfigError, match="signing_log is missing"):
        sign_epoch(ctx, build_epoch(ctx, EPOCH))


def test_sign_epoch__other_digest_for_the_same_block__refuses(node, keeper):
    sign_epoch(keeper, build_epoch(keeper, EPOCH))
    node.views |= views(accounts=[account(ALICE, 1, [(PUT, 5, 0)])])
    with pytest.raises(SigningRefused, match="is signed already"):
        sign_epoch(keeper, build_epoch(keeper, EPOCH))


def test_submit_epoch__sends_attestation_and_ascending_signatures(node, keeper):
    work = build_epoch(keeper, EPOCH)
    outcome = submit_epoch(keeper, work, sign_epoch(keeper, work))
    assert outcome is not None
    contract, function, (attestation, signatures) = decoded(node.sent[0])
    assert (contract, function) == ("MarginOracle", "submit")
    assert attestation["marginRoot"] == work.tree.root
    assert attestation["bundleHash"] == work.bundle_hash
    assert len(signatures) == 2


def test_submit_epoch__one_signature_short__sends_nothing(node, keeper):
    work = build_epoch(keeper, EPOCH)
    with pytest.raises(QuorumNotReached, match="1 of 2"):
        submit_epoch(keeper, work, sign_epoch(keeper, work)[:1])
    assert node.sent == []


def latest(work, epoch=EPOCH, digest=None):
    return epoch, 32 * epoch, T0, 2, work.tree.root, work.digest if digest is None else digest


def test_submit_epoch__attested_already__is_done(node, keeper):
    work = build_epoch(keeper, EPOCH)
    node.views["MarginOracle", "latest"] = latest(work)
    assert submit_epoch(keeper, work, []) is None
    assert node.sent == []


def test_submit_epoch__newer_epoch_stands__is_done(node, keeper):
    work = build_epoch(keeper, EPOCH)
    node.views["MarginOracle", "latest"] = latest(work, epoch=4, digest=b"\x01" * 32)
    assert submit_epoch(keeper, work, []) is None


def test_submit_epoch__another_digest_stands__is_loud(node, keeper):
    work = build_epoch(keeper, EPOCH)
    node.views["MarginOracle", "latest"] = latest(work, digest=b"\x01" * 32)
    with pytest.raises(VerificationMismatch, match=f"epoch 3 is attested as 0x{'01' * 32}"):
        submit_epoch(keeper, work, [])


def test_attest_latest__newest_epoch_behind_the_head__is_posted(node, keeper):
    assert attest_latest(keeper) is not None
    assert decoded(node.sent[0])[2][0]["epoch"] == EPOCH


@pytest.mark.parametrize(("head", "epoch"), [(96, 2), (97, 3)])
def test_attest_latest__reference_block_must_lie_in_the_past(node, keeper, head, epoch):
    node.head = head
    attest_latest(keeper)
    assert decoded(node.sent[0])[2][0]["epoch"] == epoch


@pytest.mark.parametrize("head", [0, 1, 32])
def test_attest_latest__first_epoch_is_not_due(node, keeper, head):
    node.head = head
    assert attest_latest(keeper) is None
    assert node.sent == []


def test_attest_latest__done_already__reads_no_accounts(node, keeper):
    node.views["MarginOracle", "latest"] = (3, 96, T0, 2, b"\x01" * 32, b"\x02" * 32)
    node.views["MarginLens", "accounts"] = None
    assert attest_latest(keeper) is None


def test_attest_latest__nobody_holds_a_position__nothing_to_attest(node, keeper):
    node.views |= views(accounts=[account(ALICE, 5, [])])
    with structlog.testing.capture_logs() as logs:
        assert attest_latest(keeper) is None
    assert logs[-1]["event"] == "epoch_empty"
    with pytest.raises(InputError, match="at least one leaf"):
        build_epoch(keeper, EPOCH)


def test_attest_latest__no_signer__computes_and_says_so(node):
    with structlog.testing.capture_logs() as logs:
        assert attest_latest(keeper_of(node)) is None
    assert [entry["event"] for entry in logs] == ["epoch_built", "epoch_not_signed"]
    assert node.sent == []
