"""Leaves and Merkle tree: against eth_abi leaf by leaf, and against the bare hashes."""

from __future__ import annotations

from typing import Final

from eth_abi.abi import encode
from eth_hash.auto import keccak

from scripts.bench import engine
from scripts.bench.inputs import LeafColumns, random_leaves
from scripts.bench.measure import Mismatch, Stopwatch, progress
from scripts.bench.report import Figure, Target, races
from scripts.bench.sizes import Sizes

_OURS = "ours"
_BY_HAND = "eth_abi and keccak leaf by leaf, pairs in a loop"
_BARE = "the keccak calls alone"
_LEAF_TYPE: Final = (
    "MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,"
    "uint128 maintenanceMargin,uint8 worstScenario)"
)
_WORDS: Final = ("bytes32", "uint64", "bytes32", "bytes32", "uint128", "uint128", "uint8")
_CEILING_SECONDS: Final = 1.0
_CEILING_LEAVES: Final = 100_000


def run(sizes: Sizes) -> list[Figure]:
    """Return the lines of leaves and tree."""
    progress(f"tree, {sizes.tree_leaves:,} leaves")
    columns = random_leaves(sizes.tree_leaves)
    if (ours := engine.root(columns)) != (theirs := root_by_hand(columns)):
        raise Mismatch(f"root: ours 0x{ours.hex()} and theirs 0x{theirs.hex()} differ")
    rounds = Stopwatch(sizes.rounds, sizes.patience_seconds).race(
        {
            _OURS: lambda: engine.root(columns),
            _BY_HAND: lambda: root_by_hand(columns),
            _BARE: lambda: _bare_hashes(sizes.tree_leaves),
        }
    )
    case = f"leaves and tree, {sizes.tree_leaves:,} accounts"
    ceiling = Target(_CEILING_SECONDS * sizes.tree_leaves / _CEILING_LEAVES)
    alone = Figure("tree", case, "s", rounds.time(_OURS), target=ceiling)
    return [alone, *races("tree", case, _OURS, rounds, {})]


def root_by_hand(columns: LeafColumns) -> bytes:
    """Return the root as OpenZeppelin's library builds it, in plain Python."""
    typehash = keccak(_LEAF_TYPE.encode())
    rows = zip(
        columns.account,
        columns.positions_hash,
        columns.initial_usd6.tolist(),
        columns.maintenance_usd6.tolist(),
        columns.worst_scenario.tolist(),
        strict=True,
    )
    hashes = sorted(
        keccak(keccak(encode(_WORDS, (typehash, columns.epoch, a.tobytes(), p.tobytes(), *rest))))
        for a, p, *rest in rows
    )
    nodes = [b""] * (len(hashes) - 1) + hashes[::-1]
    for index in range(len(hashes) - 2, -1, -1):
        nodes[index] = keccak(b"".join(sorted(nodes[2 * index + 1 : 2 * index + 3])))
    return nodes[0]


def _bare_hashes(leaves: int) -> None:
    """Hash as often, and as much, as leaves and tree must."""
    leaf, word, pair = bytes(32 * len(_WORDS)), bytes(32), bytes(64)
    for _ in range(leaves):
        keccak(leaf)
        keccak(word)
        keccak(pair)
