"""Digests against eth-account's own EIP-712 codec, and refusal of everything it lets pass."""

import re
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from eth_account.messages import encode_typed_data
from eth_hash.auto import keccak

from keeper.attestation.eip712 import Domain
from keeper.attestation.typed_data import (
    ExpiryQuote,
    MarginAttestation,
    Order,
    SurfaceUpdate,
    clearinghouse_domain,
    config_digest,
    feeds_domain,
    oracle_domain,
)
from keeper.errors import InputError
from scripts.vectors.attestation import attestations, orders, surface_updates

CONTRACT = "0x" + "5a" * 20
QUOTE = ExpiryQuote(1_790_006_400, 10**18, 10**15, 4, -5, 6, -7, 8)
ATTESTATION = MarginAttestation(
    b"\x01" * 32, 7, 224, 1_790_000_000, 9, b"\x02" * 32, b"\x03" * 32, b"\x04" * 32, b"\x05" * 32
)
ORDER = Order(b"\x06" * 32, 10, -11, 12, 13, 14, CONTRACT)
UPDATE = SurfaceUpdate(3, 1_790_000_000, (replace(QUOTE, expiry=0), QUOTE))
MESSAGES = [
    (ATTESTATION, oracle_domain(5, CONTRACT)),
    (ORDER, clearinghouse_domain(5, CONTRACT)),
    (UPDATE, feeds_domain(5, CONTRACT)),
]
SIGNERS = ["0x" + f"{index:040x}" for index in (1, 2, 3)]


def members(encode_type):
    inside = encode_type.partition("(")[2].partition(")")[0]
    return [tuple(member.split(" ")) for member in inside.split(",")]


def reference_digest(message, domain):
    """Digest by eth-account from type lists that are parsed here, not there."""
    name = type(message).__name__

    def plain(struct):
        names = [member for _, member in members(struct.ENCODE_TYPE)]
        values = [getattr(struct, field.name) for field in fields(struct)]
        return {
            key: [plain(item) for item in value] if isinstance(value, tuple) else value
            for key, value in zip(names, values, strict=True)
        }

    def typed(struct_class):
        return [{"type": kind, "name": key} for kind, key in members(struct_class.ENCODE_TYPE)]

    types = {"EIP712Domain": typed(Domain), name: typed(type(message))}
    if name == "SurfaceUpdate":
        types["ExpiryQuote"] = typed(ExpiryQuote)
    signable = encode_typed_data(
        full_message={
            "types": types,
            "primaryType": name,
            "domain": plain(domain),
            "message": plain(message),
        }
    )
    assert signable.header == domain.separator()
    return keccak(b"\x19" + signable.version + signable.header + signable.body)


@pytest.mark.parametrize(("message", "domain"), MESSAGES)
def test_digest__each_type__equals_eth_account(message, domain):
    assert message.digest(domain) == reference_digest(message, domain)


@pytest.mark.parametrize(
    ("messages", "domain"),
    [
        (attestations([b"\x07" * 32]), MESSAGES[0][1]),
        (orders(), MESSAGES[1][1]),
        (surface_updates(), MESSAGES[2][1]),
    ],
)
def test_digest__vectors_with_extremes__equals_eth_account(messages, domain):
    for message in messages:
        assert message.digest(domain) == reference_digest(message, domain)


@pytest.mark.parametrize("struct", [MarginAttestation, Order, SurfaceUpdate, ExpiryQuote])
def test_type_string__each_type__is_the_one_of_the_specification(struct):
    page = (Path(__file__).parents[3] / "docs" / "encodings.md").read_text(encoding="utf-8")
    assert struct.ENCODE_TYPE in page
    camel = [re.sub("_(.)", lambda m: m[1].upper(), field.name) for field in fields(struct)]
    assert camel == [name for _, name in members(struct.ENCODE_TYPE)]


@pytest.mark.parametrize("byte", range(32))
def test_attestation__any_byte_of_any_hash_flipped__changes_the_digest(byte):
    domain = MESSAGES[0][1]
    for field in fields(MarginAttestation):
        value = getattr(ATTESTATION, field.name)
        if isinstance(value, bytes):
            mutant = bytearray(value)
            mutant[byte] ^= 0xFF
            changed = replace(ATTESTATION, **{field.name: bytes(mutant)})
            assert changed.digest(domain) != ATTESTATION.digest(domain), field.name


@pytest.mark.parametrize("bit", range(64))
def test_attestation__any_bit_of_any_number_flipped__changes_the_digest(bit):
    domain = MESSAGES[0][1]
    assert replace(ATTESTATION).digest(domain) == ATTESTATION.digest(domain)
    for field in fields(MarginAttestation):
        value = getattr(ATTESTATION, field.name)
        if isinstance(value, int) and (field.name != "leaf_count" or bit < 32):
            changed = replace(ATTESTATION, **{field.name: value ^ 1 << bit})
            assert changed.digest(domain) != ATTESTATION.digest(domain), field.name


def test_attestation__two_hashes_swapped__changes_the_digest():
    swapped = replace(
        ATTESTATION, margin_root=ATTESTATION.bundle_hash, bundle_hash=ATTESTATION.margin_root
    )
    assert swapped.struct_hash() != ATTESTATION.struct_hash()


@pytest.mark.parametrize(
    "other",
    [
        oracle_domain(6, CONTRACT),
        oracle_domain(5, "0x" + "5b" * 20),
        clearinghouse_domain(5, CONTRACT),
        Domain("MarginOracle", "2", 5, CONTRACT),
    ],
)
def test_digest__other_domain__is_another(other):
    assert ATTESTATION.digest(other) != ATTESTATION.digest(MESSAGES[0][1])


BAD_HASHES = [b"", b"\x01", b"\x01" * 31, b"\x01" * 33, "0x" + "01" * 32, bytearray(32), None, 1]
BAD_NUMBERS = [-1, 2**64, 1.0, True, "1", None, np.int64(1), np.uint64(1)]


@pytest.mark.parametrize("bad", BAD_HASHES)
@pytest.mark.parametrize(
    "name",
    ["config_digest", "ref_block_hash", "model_hash", "margin_root", "bundle_hash"],
)
def test_attestation__malformed_hash__is_refused_by_name(name, bad):
    with pytest.raises(InputError, match=name):
        replace(ATTESTATION, **{name: bad})


@pytest.mark.parametrize("bad", BAD_NUMBERS)
@pytest.mark.parametrize("name", ["epoch", "ref_block", "ref_time", "leaf_count"])
def test_attestation__malformed_number__is_refused_by_name(name, bad):
    with pytest.raises(InputError, match=name):
        replace(ATTESTATION, **{name: bad})


@pytest.mark.parametrize(
    ("message", "name", "good", "bad"),
    [
        (ATTESTATION, "leaf_count", 2**32 - 1, 2**32),
        (ORDER, "instrument", 2**128 - 1, 2**128),
        (ORDER, "lots", 2**63 - 1, 2**63),
        (ORDER, "lots", -(2**63), -(2**63) - 1),
        (QUOTE, "expiry", 2**40 - 1, 2**40),
        (QUOTE, "a", -(2**63), -(2**63) - 1),
        (QUOTE, "ratio", 0, -1),
        (UPDATE, "underlying", 2**16 - 1, 2**16),
    ],
)
def test_message__ends_of_a_range__last_fits_next_is_refused(message, name, good, bad):
    assert getattr(replace(message, **{name: good}), name) == good
    with pytest.raises(InputError, match=name):
        replace(message, **{name: bad})


@pytest.mark.parametrize(
    "bad",
    [
        "5a" * 20,
        "0x" + "5a" * 19,
        "0x" + "5a" * 21,
        "0x" + "zz" * 20,
        b"\x5a" * 20,
        None,
        "0x52908400098527886E0F7030069857D2E4169Ee7",  # last letters: wrong checksum
    ],
)
def test_address__malformed__is_refused(bad):
    good = "0x52908400098527886E0F7030069857D2E4169EE7"
    assert replace(ORDER, executor=good).digest(MESSAGES[1][1])
    with pytest.raises(InputError, match="executor"):
        replace(ORDER, executor=bad)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ((QUOTE, QUOTE), "ascend"),
        ((QUOTE, replace(QUOTE, expiry=0)), "ascend"),
        ([QUOTE], "tuple"),
        ((ORDER,), "ExpiryQuote"),
        ((1,), "ExpiryQuote"),
    ],
)
def test_surface_update__bad_quotes__are_refused(bad, problem):
    with pytest.raises(InputError, match=problem):
        replace(UPDATE, quotes=bad)


def test_config_digest__every_input__changes_it():
    base = config_digest(1, CONTRACT, 1, SIGNERS, 2)
    assert config_digest(1, CONTRACT, 1, list(SIGNERS), 2) == base
    others = [
        config_digest(2, CONTRACT, 1, SIGNERS, 2),
        config_digest(1, "0x" + "5b" * 20, 1, SIGNERS, 2),
        config_digest(1, CONTRACT, 2, SIGNERS, 2),
        config_digest(1, CONTRACT, 1, SIGNERS[:2], 2),
        config_digest(1, CONTRACT, 1, SIGNERS, 3),
    ]
    assert len({base, *others}) == 6


@pytest.mark.parametrize(
    "change",
    [
        {"signers": SIGNERS[::-1]},
        {"signers": [SIGNERS[0]] * 2},
        {"signers": ["0x" + "00" * 20, *SIGNERS]},
        {"signers": []},
        {"threshold": 0},
        {"threshold": 1},
        {"threshold": 4},
        {"threshold": 2.0},
        {"chain_id": -1},
        {"chain_id": True},
        {"config_count": 2**64},
        {"oracle": "0x01"},
    ],
)
def test_config_digest__bad_configuration__is_refused(change):
    good = {
        "chain_id": 1,
        "oracle": CONTRACT,
        "config_count": 1,
        "signers": SIGNERS,
        "threshold": 2,
    }
    assert config_digest(**good)
    with pytest.raises(InputError):
        config_digest(**{**good, **change})
