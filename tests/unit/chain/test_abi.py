import pytest
from eth_abi.abi import encode
from web3 import Web3

from keeper.chain.abi import (
    decode_call,
    decode_event,
    decode_result,
    encode_call,
    event_topic,
    signature_of,
)
from keeper.errors import InputError
from tests.unit.chain.fake_node import ARTIFACTS

ORACLE = ARTIFACTS.abi("MarginOracle")
LENS = ARTIFACTS.abi("MarginLens")
ATTESTATION = (b"\x01" * 32, 3, 96, 2_000_000_000, 4, *(bytes([n]) * 32 for n in (5, 6, 7, 8)))
SIGNATURES = [(b"\x09" * 32, b"\x0a" * 32)]


def test_encode_call__same_bytes_as_web3():
    contract = Web3().eth.contract(abi=ORACLE)
    expected = contract.encode_abi("submit", [ATTESTATION, SIGNATURES])
    assert "0x" + encode_call(ORACLE, "submit", (ATTESTATION, SIGNATURES)).hex() == expected


def test_decode_call__gives_back_what_was_encoded_with_names():
    data = encode_call(ORACLE, "submit", (ATTESTATION, SIGNATURES))
    attestation, signatures = decode_call(ORACLE, "submit", data) or ({}, [])
    assert tuple(attestation.values()) == ATTESTATION
    assert attestation["refBlock"] == 96
    assert signatures == [{"r": b"\x09" * 32, "vs": b"\x0a" * 32}]


def test_decode_call__other_function__is_none():
    assert decode_call(ORACLE, "submit", encode_call(ORACLE, "latest", ())) is None


def test_decode_result__structs_in_arrays_in_structs__have_their_names():
    legs = [(5, -3, 7)]
    view = (b"\x01" * 32, -50, 9, 2, True, legs, [(1, 8)])
    kind = "(bytes32,int128,uint64,uint8,bool,(uint128,int64,int128)[],(uint16,uint128)[])[]"
    [account] = decode_result(LENS, "accounts", encode([kind], [[view]]))
    assert account["cash"] == -50
    assert account["positions"] == [{"instrument": 5, "lots": -3, "cost": 7}]
    assert account["pledged"] == [{"id": 1, "amount": 8}]


def test_decode_event__joins_indexed_and_plain_arguments():
    digest = b"\x0b" * 32
    types = ["bytes32", "(bytes32,uint64,uint64,uint64,uint32,bytes32,bytes32,bytes32,bytes32)"]
    topics = [event_topic(ORACLE, "Attested"), encode(["uint64"], [3]), ATTESTATION[7]]
    args = decode_event(ORACLE, "Attested", topics, encode(types, [digest, ATTESTATION]))
    assert (args["epoch"], args["marginRoot"], args["digest"]) == (3, ATTESTATION[7], digest)
    assert args["attestation"]["leafCount"] == 4


def test_signature_of__spells_structs_out():
    entry = next(item for item in ORACLE if item.get("name") == "leafHash")
    assert signature_of(entry) == "leafHash((uint64,bytes32,bytes32,uint128,uint128,uint8))"


def test_encode_call__unknown_function__is_refused():
    with pytest.raises(InputError, match="0 entries for function nothing"):
        encode_call(ORACLE, "nothing", ())
