"""The leaves of a whole epoch as columns: a million of them hash without a million objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.attestation.eip712 import WORD, typehash
from keeper.attestation.leaf import SENTINEL_MARGIN, SENTINEL_SCENARIO, MarginLeaf
from keeper.errors import InputError
from keeper.margin.portfolio import MarginBook
from keeper.state.hashing import keccak256
from keeper.units import BoolArray, IntArray

_WORDS: Final = 7  # the type hash and the six members
_LEAF_BYTES: Final = _WORDS * WORD
_QUARTERS: Final = WORD // 8  # a word is four uint64, the most significant first
_BLOCK_LEAVES: Final = 8192  # 2 MB of encoding at a time
_ALL_ONES: Final = np.uint64(2**64 - 1)


@dataclass(frozen=True, slots=True, eq=False)
class MarginLeaves:
    """One leaf per account, in the order of its columns; iterating gives `MarginLeaf`.

    Attributes:
        account: uint8 [A, 32], each once.
        positions_hash: uint8 [A, 32].
        initial_usd6: integers [A], micro-dollars, not below `maintenance_usd6`.
        maintenance_usd6: integers [A], micro-dollars, not negative.
        worst_scenario: integers [A] that fit a uint8.
        sentinel: bool [A]; where set, margins and scenario are ignored.
    """

    epoch: int
    account: NDArray[np.uint8]
    positions_hash: NDArray[np.uint8]
    initial_usd6: IntArray
    maintenance_usd6: IntArray
    worst_scenario: NDArray[np.integer[Any]]
    sentinel: BoolArray

    def __post_init__(self) -> None:
        """Check every column.

        Raises:
            InputError: columns of different lengths or wrong types, an account twice, a negative
                margin, an initial margin below maintenance, a scenario beyond uint8.
        """
        if not 0 <= self.epoch < 2**64:
            raise InputError(f"epoch {self.epoch} is not a uint64")
        self._check_types()
        self._check_values()

    @classmethod
    def of_book(cls, epoch: int, book: MarginBook) -> MarginLeaves:
        """Return the leaves of every account in a margin book."""
        return cls(
            epoch=epoch,
            account=book.account,
            positions_hash=_rows(book.positions_hash),
            initial_usd6=book.initial_usd6,
            maintenance_usd6=book.maintenance_usd6,
            worst_scenario=book.worst_scenario,
            sentinel=book.sentinel,
        )

    def __len__(self) -> int:
        return len(self.account)

    def __iter__(self) -> Iterator[MarginLeaf]:
        rows = zip(
            self.account,
            self.positions_hash,
            self.initial_usd6.tolist(),
            self.maintenance_usd6.tolist(),
            self.worst_scenario.tolist(),
            self.sentinel.tolist(),
            strict=True,
        )
        for account, positions, initial, maintenance, worst, at_fault in rows:
            figures = (
                (SENTINEL_MARGIN, SENTINEL_MARGIN, SENTINEL_SCENARIO)
                if at_fault
                else (initial, maintenance, worst)
            )
            yield MarginLeaf(self.epoch, account.tobytes(), positions.tobytes(), *figures)

    def hashes(self) -> list[bytes]:
        """Return `leaf_hash` of every leaf, in order."""
        found: list[bytes] = []
        for first in range(0, len(self), _BLOCK_LEAVES):
            encoded = self._encoded(slice(first, first + _BLOCK_LEAVES))
            found += [
                keccak256(keccak256(encoded[at : at + _LEAF_BYTES]))
                for at in range(0, len(encoded), _LEAF_BYTES)
            ]
        return found

    def _encoded(self, rows: slice) -> bytes:
        """Return the words that `MarginLeaf` hashes, leaf after leaf."""
        sentinel = self.sentinel[rows]
        words = np.zeros((len(sentinel), _WORDS, _QUARTERS), dtype=">u8")
        words[:, 0] = np.frombuffer(typehash(MarginLeaf.ENCODE_TYPE), ">u8")
        words[:, 1, 3] = self.epoch
        words[:, 2] = np.ascontiguousarray(self.account[rows]).view(">u8")
        words[:, 3] = np.ascontiguousarray(self.positions_hash[rows]).view(">u8")
        for word, margin in ((4, self.initial_usd6), (5, self.maintenance_usd6)):
            words[:, word, 2] = np.where(sentinel, _ALL_ONES, np.uint64(0))
            words[:, word, 3] = np.where(sentinel, _ALL_ONES, margin[rows].astype(np.uint64))
        words[:, 6, 3] = np.where(sentinel, SENTINEL_SCENARIO, self.worst_scenario[rows])
        return words.tobytes()

    def _check_types(self) -> None:
        for name in ("account", "positions_hash"):
            column: NDArray[Any] = getattr(self, name)
            if column.dtype != np.uint8 or column.shape != (len(self), WORD):
                raise InputError(
                    f"{name} of leaves is {column.dtype}{list(column.shape)}: "
                    f"expected uint8[{len(self)}, {WORD}]"
                )
        for name in ("initial_usd6", "maintenance_usd6", "worst_scenario", "sentinel"):
            column = getattr(self, name)
            kinds = "b" if name == "sentinel" else "iu"
            if column.dtype.kind not in kinds or column.shape != (len(self),):
                raise InputError(
                    f"{name} of leaves is {column.dtype}{list(column.shape)}: expected "
                    f"{'booleans' if kinds == 'b' else 'integers'} [{len(self)}]"
                )

    def _check_values(self) -> None:
        accounts = np.ascontiguousarray(self.account).view("V32").ravel().tolist()
        if len(set(accounts)) != len(self):
            raise InputError("an account has more than one leaf")
        low, high, worst = self.maintenance_usd6, self.initial_usd6, self.worst_scenario
        self._refuse(low < 0, "maintenance_usd6 is negative")
        self._refuse(high < low, "initial_usd6 is below maintenance_usd6")
        self._refuse((worst < 0) | (worst >= 2**8), "worst_scenario is not a uint8")

    def _refuse(self, bad: BoolArray, problem: str) -> None:
        """Raise for the first bad row that is no sentinel."""
        rows = np.flatnonzero(bad & ~self.sentinel)
        if len(rows):
            raise InputError(f"account 0x{self.account[rows[0]].tobytes().hex()}: {problem}")


def _rows(hashes: Sequence[bytes]) -> NDArray[np.uint8]:
    """Return 32-byte hashes as uint8 [A, 32]."""
    if any(len(item) != WORD for item in hashes):
        raise InputError(f"a positions_hash has {WORD} bytes")
    return np.frombuffer(b"".join(hashes), np.uint8).reshape(-1, WORD)
