"""The verbs against a node that answers from a table."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.cli.app import main
from keeper.cli.run import summarise
from keeper.jobs.settle import Settlements
from keeper.tx.sender import TxOutcome
from keeper.units import E8, WAD
from tests.unit.audit.attested import POSTED_IN, AttestedNode, attest
from tests.unit.chain.fake_node import DEPLOYMENT, T0, Serving
from tests.unit.chain.world import ALICE, MODEL, views
from tests.unit.jobs.keeper_of import keeper_of


@pytest.fixture
def node():
    health = {
        "equity": 4_000_000_000,
        "standard": 1,
        "standardInitial": 2,
        "maintenance": 3,
        "initialAddOns": 1,
        "gridInitial": 4,
        "worstLoss": 5,
        "worstScenario": 0,
    }
    table = views() | {("MarginLens", "health"): health}
    with Serving(AttestedNode(head=100, views=table)) as running:
        yield running


@pytest.fixture
def source(node, tmp_path):
    path = tmp_path / "deployment.json"
    DEPLOYMENT.save(path)
    return ["--rpc", node.url, "--deployment", str(path)]


def succeeds(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("verb", ["run", "verify", "margin", "digest", "book", "vectors"])
def test_help__has_examples(verb, capsys):
    text = succeeds([verb, "--help"], capsys)
    assert "Examples" in text
    assert f"keeper {verb}" in text


def test_application__verbs_without_a_chain__start_without_web3():
    code = (
        "import sys; from keeper.cli.app import application; application(['digest', 'book']);"
        "sys.exit('web3' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_unknown_verb__is_a_usage_error_that_knows_the_others(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["digset", "run"])
    assert caught.value.code == 2
    assert "digest" in capsys.readouterr().err


def test_version(capsys):
    from keeper import __version__

    assert succeeds(["--version"], capsys) == f"keeper {__version__}\n"


def test_margin__json__has_both_sides_and_their_difference(source, capsys):
    out = succeeds(["margin", f"0x{ALICE.hex()}", "--json", *source], capsys)
    [line] = out.splitlines()
    report = json.loads(line)
    assert report["account"] == f"0x{ALICE.hex()}"
    assert report["block"] == 100
    assert [leg["instrument"][:4] for leg in report["legs"]] == ["ETH-", "ETH-"]
    assert [leg["lots"] for leg in report["legs"]] == [-100, -5000]
    assert len(report["scenarios"]) == len(MODEL.scenarios)
    worst = max(report["scenarios"], key=lambda scenario: scenario["loss_usd6"])
    assert worst["name"] == report["worst_scenario_name"]
    assert worst["loss_usd6"] == report["keeper"]["worst_loss_usd6"]
    difference = report["keeper"]["equity_usd6"] - 4_000_000_000
    assert report["difference_usd6"]["equity_usd6"] == difference
    assert report["health"] == "healthy"
    shown = report["explanation"]
    assert shown["equity_usd6"] == report["keeper"]["equity_usd6"]
    assert shown["components"]["initial_usd6"] == report["initial_usd6"]
    assert shown["components"]["worst_loss_usd6"] == report["keeper"]["worst_loss_usd6"]
    assert shown["requirement_usd6"] == report["keeper"]["maintenance_usd6"]
    assert report["what_if"] is None


def test_margin__what_if_on_a_chain__shows_both_beside_the_contracts(source, capsys):
    args = ["margin", f"0x{ALICE.hex()}", "--what-if", "ETH-PERP:100", *source]
    found = json.loads(succeeds([*args, "--json"], capsys))
    assert [leg["lots"] for leg in found["what_if"]["after"]["legs"]] == [-5000]
    out = succeeds(args, capsys)
    for part in ("contracts", "after the trade", "Liquidation price"):
        assert part in out


def test_margin__text__names_what_it_shows(source, capsys):
    owner = f"0x{ALICE[:20].hex()}"
    out = succeeds(["margin", owner, "--block", "64", *source], capsys)
    for part in ("block 64, healthy", "ETH-PERP", "SM, standard", "IM of a leaf", "worst"):
        assert part in out


def test_margin__before_any_sound_forward__its_leaf_is_the_sentinel(node, source, capsys):
    for market in node.views["MarginLens", "markets"]:
        for forward in market["forwards"]:
            forward["quote"]["time"] = 0
    out = succeeds(["margin", f"0x{ALICE.hex()}", "--json", *source], capsys)
    report = json.loads(out)
    assert report["sentinel"]
    assert report["health"] == "unknown: a leg has no price"
    assert not any(leg["priced"] for leg in report["legs"])


def test_verify__nothing_attested__says_so(source, capsys):
    assert main(["verify", *source]) == 65
    assert capsys.readouterr().err == "error: nothing attested yet\n"


def test_verify__equal__one_line_an_epoch(node, source, capsys):
    attest(node, 1)
    attest(node, 2)
    *lines, closing = succeeds(["verify", "--all", *source], capsys).splitlines()
    assert closing == "2 of 2 epochs are equal to the byte"
    assert [line.split()[1] for line in lines] == ["1", "2"]
    assert all(" equal " in line for line in lines)
    assert all(line.endswith("signers 2") for line in lines)


def test_verify__json__the_last_verdict_carries_the_summary(node, source, capsys):
    attest(node, 1)
    attest(node, 2)
    out = succeeds(["verify", "--all", "--json", *source], capsys)
    first, last = map(json.loads, out.splitlines())
    assert (first["epoch"], last["epoch"]) == (1, 2)
    assert "summary" not in first
    assert last["summary"] == {"epochs": 2, "equal": 2, "signatures_not_seen": 0}


def test_verify__posted_through_another_contract__signatures_are_not_seen(node, source, capsys):
    attest(node, 1)
    attest(node, 2, via="0x" + "22" * 20)
    first, second, closing = succeeds(["verify", "--all", *source], capsys).splitlines()
    assert first.endswith("signers 2")
    assert second.endswith("signatures not seen")
    assert closing == "2 of 2 epochs are equal to the byte; signatures not seen of 1"
    found = json.loads(succeeds(["verify", "2", "--json", *source], capsys))
    assert (found["ok"], found["signatures_seen"]) == (True, False)
    assert found["summary"]["signatures_not_seen"] == 1


@pytest.mark.parametrize("args", [["--all"], [], ["1"]], ids=["all", "newest", "named"])
def test_verify__node_drops_the_newest_event__exit_code_3(node, source, args, capsys):
    attest(node, 1)
    attest(node, 2)
    succeeds(["verify", *args, *source], capsys)
    node.logs.pop()
    assert main(["verify", *args, *source]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: the oracle's latest is epoch 2, digest 0x")


def test_verify__deployment_block_too_late__all_is_refused(node, source, capsys):
    attest(node, 1)
    node.deployed_in = 0
    assert main(["verify", "--all", *source]) == 78
    assert "deployment: block is 1, but MarginOracle" in capsys.readouterr().err
    # One epoch says nothing of those before it.
    assert succeeds(["verify", "1", *source], capsys).endswith(
        "1 of 1 epochs are equal to the byte\n"
    )


def test_verify__deployment_block_after_the_head__is_refused(node, source, capsys):
    attest(node, 1)
    replace(DEPLOYMENT, block=node.head + 1).save(Path(source[3]))
    assert main(["verify", "--all", *source]) == 78
    assert "deployment: block is 101, but the chain ends at 100" in capsys.readouterr().err


def test_verify__newest_by_default_or_the_one_named(node, source, capsys):
    attest(node, 1)
    attest(node, 2)
    assert json.loads(succeeds(["verify", "--json", *source], capsys))["epoch"] == 2
    assert json.loads(succeeds(["verify", "1", "--json", *source], capsys))["epoch"] == 1


def test_verify__differs__exit_code_3_and_what_differs(node, source, capsys):
    attest(node, 1)
    attest(node, 2, margin_root=b"\x01" * 32)
    assert main(["verify", "--all", "--json", *source]) == 3
    captured = capsys.readouterr()
    assert [json.loads(line)["ok"] for line in captured.out.splitlines()] == [True, False]
    assert captured.err.startswith(
        f"error: epoch 2: margin_root: attested 0x{'01' * 32}, rebuilt 0x"
    )
    assert len(captured.err.splitlines()) == 1


def test_verify__epoch_never_attested__says_where_it_looked(node, source, capsys):
    attest(node, 1)
    assert main(["verify", "2", *source]) == 65
    assert "epoch 2 was not attested between blocks 1 and 100" in capsys.readouterr().err


OUTCOME = TxOutcome(b"\x0a" * 32, POSTED_IN, 21_000, 1)
SHOWN = {"hash": "0x" + "0a" * 32, "block": POSTED_IN, "gas_used": 21_000, "status": 1}


def test_run__json_of_attest__has_epoch_and_root(node):
    attest(node, 2, margin_root=b"\x01" * 32)
    found = summarise(OUTCOME, keeper_of(node))
    assert found == {"transaction": SHOWN, "epoch": 2, "root": "0x" + "01" * 32}


def test_run__json_of_settle__has_covered_deficits(node):
    found = summarise(Settlements((), (), (), (OUTCOME,)), keeper_of(node))
    assert found == {"observed": [], "fixed": [], "settled": [], "covered": [SHOWN]}


def test_run__dry_run__unlocks_nothing_and_sends_nothing(node, source, tmp_path, capsys):
    lot = WAD // 1000
    node.views |= {
        ("LiquidationAuction", "flag"): None,
        ("RiskEngine", "lotOf"): lot,
        ("PriceFeedMock", "getRoundData"): (1, 180 * E8, T0, T0, 1),
    }
    config = tmp_path / "keeper.toml"
    config.write_text(
        f"""
        rpc_url = "{node.url}"
        deployment_file = "{source[3]}"
        signing_log = "{tmp_path / "signing.log"}"
        [[signers]]
        keystore = "none.json"
        password_file = "none"
        [sender]
        keystore = "none.json"
        password_file = "none"
        """
    )
    args = ["run", "--config", str(config), "--dry-run", "--once", "--json"]
    lines = [json.loads(line) for line in succeeds(args, capsys).splitlines()]
    assert [line["job"] for line in lines] == ["attest", "liquidate", "settle"]
    assert lines[0] == {"job": "attest", "transaction": None, "epoch": None, "root": None}
    assert lines[1]["breaches"] == []
    assert lines[2] == {"job": "settle", "observed": [], "fixed": [], "settled": [], "covered": []}
    assert node.sent == []
    assert not (tmp_path / "signing.log").exists()
