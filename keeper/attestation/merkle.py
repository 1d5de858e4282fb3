"""Merkle tree of OpenZeppelin's `StandardMerkleTree`, over leaves that are already hashed.

A complete binary tree in one array: root at 0, children of `i` at `2i + 1` and `2i + 2`, leaves
sorted by hash from the end backwards, each pair sorted before it is hashed.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

from keeper.errors import InputError
from keeper.state.hashing import keccak256

HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class MerkleTree:
    """A built tree.

    Attributes:
        leaves: leaf hashes, ascending.
        nodes: all `2n - 1` nodes, root first.
    """

    leaves: tuple[bytes, ...]
    nodes: tuple[bytes, ...]

    @classmethod
    def build(cls, leaf_hashes: Iterable[bytes]) -> MerkleTree:
        """Build the tree of distinct 32-byte leaf hashes, in any order.

        Raises:
            InputError: no leaf, a leaf that is not 32 bytes, or the same leaf twice.
        """
        leaves = sorted(leaf_hashes)
        if not leaves:
            raise InputError("a Merkle tree needs at least one leaf")
        if any(len(leaf) != HASH_BYTES for leaf in leaves):
            raise InputError("a leaf hash has 32 bytes")
        if len(set(leaves)) != len(leaves):
            raise InputError("the same leaf occurs twice")
        return cls(tuple(leaves), tuple(_nodes(leaves)))

    @property
    def root(self) -> bytes:
        """The node that is attested."""
        return self.nodes[0]

    def proof(self, leaf: bytes) -> tuple[bytes, ...]:
        """Return the siblings from the leaf up to below the root.

        Raises:
            InputError: the leaf is not in the tree.
        """
        rank = bisect_left(self.leaves, leaf)
        if rank == len(self.leaves) or self.leaves[rank] != leaf:
            raise InputError(f"leaf 0x{leaf.hex()} is not in the tree")
        index = len(self.nodes) - 1 - rank
        siblings: list[bytes] = []
        while index:
            # A left child has an odd index, its sibling the next one.
            siblings.append(self.nodes[index + 1 if index % 2 else index - 1])
            index = (index - 1) // 2
        return tuple(siblings)


def verify(root: bytes, leaf: bytes, proof: Iterable[bytes]) -> bool:
    """Return whether `proof` leads from the leaf hash to `root`."""
    node = leaf
    for sibling in proof:
        if len(sibling) != HASH_BYTES:
            return False
        node = _hash_pair(node, sibling)
    return len(leaf) == HASH_BYTES and node == root


def _nodes(leaves: list[bytes]) -> list[bytes]:
    nodes = [b""] * (len(leaves) - 1) + leaves[::-1]
    for index in range(len(leaves) - 2, -1, -1):
        left, right = nodes[2 * index + 1], nodes[2 * index + 2]
        # `_hash_pair` without the call: a large tree is this one line.
        nodes[index] = keccak256(left + right if left < right else right + left)
    return nodes


def _hash_pair(left: bytes, right: bytes) -> bytes:
    return keccak256(left + right if left < right else right + left)
