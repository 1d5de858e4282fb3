import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from keeper.backtest import naked_books as engine
from keeper.backtest.coverage import Zone
from keeper.backtest.daily_prices import DAY, DailyPrices, daily_prices, longest_run
from keeper.backtest.linear_coverage import linear_coverage
from keeper.backtest.naked_books import naked_cover
from keeper.backtest.prices import backtest_prices
from keeper.backtest.procyclicality import procyclicality
from keeper.backtest.shortfall_coverage import past_days, shortfall_coverage, sigmas_of
from keeper.cli.app import main
from keeper.draws import Draws
from keeper.errors import InputError
from keeper.margin.filtering import filtered
from keeper.margin.history import History, day_text
from keeper.margin.market import listing_market
from keeper.margin.shortfall import history_arrays
from keeper.sources.price_files import read_prices
from keeper.units import WAD
from tests.books import MODEL

DATA = Path(__file__).parents[4] / "shared/data/prices"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the reference prices are not there")
FIRST_DAY = 18_000


def walk(days, seed=1, sigma=0.03):
    """Two coins of a random walk, correlated by a half."""
    shocks = ndtri(Draws(seed).fractions("walk", 2 * days)).reshape(2, days)
    moves = sigma * np.stack([shocks[0], 0.5 * shocks[0] + 0.75**0.5 * shocks[1]], axis=1)
    prices = np.array([9e12, 3e11]) * np.exp(np.cumsum(moves, axis=0))
    time = DAY * (FIRST_DAY + np.arange(days))
    return DailyPrices(("BTC", "ETH"), time, np.rint(prices).astype(np.int64))


def test_daily_prices__hourly_and_daily_file__say_the_same(tmp_path):
    hourly = tmp_path / "h.csv"
    hours = [f"2024-01-{d:02} {h:02}:00:00,{100 * d + h}" for d in (1, 2) for h in range(24)]
    hourly.write_text("\n".join(["timestamp_utc,btc_usd", *hours]) + "\n")
    daily = tmp_path / "d.csv"
    daily.write_text("date_utc,btc_usd\n2024-01-01,123\n2024-01-02,223\n")
    of_hours, of_days = (daily_prices(read_prices(file).history) for file in (hourly, daily))
    assert of_hours.time.tolist() == of_days.time.tolist()
    assert of_hours.price_e8.tolist() == of_days.price_e8.tolist()
    # Known at 00:00 of the day after its label, and not before.
    assert of_days.time[0] == 1_704_153_600


def test_longest_run__gap__takes_the_longer_side():
    prices = walk(100)
    kept = np.delete(np.arange(100), [30])
    gapped = DailyPrices(prices.symbols, prices.time[kept], prices.price_e8[kept])
    assert longest_run(gapped).time.tolist() == prices.time[31:].tolist()
    assert len(longest_run(prices)) == 100


def test_linear_coverage__moves_beyond_the_range__are_counted_on_their_side():
    times = [DAY * n for n in range(100)]
    prices = [10**10] * 100
    prices[80:] = [8 * 10**9] * 20
    long, short = linear_coverage("BTC", times, prices, [WAD // 10] * 100, 1.3)
    assert (long.breaches, short.breaches) == (1, 0)
    assert long.worst_day == 79
    assert long.worst_loss_over_margin == pytest.approx(2.0)
    assert long.initial_breaches == 1
    assert long.zone is Zone.GREEN


def test_linear_coverage__gap__is_no_window():
    times = [DAY * n for n in range(80)] + [DAY * n for n in range(90, 110)]
    prices = [10**10] * 80 + [5 * 10**9] * 20
    [long, _] = linear_coverage("BTC", times, prices, [WAD // 10] * 100, 1.3)
    assert long.breaches == 0
    assert long.days == 100 - 60 - 2


def test_shortfall_coverage__random_walk__is_covered():
    prices = walk(1400)
    for book in shortfall_coverage(prices, MODEL):
        assert book.z2 > -0.7
        assert abs(book.breaches - book.expected) < 4 * book.expected**0.5


def test_shortfall_coverage__day__is_that_of_the_engine_on_history_cut_there():
    """The last day's figures against `history_arrays` of a snapshot that knows no later price."""
    prices = walk(700)
    index = 690
    model = _model_that_ends(prices, index)
    sigma = {symbol: float(column[index]) for symbol, column in sigmas_of(prices, model).items()}
    day = engine._Day(
        time=int(prices.time[index]),
        risks=model.underlyings,
        spots_e8=tuple(prices.price_e8[index].tolist()),
        vols=tuple(s * 365.0**0.5 for s in sigma.values()),
    )
    legs = engine._books(day)
    snapshot = engine._snapshot(day, legs, prices, index, model)
    cells = history_arrays(snapshot, listing_market(snapshot), model).pnl
    perpetual = sorted({leg.instrument for leg in legs}).index(legs[0].instrument)
    moves = cells[perpetual, : model.shortfall.window_days] / (prices.price_e8[index, 0] * 1e-5)
    past = slice(index - model.shortfall.window_days, index)
    scores = filtered(past_days(prices), model.shortfall.decay_wad, model.scan.winsor_wad)
    expected = np.expm1(scores["BTC"][past] * sigma["BTC"])
    assert moves == pytest.approx(expected, abs=1e-6)


def _model_that_ends(prices, index):
    returns = np.rint(1e9 * np.diff(np.log(prices.price_e8[: index + 1]), axis=0)).astype(np.int64)
    noise = np.arange(len(returns)) % 7 - 3
    history = History(
        FIRST_DAY,
        {"BTC": returns[:, 0], "ETH": returns[:, 1]},
        {"BTC": noise * 10**8, "ETH": noise * 10**8},
    )
    rule = replace(
        MODEL.shortfall, stressed_from_day=FIRST_DAY + 40, stressed_to_day=FIRST_DAY + 240
    )
    return replace(MODEL, history=history, shortfall=rule)


def test_naked_cover__shipped_model__covers_and_a_third_of_it_does_not():
    prices = walk(200)
    assert naked_cover(prices, MODEL, every_days=60).passed
    weak = replace(MODEL, factors=replace(MODEL.factors, initial_bps=4_000))
    found = naked_cover(prices, weak, every_days=60)
    assert not found.passed
    assert found.below > 0
    assert found.least_ratio < 1.0


def test_backtest_prices__coin_unknown_or_too_few_days__is_refused():
    prices = walk(90)
    with pytest.raises(InputError, match="the model has no DOGE"):
        backtest_prices("x", replace(prices, symbols=("BTC", "DOGE")), MODEL)
    with pytest.raises(InputError, match="give at least"):
        backtest_prices("x", walk(20), MODEL)


def test_procyclicality__known_path():
    found = procyclicality([1.0, 1.1, 2.0, 1.5, 1.0, 1.0, 1.0])
    assert found.peak_to_trough == 2.0
    assert found.rise_1d == pytest.approx(2.0 / 1.1 - 1.0)
    assert found.rise_30d == 0.0


def test_backtest_prices__one_coin__names_the_others():
    both = walk(700)
    alone = DailyPrices(("ETH",), both.time, both.price_e8[:, 1:])
    assert backtest_prices("x", both, MODEL)[0].unjudged == ()
    result, _ = backtest_prices("x", alone, MODEL)
    assert result.unjudged == ("BTC",)
    assert [book.book for book in result.linear] == ["long ETH", "short ETH"]


@needs_data
def test_backtest_prices_verb__reference_file__points_2_and_6_hold(capsys):
    file = DATA / "btc_eth_1d_2019_2025.csv"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["backtest", "prices", str(file), "--json"])
    found = json.loads(capsys.readouterr().out)
    assert (found["passed"], found["point_2"], found["point_6"]) == (True, True, True)
    assert found["unjudged"] == []
    assert all(book["passed"] for book in found["linear"])
    assert all(book["passed"] for book in found["shortfall"])
    assert [book["days"] for book in found["linear"]] == [2061] * 4
    assert [book["accepted_least"] for book in found["linear"]] == [13] * 4


def test_backtest_prices_verb__damaged_file__json_names_the_rows(tmp_path, capsys):
    prices = walk(800)
    days = [day_text(day) for day in (prices.time // DAY).tolist()]
    rows = [f"{d},{b / 1e8},{e / 1e8}" for d, (b, e) in zip(days, prices.price_e8, strict=True)]
    rows[4] = f"{days[4]},,3000"
    file = tmp_path / "d.csv"
    file.write_text("\n".join(["date_utc,btc_usd,eth_usd", *rows]) + "\n")
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["backtest", "prices", str(file), "--json"])
    shown = capsys.readouterr()
    found = json.loads(shown.out)["findings"]
    assert found == shown.err.splitlines()
    assert found[0].startswith("d.csv, 1 row(s) (6): the price is missing or not positive")
