"""Who made a signature. Fast where coincurve is installed, pure Python elsewhere."""

from __future__ import annotations

from eth_keys.exceptions import BadSignature
from eth_keys.main import KeyAPI
from eth_utils.exceptions import ValidationError

from keeper.attestation.signature import CompactSignature
from keeper.errors import InputError


def recover(digest: bytes, signature: CompactSignature) -> str:
    """Return the checksummed address whose key signed the 32-byte digest.

    Raises:
        InputError: no key can have made this signature of this digest.
    """
    vrs = (signature.y_parity, int.from_bytes(signature.r, "big"), signature.s)
    try:
        public_key = KeyAPI.Signature(vrs=vrs).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError, ValueError) as error:
        raise InputError(f"signature of 0x{digest.hex()} cannot be recovered: {error}") from error
    return public_key.to_checksum_address()
