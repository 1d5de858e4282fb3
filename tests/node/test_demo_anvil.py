"""The demo on anvil over HTTP: the epochs of the embedded chain, and a keeper that goes on."""

import json
import os
import pty
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from eth_utils import keccak
from web3 import HTTPProvider, Web3

from keeper.devnet import keys
from tests.e2e.demo_run import embedded_demo, run_keeper

ANVIL = Path(__file__).parents[2] / "contracts" / "node_modules" / ".bin" / "anvil"
FIRST_PORT = 18_545
START_SECONDS = 20

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not ANVIL.exists(), reason=f"{ANVIL} is missing: make node"),
]


@contextmanager
def anvil():
    """A fresh node; yields its URL."""
    port = next(port for port in range(FIRST_PORT, FIRST_PORT + 100) if is_free(port))
    process = subprocess.Popen([ANVIL, "--port", str(port), "--silent"])
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + START_SECONDS
        while not Web3(HTTPProvider(url)).is_connected():
            assert process.poll() is None, "anvil ended by itself"
            assert time.monotonic() < deadline, "anvil did not answer"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture(scope="module")
def node():
    with anvil() as url:
        yield url


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("anvil-demo")


@pytest.fixture(scope="module")
def demo(node, out):
    run = run_keeper("demo", "--rpc", node, "--json", "--out", str(out))
    assert run.exit_code == 0, run.err
    return run.document


def test_demo__same_body_and_root_in_every_epoch_as_on_the_embedded_chain(demo, tmp_path_factory):
    embedded = embedded_demo(tmp_path_factory)
    assert embedded.exit_code == 0, embedded.err
    fields = ("epoch", "refBlock", "refTime", "bundleHash", "marginRoot", "leafCount", "verdict")
    here = [[epoch[field] for field in fields] for epoch in demo["epochs"]]
    there = [[epoch[field] for field in fields] for epoch in embedded.document["epochs"]]
    assert here == there
    assert demo["chainId"] != embedded.document["chainId"]
    assert demo["summary"]["problems"] == []


def test_out__bodies_hash_to_what_was_attested(demo, out):
    for epoch in demo["epochs"]:
        body = (out / "bodies" / f"epoch-{epoch['epoch']}.body").read_bytes()
        assert body.startswith(b"PMKBODY1")
        assert f"0x{keccak(body).hex()}" == epoch["bundleHash"]


def test_demo__on_the_used_node__is_refused(demo, node):
    run = run_keeper("demo", "--rpc", node)
    assert run.exit_code == 78
    [line] = run.err.splitlines()
    assert "the demo needs a fresh one" in line


def test_margin__of_an_account_of_the_demo(demo, out):
    owner = keys.address("market maker")
    run = run_keeper("margin", owner, "--json", "--config", str(out / "keeper.toml"))
    assert run.exit_code == 0, run.err
    report = run.document
    # Its four options of a day have been settled.
    assert len(report["legs"]) == 16
    lots = sum(abs(leg["lots"]) for leg in report["legs"])
    assert abs(report["difference_usd6"]["equity_usd6"]) <= lots + len(report["legs"])


def test_run_once__attests_the_next_epoch_and_every_epoch_verifies(demo, node, out):
    config = str(out / "keeper.toml")
    web3 = Web3(HTTPProvider(node))
    for _ in range(33):
        web3.provider.make_request("evm_mine", [])
    run = run_keeper("run", "--once", "--json", "--config", config)
    assert run.exit_code == 0, run.err
    jobs = {line["job"]: line for line in map(json.loads, run.out.splitlines())}
    assert jobs["attest"]["transaction"]["status"] == 1
    assert jobs["liquidate"]["breaches"] == []
    assert (jobs["settle"]["fixed"], jobs["settle"]["settled"]) == ([], [])

    verify = run_keeper("verify", "--all", "--json", "--config", config)
    assert verify.exit_code == 0, verify.err
    verdicts = [json.loads(line) for line in verify.out.splitlines()]
    roots = [epoch["marginRoot"] for epoch in demo["epochs"]]
    assert [verdict["rebuilt_root"] for verdict in verdicts[:-1]] == roots
    assert len(verdicts) == len(roots) + 1
    assert all(verdict["ok"] for verdict in verdicts)
    # The keeper of the configuration holds all three keys; the quorum takes two.
    assert all(len(verdict["signers"]) == 2 for verdict in verdicts)


def test_terminal__live_picture_that_leaves_by_itself():
    with anvil() as url:
        code, shown = on_a_terminal("--steps", "1", "--rpc", url)
    assert code == 0
    assert b"attested" in shown
    # The cursor was hidden while it was drawn, and is back.
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1
    assert b"1 of 1 epochs are equal to the byte" in shown


def test_pipe__plain_lines():
    with anvil() as url:
        run = run_keeper("demo", "--steps", "1", "--rpc", url)
    assert run.exit_code == 0, run.err
    assert "\x1b" not in run.out
    assert "withdraws 6,638.00 without a leaf: InsufficientMargin" in run.out
    assert "1 of 1 epochs are equal to the byte" in run.out


def on_a_terminal(*args):
    read, write = pty.openpty()
    command = [sys.executable, "-m", "keeper", "demo", *args]
    process = subprocess.Popen(command, stdout=write, stderr=write)
    os.close(write)
    shown = b""
    try:
        while chunk := os.read(read, 65_536):
            shown += chunk
    except OSError:
        pass  # so Linux says that the other side is closed
    os.close(read)
    return process.wait(), shown
