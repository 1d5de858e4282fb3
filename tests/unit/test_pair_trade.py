"""The pair trade on prices made by hand, where what it takes can be counted."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.errors import InputError
from scripts.simulate_pair_trade.pair_trade import HOURS_PER_YEAR, Terms, play
from scripts.simulate_pair_trade.prices import read_hours

CALM = Terms(initial=0.10, maintenance=0.08, hold=1, delay=1)


def played(prices, terms=CALM, hours=None):
    hour = np.arange(len(prices)) if hours is None else np.array(hours)
    return play(hour, np.array(prices, dtype=np.float64), terms)


def test_play__still_prices__takes_nothing():
    outcome = played([100.0] * 50)
    assert (outcome.openings, outcome.flags, outcome.gain_a_year) == (48, 0, 0.0)


@pytest.mark.parametrize("sign", [1, -1])
def test_play__one_fall_or_rise_past_the_margin__takes_what_exceeds_it(sign):
    # 5 % in the first hour flags, 15 % two hours later is 5 % more than the margin of 10 %.
    outcome = played([100.0, 100.0 + 5 * sign, 100.0 + 15 * sign], Terms(0.10, 0.08, 1, 1))
    assert (outcome.openings, outcome.flags, outcome.deficits) == (1, 1, 1)
    assert outcome.worst_gain == pytest.approx(0.05)
    assert outcome.gain_a_year == pytest.approx(0.05 * HOURS_PER_YEAR)
    assert outcome.return_a_year(CALM) == pytest.approx(0.05 * HOURS_PER_YEAR / 0.20)


def test_play__a_move_that_turns__costs_the_side_that_was_flagged_nothing():
    outcome = played([100.0, 95.0, 130.0])
    assert (outcome.flags, outcome.deficits) == (1, 0)


def test_play__no_flag__no_deficit_however_far_it_goes_after():
    assert played([100.0, 99.0, 50.0]).flags == 0


def test_play__a_gap__leaves_its_openings_out():
    assert played([100.0, 95.0, 85.0], hours=[0, 1, 3]).openings == 0


def test_play__longer_delay__on_a_trend_takes_more():
    falling = 100.0 * 0.95 ** np.arange(30)
    slow, fast = (played(falling, Terms(0.10, 0.08, 1, delay)) for delay in (3, 1))
    assert slow.worst_gain > fast.worst_gain == 0.0


def test_play__bad_input__refused():
    with pytest.raises(ValueError, match="above zero"):
        played([100.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time,btc_usd\n", "line 1: columns"),
        (
            "timestamp_utc,btc_usd\n2024-01-01 00:30:00,1\n",
            "line 2: 2024-01-01 00:30:00 is no full",
        ),
        ("timestamp_utc,btc_usd\n2024-01-01 01:00:00,1\n2024-01-01 01:00:00,1\n", "line 3: hours"),
        ("timestamp_utc,btc_usd\n2024-01-01 01:00:00,-1\n", "line 2: price '-1'"),
        ("timestamp_utc,btc_usd\n2024-01-01 01:00:00\n", "line 2: 1 cells"),
    ],
)
def test_read_hours__bad_file__names_file_and_line(tmp_path, text, said):
    path = tmp_path / "hours.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as raised:
        read_hours(path)
    assert "hours.csv" in str(raised.value)


def test_read_hours__empty_cell__is_an_hour_without_that_coin(tmp_path):
    path = tmp_path / "hours.csv"
    path.write_text("timestamp_utc,a_usd,b_usd\n2024-01-01 00:00:00,1,\n2024-01-01 01:00:00,2,3\n")
    found = read_hours(path)
    assert [len(found[coin][0]) for coin in ("A", "B")] == [2, 1]
