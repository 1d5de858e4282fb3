"""Leaves: one account's attested margins (docs/encodings.md, "Leaf")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from eth_hash.auto import keccak

from keeper.attestation.eip712 import TypedStruct

SENTINEL_MARGIN = 2**128 - 1
"""Both margins of an account at fault at refBlock, so that standard margin applies to it."""

SENTINEL_SCENARIO = 255
"""`worst_scenario` of a sentinel leaf; the table holds at most 48."""


@dataclass(frozen=True, slots=True)
class MarginLeaf(TypedStruct):
    """One account's attested margin, micro-dollars, for the positions with that hash."""

    ENCODE_TYPE: ClassVar[str] = (
        "MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,"
        "uint128 maintenanceMargin,uint8 worstScenario)"
    )

    epoch: int
    account: bytes
    positions_hash: bytes
    initial_margin: int
    maintenance_margin: int
    worst_scenario: int

    @property
    def is_sentinel(self) -> bool:
        """Whether this leaf says "at fault" instead of a margin."""
        return self.worst_scenario == SENTINEL_SCENARIO


def leaf_hash(leaf: MarginLeaf) -> bytes:
    """Return the double hash that stands in the tree: an inner node can never pass as a leaf."""
    return keccak(leaf.struct_hash())
