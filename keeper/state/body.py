"""The canonical bytes of a snapshot, version 1 (docs/encodings.md), and their hash.

The codec is a bijection between canonical snapshots and accepted bodies: whatever `decode` accepts,
`encode` gives back byte for byte. Columns are copied whole, so a million accounts with ten million
legs take seconds.
"""

from __future__ import annotations

import struct
from typing import Final, TypeVar

import numpy as np

from keeper.errors import InputError
from keeper.state.hashing import keccak256
from keeper.state.snapshot import Head, Snapshot
from keeper.state.tables import (
    Accounts,
    Accruals,
    Balances,
    Forwards,
    Legs,
    Listings,
    Observations,
    SecondMarks,
    Table,
    Tokens,
    Underlyings,
)

MAGIC: Final = b"PMKBODY1"
_HEAD_TAG: Final = b"HEAD"
_HEAD: Final = struct.Struct(">QQQ32s")
_TABLE: Final = struct.Struct(">4sQ")

_T = TypeVar("_T", bound=Table)


def encode(snapshot: Snapshot) -> bytes:
    """Return the body; raise InputError where the snapshot is not canonical."""
    snapshot.validate()
    head = snapshot.head
    tables: tuple[Table, ...] = (
        snapshot.underlyings,
        snapshot.forwards,
        snapshot.second_marks,
        snapshot.observations,
        snapshot.listings,
        snapshot.tokens,
        snapshot.accounts,
        snapshot.legs,
        snapshot.balances,
        *_present(snapshot.accruals),
    )
    parts = [
        MAGIC,
        _TABLE.pack(_HEAD_TAG, 1),
        _HEAD.pack(head.epoch, head.ref_block, head.ref_time, head.model_hash),
    ]
    for table in tables:
        parts.append(_TABLE.pack(table.TAG, len(table)))
        parts += [
            getattr(table, name).astype(wire.code).tobytes()
            for name, wire in table.columns().items()
        ]
    return b"".join(parts)


def decode(body: bytes) -> Snapshot:
    """Return the snapshot; raise InputError for anything that `encode` cannot have written."""
    reader = _Reader(body)
    if (magic := reader.take(len(MAGIC), "header")) != MAGIC:
        raise InputError(f"body starts with {magic!r}: this keeper reads {MAGIC!r}")
    if (rows := reader.rows(_HEAD_TAG)) != 1:
        raise InputError(f"HEAD has {rows} rows: a body has one")
    snapshot = Snapshot(
        head=Head(*_HEAD.unpack(reader.take(_HEAD.size, "HEAD"))),
        underlyings=reader.table(Underlyings),
        forwards=reader.table(Forwards),
        second_marks=reader.table(SecondMarks),
        observations=reader.table(Observations),
        listings=reader.table(Listings),
        tokens=reader.table(Tokens),
        accounts=reader.table(Accounts),
        legs=reader.table(Legs),
        balances=reader.table(Balances),
        accruals=_accruals(reader),
    )
    reader.finish()
    snapshot.validate()
    return snapshot


def _present(accruals: Accruals) -> tuple[Accruals, ...]:
    """Return the table where it has rows: without, it is not written."""
    return (accruals,) if len(accruals) else ()


def _accruals(reader: _Reader) -> Accruals:
    """Read the table if it is there; without rows it would be a second way to write none."""
    if not reader.begins(Accruals.TAG):
        return Accruals.of_rows([])
    table = reader.table(Accruals)
    if not len(table):
        raise InputError("ACCR has no rows: leave the table out")
    return table


def bundle_hash(body: bytes) -> bytes:
    """Return the hash that the attestation signs."""
    return keccak256(body)


class _Reader:
    """A cursor over the body that never reads past its end."""

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._at = 0

    def begins(self, tag: bytes) -> bool:
        """Whether a table with this tag is next."""
        return bytes(self._body[self._at : self._at + len(tag)]) == tag

    def take(self, size: int, what: str) -> bytes:
        return bytes(self._slice(size, what))

    def rows(self, tag: bytes) -> int:
        """Read a table's heading and return its number of rows."""
        found, rows = _TABLE.unpack(self._slice(_TABLE.size, tag.decode()))
        if found != tag:
            raise InputError(f"table {found!r} at byte {self._at}: expected {tag!r}")
        return rows

    def table(self, kind: type[_T]) -> _T:
        """Read one table into columns of native byte order."""
        rows = self.rows(kind.TAG)
        return kind(
            *(
                np.frombuffer(
                    self._slice(rows * wire.row_bytes, f"{kind.TAG.decode()}.{name}"), wire.code
                )
                .astype(wire.native)
                .reshape(wire.shape(rows))
                for name, wire in kind.columns().items()
            )
        )

    def finish(self) -> None:
        """Refuse trailing bytes."""
        if left := len(self._body) - self._at:
            raise InputError(f"body has {left} bytes after its last table")

    def _slice(self, size: int, what: str) -> memoryview:
        left = len(self._body) - self._at
        if size > left:
            raise InputError(f"body ends inside {what}: {size} bytes announced, {left} left")
        part = self._body[self._at : self._at + size]
        self._at += size
        return part
