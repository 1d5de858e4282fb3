"""The one door to a node.

Reads are pinned to a block: by its hash where the node can serve that, so that a reorganised block
fails instead of answering from another chain; else by number, with the hash checked before and
after. Every failure leaves here as an error of ours, without the URL's secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import requests
from eth_typing import ChecksumAddress, HexStr
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError
from web3.providers.rpc.utils import REQUEST_RETRY_ALLOWLIST, ExceptionRetryConfiguration
from web3.types import BlockIdentifier, FilterParams, LogReceipt, TxParams

from keeper.chain.abi import (
    Decoded,
    EventLog,
    decode_event,
    decode_result,
    encode_call,
    entry_of,
    event_topic,
)
from keeper.chain.artifacts import Abi, Artifacts
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.faults import unavailable
from keeper.chain.reverts import DecodedRevert, RevertDecoder
from keeper.chain.wiring import links_of
from keeper.errors import ChainUnavailable, KeeperError, NotDeployed, WrongChain
from keeper.telemetry.redaction import redact_url

T = TypeVar("T")

LOG_RANGE = 5_000  # blocks a query; providers refuse more than 2,000 to 10,000
NOBODY = to_checksum_address("0x" + "00" * 20)


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by number and hash, with its time in Unix seconds."""

    number: int
    hash: bytes
    timestamp: int


class ChainClient:
    """Pinned reads, simulations and events over a synchronous Web3."""

    def __init__(
        self, web3: Web3, artifacts: Artifacts, *, endpoint: str = "embedded chain"
    ) -> None:
        self.web3 = web3
        self.artifacts = artifacts
        self.endpoint = redact_url(endpoint) if "://" in endpoint else endpoint
        self.reverts = RevertDecoder(artifacts.abis.values())

    @classmethod
    def connect(cls, url: str, artifacts: Artifacts, *, timeout: float = 10.0) -> ChainClient:
        """Over HTTP. Nothing is sent yet."""
        # A transaction whose reply was lost may be on its way: that is for the sender to judge.
        retry = ExceptionRetryConfiguration(
            errors=(requests.ConnectionError, requests.Timeout),
            retries=2,
            backoff_factor=0.25,
            method_allowlist=[
                method for method in REQUEST_RETRY_ALLOWLIST if method != "eth_sendRawTransaction"
            ],
        )
        provider = HTTPProvider(
            url, request_kwargs={"timeout": timeout}, exception_retry_configuration=retry
        )
        web3 = Web3(provider)
        # It asks for the chain id around every call, and refuses proof-of-authority blocks.
        web3.middleware_onion.remove("validation")
        return cls(web3, artifacts, endpoint=url)

    @cached_property
    def chain_id(self) -> int:
        """The node's chain id."""
        return self.guard(lambda: int(self.web3.eth.chain_id), "eth_chainId")

    @cached_property
    def reads_by_hash(self) -> bool:
        """Whether the node serves `eth_call` by block hash (EIP-1898); eth-tester does not."""
        head = self.head()
        try:
            self.web3.eth.call({"to": NOBODY}, _by_hash(head))
        except requests.RequestException as error:
            raise self._translated(error, "eth_call") from None
        except (TypeError, ValueError, Web3RPCError):
            return False
        except Exception as error:  # noqa: BLE001 - sorted and raised again just below
            raise self._translated(error, "eth_call") from None
        return True

    def head(self) -> BlockRef:
        """The newest block."""
        return self._block("latest")

    def block(self, number: int) -> BlockRef:
        """The canonical block of that number."""
        return self._block(number)

    def call(
        self, contract: Contract, function: str, args: Sequence[object] = (), *, at: BlockRef
    ) -> Decoded:
        """A view's result at exactly that block; structs as dicts. A revert raises `Reverted`."""
        abi = self.artifacts.abi(contract.name)
        data = self.returned(contract, function, args, at=at)
        if not data and entry_of(abi, "function", function)["outputs"]:
            raise NotDeployed(
                f"{contract.name} at {contract.address} did not exist yet in block {at.number}"
            )
        return self.guard(lambda: decode_result(abi, function, data), _call_of(contract, function))

    def returned(
        self, contract: Contract, function: str, args: Sequence[object] = (), *, at: BlockRef
    ) -> bytes:
        """The same as bytes, for a contract that may not keep to its ABI."""
        abi = self.artifacts.abi(contract.name)
        tx: TxParams = {"to": contract.address, "data": HexBytes(encode_call(abi, function, args))}
        return self._pinned(
            at, lambda block: bytes(self.web3.eth.call(tx, block)), _call_of(contract, function)
        )

    def simulate(
        self, contract: Contract, function: str, args: Sequence[object], *, sender: ChecksumAddress
    ) -> DecodedRevert | None:
        """What a transaction would revert with on the newest state; None if it would succeed."""
        data = HexBytes(encode_call(self.artifacts.abi(contract.name), function, args))
        tx: TxParams = {"from": sender, "to": contract.address, "data": data}
        return self.simulate_transaction(tx)

    def simulate_transaction(self, tx: TxParams) -> DecodedRevert | None:
        """The same for a transaction that is already encoded."""
        try:
            self.web3.eth.call(tx, "latest")
        except Exception as error:  # noqa: BLE001 - sorted and raised again just below
            if revert := self.reverts.of(error):
                return revert
            raise self._translated(error, "eth_call") from None
        return None

    def events(
        self, contract: Contract, event: str, from_block: int, to_block: int
    ) -> list[EventLog]:
        """All events of that name in the closed range, in chain order."""
        found: list[EventLog] = []
        for first in range(from_block, to_block + 1, LOG_RANGE):
            found += self._logs(contract, event, first, min(first + LOG_RANGE - 1, to_block))
        return found

    def transaction(self, transaction: bytes) -> tuple[str | None, bytes]:
        """Target and calldata of a mined transaction; no target for a creation."""

        def read() -> tuple[str | None, bytes]:
            raw = self.web3.eth.get_transaction(HexBytes(transaction))
            target = raw.get("to")
            return (to_checksum_address(target) if target else None), bytes(raw.get("input", b""))

        return self.guard(read, "eth_getTransactionByHash")

    def check(self, deployment: Deployment, at: BlockRef) -> None:
        """Raise WrongChain or NotDeployed unless this node serves that deployment."""
        if self.chain_id != deployment.chain_id:
            raise WrongChain(
                f"{self.endpoint} serves chain {self.chain_id}, the deployment is on chain "
                f"{deployment.chain_id}: set rpc_url or the deployment file"
            )
        self._require_codes(deployment, at)
        self._require_wiring(deployment, at)

    def _require_codes(self, deployment: Deployment, at: BlockRef) -> None:
        for contract in deployment.contracts():
            code = self.code(contract, at)
            where = f"{contract.address} on chain {self.chain_id} in block {at.number}"
            if not code:
                raise NotDeployed(f"no code for {contract.name} at {where}: check the deployment")
            # The dollar is somebody else's contract: any token will do.
            if contract != deployment.usd_coin and not self.artifacts.is_code_of(
                contract.name, code
            ):
                raise NotDeployed(
                    f"the code at {where} is not that of {contract.name} in abis/: check the "
                    "deployment, or use the release of the keeper that belongs to it"
                )

    def _require_wiring(self, deployment: Deployment, at: BlockRef) -> None:
        """Refuse contracts of two instances, each sound, that one file names together."""
        for link in links_of(deployment):
            found: str = self.call(link.contract, link.getter, at=at)
            if to_checksum_address(found) != link.expected:
                raise NotDeployed(
                    f"{link.contract.name} at {link.contract.address} answers {link.getter}() with "
                    f"{to_checksum_address(found)}, the deployment has {link.expected}: it mixes "
                    "two instances, check the deployment"
                )

    def code(self, contract: Contract, at: BlockRef) -> bytes:
        """Runtime code of a contract."""
        address = contract.address
        return self._pinned(
            at, lambda block: bytes(self.web3.eth.get_code(address, block)), "eth_getCode"
        )

    def guard(self, request: Callable[[], T], method: str = "a request") -> T:
        """Run one request and the reading of its answer; a failure becomes an error of ours."""
        try:
            return request()
        except KeeperError:
            raise
        except Exception as error:  # noqa: BLE001 - sorted and raised again just below
            raise self._translated(error, method) from None

    def _block(self, which: BlockIdentifier) -> BlockRef:
        def read() -> BlockRef:
            raw = cast("dict[str, Any]", self.web3.eth.get_block(which))
            return BlockRef(int(raw["number"]), _hash(raw["hash"]), int(raw["timestamp"]))

        return self.guard(read, "eth_getBlockByNumber")

    def _pinned(self, at: BlockRef, read: Callable[[Any], T], method: str) -> T:
        if self.reads_by_hash:
            return self.guard(lambda: read(_by_hash(at)), method)
        self._require_canonical(at)
        result = self.guard(lambda: read(at.number), method)
        self._require_canonical(at)
        return result

    def _require_canonical(self, at: BlockRef) -> None:
        found = self.block(at.number)
        if found.hash != at.hash:
            raise ChainUnavailable(
                f"block {at.number} was reorganised: it was 0x{at.hash.hex()}, "
                f"now it is 0x{found.hash.hex()}"
            )

    def _logs(self, contract: Contract, event: str, first: int, last: int) -> list[EventLog]:
        abi = self.artifacts.abi(contract.name)
        query: FilterParams = {
            "address": contract.address,
            "topics": [HexStr("0x" + event_topic(abi, event).hex())],
            "fromBlock": cast("Any", first),
            "toBlock": cast("Any", last),
        }
        return self.guard(
            lambda: [_event_log(abi, event, log) for log in self.web3.eth.get_logs(query)],
            "eth_getLogs",
        )

    def _translated(self, error: Exception, method: str) -> Exception:
        if revert := self.reverts.of(error):
            return revert.error()
        return unavailable(error, self.endpoint, method) or error


def _hash(value: bytes) -> bytes:
    if len(value) != 32:
        raise ValueError(f"a hash of {len(value)} bytes")
    return bytes(value)


def _call_of(contract: Contract, function: str) -> str:
    return f"eth_call of {contract.name}.{function}"


def _event_log(abi: Abi, event: str, log: LogReceipt) -> EventLog:
    return EventLog(
        name=event,
        args=decode_event(abi, event, list(map(bytes, log["topics"])), bytes(log["data"])),
        block=int(log["blockNumber"]),
        block_hash=bytes(log["blockHash"]),
        transaction=bytes(log["transactionHash"]),
        index=int(log["logIndex"]),
    )


def _by_hash(at: BlockRef) -> Decoded:
    return {"blockHash": f"0x{at.hash.hex()}", "requireCanonical": True}
