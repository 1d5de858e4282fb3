"""A JSON-RPC node over HTTP without an EVM: views answer what a test says, sent bytes are kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from eth_abi.abi import encode as abi_encode
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_hash.auto import keccak
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from keeper.chain.abi import decode_call, entry_of, signature_of
from keeper.chain.artifacts import Artifacts
from keeper.chain.deployment import Contract, Deployment
from keeper.chain.wiring import links_of

ARTIFACTS = Artifacts.load()
NAMES = (
    "Clearinghouse",
    "Listings",
    "Collateral",
    "Treasury",
    "RiskEngine",
    "InitialAddOns",
    "MarginOracle",
    "LiquidationAuction",
    "InsuranceFund",
    "LiquidationRouter",
    "MarketFeeds",
    "SpotFeeds",
    "Guard",
    "WindDown",
    "MarginLens",
    "UsdCoin",
)
CHAIN_ID = 31337
DEPLOYMENT = Deployment.of(
    CHAIN_ID, 1, {name: "0x" + f"{index:040x}" for index, name in enumerate(NAMES, start=0xC0DE)}
)
AGGREGATOR = Contract("PriceFeedMock", to_checksum_address("0x" + "fe" * 20))
T0 = 2_000_000_000


# As the contracts of one instance name one another; a test may say otherwise in `views`.
WIRING = {(link.contract.name, link.getter): link.expected for link in links_of(DEPLOYMENT)}


class Revert(Exception):
    """What a view raises to revert with a custom error of its contract."""

    def __init__(self, name: str, *args: object) -> None:
        super().__init__(name)
        self.name, self.arguments = name, args


def runtime_of(name: str) -> str:
    text = (ARTIFACTS.folder / "bytecode" / f"{name}.json").read_text()
    return json.loads(text)["runtime"]


def block_hash(number: int) -> str:
    return "0x" + keccak(b"block" + number.to_bytes(8, "big")).hex()


def _words(value: Any) -> Any:
    """Structs may be given as dicts in the order of their fields."""
    if isinstance(value, dict):
        return tuple(_words(item) for item in value.values())
    if isinstance(value, list):
        return [_words(item) for item in value]
    return value


@dataclass
class FakeNode:
    """`views` maps (contract, function) to a value or a function of the arguments."""

    chain_id: int = CHAIN_ID
    head: int = 100
    deployed: bool = True
    by_hash: bool = True
    views: dict[tuple[str, str], Any] = field(default_factory=dict)
    code: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    requests: list[tuple[str, list[Any]]] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    transactions: dict[str, dict[str, Any]] = field(default_factory=dict)
    receipt_status: int = 1
    estimate: int = 50_000
    raw_reply: tuple[int, str] | None = None
    url: str = ""

    def answer(self, method: str, params: list[Any]) -> Any:
        self.requests.append((method, params))
        handler: Callable[..., Any] | None = getattr(self, method, None)
        if handler is None:
            raise LookupError(method)
        return handler(*params)

    def eth_chainId(self) -> str:
        return hex(self.chain_id)

    def eth_getBlockByNumber(self, which: str, _full: bool) -> dict[str, Any] | None:
        number = self.head if which in ("latest", "pending") else int(which, 16)
        if number > self.head:
            return None
        return {
            "number": hex(number),
            "hash": block_hash(number),
            "timestamp": hex(T0 + number),
            "baseFeePerGas": hex(10**9),
        }

    def eth_getCode(self, address: str, _at: Any) -> str:
        name = _contract(address).name
        return self.code.get(name, runtime_of(name) if self.deployed else "0x")

    def eth_call(self, tx: dict[str, Any], at: Any) -> str:
        if isinstance(at, dict) and not self.by_hash:
            raise ValueError("block hash is not supported")
        if int(tx["to"], 16) == 0:
            return "0x"
        contract, data = _contract(tx["to"]), bytes.fromhex(tx["data"][2:])
        abi = ARTIFACTS.abi(contract.name)
        for entry in abi:
            if entry["type"] != "function":
                continue
            args = decode_call(abi, entry["name"], data)
            if args is not None:
                return self._view(contract.name, entry, args)
        raise LookupError(tx["data"])

    def _view(self, contract: str, entry: dict[str, Any], args: tuple[Any, ...]) -> str:
        value = (WIRING | self.views)[contract, entry["name"]]
        value = value(*args) if callable(value) else value
        outputs = entry["outputs"]
        values = [value] if len(outputs) == 1 else (value or [])
        types = [collapse_if_tuple(item) for item in outputs]
        return "0x" + abi_encode(types, [_words(item) for item in values]).hex()

    def eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        places = [query["address"]] if isinstance(query["address"], str) else query["address"]
        low, high = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return [
            log
            for log in self.logs
            if log["topics"][0] == query["topics"][0]
            and log["address"].lower() in [place.lower() for place in places]
            and low <= int(log["blockNumber"], 16) <= high
        ]

    def eth_getTransactionByHash(self, transaction: str) -> dict[str, Any] | None:
        return self.transactions.get(transaction)

    def calls(self) -> list[str]:
        """What was sent, as `Contract.function`."""
        return [f"{name}.{function}" for name, function, _ in map(decoded, self.sent)]

    def eth_estimateGas(self, tx: dict[str, Any], *_at: Any) -> str:
        return hex(self.estimate)

    def eth_maxPriorityFeePerGas(self) -> str:
        return hex(2 * 10**9)

    def eth_getTransactionCount(self, _address: str, _at: str) -> str:
        return hex(7)

    def eth_sendRawTransaction(self, raw: str) -> str:
        self.sent.append(raw)
        return "0x" + keccak(bytes.fromhex(raw[2:])).hex()

    def eth_getTransactionReceipt(self, transaction: str) -> dict[str, Any]:
        return {
            "transactionHash": transaction,
            "blockNumber": hex(self.head + 1),
            "blockHash": block_hash(self.head + 1),
            "gasUsed": hex(21_000),
            "status": hex(self.receipt_status),
            "logs": [],
        }


def _contract(address: str) -> Contract:
    for contract in (*DEPLOYMENT.contracts(), AGGREGATOR):
        if contract.address.lower() == address.lower():
            return contract
    raise LookupError(address)


def decoded(raw: str) -> tuple[str, str, tuple[Any, ...]]:
    """Contract, function and arguments of a raw transaction."""
    fields = TypedTransaction.from_bytes(HexBytes(raw)).as_dict()
    contract = _contract("0x" + bytes(fields["to"]).hex())
    abi = ARTIFACTS.abi(contract.name)
    for entry in abi:
        if entry["type"] == "function":
            args = decode_call(abi, entry["name"], bytes(fields["data"]))
            if args is not None:
                return contract.name, entry["name"], args
    raise LookupError(raw)


def revert_data(contract: str, revert: Revert) -> str:
    entry = entry_of(ARTIFACTS.abi(contract), "error", revert.name)
    selector = keccak(signature_of(entry).encode())[:4]
    types = [collapse_if_tuple(item) for item in entry["inputs"]]
    return "0x" + (selector + abi_encode(types, revert.arguments)).hex()


class _Handler(BaseHTTPRequestHandler):
    node: FakeNode

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.node.raw_reply is not None:
            return self._reply(*self.node.raw_reply)
        reply: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"]}
        try:
            reply["result"] = self.node.answer(request["method"], request["params"])
        except Revert as revert:
            contract = _contract(request["params"][0]["to"]).name
            data = revert_data(contract, revert)
            reply["error"] = {"code": 3, "message": "execution reverted", "data": data}
        except (LookupError, ValueError) as error:
            reply["error"] = {"code": -32602, "message": f"{type(error).__name__}: {error}"}
        return self._reply(200, json.dumps(reply))

    def _reply(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_args: object) -> None:
        return


class Serving:
    """Runs a node in a thread while the `with` block lasts."""

    def __init__(self, node: FakeNode) -> None:
        handler = type("Handler", (_Handler,), {"node": node})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        node.url = f"http://127.0.0.1:{self._server.server_port}"
        self._node = node

    def __enter__(self) -> FakeNode:
        self._thread.start()
        return self._node

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
