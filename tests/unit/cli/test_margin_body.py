"""`keeper margin --body`: an account of a saved body, explained without a chain."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keeper.cli.app import main
from keeper.margin.explain import explain
from keeper.margin.explanation import COMPONENTS
from keeper.margin.what_if import Trade, what_if
from keeper.state.body import encode
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    MODEL,
    MODEL_TEXT,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
)

ROOT = Path(__file__).resolve().parents[3]
LOTS = {perpetual(BTC): -20, put(2_700): -500, call(3_300, FAR): 300, future(FAR): 40}
COSTS = {perpetual(BTC): -20 * 91_000_000, future(FAR): 40 * 3_000_000}
ROW = account(1, LOTS, cash_usd6=600 * 10**6, costs=COSTS)
EMPTY = account(2, {}, cash_usd6=77_000_000)
SNAPSHOT = exchange([ROW, EMPTY])

EXPLANATION = [
    "account",
    "cash_usd6",
    "components",
    "equity_usd6",
    "fault",
    "greeks",
    "headroom_usd6",
    "health",
    "initial_requirement_usd6",
    "initial_utilisation_bps",
    "legs",
    "leverage_bps",
    "liquidation",
    "measured",
    "problems",
    "ref_block",
    "ref_time",
    "requirement_usd6",
    "reserve_usd6",
    "scenarios",
    "sentinel",
    "utilisation_bps",
    "worst_scenario",
]
LEG = [
    "entry_cost_usd6",
    "expiry",
    "greeks",
    "instrument",
    "instrument_id",
    "lots",
    "maintenance_share_usd6",
    "mark_usd6",
    "problem",
    "underlying",
    "value_usd6",
    "worst_loss_usd6",
]
GREEKS = [
    "delta_usd6_per_percent",
    "gamma_usd6_per_percent2",
    "theta_usd6_per_day",
    "vega_usd6_per_vol_point",
]
PRICE = [
    "above_e8",
    "below_e8",
    "highest_e8",
    "lowest_e8",
    "spot_e8",
    "symbol",
    "tick_e8",
    "underlying",
]


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "epoch.body"
    path.write_bytes(encode(SNAPSHOT))
    return path


@pytest.fixture
def run(body, capsys):
    """Runs the verb on the body for the account; returns stdout."""

    def margin(*args, holder=ROW):
        with pytest.raises(SystemExit) as caught:
            main(["margin", f"0x{holder.account.hex()}", "--body", str(body), *args])
        captured = capsys.readouterr()
        assert caught.value.code == 0
        assert captured.err == ""
        return captured.out

    return margin


@pytest.fixture
def fails(body, capsys):
    def margin(*args, code=65, holder=ROW):
        assert main(["margin", f"0x{holder.account.hex()}", "--body", str(body), *args]) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        [line] = captured.err.splitlines()
        return line

    return margin


def test_json__keys__are_the_golden_ones(run):
    found = json.loads(run("--json"))
    assert sorted(found) == ["explanation", "what_if"]
    shown = found["explanation"]
    assert sorted(shown) == EXPLANATION
    assert list(shown["components"]) == list(COMPONENTS)
    assert sorted(shown["legs"][0]) == LEG
    assert sorted(shown["legs"][0]["greeks"]) == GREEKS
    assert sorted(shown["greeks"][0]) == ["expiry", "greeks", "symbol", "underlying"]
    assert sorted(shown["liquidation"][0]) == PRICE
    assert sorted(shown["scenarios"][0]) == ["index", "loss_usd6", "name"]
    assert len(shown["scenarios"]) == len(MODEL.scenarios)
    assert found["what_if"] is None


def test_json__figures__are_those_of_the_engine(run):
    shown, wanted = json.loads(run("--json"))["explanation"], explain(SNAPSHOT, MODEL, ROW.account)
    assert shown["components"] == wanted.components
    assert shown["equity_usd6"] == wanted.equity_usd6
    assert [price["below_e8"] for price in shown["liquidation"]] == [
        price.below_e8 for price in wanted.liquidation
    ]


def test_what_if__two_trades__after_and_difference(run):
    args = ["--what-if", "ETH-PERP:-500@3010.25", "--what-if", f"{call(3_300):#034x}:10"]
    found = json.loads(run("--json", *args))["what_if"]
    trades = [Trade(perpetual(), -500, 3010_25000000), Trade(call(3_300), 10)]
    wanted = what_if(SNAPSHOT, MODEL, ROW.account, trades)
    assert sorted(found) == ["after", "difference_usd6", "trades"]
    assert sorted(found["after"]) == EXPLANATION
    assert found["difference_usd6"] == wanted.difference_usd6
    assert found["after"]["components"] == wanted.after.components


def test_text__every_part__within_120_columns(run):
    out = run("--what-if", "ETH-PERP:-500")
    for part in (
        "block 224, healthy, cash 600.00 USD",
        "Legs, USD", "BTC-PERP", "ETH-20300324-2700-P", "MM less without",
        "Legs after the trade, USD", "initial requirement, for new risk",
        "Use of equity", "utilisation: requirement over equity", "initial utilisation: ",
        "Breakdown, USD", "requirement: the smaller of SM and MM", "after the trade", "change",
        "Liquidation price, one spot alone moving, USD", "if it falls to",
        "Greeks, USD", "vega, a vol point", "2030-06-15", "without expiry",
        "Loss by scenario, USD", "worst",
    ):  # fmt: skip
        assert part in out, part
    assert max(map(len, out.splitlines())) <= 120


def test_text__no_positions__says_what_there_is(run):
    out = run(holder=EMPTY)
    assert "block 224, healthy, cash 77.00 USD" in out
    assert "Legs" not in out


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        # Equity 2,000 USD. SM 0.2 and MM 0.122 of the mark, 3,012.74; SM_im 1.3 SM; gross the spot.
        (account(1, {perpetual(): 1_000}, cash_usd6=-1_012_740_185), ["18.38 %", "1.51 times"]),
        (account(1, {perpetual(): 1_000}, cash_usd6=-4 * 10**9), ["unlimited"]),
        (EMPTY, ["0.00 %", "0.00 times"]),
    ],
)
def test_text__use_of_equity__in_percent_and_times(run, body, row, shown):
    body.write_bytes(encode(exchange([row, account(3, {perpetual(): 1})])))
    found = run(holder=row).split("Use of equity")[1]
    for part in shown:
        assert part in found, part
    assert ("unlimited" in found) == (shown == ["unlimited"])


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0, "standard margin applies"), (1, "the smaller of SM and MM applies, IM likewise"), (2, "")],
)
def test_text__other_modes__says_what_applies_and_shows_it(run, body, mode, words):
    lots = {perpetual(BTC): 60, perpetual(): -1_500, call(3_300): -2_000}
    row = account(1, lots, cash_usd6=2 * 10**9, mode=mode)
    body.write_bytes(encode(exchange([row])))
    # Put into lines of 120 columns.
    out, found = " ".join(run(holder=row).split()), explain(exchange([row]), MODEL, row.account)
    assert words in out
    assert ("mode" in out.split("Legs, USD")[0]) == bool(words)
    both = found.components["standard_usd6"], found.components["maintenance_usd6"]
    required = both[0] if mode == 0 else min(both)
    assert f"the smaller of SM and MM {required / 10**6:,.2f}" in out


def test_text__leg_without_a_price__shows_the_rest_and_why(run, body):
    forwards = [row for row in FORWARDS if (row.underlying, row.expiry) != (ETH, FAR)]
    body.write_bytes(encode(exchange([ROW], forwards=forwards)))
    out = run()
    assert "block 224, unknown" in out
    assert "ETH-20300615-F has no price: no forward was published" in out
    assert "no price" in out
    assert "ETH-20300324-2700-P" in out
    assert "unknown" in out


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_plot__twice__the_same_bytes(run, tmp_path, suffix):
    paths = [tmp_path / f"{name}.{suffix}" for name in "ab"]
    for path in paths:
        run("--json", "--plot", str(path))
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(b"\x89PNG" if suffix == "png" else b"<?xml")
    if suffix == "svg":
        assert b"<dc:date>" not in first


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--what-if", "ETH-PERP"], "write INSTRUMENT:LOTS or INSTRUMENT:LOTS@PRICE"),
        (["--what-if", "ETH-PERP:1.5"], "whole lots"),
        (["--what-if", "ETH-PERP:1@"], "write INSTRUMENT:LOTS"),
        (["--what-if", "ETH-PERP:1@1.123456789"], "at most 8 decimals"),
        (["--what-if", "ETH-PERP:0"], "ETH-PERP: lots are 0"),
        (["--what-if", "ETH-PERP:16777216"], "at most 16777215"),
        (["--what-if", "ETH-20300324-2701-P:1"], "is not listed at block 224"),
        (["--what-if", "0x00020000000000050000000000000001:1"], "expiry is 0"),
        (["--plot", "a.jpg"], "write a name that ends in .png or .svg"),
        (["--plot", "none/a.png"], "plot none/a.png: No such file or directory"),
    ],
)
def test_bad_input__one_line_and_exit_code_65(fails, args, problem):
    assert problem in fails(*args)


def test_account__unknown__exit_code_65(fails):
    stranger = replace(ROW, account=b"\x07" * 32)
    assert "has held no position up to block 224" in fails(holder=stranger)


def test_plot__nothing_to_draw__says_why(fails, body, tmp_path):
    path = str(tmp_path / "a.png")
    assert "has no positions to draw" in fails("--plot", path, holder=EMPTY)
    forwards = [row for row in FORWARDS if (row.underlying, row.expiry) != (ETH, FAR)]
    body.write_bytes(encode(exchange([ROW], forwards=forwards)))
    assert "nothing to draw: ETH-20300615-F has no price" in fails("--plot", path)


@pytest.mark.parametrize(
    "args", [["--block", "3"], ["--rpc", "http://127.0.0.1:1"], ["--deployment", "d.json"]]
)
def test_body_and_a_chain__contradict(fails, args):
    assert f"--body and {args[0]} contradict" in fails(*args, code=78)


def test_model_without_a_body__is_refused(capsys, tmp_path):
    (tmp_path / "model.toml").write_text(MODEL_TEXT)
    args = ["margin", f"0x{ROW.account.hex()}", "--model", str(tmp_path / "model.toml")]
    assert main(args) == 78
    assert "--model goes with --body" in capsys.readouterr().err


def test_damaged_body__names_the_file(fails, body):
    body.write_bytes(body.read_bytes()[:-1])
    assert f"error: body {body}: body ends inside" in fails()


def test_process__with_a_body__imports_neither_web3_nor_matplotlib(body):
    code = (
        "import sys; from keeper.cli.app import main\n"
        f"try: main(['margin', '0x{ROW.account.hex()}', '--body', {str(body)!r}, '--json'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'web3', 'matplotlib'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["explanation"]["ref_block"] == 224
