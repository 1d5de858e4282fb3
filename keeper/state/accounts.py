"""Account ids and the commitment to a book (docs/encodings.md)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

import numpy as np
from eth_abi.abi import encode
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.state.hashing import keccak256
from keeper.units import USD6, IntArray

FLAGGED: Final = 1  # bit 0 of an account's flags: in a liquidation auction

_SUB_BITS = 96
_HEAD_WORDS, _LEG_WORDS = 3, 2
_HEAD_BYTES, _LEG_BYTES = 32 * _HEAD_WORDS, 32 * _LEG_WORDS
_OFFSET = 64  # of the array of legs, behind mode and this offset itself
_ALL_ONES = np.uint64(2**64 - 1)
_BLOCK_ACCOUNTS = 1024  # with 32 legs each: 2 MB of encoding at a time


_RESERVE_USD6 = 50 * USD6
_RESERVE_A_LEG_USD6 = 3 * USD6


def bounty_reserve_usd6(legs: int) -> int:
    """Return what a book of so many legs locks to pay who liquidates it (docs/model.md)."""
    return _RESERVE_USD6 + _RESERVE_A_LEG_USD6 * (legs - 1) if legs else 0


class Mode(IntEnum):
    """What of an account's risk is pooled; every account of the contracts is PORTFOLIO."""

    ISOLATED = 0
    CROSS = 1
    PORTFOLIO = 2


def account_id(owner: bytes | str, sub_account: int) -> bytes:
    """Return the 32-byte id of `owner` (20 bytes, or hex) and `sub_account` (uint96)."""
    if isinstance(owner, str):
        try:
            owner = bytes.fromhex(owner.removeprefix("0x"))
        except ValueError as error:
            raise InputError(f"owner {owner!r} is not hexadecimal") from error
    if len(owner) != 20:
        raise InputError(f"owner 0x{owner.hex()} has {len(owner)} bytes: an address has 20")
    if not 0 <= sub_account < 1 << _SUB_BITS:
        raise InputError(f"sub-account {sub_account} is not a uint96")
    return owner + sub_account.to_bytes(12, "big")


def parse_account(text: str) -> bytes:
    """Read `0x` and 64 hex digits, or `OWNER[:SUB]` with an address and a decimal number."""
    owner, _, sub = text.partition(":")
    if not sub and len(text) == 66:
        try:
            return bytes.fromhex(text.removeprefix("0x"))
        except ValueError:
            raise InputError(f"account {text!r} is not hexadecimal") from None
    if sub and not (sub.isascii() and sub.isdecimal()):
        raise InputError(f"sub-account {sub!r} is not a whole number: write OWNER:SUB, as 0x12..:3")
    return account_id(owner, int(sub or "0"))


def split_account(account: bytes) -> tuple[bytes, int]:
    """Return the owner (20 bytes) and the sub-account of an id."""
    if len(account) != 32:
        raise InputError(f"account 0x{account.hex()} has {len(account)} bytes: an id has 32")
    return account[:20], int.from_bytes(account[20:], "big")


def positions_hash(mode: int, legs: Sequence[tuple[int, int]]) -> bytes:
    """Return the commitment to a book of `(instrument id, lots)`.

    The legs may come in any order; InputError for a repeated instrument or zero lots.
    """
    book = sorted(legs)
    if len({instrument for instrument, _ in book}) != len(book):
        raise InputError(f"legs {book} repeat an instrument: net them first")
    if any(lots == 0 for _, lots in book):
        raise InputError(f"legs {book} hold zero lots: leave closed legs out")
    return keccak256(encode(["uint8", "(uint128,int64)[]"], [mode, book]))


def positions_hashes(
    modes: NDArray[np.uint8], leg_counts: IntArray, instruments: NDArray[np.uint64], lots: IntArray
) -> list[bytes]:
    """Return `positions_hash` of many books at once, without building an ABI codec for each.

    `modes` and `leg_counts` are [A]; `instruments` [N, 2] (high, low) and `lots` [N] are grouped by
    account in the same order, ascending by instrument within each.
    """
    hashes: list[bytes] = []
    ends = np.cumsum(leg_counts)
    for first in range(0, len(modes), _BLOCK_ACCOUNTS):
        block = slice(first, first + _BLOCK_ACCOUNTS)
        legs = slice(int(ends[first] - leg_counts[first]), int(ends[block][-1]))
        counts = leg_counts[block]
        encoded = _encoded_books(modes[block], counts, instruments[legs], lots[legs])
        at = 0
        for count in counts.tolist():
            until = at + _HEAD_BYTES + _LEG_BYTES * count
            hashes.append(keccak256(encoded[at:until]))
            at = until
    return hashes


def _encoded_books(
    modes: NDArray[np.uint8], counts: IntArray, instruments: NDArray[np.uint64], lots: IntArray
) -> bytes:
    """Return every book's encoding, one after the other.

    A book has three words (mode, offset of the array, its length) and then two a leg: the id in the
    low half of the first, the sign-extended lots in the second.
    """
    heads = _HEAD_WORDS * np.arange(len(counts)) + _LEG_WORDS * (np.cumsum(counts) - counts)
    owner = np.repeat(np.arange(len(counts)), counts)
    legs = _HEAD_WORDS * (owner + 1) + _LEG_WORDS * np.arange(len(lots))
    quarters = np.zeros((_HEAD_WORDS * len(counts) + _LEG_WORDS * len(lots), 4), dtype=">u8")
    quarters[heads, 3] = modes
    quarters[heads + 1, 3] = _OFFSET
    quarters[heads + 2, 3] = counts
    quarters[legs, 2:] = instruments
    quarters[legs + 1, :3] = np.where(lots < 0, _ALL_ONES, np.uint64(0))[:, None]
    quarters[legs + 1, 3] = lots.view(np.uint64)
    return quarters.tobytes()
