"""Figures of a price history: read right, counted right, refused where broken."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from keeper.calibration.ewma import decay_of_half_life, ewma_covariance
from keeper.calibration.garch import fit_garch
from keeper.calibration.returns import joint_returns
from keeper.errors import InputError
from keeper.margin.volatility import range_path
from keeper.units import WAD
from scripts.measure_history.__main__ import main, measure, show
from scripts.measure_history.figures import RUN_IN, averages, moves_apart
from scripts.measure_history.prices import read_prices
from tests.books import MODEL
from tests.unit.calibration.simulated import simulated

HISTORY = Path(__file__).parents[3] / "shared/data/prices/btc_eth_1d_2019_2025.csv"
START = np.datetime64("2020-01-15")


def closes(count):
    """Correlated prices of two coins."""
    common = simulated(count, alpha=0.1, beta=0.85, nu=6, seed=1, volatility=0.03)
    own = simulated(count, alpha=0.1, beta=0.85, nu=6, seed=2, volatility=0.02)
    return np.exp(np.cumsum(np.column_stack([common, common + own]), axis=0)) * [9_000, 200]


def written(folder, prices, header="date_utc,btc_usd,eth_usd"):
    rows = [f"{START + n},{btc:.6f},{eth:.6f}" for n, (btc, eth) in enumerate(prices)]
    path = folder / "prices.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("history"), closes(700))


@pytest.fixture(scope="module")
def figures(file):
    return measure(file, MODEL, 0.7)


def test_read_prices__sound_file__days_and_prices(file):
    prices = read_prices(file)
    assert prices.symbols == ("BTC", "ETH")
    assert prices.usd == pytest.approx(closes(700), abs=1e-6)
    assert prices.days[0] == START.astype(int)
    assert np.all(np.diff(prices.days) == 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: columns"),
        ("day,btc_usd\n", "line 1: columns"),
        ("date_utc\n", "line 1: columns"),
        ("date_utc,btc\n", "line 1: columns"),
        ("date_utc,btc_usd\n2020-01-01\n", "line 2: 1 cells: give 2"),
        ("date_utc,btc_usd\n2020-01-01,1\n1 January,1\n", "line 3: .*1 January"),
        ("date_utc,btc_usd\n2020-01-01,n/a\n", "line 2: .*'n/a'"),
    ],
)
def test_read_prices__broken_file__line_is_named(tmp_path, text, message):
    path = tmp_path / "prices.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=f"prices.csv, {message}"):
        read_prices(path)


def test_read_prices__no_file__is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.csv: "):
        read_prices(tmp_path / "absent.csv")


def test_averages__last_day__is_the_models_decay(file):
    prices = read_prices(file)
    returns = joint_returns(prices.days, prices.usd, prices.symbols, 0.7)
    volatilities, correlations, sigmas = averages(returns, prices.days[1:], MODEL)
    assert [(track.of, track.measure) for track in volatilities] == [
        (coin, f"EWMA, half-life {days} d") for days in (30, 14) for coin in ("BTC", "ETH")
    ]
    covariance = ewma_covariance(returns, decay_of_half_life(30))
    last = np.sqrt(365 * covariance[0, 0])
    assert volatilities[0].lowest <= last <= volatilities[0].highest
    assert 0.5 < correlations[0].median < 1
    assert [row.of for row in sigmas] == ["BTC", "ETH"]
    assert all(0 <= row.below_floor <= row.below_stress <= 1 for row in sigmas)


def test_tracks__episodes__only_months_that_are_covered(figures):
    for track in (*figures.volatilities, *figures.correlations):
        assert track.episodes.keys() == {"2020-03", "2021-05"}
        assert track.lowest <= track.fifth_percentile <= track.median <= track.highest
        for low, high in track.episodes.values():
            assert track.lowest <= low <= high <= track.highest


def test_moves_apart__by_hand__counts_days_beyond_the_rows(file):
    prices = read_prices(file)
    (row,) = moves_apart(prices, MODEL)
    sigmas = MODEL.scan_sigmas()
    ranges = [
        range_path([round(price * 1e8) for price in column], MODEL.scan, sigmas[underlying])
        for underlying, column in enumerate(prices.usd.T.tolist(), start=1)
    ]
    gaps = []
    for day in range(RUN_IN, 699):
        moves = prices.usd[day + 1] / prices.usd[day] - 1
        gaps.append(moves[0] / ranges[0][day] * WAD - moves[1] / ranges[1][day] * WAD)
    assert row.days == len(gaps)
    assert row.ahead == sum(gap > 0.6**0.5 for gap in gaps)
    assert row.behind == sum(gap < -(0.6**0.5) for gap in gaps)
    widest = max(np.percentile(gaps, 99), -np.percentile(gaps, 1))
    assert row.implied_99 == pytest.approx(1 - widest**2 / 2)


def test_measure__fits__are_those_of_the_package(file, figures):
    prices = read_prices(file)
    returns = joint_returns(prices.days, prices.usd, prices.symbols, 0.7)
    found = {(fit.of, fit.measure): fit for fit in figures.fits}
    assert len(found) == 8
    fit = fit_garch(returns, "ETH")
    assert found["ETH", "GARCH, normal"].alpha == fit.parameters.alpha
    assert found["ETH", "GARCH, normal"].log_likelihood == fit.log_likelihood


def test_show__every_figure__has_its_line(figures, capsys):
    show(figures)
    out = capsys.readouterr().out
    for text in (
        "EWMA, half-life 30 d",
        "GJR, student-t",
        "sigma_stress",
        "dispersion",
        "BTC, ETH",
    ):
        assert text in out


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["measure_history", *map(str, arguments)])
    main()


def test_main__json__goes_to_stdout_and_progress_does_not(monkeypatch, capsys, file):
    run(monkeypatch, file, "--json")
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    assert found["first_day"] == "2020-01-15"
    assert len(found["fits"]) == 8
    assert "BTC: GARCH, normal" in streams.err


def with_jump():
    prices = closes(600)
    prices[300:, 1] *= 30
    return prices


def without_a_price():
    prices = closes(600)
    prices[300, 1] = np.nan
    return prices


@pytest.mark.parametrize(
    ("prices", "second", "message"),
    [
        (closes(300), "eth", "299 returns: a measurement needs at least 500"),
        (closes(600), "xrp", "XRP is not in the model: give columns of ['BTC', 'ETH']"),
        (with_jump(), "eth", "ETH: log return 3."),
        (without_a_price(), "eth", "ETH: price of 2020-11-10 is nan"),
        (closes(600) * 1e-13, "eth", "BTC: a price is below 1e-8 USD"),
    ],
    ids=["short", "unknown coin", "jump", "missing price", "dust"],
)
def test_main__unfit_history__exits_with_the_errors_code(
    monkeypatch, capsys, tmp_path, prices, second, message
):
    path = tmp_path / "prices.csv"
    rows = [f"{START + n},{btc!r},{other!r}" for n, (btc, other) in enumerate(prices.tolist())]
    path.write_text("\n".join([f"date_utc,btc_usd,{second}_usd", *rows]))
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, path, "--json")
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert f"error: {message}" in streams.err


def test_main__jump_that_is_believed__is_measured(monkeypatch, capsys, tmp_path):
    run(monkeypatch, written(tmp_path, with_jump()), "--largest", "4")
    assert "Correlation" in capsys.readouterr().out


def test_measure__reference_history__the_figures_of_the_document():
    if not HISTORY.exists():
        pytest.skip(f"{HISTORY.name} is not beside the repository: no reference daily prices")
    figures = measure(HISTORY, MODEL, 0.7)
    floors = [round(row.below_floor, 3) for row in figures.sigmas]
    assert floors == [0.098, 0.154]
    (correlation, _) = figures.correlations
    assert correlation.fifth_percentile == pytest.approx(0.702, abs=5e-4)
    assert correlation.episodes["2020-03"][1] == pytest.approx(0.972, abs=5e-4)
    (apart,) = figures.apart
    assert (apart.days, apart.ahead, apart.behind) == (2060, 5, 10)
