"""`keeper restore` on a saved body."""

from __future__ import annotations

import json

import pytest

from keeper.cli.app import main
from keeper.state.body import encode
from tests.books import call, exchange, put
from tests.unhealthy import first_account, short_of

LOTS = {call(3_300): -400, put(2_700): -250}


@pytest.fixture
def body(tmp_path):
    def write(share):
        snapshot = short_of(LOTS, share=share)
        path = tmp_path / "book.body"
        path.write_bytes(encode(snapshot))
        return f"0x{first_account(snapshot).hex()}", str(path)

    return write


def succeeds(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_restore__json__trades_add_up_and_restore(body, capsys):
    account, path = body(0.8)
    args = ["restore", account, "--body", path, "--json"]
    out = succeeds(args, capsys)
    found = json.loads(out)
    assert found["cost_usd6"] == sum(trade["cost_usd6"] for trade in found["trades"]) > 0
    assert found["before"]["surplus_usd6"] < 0 <= found["after"]["surplus_usd6"]
    assert found["cost_usd6"] <= found["pro_rata_cost_usd6"]
    spent = found["before"]["equity_usd6"] - found["after"]["equity_usd6"]
    assert spent == found["cost_usd6"]
    assert succeeds(args, capsys) == out


def test_restore__text__table_and_comparison(body, capsys):
    account, path = body(0.8)
    out = succeeds(["restore", account, "--body", path, "--target", "mm"], capsys)
    assert "equity at least 1 x MM" in out
    account, path = body(0.7)
    out = succeeds(["restore", account, "--body", path, "--buffer", "1.05"], capsys)
    assert "equity at least 1.05 x IM" in out
    assert "a pro-rata close" in out
    assert "delta, ETH" in out


def test_restore__healthy__says_that_no_trade_is_needed(body, capsys):
    account, path = body(1.2)
    assert "no trade is needed" in succeeds(["restore", account, "--body", path], capsys)


def test_restore__only_and_reduce_only__trades_that_one(body, capsys):
    account, path = body(0.9)
    args = ["--only", "ETH-20300324-3300-C", "--reduce-only", "--json"]
    found = json.loads(succeeds(["restore", account, "--body", path, *args], capsys))
    assert [(t["instrument"], t["side"]) for t in found["trades"]] == [
        ("ETH-20300324-3300-C", "buy")
    ]


def test_restore__delta__in_coins(body, capsys):
    account, path = body(1.5)
    args = ["restore", account, "--body", path, "--delta", "ETH=0.05", "--json"]
    found = json.loads(succeeds(args, capsys))
    assert abs(found["after"]["delta_coins"]["ETH"] - 0.05) <= 0.001


def test_restore__least_margin__for_the_budget(body, capsys):
    account, path = body(1.5)
    args = ["restore", account, "--body", path, "--minimise-margin", "--budget", "0.25", "--json"]
    found = json.loads(succeeds(args, capsys))
    assert 0 < found["cost_usd6"] <= 250_000
    assert found["after"]["initial_usd6"] < found["before"]["initial_usd6"]


def test_restore__hopeless__code_4_and_the_shortfall(body, capsys):
    account, path = body(-0.5)
    assert main(["restore", account, "--body", path, "--json"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "USD after the best trades found: deposit that much" in captured.err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--delta", "ETH"], 65, "UNDERLYING=COINS"),
        (["--delta", "DOGE=1"], 65, "UNDERLYING=COINS"),
        (["--buffer", "0.9"], 65, "buffer"),
        (["--buffer", "1.00001"], 65, "finer"),
        (["--only", "FOO"], 65, "only FOO: not listed, write a name such as BTC-20300324-110000-C"),
        (["--only", "0x12", "--only", "ETH-PERP"], 65, "only 0x12: not listed"),
        (["--only", "0xyz"], 65, "only 0xyz: not listed"),
        (["--minimise-margin"], 78, "--budget"),
        (["--budget", "3"], 78, "--minimise-margin"),
        (["--minimise-margin", "--budget", "3", "--delta", "ETH=1"], 78, "contradict"),
        (["--delta", "ETH=1", "--target", "mm"], 78, "health alone"),
        (["--rpc", "http://127.0.0.1:1"], 78, "contradict"),
    ],
)
def test_restore__bad_option__named(args, code, message, body, capsys):
    account, path = body(0.8)
    assert main(["restore", account, "--body", path, *args]) == code
    assert message in capsys.readouterr().err


def test_restore__only_by_id__with_and_without_leading_zeros(body, capsys):
    account, path = body(0.9)
    found = []
    for text in (f"{put(2_700):#x}", f"{put(2_700):#034x}", "ETH-20300324-2700-P"):
        args = ["restore", account, "--body", path, "--json", "--only", text]
        found.append(json.loads(succeeds(args, capsys)))
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("verb", ["restore", "margin", "digest"])
def test_body__missing_or_damaged__named_once(verb, tmp_path, capsys):
    gone, damaged = tmp_path / "gone.body", tmp_path / "damaged.body"
    damaged.write_bytes(encode(exchange())[:-1])
    for path, problem in ((gone, "No such file or directory"), (damaged, "body ends inside")):
        args = [str(path)] if verb == "digest" else ["0x" + "11" * 32, "--body", str(path)]
        assert main([verb, *args]) == 65
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"error: body {path}: {problem}")
        assert line.count(str(path)) == 1


def test_restore__unknown_account__refused(body, capsys):
    _, path = body(0.8)
    assert main(["restore", "0x" + "11" * 32, "--body", path]) == 65
    assert "held no position" in capsys.readouterr().err
