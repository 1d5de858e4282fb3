"""The tree against OpenZeppelin's own JavaScript, leaf hashing included."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from keeper.attestation.eip712 import typehash
from keeper.attestation.leaf import MarginLeaf, leaf_hash
from keeper.attestation.merkle import MerkleTree
from scripts.vectors.attestation import TREE_SIZES, margin_leaves

CONTRACTS = Path(__file__).parents[2] / "contracts"
NODE = shutil.which("node")
PACKAGE = CONTRACTS / "node_modules" / "@openzeppelin" / "merkle-tree"
SCRIPT = """
const { StandardMerkleTree } = require("@openzeppelin/merkle-tree");
const types = ["bytes32", "uint64", "bytes32", "bytes32", "uint128", "uint128", "uint8"];
const answer = (values) => {
  const tree = StandardMerkleTree.of(values, types);
  const hashes = values.map((value) => tree.leafHash(value));
  return { root: tree.root, hashes, proofs: values.map((_, index) => tree.getProof(index)) };
};
const books = JSON.parse(require("fs").readFileSync(0, "utf8"));
require("fs").writeFileSync(1, JSON.stringify(books.map(answer)));
"""

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None, reason="no node on the PATH"),
    pytest.mark.skipif(not PACKAGE.is_dir(), reason="npm ci has not been run in contracts/"),
]


def values(leaf):
    return [
        f"0x{typehash(MarginLeaf.ENCODE_TYPE).hex()}",
        str(leaf.epoch),
        f"0x{leaf.account.hex()}",
        f"0x{leaf.positions_hash.hex()}",
        str(leaf.initial_margin),
        str(leaf.maintenance_margin),
        str(leaf.worst_scenario),
    ]


def test_tree__many_sizes__equals_openzeppelin():
    books = [margin_leaves(size) for size in (*TREE_SIZES, 1000)]
    done = subprocess.run(
        [NODE, "-e", SCRIPT],
        input=json.dumps([[values(leaf) for leaf in book] for book in books]),
        cwd=CONTRACTS,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    for book, theirs in zip(books, json.loads(done.stdout), strict=True):
        hashes = [leaf_hash(leaf) for leaf in book]
        tree = MerkleTree.build(hashes)
        assert [f"0x{item.hex()}" for item in hashes] == theirs["hashes"]
        assert f"0x{tree.root.hex()}" == theirs["root"]
        ours = [[f"0x{node.hex()}" for node in tree.proof(item)] for item in hashes]
        assert ours == theirs["proofs"]
