"""Ranges by other rules, against paths walked by hand."""

from __future__ import annotations

import sys
from itertools import pairwise

import numpy as np
import pytest

from keeper.backtest.daily_prices import DAY, DailyPrices
from keeper.errors import InputError
from scripts.measure_scan_rule import main, measured, report
from tests.books import MODEL

FIRST = 18_400 * DAY
DAYS, BURN = 330, 60
STRESS = {"BTC": (0.90, 0.40), "ETH": (1.15, 0.55)}
# half-life, weight of stress, winsor, rise, days in the ring
BY_HAND = {
    "half-life 14 d": {"half_life": 14},
    "no stress weight": {"weight": 0.0},
    "winsor 0.30": {"winsor": 0.30},
    "no limit of rises": {"rise": 2.0},
    "ring of 64 days": {"ring": 64},
    "ring of 256 days": {"ring": 256},
    "whole history": {"ring": DAYS},
}


def walk(days=DAYS):
    """Two coins of fat tails, each with one day beyond every winsor."""
    moves = np.random.default_rng(4).standard_t(4, (days, 2)) * [0.02, 0.03]
    moves[days // 2] = -0.6
    prices = [9e11, 2e10] * np.exp(np.cumsum(moves, axis=0))
    return DailyPrices(("BTC", "ETH"), FIRST + DAY * np.arange(days), np.rint(prices).astype("i8"))


def path(price, symbol, half_life=30, weight=0.25, winsor=0.5, rise=1.15):
    stress, floor = (year / 365**0.5 for year in STRESS[symbol])
    decay, variance, scan_range = 0.5 ** (1 / half_life), stress**2, 2.6 * stress
    for before, after in pairwise(price):
        move = min(abs(after / before - 1), winsor)
        variance = decay * variance + (1 - decay) * move**2
        target = min(2.6 * ((1 - weight) * max(variance**0.5, floor) + weight * stress), 0.4)
        scan_range = max(scan_range * 0.95, min(target, scan_range * rise))
    return scan_range


def ranges_by_hand(price, symbol, ring, **rule):
    return np.array(
        [path(price[max(n - ring, 0) : n], symbol, **rule) for n in range(61, DAYS + 1)]
    )


PRICES = walk()


@pytest.fixture(scope="module")
def rows():
    return {(row.rule, row.symbol): row for row in measured(PRICES, MODEL)}


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("coin", [0, 1])
def test_measured__other_rule__is_the_path_by_hand(rows, name, coin):
    symbol, row = PRICES.symbols[coin], rows[name, PRICES.symbols[coin]]
    price = PRICES.price_e8[:, coin].astype(float).tolist()
    rule = dict(BY_HAND[name])
    ring = rule.pop("ring", None)
    if ring is None:  # that of the contracts: 32 words of four days
        found = np.array(
            [
                path(price[max(((n + FIRST // DAY) // 4 - 31) * 4 - FIRST // DAY, 0) : n + 1],
                     symbol, **rule)
                for n in range(BURN, DAYS)
            ]
        )  # fmt: skip
    else:
        found = ranges_by_hand(price, symbol, ring)
    whole = ranges_by_hand(price, symbol, DAYS)
    moves = np.array(price[BURN + 1 :]) / np.array(price[BURN:-1]) - 1
    assert row.median == pytest.approx(np.median(found))
    assert row.largest == pytest.approx(found.max())
    assert row.peak_to_trough == pytest.approx(found.max() / found.min())
    assert row.rise == pytest.approx((found[1:] / found[:-1]).max() - 1)
    assert row.above == pytest.approx((found / whole).max() - 1, abs=1e-9)
    assert row.below == pytest.approx((found / whole).min() - 1, abs=1e-9)
    assert (row.longs, row.shorts) == ((-moves > found[:-1]).sum(), (moves > found[:-1]).sum())
    assert row.longs > 0


def test_measured__every_rule__differs_from_the_shipped_one(rows):
    for symbol in PRICES.symbols:
        shipped = rows["as shipped", symbol]
        assert shipped.rise < 0.17, "from one ring to the next a little more than 15 %"
        for name in BY_HAND:
            other = rows[name, symbol]
            assert (other.median, other.largest, other.below) != (
                shipped.median,
                shipped.largest,
                shipped.below,
            )


def test_report__every_rule_and_coin__has_its_line(rows):
    lines = report(list(rows.values())).splitlines()[1:]
    assert len(lines) == 2 * (len(BY_HAND) + 1)
    for line, row in zip(lines, rows.values(), strict=True):
        assert line.startswith(row.rule)
        assert line.removeprefix(row.rule).split()[:2] == [row.symbol, f"{row.median:.2%}"]
        assert line.split()[-2:] == [str(row.longs), str(row.shorts)]


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        (DailyPrices(("BTC", "XRP"), PRICES.time, PRICES.price_e8), "the model has no XRP"),
        (walk(61), "give at least 62 days, none missing: here are 61, 0 gap"),
        (
            DailyPrices(
                PRICES.symbols, np.delete(PRICES.time, 9), np.delete(PRICES.price_e8, 9, axis=0)
            ),
            "here are 329, 1 gap",
        ),
    ],
    ids=["unknown coin", "too few days", "gap"],
)
def test_measured__unfit_prices__are_refused(prices, message):
    with pytest.raises(InputError, match=message):
        measured(prices, MODEL)


def test_main__broken_file__ends_with_the_errors_code(monkeypatch, capsys, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("date_utc,btc_usd\n2020-01-01,1\n2020-01-02,x\n")
    monkeypatch.setattr(sys, "argv", ["measure_scan_rule", str(path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert "d.csv, 1 row(s) (3)" in streams.err
    assert "error: daily closes: give at least 62 days" in streams.err
