"""Trees, signatures and the journal, for any input."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.attestation.merkle import MerkleTree, verify
from keeper.attestation.signature import HALF_ORDER, CompactSignature
from keeper.errors import SigningRefused
from keeper.quorum.signing_log import Entry, SigningLog

pytestmark = pytest.mark.property

word = st.binary(min_size=32, max_size=32)
entry = st.builds(
    Entry,
    epoch=st.integers(1, 4),
    ref_block_hash=st.sampled_from([b"\x01" * 32, b"\x02" * 32]),
    config_digest=st.sampled_from([b"\x03" * 32, b"\x04" * 32]),
    digest=st.sampled_from([b"\x05" * 32, b"\x06" * 32, b"\x07" * 32]),
)


@given(leaves=st.lists(word, min_size=1, max_size=70, unique=True), stranger=word)
def test_tree__proves_its_leaves_and_no_other(leaves, stranger):
    tree = MerkleTree.build(leaves)
    for leaf in leaves:
        proof = tree.proof(leaf)
        assert verify(tree.root, leaf, proof)
        assert stranger in leaves or not verify(tree.root, stranger, proof)


@given(
    leaves=st.lists(word, min_size=2, max_size=40, unique=True),
    at=st.integers(0, 10**6),
    bit=st.integers(0, 255),
)
def test_tree__any_bit_of_a_proof_flipped__fails(leaves, at, bit):
    tree = MerkleTree.build(leaves)
    leaf = leaves[at % len(leaves)]
    proof = list(tree.proof(leaf))
    index = at % len(proof)
    flipped = int.from_bytes(proof[index], "big") ^ 1 << bit
    proof[index] = flipped.to_bytes(32, "big")
    assert not verify(tree.root, leaf, proof)


@given(r=st.integers(1, HALF_ORDER), s=st.integers(1, HALF_ORDER), v=st.sampled_from([27, 28]))
def test_signature__round_trips(r, s, v):
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([v])
    assert CompactSignature.from_bytes(raw).to_bytes() == raw


@given(
    attempts=st.lists(
        st.tuples(entry, st.sampled_from(["go on", "restart", "crash"]), st.integers(0, 400)),
        max_size=25,
    )
)
def test_journal__any_history_of_restarts_and_crashes__releases_no_contradiction(attempts):
    """A crash cuts the line that was being written anywhere; its signature was not released."""
    released: dict[tuple[int, bytes, bytes], bytes] = {}
    newest = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "signing.log"
        log = SigningLog(path)
        for attempt, event, cut in attempts:
            before = path.read_bytes()
            try:
                log.record(attempt)
            except SigningRefused:
                assert path.read_bytes() == before
                continue
            after = path.read_bytes()
            if event == "crash":
                log.close()
                path.write_bytes(after[: max(len(before), len(after) - 1 - cut)])
                log = SigningLog(path)
                continue
            assert attempt.epoch >= newest
            assert released.setdefault(attempt.key, attempt.digest) == attempt.digest
            newest = attempt.epoch
            if event == "restart":
                log.close()
                log = SigningLog(path)
        log.close()
