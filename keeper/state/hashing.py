"""keccak-256, the one hash of every commitment (docs/encodings.md)."""

from __future__ import annotations

from eth_hash.auto import keccak


def keccak256(data: bytes) -> bytes:
    """Return the 32-byte digest of `data`."""
    return keccak(data)
