"""What a signer is, and the one that holds its key in memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NoReturn, Protocol

from eth_account.signers.local import LocalAccount
from eth_typing import Hash32

from keeper.attestation.signature import CompactSignature
from keeper.errors import SignerError

DIGEST_BYTES = 32


class Signer(Protocol):
    """Holds one key, here or elsewhere, and never shows it."""

    @property
    def address(self) -> str:
        """Checksummed address."""
        ...

    def sign_digest(self, digest: bytes) -> CompactSignature:
        """Sign 32 bytes as they are: an EIP-712 digest, never a message."""
        ...

    def sign_transaction(self, transaction: Mapping[str, object]) -> bytes:
        """Return the raw bytes of the signed transaction."""
        ...


class LocalSigner:
    """A signer whose key is in this process.

    The key is not an attribute that a dump of this object shows, and no exception leaves with a
    frame that has it as a local: tracebacks with locals end in logs and error trackers.
    """

    __slots__ = ("_account",)

    def __init__(self, account: LocalAccount) -> None:
        self._account = account

    @property
    def address(self) -> str:
        """Checksummed address."""
        return self._account.address

    def sign_digest(self, digest: bytes) -> CompactSignature:
        """Sign 32 bytes as they are; the same digest gives the same signature (RFC 6979).

        Raises:
            SignerError: not 32 bytes.
        """
        if not isinstance(digest, bytes) or len(digest) != DIGEST_BYTES:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise SignerError(f"{self.address}: a digest is 32 bytes")
        signed = self._account.unsafe_sign_hash(Hash32(digest))
        return CompactSignature.from_bytes(bytes(signed.signature))

    def sign_transaction(self, transaction: Mapping[str, object]) -> bytes:
        """Return the raw bytes of the signed transaction.

        Raises:
            SignerError: no chain id (it would be valid on every chain), or fields that eth-account
                refuses; it says which.
        """
        if type(transaction.get("chainId")) is not int:
            raise SignerError(f"{self.address}: a transaction must carry its chainId")
        raw, problem = self._try_sign(transaction)
        # Raised out here, so that the exception has no context with the key in its frames.
        if raw is None:
            raise SignerError(f"{self.address}: the transaction cannot be signed: {problem}")
        return raw

    def _try_sign(self, transaction: Mapping[str, object]) -> tuple[bytes | None, str]:
        try:
            signed = self._account.sign_transaction(dict(transaction))  # pyright: ignore[reportArgumentType]
        except Exception as error:  # noqa: BLE001 - every failure has the key in its frames
            return None, f"{type(error).__name__}: {error}"
        return bytes(signed.raw_transaction), ""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse to be copied or pickled: the key would travel along."""
        raise SignerError(f"{self.address}: a signer cannot be pickled or copied")
