"""Breaches of the scan range, what years choose and moves by the hour, against plain numpy."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import chi2

from keeper.backtest.daily_prices import DAY, DailyPrices
from keeper.errors import InputError
from keeper.state.price_history import PriceHistory
from scripts import measure_ranges
from scripts.measure_ranges import main, measured, report
from tests.books import MODEL

START = datetime(2020, 6, 1, tzinfo=UTC)
FIRST = int(START.timestamp())
DAYS = 640
BURN, RING_WORDS = 60, 32
DECAY = 2 ** (-1 / 30)
STRESS_AND_FLOOR = {"BTC": (0.90, 0.40), "ETH": (1.15, 0.55)}
KAPPAS = (2.0, 2.3, 2.6, 3.2)  # each costs a second
BOOKS = ("long BTC", "short BTC", "long ETH", "short ETH")


def walk(days=DAYS, seed=11):
    """Two coins whose moves have fat tails, so that some ranges are right and some are not."""
    moves = np.random.default_rng(seed).standard_t(5, (days, 2)) * [0.026, 0.036]
    prices = [9e11, 2e10] * np.exp(np.cumsum(moves, axis=0))
    return DailyPrices(("BTC", "ETH"), FIRST + DAY * np.arange(days), np.rint(prices).astype("i8"))


def without(prices, *positions):
    kept = np.delete(np.arange(len(prices)), positions)
    return DailyPrices(prices.symbols, prices.time[kept], prices.price_e8[kept])


def ranges_by_hand(prices, coin, kappa):
    """docs/model.md, Scan range, in floating point, each day from the days that its ring holds."""
    stress, floor = (year / 365**0.5 for year in STRESS_AND_FLOOR[prices.symbols[coin]])
    days, price = prices.time // DAY, prices.price_e8[:, coin].astype(float)
    found = []
    for last, day in enumerate(days):
        held = np.flatnonzero(days[: last + 1] // 4 > day // 4 - RING_WORDS)
        ring = price[held].tolist()
        variance = stress**2
        scan_range = kappa * stress
        for before, after in pairwise(ring):
            move = min(abs(after / before - 1), 0.5)
            variance = DECAY * variance + (1 - DECAY) * move**2
            target = min(kappa * (0.75 * max(variance**0.5, floor) + 0.25 * stress), 0.4)
            scan_range = max(scan_range * 0.95, min(target, scan_range * 1.15))
        found.append(scan_range)
    return np.array(found)


def breaches_by_hand(prices, kappa):
    """Days of each breach, by book, and all days judged."""
    whole = [n for n in range(BURN, len(prices) - 1) if prices.time[n + 1] - prices.time[n] == DAY]
    found = {}
    for coin, symbol in enumerate(prices.symbols):
        ranges, price = ranges_by_hand(prices, coin, kappa), prices.price_e8[:, coin]
        moves = np.array([price[n + 1] / price[n] - 1 for n in whole]) / ranges[whole]
        found |= {f"long {symbol}": moves < -1, f"short {symbol}": moves > 1}
    return found, prices.time[whole] // DAY


def likelihood(hits, days, rate):
    return (hits * np.log(rate) if hits else 0) + (
        (days - hits) * np.log(1 - rate) if hits < days else 0
    )


def refused_by_kupiec(hits, days):
    ratio = 2 * (likelihood(hits, days, hits / days) - likelihood(hits, days, 0.01))
    return chi2.sf(ratio, 1) < 0.05


def refused_by_christoffersen(breached):
    after = {False: breached[1:][~breached[:-1]], True: breached[1:][breached[:-1]]}
    together = likelihood(breached[1:].sum(), len(breached) - 1, breached[1:].mean())
    apart = sum(likelihood(a.sum(), len(a), a.mean()) for a in after.values() if len(a))
    return chi2.sf(max(2 * (apart - together), 0), 1) < 0.05


def accepts(books):
    return not any(
        refused_by_kupiec(one.sum(), len(one)) or refused_by_christoffersen(one)
        for one in books.values()
    )


PRICES = walk()


@pytest.fixture(scope="module", autouse=True)
def few_kappas():
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(measure_ranges, "KAPPAS", KAPPAS)
        yield


@pytest.fixture(scope="module")
def expected():
    return {kappa: breaches_by_hand(PRICES, kappa)[0] for kappa in KAPPAS}


@pytest.fixture(scope="module")
def figures():
    return measured(PRICES, None, MODEL)


def test_measured__breaches__are_those_counted_by_hand(figures, expected):
    assert figures.days == DAYS - BURN - 1
    for kappa, books in expected.items():
        assert figures.breaches[kappa] == {book: days.sum() for book, days in books.items()}
    assert tuple(figures.breaches[2.0]) == BOOKS
    least, most = figures.breaches[3.2], figures.breaches[2.0]
    assert all(least[book] < most[book] for book in BOOKS)


def test_measured__accepted__both_tests_on_all_books(figures, expected):
    assert figures.accepted == tuple(k for k, books in expected.items() if accepts(books))
    assert figures.accepted == (2.6,)
    fitting = [n for n in range(100) if not refused_by_kupiec(n, figures.days)]
    assert figures.allowed == (fitting[0], fitting[-1])


def test_measured__choice__by_the_days_before_the_year_alone(figures, expected):
    days = breaches_by_hand(PRICES, 2.0)[1]
    new_year = datetime(2022, 1, 1, tzinfo=UTC).timestamp() // DAY
    before = {
        kappa: {book: breached[days < new_year] for book, breached in books.items()}
        for kappa, books in expected.items()
    }
    accepted = tuple(kappa for kappa, books in before.items() if accepts(books))
    (choice,) = figures.choices
    assert (choice.year, choice.days_before) == (2022, (days < new_year).sum())
    assert choice.accepted == accepted
    assert choice.chosen == max(accepted) > min(accepted)
    assert choice.days == (days >= new_year).sum()
    judged = expected[max(accepted)]
    assert choice.breaches == {b: judged[b][days >= new_year].sum() for b in BOOKS}
    least = min(n for n in range(100) if not refused_by_kupiec(n, choice.days))
    assert choice.allowed[0] == least == 0


def test_measured__medians__at_the_models_kappa_after_the_burn_in(figures):
    for coin, symbol in enumerate(PRICES.symbols):
        median = np.median(ranges_by_hand(PRICES, coin, 2.6)[BURN:])
        assert figures.medians[symbol] == pytest.approx(median, rel=1e-9)


def test_measured__gap__is_no_window():
    crash = walk(130)
    crash.price_e8[100:] //= 2
    assert measured(crash, None, MODEL).breaches[3.2]["long BTC"] == 1
    gapped = without(crash, 100)
    found = measured(gapped, None, MODEL)
    assert found.days == 130 - BURN - 1 - 2
    books, _ = breaches_by_hand(gapped, 3.2)
    assert found.breaches[3.2] == {book: days.sum() for book, days in books.items()}
    assert found.breaches[3.2]["long BTC"] == 0


def test_measured__few_days__has_no_choice():
    assert measured(walk(300), None, MODEL).choices == ()


def test_measured__nothing_accepted__nothing_is_chosen(monkeypatch):
    monkeypatch.setattr(measure_ranges, "KAPPAS", (2.0,))
    still = walk()
    still.price_e8[:] = still.price_e8[0]
    found = measured(still, None, MODEL)
    (choice,) = found.choices
    assert (choice.accepted, choice.chosen, choice.breaches) == ((), None, {})
    assert f"2022: {choice.days_before} days before accept none" in report(found)


def hourly(closes, known_at=None, step=3_600, symbols=("BTC", "ETH")):
    times = FIRST + 3_600 * np.arange(len(closes)) if known_at is None else known_at
    return PriceHistory("h.csv", symbols, step, times, np.array(closes))


def closes_by_hour(days, seed=3):
    moves = np.random.default_rng(seed).normal(size=(24 * days, 2)) * 0.01
    return [9_000.0, 200.0] * np.exp(np.cumsum(moves, axis=0))


def test_measured__hours__in_the_range_of_the_day_that_had_begun():
    days, closes = walk(70), closes_by_hour(70)
    closes[24 * 65 + 5 :, 1] *= 1.9
    closes[24 * 67 :, 0] *= 1.08  # most of a range, and no more
    missing = 24 * 66 + 7
    times = np.delete(FIRST + 3_600 * np.arange(24 * 70), missing)
    history = hourly(np.delete(closes, missing, axis=0), times)
    found = measured(days, history, MODEL).hours
    assert list(found) == [f"{coin} {hours} h" for coin in ("BTC", "ETH") for hours in (1, 2, 6)]
    for coin, symbol in enumerate(days.symbols):
        ranges = ranges_by_hand(days, coin, 2.6)
        for hours in (1, 2, 6):
            moves = [
                abs(closes[n + hours, coin] / closes[n, coin] - 1) / ranges[n // 24]
                for n in range(24 * BURN, 24 * 70 - hours)
                if missing not in range(n, n + hours + 1)
            ]
            row = found[f"{symbol} {hours} h"]
            assert row["windows"] == len(moves)
            assert row["p99"] == pytest.approx(np.quantile(moves, 0.99))
            assert row["p999"] == pytest.approx(np.quantile(moves, 0.999))
            assert row["most"] == pytest.approx(max(moves))
            assert row["beyond"] == sum(move > 1 for move in moves)
    assert [found[f"ETH {hours} h"]["beyond"] for hours in (1, 2, 6)] == [1, 2, 6]


def test_report__every_figure__has_its_line(figures):
    lines = report(figures).splitlines()
    low, high = figures.allowed
    assert lines[0] == f"{figures.days} days, accepted {low} to {high} breaches"
    assert lines[1].split() == [
        "kappa",
        "long",
        "BTC",
        "short",
        "BTC",
        "long",
        "ETH",
        "short",
        "ETH",
    ]
    for line, (kappa, books) in zip(lines[2:], figures.breaches.items(), strict=False):
        mark = ["accepted"] if kappa in figures.accepted else []
        assert line.split() == [str(kappa), *map(str, books.values()), *mark]
    (choice,) = figures.choices
    year = lines[2 + len(KAPPAS)]
    assert year.startswith(f"2022: {choice.days_before} days before accept {choice.accepted[0]} to")
    assert f"chosen {choice.chosen}" in year
    assert all(f"{book} {count}" in year for book, count in choice.breaches.items())
    assert lines[-1] == f"median range ETH: {figures.medians['ETH']:.4f}"


@pytest.mark.parametrize(
    ("prices", "hours", "message"),
    [
        (DailyPrices(("BTC", "XRP"), PRICES.time, PRICES.price_e8), None, "the model has no XRP"),
        (walk(62), None, "62 days without a gap: give at least 63"),
        (walk(10), None, "give at least 63"),
        (walk(80), hourly(closes_by_hour(80), step=60), "closes every 60 s: give hourly ones"),
        (walk(80), hourly(np.ones((99, 1)), symbols=("ETH",)), "h.csv: no BTC"),
        (walk(80), hourly(closes_by_hour(10)), "no 1 h within the days"),
    ],
    ids=["unknown coin", "too few days", "fewer", "not hourly", "coin missing", "other days"],
)
def test_measured__unfit_prices__are_refused(prices, hours, message):
    with pytest.raises(InputError, match=message):
        measured(prices, hours, MODEL)


def written(path, label, prices):
    step = timedelta(days=1) if label == "date_utc" else timedelta(hours=1)
    form = "%Y-%m-%d" if label == "date_utc" else "%Y-%m-%d %H:%M:%S"
    rows = [f"{(START + n * step).strftime(form)},{b},{e}" for n, (b, e) in enumerate(prices)]
    path.write_text("\n".join([f"{label},btc_usd,eth_usd", *rows]) + "\n")
    return path


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["measure_ranges", *map(str, arguments)])
    main()


def test_main__files__labels_are_where_bars_open(monkeypatch, capsys, tmp_path):
    prices, closes = walk(80), closes_by_hour(80)
    daily = written(tmp_path / "d.csv", "date_utc", prices.price_e8[:70] / 1e8)
    hours = written(tmp_path / "h.csv", "timestamp_utc", closes)
    run(monkeypatch, daily, "--hourly", hours, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["days"] == 70 - BURN - 1
    known = DailyPrices(prices.symbols, prices.time[:70] + DAY, prices.price_e8[:70])
    later = hourly(closes, FIRST + 3_600 * np.arange(1, 24 * 80 + 1))
    expected = measured(known, later, MODEL)
    assert found["hours"] == {name: pytest.approx(row) for name, row in expected.hours.items()}
    # The last close holds until midnight a day later: 24 moves of an hour begin in it.
    assert found["hours"]["BTC 1 h"]["windows"] == 24 * (70 - BURN)
    run(monkeypatch, daily)
    assert capsys.readouterr().out.startswith("9 days, accepted 0 to ")


def test_main__broken_file__ends_with_the_errors_code(monkeypatch, capsys, tmp_path):
    path = tmp_path / "d.csv"
    path.write_text("day,btc_usd\n2020-01-01,1\n")
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, path)
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert "d.csv: columns are ['day', 'btc_usd']" in streams.err


def test_main__row_that_is_not_used__is_named(monkeypatch, capsys, tmp_path):
    prices = walk(80).price_e8 / 1e8
    prices[75, 1] = -1
    run(monkeypatch, written(tmp_path / "d.csv", "date_utc", prices), "--json")
    streams = capsys.readouterr()
    assert "d.csv, 1 row(s) (77): the price is missing or not positive" in streams.err
    assert json.loads(streams.out)["days"] == 80 - BURN - 1 - 2
