"""The whole loop on the embedded chain, as `make demo` runs it, without Node."""

import os
import pty
import re
import signal
import subprocess
import sys

import pytest

from keeper.devnet import market
from keeper.devnet.market import STEP_HOURS
from tests.e2e.demo_run import embedded_demo, run_keeper

pytestmark = pytest.mark.e2e

HASH = re.compile(r"0x[0-9a-f]{64}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return embedded_demo(tmp_path_factory)


@pytest.fixture(scope="module")
def document(demo):
    assert demo.exit_code == 0, demo.err
    return demo.document


@pytest.fixture(scope="module")
def summary(document):
    return document["summary"]


def liquidation(summary, account):
    return next(each for each in summary["liquidations"] if each["account"] == account)


def test_demo__succeeds_in_silence(demo):
    assert demo.exit_code == 0, demo.err
    assert demo.err == ""
    assert len(demo.out.splitlines()) == 1


def test_epochs__one_a_step_and_all_equal_to_the_byte(document):
    epochs = document["epochs"]
    assert [epoch["hour"] for epoch in epochs] == list(STEP_HOURS)
    assert [epoch["verdict"] for epoch in epochs] == ["equal"] * len(STEP_HOURS)
    assert all(epoch["keepersAgreeing"] == 3 for epoch in epochs)
    assert all(epoch["refBlock"] == epoch["epoch"] * 32 for epoch in epochs)
    assert all(epoch["leafCount"] >= 14 for epoch in epochs)
    for name in ("marginRoot", "bundleHash"):
        assert all(HASH.fullmatch(epoch[name]) for epoch in epochs)
        assert len({epoch[name] for epoch in epochs}) == len(epochs)


def test_summary__nothing_expected_is_missing(summary):
    assert summary["problems"] == []
    # Settlement is rounded down on both sides of a contract, so that it never pays out too much.
    assert 0 <= summary["dustUsd6"] <= sum(each["legs"] for each in summary["settlements"])
    assert len(summary["accounts"]) >= 14


def test_withdrawal__refused_without_a_leaf_and_accepted_with_it(summary):
    withdrawal = summary["withdrawal"]
    assert withdrawal["refusal"].startswith("reverted: InsufficientMargin")
    assert withdrawal["accepted"] is True
    left = withdrawal["equityUsd6"] - withdrawal["amountUsd6"]
    assert withdrawal["attestedUsd6"] <= left < withdrawal["gridUsd6"]
    assert withdrawal["standardUsd6"] > 3 * left


def test_insolvency__its_deficit_is_covered_by_the_fund(summary):
    insolvent = liquidation(summary, "over-levered long")
    assert insolvent["equityUsd6"] < 0
    assert insolvent["end"] == "emptied"
    assert insolvent["coveredUsd6"] > 0
    assert insolvent["uncoveredUsd6"] == 0
    assert 30_000_000 <= insolvent["bountyUsd6"] <= 50_000_000


def test_liquidation__a_solvent_account_sells_a_part_below_its_worth(summary):
    sold = liquidation(summary, "short put")
    [sale] = sold["sales"]
    assert 0 < sold["equityUsd6"] < sold["requiredUsd6"]
    assert 0 < sale["lineUsd6"] < sale["equityUsd6"]
    assert 10**17 <= sale["fractionWad"] < 10**18
    assert sold["end"] == "cured"


def test_rescue__a_deposit_ends_the_auction(summary):
    saved = liquidation(summary, "hedged straddle")
    assert saved["sales"] == []
    assert saved["end"] == "cured"


def test_settlement__at_the_average_of_the_half_hour_before_expiry(summary):
    prices = {each["underlying"]: each["priceE8"] for each in summary["settlements"]}
    at_expiry = {"ETH": 10_782_000_000, "BTC": 486_000_000_000}
    assert prices.keys() == at_expiry.keys()
    for symbol, underlying in (("ETH", market.ETH), ("BTC", market.BTC)):
        # On a line from the hour before, rounds 31, 20 and 10 minutes ahead hold for ten each.
        fall = market.spot_e8(underlying, 23) - at_expiry[symbol]
        average = at_expiry[symbol] + fall * (31 + 20 + 10) / 3 / 60
        assert fall > 0
        assert prices[symbol] == pytest.approx(average, abs=fall / 500)
    assert all(each["legs"] > 0 for each in summary["settlements"])


def test_gas__attesting_a_book_and_flagging_stay_in_bounds(summary):
    gas = {each["kind"]: each for each in summary["gas"]}
    assert gas["MarginOracle.submit"]["median"] <= 85_000
    # Every path stays below the cap of one transaction (EIP-7825).
    assert all(each["most"] < 2**24 for each in summary["gas"])


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--rpc", "http://127.0.0.1:9"), 69, "no Ethereum node answers at http://127.0.0.1:9"),
        (("--rpc", "nonsense"), 69, "no Ethereum node answers"),
        (("--steps", "0"), 2, "--steps"),
        (("--out", "/proc/demo"), 78, "--out /proc/demo: cannot be written"),
    ],
)
def test_bad_input__one_line_and_its_code(args, code, message):
    run = run_keeper("demo", *args)
    assert run.exit_code == code
    assert message in run.err
    assert "Traceback" not in run.err
    assert code == 2 or len(run.err.splitlines()) == 1


def test_interrupt__ends_with_the_cursor_back_and_no_traceback():
    read, write = pty.openpty()
    command = [sys.executable, "-m", "keeper", "demo", "--steps", "1"]
    # A job of a shell without a terminal inherits SIGINT ignored; a person's terminal does not.
    process = subprocess.Popen(
        command,
        stdout=write,
        stderr=write,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(write)
    shown, sent = b"", False
    try:
        while chunk := os.read(read, 65_536):
            shown += chunk
            if b"pays in" in shown and not sent:
                process.send_signal(signal.SIGINT)
                sent = True
    except OSError:
        pass  # so Linux says that the other side is closed
    os.close(read)
    assert process.wait() == 130
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h") == 1
    assert b"Traceback" not in shown
