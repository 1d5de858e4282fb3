"""The embedded chain: eth-tester with py-evm in this process; no node, and not thread-safe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from eth.exceptions import TransactionNotFound as NotIndexed
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.backends.pyevm.serializers import (
    serialize_transaction,
    serialize_transaction_receipt,
)
from eth_tester.exceptions import TransactionNotFound
from eth_typing import ChecksumAddress
from eth_utils.address import to_canonical_address
from web3 import EthereumTesterProvider, Web3
from web3.middleware import Web3Middleware
from web3.types import MakeRequestFn, RPCEndpoint, RPCResponse

from keeper.devnet.chains import FUNDING_WEI, VirtualTime, stamping

BLOCK_GAS_LIMIT: Final = 30_000_000
# More than any call of the demo uses; with a sender's margin on top still below EIP-7825's cap.
GAS_ESTIMATE: Final = 12_000_000


class EmbeddedChain:
    """A `DevChain` whose ether is given in genesis."""

    def __init__(self, genesis_time: int) -> None:
        self._genesis_time = genesis_time
        self._backend: Any = _QuickBackend(*self._genesis(()))
        self._time = VirtualTime(genesis_time)
        self.web3: Final = Web3(EthereumTesterProvider(EthereumTester(self._backend)))
        self.web3.middleware_onion.add(_RememberedCalls, name="remembered calls")
        self.web3.middleware_onion.add(
            stamping(partial(self._begin_block, transaction=True)), name="block time"
        )
        self.chain_id: Final = self.web3.eth.chain_id
        # Else each view asks for the accounts three times before it is called.
        self.web3.eth.default_account = self.web3.eth.accounts[0]

    def now(self) -> int:
        """Return the time of the latest block."""
        return self._time.latest

    def set_next_time(self, timestamp: int) -> None:
        """Choose the time of the next block."""
        self._time.choose(timestamp)

    def mine(self, blocks: int = 1) -> None:
        """Make empty blocks, a second apart."""
        for _ in range(blocks):
            self._begin_block()
            self._backend.mine_blocks(1)

    def fund(self, addresses: Iterable[ChecksumAddress]) -> None:
        """Start over with a genesis that holds ether for these addresses."""
        if self.web3.eth.block_number != 0:
            raise ValueError("ether is given in genesis: fund before the first block")
        self._backend.reset_to_genesis(*self._genesis(addresses))

    @property
    def transaction_blocks(self) -> Sequence[int]:
        """The blocks that hold a transaction."""
        return self._time.transaction_blocks

    def _begin_block(self, *, transaction: bool = False) -> None:
        # The pending header carries the time at which the next transaction executes.
        chain = self._backend.chain
        chain.header = chain.header.copy(timestamp=self._time.take(transaction=transaction))

    def _genesis(self, funded: Iterable[ChecksumAddress]) -> tuple[Any, Any]:
        parameters: Any = PyEVMBackend.generate_genesis_params(
            {"timestamp": self._genesis_time, "gas_limit": BLOCK_GAS_LIMIT}
        )
        # eth-tester calls views from an account of its own, which must afford the gas.
        state: Any = PyEVMBackend.generate_genesis_state(num_accounts=1)
        for address in funded:
            state[to_canonical_address(address)] = {
                "balance": FUNDING_WEI,
                "nonce": 0,
                "code": b"",
                "storage": {},
            }
        return parameters, state


class _RememberedCalls(Web3Middleware):
    """Keeps the answers of views at the two blocks last asked for: a reference block and the head.

    Three keepers read the same block, each on its own; py-evm would take half a second every time.
    """

    def __init__(self, w3: Web3) -> None:
        super().__init__(w3)
        self._answers: dict[str, dict[str, RPCResponse]] = {}

    def wrap_make_request(self, make_request: MakeRequestFn) -> MakeRequestFn:
        def middleware(method: RPCEndpoint, params: tuple[Any, ...]) -> RPCResponse:
            if method != "eth_call" or not str(params[1]).startswith("0x"):
                return make_request(method, params)
            call, block = repr(params[0]), params[1]
            answers = self._answers.pop(block, {})
            self._answers = {**dict(list(self._answers.items())[-1:]), block: answers}
            if call not in answers:
                answers[call] = make_request(method, params)
            return answers[call]

        return middleware


def _in_a_roomy_frame(function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401
    return function(*args)


# CPython keeps frames in chunks of 16 KiB and gives a chunk back to the system once it is empty.
# Where the calls of py-evm's loop happen to cross the end of a chunk, each opcode maps and unmaps
# one, and everything takes up to three times as long. A frame that is larger than a chunk gets one
# of its own size, rounded up to a power of two: room enough for all that is called from here.
_in_a_roomy_frame.__code__ = _in_a_roomy_frame.__code__.replace(co_stacksize=2**15)


class _QuickBackend(PyEVMBackend):  # type: ignore[misc]  # eth-tester has no types
    """Finds mined transactions by py-evm's index, and estimates gas without executing.

    eth-tester walks the chain backwards for each transaction, so that reading the logs of some
    hundred blocks takes time with their square: half a minute where this takes two seconds. It
    estimates by bisection, executing the call a dozen times.
    """

    def call(self, transaction: object, block_number: object = "latest") -> Any:  # noqa: ANN401
        return _in_a_roomy_frame(super().call, transaction, block_number)

    def send_raw_transaction(self, raw_transaction: bytes) -> Any:  # noqa: ANN401
        return _in_a_roomy_frame(super().send_raw_transaction, raw_transaction)

    def get_transaction_by_hash(self, transaction_hash: bytes) -> dict[str, Any]:
        block, index = self._place(transaction_hash)
        return serialize_transaction(block, block.transactions[index], index, False)

    def get_transaction_receipt(self, transaction_hash: bytes) -> dict[str, Any]:
        block, index = self._place(transaction_hash)
        chain: Any = self.chain
        receipts = block.get_receipts(chain.chaindb)
        transaction, vm = block.transactions[index], chain.get_vm()
        return serialize_transaction_receipt(block, receipts, transaction, index, False, vm)

    def estimate_gas(self, transaction: object, block_number: object = "latest") -> int:
        return GAS_ESTIMATE

    def _place(self, transaction_hash: bytes) -> tuple[Any, int]:
        chain: Any = self.chain
        try:
            number, index = chain.get_canonical_transaction_index(transaction_hash)
        except NotIndexed as error:
            raise TransactionNotFound(f"no transaction 0x{transaction_hash.hex()}") from error
        return chain.get_canonical_block_by_number(number), index
