"""The one door through which transactions leave.

Strategies say what they want; a sender alone acts: a dry run logs, a signing sender simulates,
signs, sends and waits. One process writes with one key (`SigningSender` holds a lock) and takes its
nonce from the chain. A durable outbox will stand between `_signed` and `_broadcast`: what it has to
keep is exactly the signed transaction.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import TimeExhausted
from web3.types import TxParams

from keeper.chain.abi import encode_call
from keeper.chain.client import ChainClient
from keeper.chain.deployment import Contract
from keeper.errors import ChainUnavailable, ConfigError, Reverted
from keeper.tx.fees import FeePolicy, Fees
from keeper.tx.signers.base import Signer

log = structlog.get_logger(__name__)

GAS_CAP = 2**24
"""Most gas one transaction may have on mainnet (EIP-7825)."""


@dataclass(frozen=True, slots=True)
class TxRequest:
    """One contract call that a job wants made, and why."""

    contract: Contract
    function: str
    args: tuple[Any, ...]
    reason: str

    def text(self) -> str:
        """`Contract.function(arguments)`, for logs."""
        return f"{self.contract.name}.{self.function}({', '.join(map(_shown, self.args))})"


@dataclass(frozen=True, slots=True)
class TxOutcome:
    """A mined transaction; `status` is 1, as a failed one raises instead."""

    hash: bytes
    block: int
    gas_used: int
    status: int


class TransactionSender(Protocol):
    """What jobs send through. `address` is who pays, None where nobody can."""

    @property
    def address(self) -> ChecksumAddress | None:
        """The sending account."""
        ...

    def send(self, request: TxRequest) -> TxOutcome | None:
        """Make the call; None says that nothing was sent, on purpose."""
        ...


@dataclass(frozen=True, slots=True)
class DryRunSender:
    """Logs what would be sent. With an address, simulations run as that account."""

    address: ChecksumAddress | None = None

    def send(self, request: TxRequest) -> TxOutcome | None:
        """Log and do nothing."""
        log.info("transaction_not_sent", why="dry run", call=request.text(), reason=request.reason)
        return None


class SigningSender:
    """Sends from one local key, one transaction at a time, each simulated first.

    `gas_limit` replaces the node's estimate, which executes everything once more; `gas_cap` is what
    no transaction may exceed; `receipt_timeout` is in seconds.
    """

    def __init__(
        self,
        client: ChainClient,
        signer: Signer,
        *,
        fees: FeePolicy | None = None,
        gas_limit: int | None = None,
        gas_cap: int = GAS_CAP,
        receipt_timeout: float = 120.0,
    ) -> None:
        self._client = client
        self._signer = signer
        self._address = to_checksum_address(signer.address)
        self._fees = FeePolicy() if fees is None else fees
        self._gas_limit = gas_limit
        self._gas_cap = gas_cap
        self._receipt_timeout = receipt_timeout
        self._writer = threading.Lock()

    @property
    def address(self) -> ChecksumAddress | None:
        """The key's account."""
        return self._address

    def send(self, request: TxRequest) -> TxOutcome | None:
        """Simulate, sign, broadcast, wait. Raises Reverted when simulation or receipt failed."""
        with self._writer:
            call = self._call(request)
            if revert := self._client.simulate_transaction(call):
                raise revert.error()
            signed = self._signed(request, call)
            outcome = self._mined(self._broadcast(signed))
        self._report(request, outcome)
        if outcome.status != 1:
            raise self._failure(call, outcome)
        return outcome

    def _call(self, request: TxRequest) -> TxParams:
        abi = self._client.artifacts.abi(request.contract.name)
        return {
            "from": self._address,
            "to": request.contract.address,
            "data": HexBytes(encode_call(abi, request.function, request.args)),
        }

    def _signed(self, request: TxRequest, call: TxParams) -> bytes:
        guard, eth = self._client.guard, self._client.web3.eth
        gas = self._gas(request, call)
        fees: Fees = guard(lambda: self._fees.quote(self._client.web3))
        nonce = guard(lambda: eth.get_transaction_count(self._address, "pending"))
        return self._signer.sign_transaction(
            {
                "type": 2,
                "chainId": self._client.chain_id,
                "nonce": nonce,
                "to": request.contract.address,
                "data": call.get("data", b""),
                "value": 0,
                "gas": gas,
                "maxFeePerGas": fees.max_fee,
                "maxPriorityFeePerGas": fees.priority_fee,
            }
        )

    def _gas(self, request: TxRequest, call: TxParams) -> int:
        gas = self._gas_limit
        if gas is None:
            estimate = self._client.guard(lambda: self._client.web3.eth.estimate_gas(call))
            gas = estimate * 5 // 4  # the state may move before the transaction is mined
        if gas > self._gas_cap:
            raise ConfigError(
                f"{request.contract.name}.{request.function} needs {gas} gas, "
                f"the cap is {self._gas_cap}"
            )
        return gas

    def _broadcast(self, raw: bytes) -> bytes:
        return bytes(self._client.guard(lambda: self._client.web3.eth.send_raw_transaction(raw)))

    def _mined(self, transaction: bytes) -> TxOutcome:
        wait = self._client.web3.eth.wait_for_transaction_receipt
        try:
            receipt = self._client.guard(
                lambda: wait(HexBytes(transaction), timeout=self._receipt_timeout)
            )
        except TimeExhausted:
            raise ChainUnavailable(
                f"transaction 0x{transaction.hex()} was not mined in {self._receipt_timeout:.0f} s"
            ) from None
        return TxOutcome(transaction, receipt["blockNumber"], receipt["gasUsed"], receipt["status"])

    def _report(self, request: TxRequest, outcome: TxOutcome) -> None:
        log.info(
            "transaction_mined",
            call=request.text(),
            reason=request.reason,
            tx=outcome.hash,
            block=outcome.block,
            gas_used=outcome.gas_used,
            status=outcome.status,
        )

    def _failure(self, call: TxParams, outcome: TxOutcome) -> Reverted:
        """The reason if the call still fails now; a mined failure does not carry its own."""
        revert = self._client.simulate_transaction(call)
        if revert is not None:
            return revert.error()
        return Reverted("Revert", (f"transaction 0x{outcome.hash.hex()} failed in its block",))


def _shown(value: object) -> str:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_shown(item) for item in value)}]"  # pyright: ignore[reportUnknownVariableType]
    return str(value)
