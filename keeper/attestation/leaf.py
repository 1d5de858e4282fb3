"""Leaves: one account's attested margins (docs/encodings.md, "Leaf")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from eth_hash.auto import keccak
from numpy.typing import NDArray

from keeper.attestation.eip712 import TypedStruct
from keeper.errors import InputError

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


def leaves_of(
    epoch: int,
    accounts: Sequence[bytes],
    positions_hashes: Sequence[bytes],
    initial: NDArray[np.int64],
    maintenance: NDArray[np.int64],
    worst: NDArray[np.integer[Any]],
    sentinel: NDArray[np.bool_],
) -> tuple[MarginLeaf, ...]:
    """Return one leaf per account, in the given order; margins in micro-dollars.

    Where `sentinel` is set the margins given are ignored.

    Raises:
        InputError: columns of different lengths or wrong types, an account twice, a negative
            margin, or an initial margin below maintenance.
    """
    _check_columns(accounts, positions_hashes, initial, maintenance, worst, sentinel)
    leaves: list[MarginLeaf] = []
    rows = zip(
        accounts,
        positions_hashes,
        initial.tolist(),
        maintenance.tolist(),
        worst.tolist(),
        sentinel.tolist(),
        strict=True,
    )
    for account, positions, high, low, scenario, at_fault in rows:
        if at_fault:
            high, low, scenario = SENTINEL_MARGIN, SENTINEL_MARGIN, SENTINEL_SCENARIO
        elif high < low:
            raise InputError(f"account 0x{account.hex()}: initial {high} below maintenance {low}")
        leaves.append(MarginLeaf(epoch, account, positions, high, low, scenario))
    return tuple(leaves)


def _check_columns(
    accounts: Sequence[bytes], positions_hashes: Sequence[bytes], *columns: NDArray[Any]
) -> None:
    lengths = {len(accounts), len(positions_hashes), *map(len, columns)}
    if len(lengths) > 1:
        raise InputError(f"leaf columns differ in length: {sorted(lengths)}")
    if len(set(accounts)) != len(accounts):
        raise InputError("an account has more than one leaf")
    *integers, flags = columns
    if any(column.dtype.kind not in "iu" for column in integers) or flags.dtype.kind != "b":
        raise InputError("margins and scenarios must be integer arrays, sentinel a boolean one")
