from dataclasses import replace

import pytest

from keeper.audit.history import attested_events
from keeper.audit.replay import replay_all
from keeper.chain.client import ChainClient
from keeper.errors import ChainUnavailable, ConfigError, InputError, VerificationMismatch
from keeper.tx.signers.ephemeral import EphemeralSigner
from keeper.units import E8
from tests.unit.audit.attested import AttestedNode, attest
from tests.unit.chain.fake_node import ARTIFACTS, CHAIN_ID, DEPLOYMENT, Serving
from tests.unit.chain.world import ALICE, MODEL, PUT, account, market, views
from tests.unit.jobs.keeper_of import SIGNERS

OUTSIDER = EphemeralSigner("outsider", CHAIN_ID)
ONES = b"\x01" * 32


@pytest.fixture
def node():
    with Serving(AttestedNode(head=100, views=views())) as running:
        yield running


def replayed(node, block=DEPLOYMENT.block):
    client = ChainClient.connect(node.url, ARTIFACTS)
    return list(replay_all(client, replace(DEPLOYMENT, block=block), MODEL, client.head()))


def restate(node, **state):
    """Another state under the same attestations."""
    node.views |= views(**state) | {
        ("MarginOracle", "latest"): node.views["MarginOracle", "latest"]
    }


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
    restate(node, accounts=[account(ALICE, 10**9, [(PUT, 5, 0)])])
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
    assert not verdict.signatures_seen


def test_replay__call_of_another_function__signers_are_out_of_sight(node):
    transaction = attest(node)
    node.transactions[f"0x{transaction.hex()}"]["input"] = "0x12345678"
    [verdict] = replayed(node)
    assert verdict.ok
    assert not verdict.signatures_seen


def test_replay__arguments_of_submit_are_cut_off__is_named(node):
    transaction = attest(node)
    raw = node.transactions[f"0x{transaction.hex()}"]
    raw["input"] = raw["input"][:80]
    [verdict] = replayed(node)
    [problem] = verdict.problems
    assert problem.startswith("transaction: arguments of submit: ")


@pytest.mark.parametrize("field", ["ref_time", "leaf_count", "margin_root", "bundle_hash"])
def test_replay__transaction_submitted_another_field__is_named_with_both_values(node, field):
    other = 5 if field in ("ref_time", "leaf_count") else ONES
    attest(node, submitted={field: other})
    [verdict] = replayed(node)
    assert not verdict.ok
    [problem] = verdict.problems
    shown = f"0x{other.hex()}" if isinstance(other, bytes) else str(other)
    assert problem.startswith(f"transaction: {field} submitted {shown}, emitted ")


@pytest.mark.parametrize(
    ("topic", "other", "problem"),
    [
        (1, "0x" + "00" * 31 + "04", "event: topic epoch 4, data 3"),
        (2, "0x" + "01" * 32, f"event: topic margin_root 0x{'01' * 32}, data 0x"),
    ],
    ids=["epoch", "root"],
)
def test_replay__topic_is_not_what_the_data_says__is_named(node, topic, other, problem):
    attest(node)
    node.logs[0]["topics"][topic] = other
    [verdict] = replayed(node)
    assert not verdict.ok
    [found] = verdict.problems
    assert found.startswith(problem)


def test_replay__node_marks_the_event_removed__is_named(node):
    attest(node)
    node.logs[0]["removed"] = True
    [verdict] = replayed(node)
    assert verdict.problems == ("event: the node marks it as removed by a reorganisation",)


def test_replay__event_of_another_contract__is_named(node):
    attest(node)
    stranger = "0x" + "22" * 20
    node.eth_getLogs = lambda _query: [{**log, "address": stranger} for log in node.logs]
    [verdict] = replayed(node)
    assert verdict.problems == (
        f"event: emitted by {stranger}, the oracle is {DEPLOYMENT.margin_oracle.address}",
    )


def test_history__nothing_attested__is_no_verdict(node):
    with pytest.raises(InputError, match="nothing attested yet"):
        replayed(node)


def test_history__node_shows_no_event__says_what_is_missing(node):
    attest(node)
    node.logs.clear()
    with pytest.raises(VerificationMismatch, match=r"latest is epoch 3, .* shows no Attested"):
        replayed(node)


def test_history__node_drops_the_newest_event__says_what_is_missing(node):
    attest(node, 2)
    attest(node, 3)
    node.logs.pop()
    with pytest.raises(VerificationMismatch, match=r"latest is epoch 3, .* is epoch 2, digest"):
        replayed(node)


def test_history__newest_event_has_another_digest__is_named(node):
    attest(node)
    *header, _digest = node.views["MarginOracle", "latest"]
    node.views["MarginOracle", "latest"] = (*header, ONES)
    with pytest.raises(VerificationMismatch, match=f"latest is epoch 3, digest 0x{'01' * 32}"):
        replayed(node)


def test_history__one_event_shown_twice__is_not_counted_twice(node):
    attest(node)
    node.logs.append(node.logs[0])
    with pytest.raises(VerificationMismatch, match="epoch 3 after that of epoch 3"):
        replayed(node)


@pytest.mark.parametrize("by_hash", [True, False], ids=["by hash", "by number"])
def test_history__oracle_is_older_than_the_deployment_block__is_refused(node, by_hash):
    node.by_hash = by_hash
    attest(node)
    node.deployed_in = 50
    assert [verdict.ok for verdict in replayed(node, block=50)] == [True]
    with pytest.raises(ConfigError, match=r"block is 51, but MarginOracle .* in block 50 already"):
        replayed(node, block=51)


def test_history__deployment_block_after_the_head__is_refused(node):
    attest(node)
    client = ChainClient.connect(node.url, ARTIFACTS)
    with pytest.raises(ConfigError, match="block is 101, but the chain ends at 100"):
        attested_events(client, replace(DEPLOYMENT, block=101), client.head())


def test_history__from_genesis__has_no_block_before_it(node):
    attest(node)
    node.deployed_in, node.pruned_below = 0, 1
    assert [verdict.ok for verdict in replayed(node, block=0)] == [True]


def test_history__no_state_before_the_deployment__takes_an_archive(node):
    attest(node)
    node.deployed_in, node.pruned_below = 50, 50
    with pytest.raises(ChainUnavailable, match=r"block 49.* archive node .*missing trie node"):
        replayed(node, block=50)
    node.pruned_below = 49
    assert [verdict.ok for verdict in replayed(node, block=50)] == [True]


def test_replay__spot_was_zero__the_epoch_cannot_be_rebuilt(node):
    attest(node)
    restate(node, markets=[market(1, 7_940 * E8), market(2, 0, fresh=False)])
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
