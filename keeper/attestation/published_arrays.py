"""The canonical bytes of risk arrays and their hash (docs/encodings.md, "Risk arrays")."""

from __future__ import annotations

import struct
from typing import Final

from keeper.margin.risk_arrays import RiskArrays
from keeper.state.hashing import keccak256

MAGIC: Final = b"PMKRISK1"
_SHAPE: Final = struct.Struct(">QQ")


def encode_risk_arrays(arrays: RiskArrays) -> bytes:
    """Return the body: shape, marks [L], pnl [L, S] row by row, fault [L], priced [L]."""
    return b"".join(
        (
            MAGIC,
            _SHAPE.pack(*arrays.pnl.shape),
            arrays.marks.astype(">i8").tobytes(),
            arrays.pnl.astype(">i8").tobytes(),
            arrays.fault.tobytes(),
            arrays.priced.tobytes(),
        )
    )


def risk_arrays_hash(arrays: RiskArrays) -> bytes:
    """Return the 32 bytes that `keeper digest` prints as riskArraysHash."""
    return keccak256(encode_risk_arrays(arrays))
