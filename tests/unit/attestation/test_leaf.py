from dataclasses import replace

import numpy as np
import pytest
from eth_abi import encode
from eth_hash.auto import keccak

from keeper.attestation.leaf import (
    SENTINEL_MARGIN,
    SENTINEL_SCENARIO,
    MarginLeaf,
    leaf_hash,
    leaves_of,
)
from keeper.errors import InputError

LEAF = MarginLeaf(7, b"\x01" * 32, b"\x02" * 32, 130, 100, 5)


def columns(**changes):
    given = {
        "epoch": 7,
        "accounts": [b"\x01" * 32, b"\x02" * 32],
        "positions_hashes": [b"\x03" * 32, b"\x04" * 32],
        "initial": np.array([130, 0]),
        "maintenance": np.array([100, 0]),
        "worst": np.array([5, 0], dtype=np.uint8),
        "sentinel": np.array([False, True]),
    }
    return {**given, **changes}


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


def test_leaves_of__sound_and_faulty_account__margin_and_sentinel():
    sound, faulty = leaves_of(**columns())
    assert sound == MarginLeaf(7, b"\x01" * 32, b"\x03" * 32, 130, 100, 5)
    assert not sound.is_sentinel
    assert faulty.is_sentinel
    assert (faulty.initial_margin, faulty.maintenance_margin) == (SENTINEL_MARGIN,) * 2
    assert faulty.worst_scenario == SENTINEL_SCENARIO


def test_leaves_of__numpy_columns__give_plain_integers():
    for leaf in leaves_of(**columns()):
        assert type(leaf.initial_margin) is int
        assert type(leaf.worst_scenario) is int


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"accounts": [b"\x01" * 32] * 2}, "more than one leaf"),
        ({"accounts": [b"\x01" * 32]}, "differ in length"),
        ({"worst": np.array([1], dtype=np.uint8)}, "differ in length"),
        ({"initial": np.array([99, 0])}, "below maintenance"),
        ({"initial": np.array([-1, 0]), "maintenance": np.array([-2, 0])}, "initial_margin"),
        ({"initial": np.array([130.0, 0.0])}, "integer arrays"),
        ({"initial": np.array([True, False])}, "integer arrays"),
        ({"sentinel": np.array([0, 1])}, "boolean"),
        ({"positions_hashes": [b"\x03" * 31, b"\x04" * 32]}, "positions_hash"),
        ({"epoch": 2**64}, "epoch"),
    ],
)
def test_leaves_of__bad_column__is_refused(change, problem):
    with pytest.raises(InputError, match=problem):
        leaves_of(**columns(**change))
