"""The clock of a development chain, and nodes that cannot serve as one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from keeper.devnet.chains import NodeChain, VirtualTime
from keeper.errors import ChainUnavailable, ConfigError

ANSWERS = {
    "eth_chainId": "0x7a69",
    "web3_clientVersion": "anvil/v1.7.1",
    "eth_getBlockByNumber": {"number": "0x0", "timestamp": hex(1_900_000_000)},
}


@pytest.fixture
def node():
    answers = dict(ANSWERS)
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            requests.append((request["method"], request["params"]))
            body = {"jsonrpc": "2.0", "id": request["id"]}
            answer = answers.get(request["method"])
            if isinstance(answer, Exception):
                body["error"] = {"code": -32601, "message": str(answer)}
            else:
                body["result"] = answer
            payload = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    server.answers, server.requests = answers, requests
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_virtual_time__a_second_apart_unless_chosen():
    time = VirtualTime(100)
    assert [time.take(), time.take()] == [101, 102]
    time.choose(500)
    assert [time.take(transaction=True), time.take()] == [500, 501]
    assert (time.blocks, time.transaction_blocks) == (4, [3])


@pytest.mark.parametrize("timestamp", [99, 100])
def test_virtual_time__backwards__is_refused(timestamp):
    with pytest.raises(ValueError, match="not after 100"):
        VirtualTime(100).choose(timestamp)


def test_node_chain__sets_time_before_each_block(node):
    chain = NodeChain(node.url)
    chain.set_next_time(2_000_000_000)
    chain.mine(2)
    chain.fund(["0x" + "11" * 20])
    calls = [request for request in node.requests if request[0].startswith(("evm", "anvil"))]
    assert calls == [
        ("evm_setNextBlockTimestamp", [2_000_000_000]),
        ("evm_mine", []),
        ("evm_setNextBlockTimestamp", [2_000_000_001]),
        ("evm_mine", []),
        ("anvil_setBalance", ["0x" + "11" * 20, hex(10**24)]),
    ]
    assert chain.now() == 2_000_000_001


def test_node_chain__used_before__is_refused(node):
    node.answers["eth_getBlockByNumber"] = ANSWERS["eth_getBlockByNumber"] | {"number": "0x2a"}
    with pytest.raises(ConfigError, match="at block 42: the demo needs a fresh one"):
        NodeChain(node.url)


def test_node_chain__clock_ahead__is_refused(node):
    with pytest.raises(ConfigError, match="past the demo's 1899999999"):
        NodeChain(node.url).set_next_time(1_899_999_999)


def test_node_chain__without_time_control__is_refused(node):
    node.answers["web3_clientVersion"] = "Geth/v1.16.0"
    with pytest.raises(ConfigError, match=r"Geth/v1\.16\.0 has no time control"):
        NodeChain(node.url)


def test_node_chain__method_refused__is_told(node):
    node.answers["evm_mine"] = ValueError("method not found")
    with pytest.raises(ConfigError, match="the node refused evm_mine"):
        NodeChain(node.url).mine()


def test_node_chain__nobody_there__is_unavailable(node):
    url = node.url
    node.shutdown()
    node.server_close()
    with pytest.raises(ChainUnavailable, match="no Ethereum node answers"):
        NodeChain(url)
