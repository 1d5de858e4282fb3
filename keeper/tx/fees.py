"""EIP-1559 fees of a transaction."""

from __future__ import annotations

from dataclasses import dataclass

from web3 import Web3


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas."""

    max_fee: int
    priority_fee: int


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """What to offer: the node's tip, and twice the base fee, which holds through six full blocks.

    `max_fee_cap` bounds the offer in wei per gas; below the base fee the transaction waits.
    """

    max_fee_cap: int | None = None

    def quote(self, web3: Web3) -> Fees:
        """Fees for a transaction sent now."""
        tip = int(web3.eth.max_priority_fee)
        base = int(web3.eth.get_block("latest").get("baseFeePerGas", 0))
        return self.fees(base, tip)

    def fees(self, base_fee: int, tip: int) -> Fees:
        """Fees from a base fee and a tip."""
        offer = 2 * base_fee + tip
        max_fee = offer if self.max_fee_cap is None else min(offer, self.max_fee_cap)
        return Fees(max_fee, min(tip, max_fee))
