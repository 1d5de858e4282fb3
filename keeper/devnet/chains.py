"""Development chains on which every transaction is one block with a time that the caller chose.

The same calls in the same order then give the same block numbers, times and contract addresses on
every kind of chain, and so the same snapshot body and margin root for each epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, Protocol

from eth_typing import ChecksumAddress
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.middleware import Web3Middleware
from web3.types import RPCEndpoint

from keeper.errors import ChainUnavailable, ConfigError

FUNDING_WEI: Final = 10**24

_SENDING: Final = frozenset({"eth_sendRawTransaction", "eth_sendTransaction"})
_RPC_TIMEOUT_SECONDS: Final = 30


class DevChain(Protocol):
    """A chain whose clock and ether the caller commands."""

    @property
    def web3(self) -> Web3:
        """The connection; each transaction sent through it is mined at once, alone in its block."""
        ...

    @property
    def chain_id(self) -> int:
        """The id that signatures name."""
        ...

    def now(self) -> int:
        """Return the time of the latest block."""
        ...

    def set_next_time(self, timestamp: int) -> None:
        """Choose the time of the next block; those after it follow a second apart."""
        ...

    def mine(self, blocks: int = 1) -> None:
        """Make empty blocks, a second apart, the first at the time set."""
        ...

    def fund(self, addresses: Iterable[ChecksumAddress]) -> None:
        """Give ether to addresses without a transaction, before the first block."""
        ...

    @property
    def transaction_blocks(self) -> Sequence[int]:
        """The blocks that hold a transaction, in order; each holds one."""
        ...


class VirtualTime:
    """The time of the next block: a second after the latest unless chosen otherwise.

    Knows every block of a chain that it saw from the beginning, and which ones hold a transaction.
    """

    def __init__(self, genesis_time: int) -> None:
        self.latest = genesis_time
        self.blocks = 0
        self.transaction_blocks: list[int] = []
        self._chosen: int | None = None

    def choose(self, timestamp: int) -> None:
        """Set the time of the next block; ValueError unless it is after the latest."""
        if timestamp <= self.latest:
            raise ValueError(f"block time {timestamp} is not after {self.latest}")
        self._chosen = timestamp

    def take(self, *, transaction: bool = False) -> int:
        """Return the time of the next block, which is being made now."""
        self.latest = self.latest + 1 if self._chosen is None else self._chosen
        self._chosen = None
        self.blocks += 1
        if transaction:
            self.transaction_blocks.append(self.blocks)
        return self.latest


class NodeChain:
    """A development node with time control over HTTP: anvil or hardhat."""

    def __init__(self, url: str) -> None:
        self.web3: Final = Web3(HTTPProvider(url, request_kwargs={"timeout": _RPC_TIMEOUT_SECONDS}))
        try:
            self.chain_id: Final = self.web3.eth.chain_id
            latest = self.web3.eth.get_block("latest")
        except (RequestException, ValueError) as error:
            raise ChainUnavailable(f"no Ethereum node answers at {url}") from error
        self._prefix = self._time_control()
        if latest.get("number") != 0:
            raise ConfigError(
                f"the node at {url} is at block {latest.get('number')}: the demo needs a fresh one "
                "at block 0, to have the same epochs as on any other chain; restart the node"
            )
        self._time = VirtualTime(latest.get("timestamp", 0))
        self.web3.middleware_onion.add(
            stamping(partial(self._begin_block, transaction=True)), name="block time"
        )

    def now(self) -> int:
        """Return the time of the latest block."""
        return self._time.latest

    def set_next_time(self, timestamp: int) -> None:
        """Choose the time of the next block."""
        try:
            self._time.choose(timestamp)
        except ValueError as error:
            raise ConfigError(
                f"the node's clock is at {self._time.latest}, past the demo's {timestamp}: "
                "restart the node, without a time of its own"
            ) from error

    def mine(self, blocks: int = 1) -> None:
        """Make empty blocks, a second apart."""
        for _ in range(blocks):
            self._begin_block()
            self._request("evm_mine")

    def fund(self, addresses: Iterable[ChecksumAddress]) -> None:
        """Set balances directly."""
        for address in addresses:
            self._request(f"{self._prefix}_setBalance", address, hex(FUNDING_WEI))

    @property
    def transaction_blocks(self) -> Sequence[int]:
        """The blocks that hold a transaction."""
        return self._time.transaction_blocks

    def _begin_block(self, *, transaction: bool = False) -> None:
        self._request("evm_setNextBlockTimestamp", self._time.take(transaction=transaction))

    def _time_control(self) -> str:
        """Return the prefix of the node's own methods."""
        version = self.web3.client_version
        for name in ("anvil", "hardhat"):
            if name in version.lower():
                return name
        raise ConfigError(
            f"{version} has no time control: the demo needs a development node, anvil or hardhat"
        )

    def _request(self, method: str, *parameters: object) -> None:
        response = self.web3.provider.make_request(RPCEndpoint(method), list(parameters))
        error = response.get("error")
        if error is not None:
            raise ConfigError(f"the node refused {method}: {error}")


def stamping(begin_block: Callable[[], None]) -> type[Web3Middleware]:
    """Return a middleware that begins a block before each transaction goes out."""

    class StampBlockTime(Web3Middleware):
        def request_processor(self, method: RPCEndpoint, params: object) -> object:
            if method in _SENDING:
                begin_block()
            return method, params

    return StampBlockTime
