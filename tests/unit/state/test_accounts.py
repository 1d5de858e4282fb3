"""Account ids and commitments to books."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from eth_hash.auto import keccak

from keeper.errors import InputError
from keeper.state.accounts import account_id, positions_hash, positions_hashes, split_account

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "accounts.json").read_text("utf-8"))
OWNER = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


def test_account_id__owner_and_sub_account__side_by_side():
    account = account_id(OWNER, 7)
    assert account.hex() == OWNER[2:] + "000000000000000000000007"
    assert split_account(account) == (bytes.fromhex(OWNER[2:]), 7)
    assert account == account_id(bytes.fromhex(OWNER[2:]), 7) == account_id(OWNER[2:], 7)


def test_account_id__vectors__equal():
    for owner, sub, account in zip(
        VECTORS["owner"], VECTORS["sub_account"], VECTORS["account"], strict=True
    ):
        assert "0x" + account_id(owner, int(sub)).hex() == account


@pytest.mark.parametrize(
    ("owner", "sub_account"),
    [("0x1234", 0), (b"\x01" * 32, 0), ("zz" * 20, 0), (OWNER, -1), (OWNER, 2**96)],
)
def test_account_id__bad_parts__refused(owner, sub_account):
    with pytest.raises(InputError):
        account_id(owner, sub_account)


def test_split_account__wrong_length__refused():
    with pytest.raises(InputError, match="31 bytes"):
        split_account(bytes(31))


def words(*numbers):
    return b"".join((n % 2**256).to_bytes(32, "big") for n in numbers)


def test_positions_hash__two_legs__the_abi_words_by_hand():
    # Word by word: mode, offset of the array, its length, then (instrument, lots) twice.
    expected = keccak(words(2, 64, 2, 5, -3, 9, 4))
    assert positions_hash(2, [(9, 4), (5, -3)]) == expected
    assert positions_hash(1, [(9, 4), (5, -3)]) == keccak(words(1, 64, 2, 5, -3, 9, 4)) != expected


def test_positions_hash__empty_book__has_a_hash_too():
    assert positions_hash(2, []) == keccak(words(2, 64, 0))


@pytest.mark.parametrize("legs", [[(5, 1), (5, 2)], [(5, 0)]])
def test_positions_hash__repeated_or_closed_leg__refused(legs):
    with pytest.raises(InputError):
        positions_hash(2, legs)


def test_positions_hash__vectors__equal():
    legs = list(
        zip(map(int, VECTORS["leg_instrument"]), map(int, VECTORS["leg_lots"]), strict=True)
    )
    columns = (VECTORS[f"book_{name}"] for name in ("mode", "start", "legs", "positions_hash"))
    for mode, start, count, expected in zip(*columns, strict=True):
        held = legs[int(start) : int(start) + int(count)]
        assert "0x" + positions_hash(int(mode), held).hex() == expected


@pytest.mark.parametrize("block", [1, 3, 4096])
def test_positions_hashes__many_books__each_as_alone(monkeypatch, block):
    monkeypatch.setattr("keeper.state.accounts._BLOCK_ACCOUNTS", block)
    rng = np.random.default_rng(2)
    books = [
        sorted(
            (int(i) << 64 | 2**63 + n, int(lots) or 1)
            for n, (i, lots) in enumerate(rng.integers((1, -9), (19, 9), (size, 2)))
        )
        for size in (1, 4, 2, 32, 1, 7)
    ]
    books[0] = [(2**128 - 1, -(2**63))]
    modes = np.array([2, 1, 0, 2, 2, 2], dtype=np.uint8)
    ids = [i for book in books for i, _ in book]
    instruments = np.array([(i >> 64, i & 2**64 - 1) for i in ids], dtype=np.uint64)
    lots = np.array([n for book in books for _, n in book], dtype=np.int64)
    hashes = positions_hashes(modes, np.array([len(b) for b in books]), instruments, lots)
    assert hashes == [positions_hash(int(m), b) for m, b in zip(modes, books, strict=True)]
