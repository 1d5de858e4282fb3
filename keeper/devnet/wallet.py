"""Transactions of the demo's people, from throw-away keys; each is mined at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_abi.abi import encode as abi_encode
from eth_typing import ChecksumAddress
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.types import Nonce, TxParams, TxReceipt
from web3.utils.address import get_create_address

from keeper.chain.abi import encode_call
from keeper.chain.client import ChainClient
from keeper.chain.deployment import Contract
from keeper.tx.signers.base import Signer

# Instead of an estimate, which would execute everything once more. Below the cap of EIP-7825.
_GAS: Final = 12_000_000
_POLL_SECONDS: Final = 0.005
_MAX_FEE_WEI: Final = 100 * 10**9
_TIP_WEI: Final = 10**9


@dataclass(frozen=True, slots=True)
class Wallet:
    """One key on one chain."""

    client: ChainClient
    signer: Signer

    @property
    def address(self) -> ChecksumAddress:
        """The account that pays."""
        return to_checksum_address(self.signer.address)

    def send(self, contract: Contract, function: str, *args: object) -> TxReceipt:
        """Make a call; a failure raises `Reverted` with the name of the contract's error."""
        data = HexBytes(encode_call(self.client.artifacts.abi(contract.name), function, args))
        receipt = self._mine({"to": contract.address, "data": data})
        if receipt["status"] != 1:
            raise self._reason({"from": self.address, "to": contract.address, "data": data})
        return receipt

    def deploy(self, name: str, creation: str, *args: object) -> Contract:
        """Create a contract from its bytecode and constructor arguments."""
        types = _constructor_types(self.client.artifacts.abi(name))
        data = HexBytes(creation) + abi_encode(types, args)
        receipt = self._mine({"data": HexBytes(data)})
        if receipt["status"] != 1:
            raise self._reason({"from": self.address, "data": HexBytes(data)})
        return Contract(name, to_checksum_address(receipt["contractAddress"] or ""))

    def creates_after(self, transactions: int) -> ChecksumAddress:
        """Address of the contract that it creates after so many more transactions."""
        nonce = self.client.web3.eth.get_transaction_count(self.address)
        return get_create_address(self.address, Nonce(nonce + transactions))

    def _mine(self, call: TxParams) -> TxReceipt:
        eth = self.client.web3.eth
        raw = self.signer.sign_transaction(
            {
                "type": 2,
                "chainId": self.client.chain_id,
                "nonce": eth.get_transaction_count(self.address),
                "value": 0,
                "gas": _GAS,
                "maxFeePerGas": _MAX_FEE_WEI,
                "maxPriorityFeePerGas": _TIP_WEI,
                **call,
            }
        )
        sent = self.client.guard(lambda: eth.send_raw_transaction(raw))
        return self.client.guard(
            lambda: eth.wait_for_transaction_receipt(sent, poll_latency=_POLL_SECONDS)
        )

    def _reason(self, call: TxParams) -> Exception:
        revert = self.client.simulate_transaction(call)
        if revert is not None:
            return revert.error()
        return RuntimeError("a transaction failed in its block, and succeeds when called now")


def _constructor_types(abi: Sequence[dict[str, Any]]) -> list[str]:
    for entry in abi:
        if entry.get("type") == "constructor":
            return [collapse_if_tuple(item) for item in entry["inputs"]]
    return []
