"""keccak-256, the one hash of every commitment (docs/encodings.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from eth_hash.auto import keccak

# The backend itself, which eth-hash chooses at the first call: around a short message its wrappers
# would cost as much as the hash.
keccak(b"")
keccak256: Final[Callable[[bytes], bytes]] = keccak.hasher
"""Return the 32-byte digest of bytes."""
