import json
import time
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from keeper.attestation.merkle import MerkleTree, verify
from keeper.errors import InputError

VECTORS = json.loads(
    (Path(__file__).parents[2] / "vectors" / "merkle.json").read_text(encoding="utf-8")
)
SIZES = [int(size) for size in VECTORS["sizes"]]
HASHES = [bytes.fromhex(text[2:]) for text in VECTORS["leafHash"]]


def leaves(count):
    return [keccak(index.to_bytes(4, "big")) for index in range(count)]


@pytest.mark.parametrize("size", SIZES)
def test_tree__vector__has_its_root_and_proofs(size):
    tree = MerkleTree.build(HASHES[:size])
    assert f"0x{tree.root.hex()}" == VECTORS[f"root{size}"]
    for leaf, proof in zip(HASHES, VECTORS[f"proofs{size}"], strict=False):
        assert [f"0x{node.hex()}" for node in tree.proof(leaf)] == proof


def test_tree__three_leaves__is_the_standard_tree_by_hand():
    low, middle, high = sorted(leaves(3))
    inner = keccak(low + middle)  # the two lowest share a parent, the highest hangs from the root
    root = keccak(min(inner, high) + max(inner, high))
    tree = MerkleTree.build([high, low, middle])
    assert tree.root == root
    assert tree.proof(high) == (inner,)
    assert tree.proof(low) == (middle, high)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 64, 65])
def test_tree__every_leaf__is_proved(count):
    tree = MerkleTree.build(leaves(count))
    assert all(verify(tree.root, leaf, tree.proof(leaf)) for leaf in leaves(count))


def test_tree__order_of_leaves__does_not_matter():
    assert MerkleTree.build(leaves(9)).root == MerkleTree.build(leaves(9)[::-1]).root


def test_verify__forged_proofs__are_refused():
    tree = MerkleTree.build(leaves(9))
    leaf = leaves(9)[4]
    proof = tree.proof(leaf)
    outsider = keccak(b"outsider")
    assert verify(tree.root, leaf, proof)
    assert not verify(tree.root, outsider, proof)
    assert not verify(outsider, leaf, proof)
    assert not verify(tree.root, leaf, proof[:-1])
    assert not verify(tree.root, leaf, (*proof, outsider))
    assert not verify(tree.root, leaf, (outsider, *proof[1:]))
    assert not verify(tree.root, leaf, ())
    assert not verify(tree.root, leaf, (proof[0] + proof[1], *proof[2:])), "two siblings as one"
    assert not verify(tree.root, tree.nodes[1] + tree.nodes[2], ()), "64-byte leaf"


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ([], "at least one"),
        ([b"\x01" * 32, b"\x01" * 32], "twice"),
        ([b"\x01" * 31], "32 bytes"),
        ([b"\x01" * 64], "32 bytes"),
    ],
)
def test_build__bad_leaves__are_refused(bad, problem):
    with pytest.raises(InputError, match=problem):
        MerkleTree.build(bad)


def test_proof__leaf_not_in_tree__is_refused():
    tree = MerkleTree.build(leaves(5))
    for stranger in (keccak(b"stranger"), b"\x00" * 32, b"\xff" * 32, tree.root):
        with pytest.raises(InputError, match="not in the tree"):
            tree.proof(stranger)


def test_build__hundred_thousand_leaves__takes_seconds_at_most():
    hashes = leaves(100_000)
    started = time.process_time()
    tree = MerkleTree.build(hashes)
    # Well under a second with pysha3; the bound leaves room for a slow keccak and a busy machine.
    assert time.process_time() - started < 10
    assert verify(tree.root, hashes[77], tree.proof(hashes[77]))
    assert len(tree.proof(hashes[77])) <= 17
