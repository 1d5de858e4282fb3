"""Each damage that the issue lists, through the commands: named by file and row, used where sound,
refused where not.
"""

import gzip
import json

import pytest

from keeper.cli.app import main
from tests.unit.backtest.synthetic import START, chain, expiries, write_chain

DAY = 86_400
TERMS = expiries()[-2:]  # of each coin, 23 strikes each, all with a bid


@pytest.fixture
def sound(tmp_path):
    """A chain without fault, its file and its lines."""
    path = write_chain(tmp_path, chain(terms=TERMS))
    return path, gzip.decompress(path.read_bytes()).decode().splitlines()


def written(path, lines):
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    return path


def fitted(path, capsys):
    """The result of `surface fit --json`, and what the same command prints for people."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["surface", "fit", str(path), "--json"])
    document = json.loads(capsys.readouterr().out)
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["surface", "fit", str(path)])
    return document, capsys.readouterr().out


def near_the_money(lines):
    """The line of a put that every fit looks at, 1 being the header, and its fields by name."""
    header = lines[0].split(",")
    for number, line in enumerate(lines[1:], start=2):
        fields = dict(zip(header, line.split(","), strict=True))
        name = fields["instrument"]
        if name.startswith("BTC") and name.endswith("-89100-P"):
            return number, fields
    raise AssertionError(lines[0])


def changed(lines, number, fields, **to):
    return [*lines[: number - 1], ",".join({**fields, **to}.values()), *lines[number:]]


def test_surface_fit_json__sound_chain__fits_parity_and_no_finding(sound, capsys):
    path, _ = sound
    document, shown = fitted(path, capsys)
    assert document["source"] == path.name
    assert document["time"] == START
    assert document["findings"] == []
    assert [(fit["symbol"], fit["accepted"]) for fit in document["fits"]] == [
        ("BTC", True), ("BTC", True), ("ETH", True), ("ETH", True),
    ]  # fmt: skip
    for fit, parity in zip(document["fits"], document["parity"], strict=True):
        assert fit["atm_vol"] == pytest.approx({"BTC": 0.5, "ETH": 0.7}[fit["symbol"]], abs=2e-3)
        assert parity["accepted"]
        assert parity["forward_usd"] == pytest.approx(fit["forward_usd"], rel=1e-5)
        assert parity["rate"] == pytest.approx(0.0, abs=0.01)
    assert path.name in shown
    assert "put-call parity" in shown


@pytest.mark.parametrize(
    ("to", "fault"),
    [
        ({"bid_coin": "0.3", "ask_coin": "0.2"}, "CROSSED"),
        ({"bid_coin": ""}, "NO_QUOTE"),
        ({"mark_coin": ""}, "NO_MARK"),
        ({"bid_coin": "0"}, "ZERO_QUOTE"),
        ({"ask_coin": "7"}, "ABSURD_QUOTE"),
        ({"bid_coin": "-1"}, "ABSURD_QUOTE"),
        ({"iv": "9"}, "ABSURD_VOL"),
        ({"mark_coin": "inf"}, "ABSURD_MARK"),
        ({"forward_usd": "1"}, "FORWARD"),
        ({"iv": "many"}, "NOT_A_NUMBER"),
    ],
)
def test_surface_fit__one_bad_quote__named_by_file_and_row_and_the_rest_fitted(
    sound, capsys, to, fault
):
    path, lines = sound
    number, fields = near_the_money(lines)
    document, shown = fitted(written(path, changed(lines, number, fields, **to)), capsys)
    (finding,) = document["findings"]
    assert (finding["file"], finding["fault"], finding["rows"]) == (path.name, fault, [number])
    assert f"{path.name}, 1 row(s) ({number}): " in shown
    assert all(fit["accepted"] for fit in document["fits"])


def test_surface_fit__single_strike__said_and_no_smile_made_up(sound, capsys):
    path, lines = sound
    term = near_the_money(lines)[1]["instrument"].split("-")[1]
    kept = [line for line in lines if f"BTC-{term}-" not in line or "-89100-P" in line]
    document, _ = fitted(written(path, kept), capsys)
    (finding,) = document["findings"]
    assert finding["fault"] == "SINGLE_STRIKE"
    alone = kept[finding["rows"][0] - 1]
    assert alone.startswith(f"BTC-{term}-89100-P")
    first, *others = document["fits"]
    assert (first["accepted"], first["origin"], first["smile"]) == (False, "MISSING", None)
    assert "1 usable strikes" in first["reason"]
    assert document["parity"][0]["reason"].startswith("0 strikes with both sides")
    assert all(fit["accepted"] for fit in others)


def test_surface_fit__expired_options__their_rows_named_and_not_used(sound, capsys):
    path, lines = sound
    expired = lines[1].replace(lines[1].split("-")[1], "31DEC25", 1)
    document, _ = fitted(written(path, [*lines, expired]), capsys)
    (finding,) = document["findings"]
    assert (finding["fault"], finding["rows"]) == ("EXPIRED", [len(lines) + 1])
    assert len(document["fits"]) == 4


def test_surface_fit__duplicate_rows__the_same_used_once_and_a_contradiction_not(sound, capsys):
    path, lines = sound
    number, fields = near_the_money(lines)
    other = ",".join({**fields, "iv": "0.9"}.values())
    document, _ = fitted(written(path, [*lines, lines[1], other]), capsys)
    assert [(one["fault"], one["rows"]) for one in document["findings"]] == [
        ("CONFLICT", [number, len(lines) + 2]),
        ("DUPLICATE", [len(lines) + 1]),
    ]
    assert all(fit["accepted"] for fit in document["fits"])


def test_surface_fit__truncated_gz__refused_whole_by_name(sound, capsys):
    path, _ = sound
    path.write_bytes(path.read_bytes()[:-10])
    assert main(["surface", "fit", str(path), "--json"]) == 74
    shown = capsys.readouterr()
    assert shown.out == ""
    assert path.name in shown.err
    assert "ends too early: nothing of it is used" in shown.err


def test_backtest_chains__truncated_gap_and_clock__named_and_the_rest_counted(tmp_path, capsys):
    first = write_chain(tmp_path, chain(START, terms=TERMS))
    write_chain(tmp_path, chain(START + DAY, terms=TERMS))
    cut = write_chain(tmp_path, chain(START + DAY + 6 * 3_600, terms=TERMS))
    cut.write_bytes(cut.read_bytes()[:-10])
    again = tmp_path / first.name.removesuffix(".gz")  # the clock stands still
    again.write_bytes(gzip.decompress(first.read_bytes()))
    assert main(["backtest", "chains", str(tmp_path)]) == 65
    said = capsys.readouterr().err
    assert f"{cut.name}: the file ends too early: nothing of it is used" in said
    assert "the clock runs backwards or stands still: not used (another file" in said
    assert "20260102T090000Z.csv.gz: time is missing before it" in said
    assert "(24.0 h)" in said
    assert "2 chains: give at least 8" in said


def test_backtest_prices__clock_gap_and_bad_rows__named_by_file_and_row(tmp_path, capsys):
    lines = ["date_utc,btc_usd"]
    lines += [f"2024-{1 + n // 28:02}-{1 + n % 28:02},{60_000 + n}" for n in range(28 * 3)]
    path = tmp_path / "daily.csv"
    backwards = [*lines[:30], lines[10], *lines[31:]]
    backwards[40] = f"{backwards[40].split(',')[0]},0"
    path.write_text("\n".join(backwards) + "\n")
    assert main(["backtest", "prices", str(path)]) == 65
    said = capsys.readouterr().err
    assert "daily.csv, 1 row(s) (31): the clock runs backwards" in said
    assert "daily.csv, 1 row(s) (41): the price is missing or not positive" in said
    assert "daily.csv, 4 row(s) (30, 32, 42, 58): time is missing before it" in said


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "0.009", "101"])
def test_backtest_chains__scale_that_is_none__refused_by_name(tmp_path, capsys, value):
    assert main(["backtest", "chains", str(tmp_path), f"--scale={value}"]) != 0
    assert f"--scale {float(value)}: give a number from 0.01 to 100" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["nan", "inf", "-1"])
def test_stress__gas_price_that_is_none__refused_by_name(tmp_path, capsys, value):
    body = str(tmp_path / "b.body")
    assert main(["stress", body, "--move", "BTC=-0.1", f"--gas-gwei={value}"]) != 0
    assert f"--gas-gwei {float(value)}: give a number from 0 to 1e+06" in capsys.readouterr().err
