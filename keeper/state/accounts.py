"""Account ids and the commitment to a book (docs/encodings.md)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from functools import lru_cache

import numpy as np
from eth_abi.abi import encode
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.state.hashing import keccak256
from keeper.units import IntArray

_SUB_BITS = 96
_LEG_BYTES = 64
_BLOCK_ACCOUNTS = 4096  # with 32 legs each: 8 MB of encoding at a time


class Mode(IntEnum):
    """How an account's risk is pooled; every account of this version is PORTFOLIO."""

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
        start = int(ends[first] - leg_counts[first])
        legs = slice(start, int(ends[block][-1]))
        encoded = _encoded_legs(instruments[legs], lots[legs])
        at = 0
        for mode, count in zip(modes[block].tolist(), leg_counts[block].tolist(), strict=True):
            until = at + _LEG_BYTES * count
            hashes.append(keccak256(_encoded_head(mode, count) + encoded[at:until]))
            at = until
    return hashes


@lru_cache(maxsize=256)
def _encoded_head(mode: int, leg_count: int) -> bytes:
    """Return the three words before the legs: mode, offset of the array, its length."""
    return b"".join(word.to_bytes(32, "big") for word in (mode, 64, leg_count))


def _encoded_legs(instruments: NDArray[np.uint64], lots: IntArray) -> bytes:
    """Return two words a leg: the id in the low half of the first, then the sign-extended lots."""
    quarters = np.zeros((len(lots), _LEG_BYTES // 8), dtype=">u8")
    quarters[:, 2:4] = instruments
    quarters[:, 4:7] = np.where(lots < 0, np.uint64(2**64 - 1), np.uint64(0))[:, None]
    quarters[:, 7] = lots.view(np.uint64)
    return quarters.tobytes()
