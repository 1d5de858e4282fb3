"""Keys made from a seed, for development chains: whoever knows the seed has the key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from eth_account import Account
from eth_hash.auto import keccak

from keeper.errors import SignerError
from keeper.tx.signers.base import LocalSigner

DEV_CHAIN_IDS: Final = frozenset({1337, 31337, 131277322940537})
"""Geth's, Hardhat's and Anvil's, and eth-tester's development chains."""


class EphemeralSigner(LocalSigner):
    """A signer for one development chain."""

    __slots__ = ("_chain_id",)

    def __init__(self, seed: str, chain_id: int) -> None:
        """Derive the key as keccak of the seed.

        Raises:
            SignerError: the chain is not a development chain.
        """
        if chain_id not in DEV_CHAIN_IDS:
            raise SignerError(f"a seeded key is for development chains, not for chain {chain_id}")
        super().__init__(Account.from_key(keccak(seed.encode())))
        self._chain_id = chain_id

    def sign_transaction(self, transaction: Mapping[str, object]) -> bytes:
        """Return the raw bytes of the signed transaction.

        Raises:
            SignerError: the transaction is for another chain.
        """
        if transaction.get("chainId") != self._chain_id:
            raise SignerError(f"{self.address} signs for chain {self._chain_id} alone")
        return super().sign_transaction(transaction)
