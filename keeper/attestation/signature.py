"""Compact signatures of EIP-2098: `r`, and `s` with the parity of the point in its top bit."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.errors import InputError

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
HALF_ORDER = CURVE_ORDER // 2
PARITY_BIT = 1 << 255


@dataclass(frozen=True, slots=True)
class CompactSignature:
    """A secp256k1 signature with low `s`, as `MarginOracle.submit` takes it."""

    r: bytes
    vs: bytes

    def __post_init__(self) -> None:
        """Check lengths and ranges.

        Raises:
            InputError: a word is not 32 bytes, `r` not in [1, n), or `s` not in [1, n/2].
        """
        for name, word in (("r", self.r), ("vs", self.vs)):
            if not isinstance(word, bytes) or len(word) != 32:  # pyright: ignore[reportUnnecessaryIsInstance]
                raise InputError(f"{name} of a signature must be 32 bytes")
        if not 0 < int.from_bytes(self.r, "big") < CURVE_ORDER:
            raise InputError("r of a signature is out of range")
        # With a high s, everybody could make a second signature from the first (EIP-2).
        if not 0 < self.s <= HALF_ORDER:
            raise InputError("s of a signature is out of range or not low")

    @property
    def s(self) -> int:
        """The scalar without the parity bit."""
        return int.from_bytes(self.vs, "big") & (PARITY_BIT - 1)

    @property
    def y_parity(self) -> int:
        """0 or 1: `v` less 27."""
        return self.vs[0] >> 7

    @classmethod
    def from_bytes(cls, signature: bytes) -> CompactSignature:
        """Read the usual 65 bytes `r ‖ s ‖ v` with `v` 27 or 28.

        Raises:
            InputError: wrong length or `v`, or values out of range.
        """
        if len(signature) != 65:
            raise InputError(f"a signature has 65 bytes, got {len(signature)}")
        r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
        if v not in (27, 28):
            raise InputError(f"v of a signature must be 27 or 28, got {v}")
        if s > HALF_ORDER:
            raise InputError("s of a signature is out of range or not low")
        return cls(r, (s | PARITY_BIT * (v - 27)).to_bytes(32, "big"))

    def to_bytes(self) -> bytes:
        """Return the usual 65 bytes `r ‖ s ‖ v` with `v` 27 or 28."""
        return self.r + self.s.to_bytes(32, "big") + bytes([27 + self.y_parity])
