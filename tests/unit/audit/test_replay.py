import pytest

from keeper.audit.replay import replay_all
from keeper.chain.client import ChainClient
from keeper.errors import ChainUnavailable, ConfigError
from keeper.tx.signers.ephemeral import EphemeralSigner
from keeper.units import E8
from tests.unit.audit.attested import attest
from tests.unit.chain.fake_node import ARTIFACTS, CHAIN_ID, DEPLOYMENT, FakeNode, Serving
from tests.unit.chain.world import ALICE, MODEL, PUT, account, market, views
from tests.unit.jobs.keeper_of import SIGNERS

OUTSIDER = EphemeralSigner("outsider", CHAIN_ID)
ONES = b"\x01" * 32


@pytest.fixture
def node():
    with Serving(FakeNode(head=100, views=views())) as running:
        yield running


def replayed(node):
    client = ChainClient.connect(node.url, ARTIFACTS)
    return list(replay_all(client, DEPLOYMENT, MODEL, client.head()))


def test_replay__honest_epoch__is_equal_to_the_byte(node):
    attest(node)
    [verdict] = replayed(node)
    assert verdict.problems == ()
    assert verdict.ok
    assert (verdict.epoch, verdict.ref_block, verdict.leaves) == (3, 96, 2)
    assert verdict.attested_root == verdict.rebuilt_root
    assert verdict.attested_bundle == verdict.rebuilt_bundle
    assert set(verdict.signers) == {signer.address for signer in SIGNERS}


def test_replay__several__oldest_first(node):
    attest(node, 2)
    attest(node, 3)
    assert [(verdict.epoch, verdict.ok) for verdict in replayed(node)] == [(2, True), (3, True)]


@pytest.mark.parametrize(
    ("field", "lie"),
    [
        ("config_digest", ONES),
        ("ref_time", 5),
        ("leaf_count", 7),
        ("ref_block_hash", ONES),
        ("model_hash", ONES),
        ("margin_root", ONES),
        ("bundle_hash", ONES),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_replay__one_field_differs__is_named_with_both_values(node, field, lie):
    attest(node, **{field: lie})
    [verdict] = replayed(node)
    assert not verdict.ok
    [problem] = verdict.problems
    shown = f"0x{lie.hex()}" if isinstance(lie, bytes) else str(lie)
    assert problem.startswith(f"{field}: attested {shown}, rebuilt ")


def test_replay__state_is_not_what_was_attested__root_and_body_differ(node):
    attest(node)
    node.views |= views(accounts=[account(ALICE, 10**9, [(PUT, 5, 0)])])
    [verdict] = replayed(node)
    assert {problem.split(":")[0] for problem in verdict.problems} == {
        "leaf_count",
        "margin_root",
        "bundle_hash",
    }


def test_replay__wrong_reference_block__is_named(node):
    attest(node, ref_block=95)
    [verdict] = replayed(node)
    assert "ref_block: attested 95, the epoch's is 96" in verdict.problems


def test_replay__digest_of_other_fields__is_named(node):
    attest(node, digest=ONES)
    [verdict] = replayed(node)
    assert [problem.split(":")[0] for problem in verdict.problems] == ["digest"]


def test_replay__outsider_signed__is_named(node):
    attest(node, signers=(SIGNERS[0], OUTSIDER))
    [verdict] = replayed(node)
    assert verdict.problems == (f"signer: {OUTSIDER.address} is not registered",)


def test_replay__too_few_signers__is_named(node):
    attest(node, signers=SIGNERS[:1])
    [verdict] = replayed(node)
    assert verdict.problems == ("signers: 1, the threshold is 2",)


def test_replay__posted_through_another_contract__signers_are_out_of_sight(node):
    attest(node, via="0x" + "22" * 20)
    [verdict] = replayed(node)
    assert verdict.ok
    assert verdict.signers == ()


def test_replay__spot_was_zero__the_epoch_cannot_be_rebuilt(node):
    attest(node)
    node.views |= views(markets=[market(1, 7_940 * E8), market(2, 0, fresh=False)])
    [verdict] = replayed(node)
    assert verdict.rebuilt_root == b""
    assert verdict.problems[0].startswith("cannot be rebuilt: zero or stale spot in block 96")


def test_replay__other_model_file__is_no_verdict(node):
    attest(node)
    node.views["RiskEngine", "modelHash"] = ONES
    with pytest.raises(ConfigError, match="model_file"):
        replayed(node)


def test_replay__node_lacks_the_state__is_no_verdict(node):
    attest(node)

    def pruned(*_args):
        raise ValueError("missing trie node")

    node.views["MarginLens", "markets"] = pruned
    with pytest.raises(ChainUnavailable, match="missing trie node"):
        replayed(node)
