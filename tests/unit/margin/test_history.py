"""The history file: read strictly, hashed canonically, derived again from reference prices."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

from keeper.chain.model_file import read_model
from keeper.errors import InputError
from keeper.margin.history import canonical_text, day_of, day_text, parse_history
from keeper.margin.model_text import parse_model
from keeper.margin.scenarios import model_hash
from keeper.margin.shortfall_rule import history_file
from keeper.state.hashing import keccak256
from scripts.derive_history import history_text, residuals
from tests.books import CONFIG, HISTORY_TEXT, MODEL, MODEL_TEXT

PRICES = Path(__file__).parents[4] / "shared/data/prices/btc_eth_1d_2019_2025.csv"
SYMBOLS = ["BTC", "ETH"]
ROWS = [line for line in HISTORY_TEXT.splitlines() if not line.startswith("#")]
SMALL = "\n".join(ROWS[:4]) + "\n"  # header, 5 to 7 December 2019


def refusal(text, symbols=SYMBOLS):
    with pytest.raises(InputError) as refused:
        parse_history(text, symbols)
    return str(refused.value)


def test_parse_history__committed_file__has_its_days_and_numbers():
    history = MODEL.history
    assert (day_text(history.first_day), len(history)) == ("2019-12-05", 2_121)
    crash = day_of("2020-03-12") - history.first_day
    assert history.returns_e9["ETH"][crash] == -590_534_386  # 194.61 to 107.82
    assert max(np.abs(column).max() for column in history.returns_e9.values()) < 600_000_000
    assert history.returns_e9["BTC"].dtype == np.int64


def test_parse_history__comments_and_empty_lines__do_not_matter():
    spaced = "# a\n\n" + SMALL.replace("\n", "\n#b\n\n")
    assert parse_history(spaced, SYMBOLS) == parse_history(SMALL, SYMBOLS)
    assert canonical_text(parse_history(spaced, SYMBOLS)) == SMALL


def test_digest__is_keccak_of_the_canonical_text():
    assert MODEL.history.digest == keccak256(("\n".join(ROWS) + "\n").encode())


def test_model_hash__any_return_or_residual__matters():
    for symbol in SYMBOLS:
        for name in ("returns_e9", "residuals_e9"):
            columns = getattr(MODEL.history, name)
            column = columns[symbol].copy()
            column[777] += 1
            other = replace(MODEL.history, **{name: {**columns, symbol: column}})
            assert other != MODEL.history
            assert model_hash(replace(MODEL, history=other)) != model_hash(MODEL)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("2019-12-06", "2019-12-07", "line 3: date 2019-12-07 leaves a gap after 2019-12-05"),
        ("2019-12-06", "2019-12-05", "line 3: date 2019-12-05 stands twice: give each day once"),
        ("2019-12-06", "2019-11-30", "line 3: date 2019-11-30 is out of order"),
        ("2019-12-06", "6.12.2019", "line 3: date '6.12.2019' is no day: write it as 2020-03-12"),
        ("2019-12-06", "2019-13-06", "line 3: date '2019-13-06' is no day"),
        ("2019-12-06", "20191206", "line 3: date '20191206' is no day"),
        ("19626146", "19626146.0", "line 3: BTC '19626146.0' is no integer: write units of 1e-9"),
        ("19626146", "", "line 3: BTC '' is no integer"),
        ("19626146", "+1", "line 3: BTC '+1' is no integer"),
        ("19626146", "٣", "line 3: BTC '٣' is no integer"),
        ("19626146", "007", "line 3: BTC '007' is no integer"),
        ("19626146", "9" * 5_000, "line 3: BTC '" + "9" * 24 + "...' is no integer"),
        ("19626146", "-1000000001", "line 3: BTC -1000000001 is beyond 1000000000 (1e-9): check"),
        ("-2335627482", "6000000001", "line 3: BTC_residual 6000000001 is beyond 6000000000"),
        (",19626146", "", "line 3 has 4 values: write the 5 of the header"),
        ("19626146", "1,1", "line 3 has 6 values"),
        ("ETH,BTC_res", "SOL,BTC_res", "column 3 of its header is 'SOL', but the model's"),
        ("ETH,BTC_res", "SOL,BTC_res", "need 'ETH' there, in all 'date,BTC,ETH,BTC_residual,ETH_r"),
        ("date,BTC,ETH,", "date,ETH,BTC,", "column 2 of its header is 'ETH', but"),
        ("BTC_residual,ETH_residual", "ETH_residual,BTC_residual", "column 4 of its header is"),
        (",ETH_residual", "", "column 5 of its header is missing, but"),
        ("ETH_residual", "ETH_residual,x", "column 6 of its header is 'x', but the model's under"),
        ("ETH_residual", "ETH_residual,x", "need none there"),
        ("date,", "\ufeffdate,", r"column 1 of its header is '\ufeffdate'"),
        ("ETH_residual\n", "ETH_residual\r\n", "line 1 has a carriage return (CRLF line endings)"),
    ],
)  # fmt: skip
def test_parse_history__one_fault__named_with_line_field_value_and_fix(old, new, problem):
    assert old in SMALL
    assert problem in refusal(SMALL.replace(old, new, 1))


def test_parse_history__crlf__the_line_ending_is_named_and_comments_do_not_matter():
    found = refusal("# a\r\n" + SMALL.replace("\n", "\r\n"))
    assert "line 2 has a carriage return (CRLF line endings), and so have 4 of 4" in found
    assert parse_history("# a\r\n" + SMALL, SYMBOLS) == parse_history(SMALL, SYMBOLS)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [
        (1, "0", "BTC is 0 on each of 3 days: give an asset that moves"),
        (2, "0", "ETH is 0 on each of 3 days"),
        (2, "-71", "ETH is -71 on each of 3 days"),
        (4, "0", "ETH_residual is 0 on each of 3 days"),
    ],
)
def test_parse_history__asset_without_movement__refused(column, value, problem):
    rows = [line.split(",") for line in SMALL.splitlines()]
    for row in rows[1:]:
        row[column] = value
    assert problem in refusal("\n".join(map(",".join, rows)))
    rows[2][column] = "1"
    assert len(parse_history("\n".join(map(",".join, rows)), SYMBOLS)) == 3


@pytest.mark.parametrize("value", ["1000000000", "-1000000000", "950000000"])
def test_parse_history__return_up_to_the_documented_limit_of_1__accepted(value):
    found = parse_history(SMALL.replace("19626146", value, 1), SYMBOLS)
    assert found.returns_e9["BTC"].max() == abs(int(value)) or int(value) < 0


@pytest.mark.parametrize("text", ["", "\n#\n", ROWS[0], ROWS[0] + "\n" + "\n".join(["x"] * 9_999)])
def test_parse_history__no_history__refused_in_few_words(text):
    assert len(refusal(text)) < 2_000


def test_parse_history__asset_missing__refused():
    assert "need 'SOL' there, in all 'date,BTC,ETH,SOL," in refusal(SMALL, ["BTC", "ETH", "SOL"])


@pytest.mark.parametrize(
    ("days", "old", "new", "problem"),
    [
        (529, "", "", "history has 529 days, but shortfall.window_days 500 and 30 to warm up"),
        (2_121, '"2020-01-07"', '"2020-01-03"', "stressed window 2020-01-03 to 2020-09-12 is not"),
        (2_121, '"2020-09-12"', '"2020-03-30"', "shortfall.stressed_to '2020-03-30' makes a"),
        (2_121, '"2020-09-12"', '"2020-09-31"', "shortfall.stressed_to '2020-09-31' is no day"),
        (600, '"2020-01-07"', '"2021-01-07"', "shortfall.stressed_to '2020-09-12' makes a window"),
        (530, "window_days = 500", "window_days = 501", "window_days 501 and 30 to warm up need"),
        (2_121, "window_days = 500", "window_days = 99", "shortfall.window_days 99 is not"),
        (2_121, "tail_bps = 250", "tail_bps = 0", "shortfall.tail_bps 0 is not an integer in 100"),
        (2_121, "tail_bps = 250", "tail_bps = 250.0", "shortfall.tail_bps 250.0"),
        (2_121, "tail_bps = 250", "", "shortfall.tail_bps is missing"),
        (2_121, "tail_bps = 250", "tail_bps = 250\nx = 1", "shortfall.x is unknown"),
        (2_121, 'decay = "0.951695', 'decay = "1.951695', "shortfall.decay 1951695153010619610"),
        (2_121, 'vol_exponent = "0.55"', 'vol_exponent = "1.01"', "shortfall.vol_exponent 101"),
        (2_121, '"history.csv"', '"../history.csv"', "shortfall.history '../history.csv' is no"),
        (2_121, '"history.csv"', "7", "shortfall.history 7 is not a str"),
        (2_121, 'vol_residual = "0.033"', 'vol_residual = "-1"', "underlyings[0].vol_residual -1"),
        (2_121, "[shortfall]", "[[shortfall]]", "shortfall is not a table"),
    ],
)  # fmt: skip
def test_parse_model__shortfall_and_windows__one_fault_named(days, old, new, problem):
    assert old in MODEL_TEXT
    with pytest.raises(InputError) as refused:
        parse_model(MODEL_TEXT.replace(old, new, 1), "\n".join(ROWS[: 1 + days]))
    assert problem in str(refused.value)


@pytest.mark.parametrize(
    ("since", "until"), [("2024-05-13", "2025-09-24"), ("2020-01-07", "2020-09-12")]
)
def test_parse_model__asset_that_stands_still_in_a_window__refused(since, until):
    def with_still(first, last):
        return "\n".join(
            ",".join([date, btc, "0" if first <= date <= last else eth, *rest])
            for date, btc, eth, *rest in (line.split(",") for line in ROWS)
        )

    with pytest.raises(InputError, match=f"ETH returns 0 on every day from {since} to {until}: g"):
        parse_model(MODEL_TEXT, with_still(since, until))
    a_day_later = day_text(day_of(since) + 1)
    assert parse_model(MODEL_TEXT, with_still(a_day_later, until))


def test_history_file__of_the_model__lies_beside_it():
    assert history_file(MODEL_TEXT) == "history.csv"
    assert history_file("version = 5") is None
    assert read_model(CONFIG / "model.toml") == read_model() == MODEL


def test_read_model__without_its_history__names_the_file(tmp_path):
    (tmp_path / "model.toml").write_text(MODEL_TEXT)
    with pytest.raises(FileNotFoundError, match=r"history\.csv"):
        read_model(tmp_path / "model.toml")


def test_derive_history__reference_prices__is_the_committed_file():
    if not PRICES.exists():
        pytest.skip(f"{PRICES.name} is not beside the repository: no reference daily prices")
    assert history_text(PRICES.read_text("utf-8"), PRICES.name) == HISTORY_TEXT


def test_residuals__by_another_inverse_of_the_normal__are_the_committed_ones():
    with mp.workdps(30):
        root = mp.findroot(lambda x: x**3 - x - 1, 1.3)
        for day in (1, 2, 77, 2_121):
            points = [mp.frac(mp.mpf("0.5") + day / root**power) for power in (1, 2)]
            first, other = (mp.sqrt(2) * mp.erfinv(2 * p - 1) for p in points)
            own = mp.sqrt(1 - mp.mpf("0.85") ** 2)
            expected = [int(mp.nint(x * 10**9)) for x in (first, 0.85 * first + own * other)]
            assert residuals(day, 2) == pytest.approx(expected, abs=1)
            column = MODEL.history.residuals_e9
            assert [int(column[s][day - 1]) for s in SYMBOLS] == residuals(day, 2)


@pytest.mark.parametrize("first", [0, 33, 500, 1_000, 1_621])
def test_residuals__any_window_of_500_days__standard_normal_with_their_correlation(first):
    columns = [MODEL.history.residuals_e9[s][first : first + 500] / 1e9 for s in SYMBOLS]
    for column in columns:
        assert abs(column.mean()) < 0.02
        assert column.std() == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(columns)[0, 1] == pytest.approx(0.85, abs=0.01)
