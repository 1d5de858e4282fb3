"""Keys: who signs digests and transactions."""

from keeper.tx.signers.base import LocalSigner, Signer
from keeper.tx.signers.ephemeral import EphemeralSigner
from keeper.tx.signers.keystore import KeystoreSigner

__all__ = ["EphemeralSigner", "KeystoreSigner", "LocalSigner", "Signer"]
