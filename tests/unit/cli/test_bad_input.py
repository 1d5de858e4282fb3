"""Each bad input of the issue: one line, an exit code of its own, no traceback, nothing sent."""

import json
import os
import subprocess
import sys

import pytest
from eth_account import Account

from keeper.cli.app import main
from keeper.units import E8
from tests.unit.chain.fake_node import DEPLOYMENT, FakeNode, Serving
from tests.unit.chain.world import ALICE, market, views


@pytest.fixture
def node():
    with Serving(FakeNode(head=70, views=views())) as running:
        yield running


@pytest.fixture(scope="module")
def keystore(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    account = Account.from_key("0x" + "11" * 32)
    encrypted = Account.encrypt(account.key, "correct horse", kdf="scrypt", iterations=2)
    (folder / "key.json").write_text(json.dumps(encrypted))
    for name, password in {"right": "correct horse", "wrong": "battery staple"}.items():
        (folder / name).write_text(password)
        (folder / name).chmod(0o600)
    return folder


@pytest.fixture
def config(node, keystore, tmp_path):
    """Writes a configuration; named parts are replaced."""

    def write(**parts):
        DEPLOYMENT.save(tmp_path / "deployment.json")
        parts = {
            "rpc_url": node.url,
            "keystore": keystore / "key.json",
            "password_file": keystore / "right",
            "log_level": '"error"',
            "extra": "",
        } | parts
        path = tmp_path / "keeper.toml"
        path.write_text(
            f"""
            rpc_url = "{parts["rpc_url"]}"
            rpc_timeout = 2
            deployment_file = "{tmp_path / "deployment.json"}"
            signing_log = "{tmp_path / "signing.log"}"
            log_level = {parts["log_level"]}
            {parts["extra"]}
            [[signers]]
            keystore = "{parts["keystore"]}"
            password_file = "{parts["password_file"]}"
            [sender]
            keystore = "{parts["keystore"]}"
            password_file = "{parts["password_file"]}"
            """
        )
        return str(path)

    return write


@pytest.fixture
def fails(capsys, node):
    """Runs the command and returns its one line, after checking that it is one and well-behaved."""

    def run(args, code):
        assert main(args) == code
        captured = capsys.readouterr()
        lines = captured.err.splitlines()
        assert len(lines) == 1, captured.err
        assert lines[0].startswith("error: ")
        assert "Traceback" not in captured.err
        assert captured.out == ""
        assert node.sent == []
        return lines[0]

    return run


def run_once(path, *more):
    return ["run", "--once", "--config", path, *more]


def test_unreachable_rpc(config, fails):
    line = fails(run_once(config(rpc_url="http://u:SECRET@127.0.0.1:1/v3/SECRET")), 69)
    assert line == "error: no answer from http://127.0.0.1:1/*** (ConnectionError)"


def test_wrong_chain_id(config, fails, node):
    node.chain_id = 1
    line = fails(run_once(config()), 80)
    assert "serves chain 1, the deployment is on chain 31337" in line


def test_contracts_not_deployed(config, fails, node):
    node.deployed = False
    line = fails(run_once(config()), 81)
    assert f"no code for Clearinghouse at {DEPLOYMENT.clearinghouse.address}" in line


def test_other_contract_at_the_address(config, fails, node):
    node.code["RiskEngine"] = "0x6000"
    assert "is not that of RiskEngine" in fails(run_once(config()), 81)


def test_missing_keystore(config, fails, keystore):
    line = fails(run_once(config(keystore=keystore / "none.json")), 66)
    assert line.endswith("none.json: missing")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_unreadable_keystore(config, fails, keystore):
    (keystore / "key.json").chmod(0)
    try:
        assert "unreadable" in fails(run_once(config()), 66)
    finally:
        (keystore / "key.json").chmod(0o600)


def test_keystore_is_a_folder(config, fails, keystore):
    assert "unreadable" in fails(run_once(config(keystore=keystore)), 66)


def test_keystore_is_not_one(config, fails, keystore):
    (keystore / "list.json").write_text("[]")
    line = fails(run_once(config(keystore=keystore / "list.json")), 66)
    assert "list.json: not a JSON object" in line


def test_wrong_password(config, fails, keystore):
    line = fails(run_once(config(password_file=keystore / "wrong")), 79)
    assert line.endswith(f"the password in {keystore / 'wrong'} is wrong")
    assert "battery" not in line


def test_missing_password_file(config, fails, keystore):
    line = fails(run_once(config(password_file=keystore / "none")), 66)
    assert line.endswith("none: missing")


def test_config_with_several_problems(config, fails):
    line = fails(run_once(config(extra='colour = "red"', log_level=3)), 78)
    assert "colour is unknown: remove it" in line
    assert "log_level: Input should be" in line


def test_config_missing(fails, tmp_path):
    assert "missing" in fails(run_once(str(tmp_path / "none.toml")), 78)


@pytest.mark.parametrize(("spot", "fresh"), [(0, False), (180 * E8, False)])
def test_stale_or_zero_price(config, fails, node, spot, fresh):
    node.views = views(markets=[market(1, 7_940 * E8), market(2, spot, fresh=fresh)])
    line = fails(run_once(config(), "--jobs", "attest"), 74)
    assert "zero or stale spot in block 64: underlying 2" in line


def test_too_few_signatures(config, fails, node):
    node.views["MarginOracle", "signersOf"] = ["0x" + "99" * 20, "0x" + "98" * 20]
    node.views["MarginOracle", "thresholdOf"] = 2
    line = fails(run_once(config(), "--jobs", "attest"), 75)
    assert "0 of 2 needed signers agree" in line


def test_other_model_than_the_contracts(config, fails, node):
    node.views["RiskEngine", "modelHash"] = b"\x01" * 32
    assert "error: model_file: its hash is" in fails(run_once(config()), 78)


def test_broken_model_file(config, fails, tmp_path):
    model = tmp_path / "model.toml"
    model.write_text("version = 7\nsurprise = 1\n")
    line = fails(run_once(config(extra=f'model_file = "{model}"')), 65)
    assert "surprise" in line
    assert "version" in line


def test_broken_deployment_file(config, fails, tmp_path):
    path = config()
    (tmp_path / "deployment.json").write_text('{"chainId": 31337}')
    line = fails(run_once(path), 78)
    assert "block" in line
    assert "contracts" in line


def test_no_job_left(config, fails):
    path = config()
    with open(path, "a") as file:  # noqa: PTH123 - the fixture gives a string
        file.write("\n[liquidation]\nenabled = false\n")
    line = fails(run_once(path, "--jobs", "liquidate"), 78)
    assert "liquidation.enabled is false" in line


def test_account_is_malformed(config, fails):
    assert "is not hexadecimal" in fails(["margin", "0x" + "zz" * 32, "--config", config()], 65)
    assert "an address has 20" in fails(["margin", "0x1234", "--config", config()], 65)
    assert "is not a whole number" in fails(["margin", f"0x{'11' * 20}:x", "-c", config()], 65)


def test_account_is_unknown(config, fails):
    line = fails(["margin", f"0x{'11' * 20}:5", "--config", config()], 65)
    assert "has held no position up to block 70" in line


def test_block_is_not_there_yet(config, fails):
    account = f"0x{ALICE.hex()}"
    assert "not found" in fails(["margin", account, "--block", "71", "-c", config()], 69)


def test_bug__one_line_and_exit_code_1(config, fails, monkeypatch):
    def bug(*_args, **_options):
        raise KeyError("https://host/SECRET")

    monkeypatch.setattr("keeper.cli.run.open_source", bug)
    line = fails(run_once(config()), 1)
    assert line.startswith("error: unexpected KeyError: ")
    assert "SECRET" not in line


def test_debug__shows_where(config, monkeypatch, node):
    node.chain_id = 1
    from keeper.errors import WrongChain

    with pytest.raises(WrongChain):
        main(["--debug", *run_once(config())])


@pytest.mark.parametrize(
    "args",
    [["walk"], ["run", "--nothing"], ["run", "--jobs", "dance"], ["margin"], ["verify", "x"]],
)
def test_usage__exit_code_2(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 2
    assert capsys.readouterr().out == ""


def test_process__exit_code_one_line_and_no_traceback(config):
    path = config(rpc_url="http://127.0.0.1:1/SECRET")
    done = subprocess.run(
        [sys.executable, "-m", "keeper", *run_once(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (69, "")
    assert done.stderr == "error: no answer from http://127.0.0.1:1/*** (ConnectionError)\n"


def test_unknown_variable_in_the_environment(config, fails, monkeypatch):
    monkeypatch.setenv("KEEPER_RPC_TIMEOT", "1")
    line = fails(run_once(config(log_level=3)), 78)
    assert "KEEPER_RPC_TIMEOT (environment) is unknown: did you mean KEEPER_RPC_TIMEOUT?" in line
    assert "log_level: Input should be" in line


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_endless_number(config, fails, value):
    line = fails(run_once(config(extra=f"[liquidation]\nmin_profit_usd = {value}")), 78)
    assert "liquidation.min_profit_usd" in line


def test_deployment_file_is_not_text(config, fails, tmp_path):
    path = config()
    (tmp_path / "deployment.json").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8 text" in fails(run_once(path), 78)
