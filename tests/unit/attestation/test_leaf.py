from dataclasses import replace

import pytest
from eth_abi import encode
from eth_hash.auto import keccak

from keeper.attestation.leaf import MarginLeaf, leaf_hash

LEAF = MarginLeaf(7, b"\x01" * 32, b"\x02" * 32, 130, 100, 5)


def test_leaf_hash__same_members__equals_the_abi_codec():
    types = ["bytes32", "uint64", "bytes32", "bytes32", "uint128", "uint128", "uint8"]
    typehash = keccak(
        b"MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,"
        b"uint128 maintenanceMargin,uint8 worstScenario)"
    )
    words = encode(types, [typehash, 7, b"\x01" * 32, b"\x02" * 32, 130, 100, 5])
    assert leaf_hash(LEAF) == keccak(keccak(words))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": 8},
        {"account": b"\x03" * 32},
        {"positions_hash": b"\x01" * 32},
        {"initial_margin": 131},
        {"maintenance_margin": 99},
        {"worst_scenario": 6},
    ],
)
def test_leaf_hash__any_member_changed__changes(change):
    assert leaf_hash(replace(LEAF)) == leaf_hash(LEAF)
    assert leaf_hash(replace(LEAF, **change)) != leaf_hash(LEAF)
