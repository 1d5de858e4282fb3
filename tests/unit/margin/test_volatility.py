"""Scan ranges from the ring of daily prices."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import pairwise
from math import isqrt
from pathlib import Path
from statistics import median

import mpmath as mp
import pytest

from keeper.errors import InputError, MarketDataError
from keeper.margin.volatility import (
    ScanSigmas,
    daily_return,
    daily_sigma,
    daily_variance,
    limited_range,
    next_variance,
    range_path,
    scan_range,
    scan_ranges,
    unlimited_range,
)
from keeper.state.tables import Observations
from keeper.units import E8, WAD, wad
from tests.scan import BTC, ETH, RULE, exact_path

PRICE = 60_000 * E8
FREE = replace(RULE, rise_wad=2 * WAD, fall_wad=1)  # so that the limits never bind
SIGMAS = {1: BTC, 2: ETH}
HISTORY = Path(__file__).parents[4] / "shared/data/prices/btc_eth_1d_2019_2025.csv"


def prices_of(*returns):
    row = [PRICE]
    for change in returns:
        row.append(row[-1] * wad(change) // WAD + row[-1])
    return row


def ring(*rows):
    return Observations.of_rows(list(rows))


def test_rule__decay__is_a_half_life_of_30_days():
    assert wad("0.5") == pytest.approx(mp.mpf(RULE.decay_wad) ** 30 / mp.mpf(WAD) ** 29, abs=16)
    assert RULE.decay_wad == int(mp.nint(mp.mpf(2) ** (-mp.mpf(1) / 30) * WAD))


def test_next_variance__hulls_example__1_14018_percent():
    # Hull, Options, Futures and Other Derivatives, EWMA: lambda 0.9, sigma 1 %, return 2 %.
    variance = next_variance(wad("0.01") ** 2, wad("0.02"), wad("0.9"))
    assert variance == 130 * 10**30
    assert isqrt(variance) == pytest.approx(wad("0.0114018"), rel=5e-6)


def test_daily_sigma__annual__divides_by_the_root_of_365():
    assert daily_sigma(wad("0.40")) == int(mp.mpf("0.4") / mp.sqrt(365) * WAD)
    assert daily_sigma(wad("0.40")) == pytest.approx(wad("0.02094"), rel=2e-4)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (100, "0"),
        (102, "0.02"),
        (98, "0.02"),
        (150, "0.50"),
        (300, "0.50"),
        (40, "0.50"),
        (1, "0.50"),
    ],
)
def test_daily_return__either_sign__absolute_and_winsorised(after, expected):
    assert daily_return(100, after, RULE) == wad(expected)


def test_daily_return__fall_of_a_third__rounds_towards_zero():
    assert daily_return(3, 2, RULE) == 333333333333333333


def test_daily_return__march_2020__counts_whole():
    # ETH 12 Mar 2020, the largest daily move of 2019 to 2025, is inside the winsor.
    assert daily_return(10_000, 5_540, RULE) == wad("0.446")


def test_daily_variance__two_returns__weights_newest_most():
    assert daily_variance([100, 110, 110], RULE, 0) == [
        0,
        (WAD - RULE.decay_wad) * wad("0.1") ** 2 // WAD,
        RULE.decay_wad * ((WAD - RULE.decay_wad) * wad("0.1") ** 2 // WAD) // WAD,
    ]


def test_range_path__long_and_wild__at_most_64_units_below_the_exact_path():
    steps = ["0.01", "-0.38", "0.16", "0.02", "-0.03", "0.80", "-0.55", "0.9", "0.001", "-0.02"]
    prices = prices_of(*(steps * 40))
    got, exact = range_path(prices, RULE, ETH), exact_path(prices, RULE, ETH)
    gaps = [e * WAD - g for g, e in zip(got, exact, strict=True)]
    assert len(gaps) == 401
    assert min(gaps) >= 0
    assert max(gaps) < 64


def test_range_path__quiet_market__glides_from_stress_to_floor():
    path = range_path([PRICE] * 300, RULE, BTC)
    floor, stress = daily_sigma(BTC.sigma_floor_wad), daily_sigma(BTC.sigma_stress_wad)
    assert path[0] == unlimited_range(stress**2, RULE, BTC) == wad("2.6") * stress // WAD
    assert path[-1] == wad("2.6") * (3 * floor + stress) // 4 // WAD
    assert path == sorted(path, reverse=True)
    assert path[-1] == pytest.approx(wad("0.07146"), rel=1e-3)


def test_scan_range__single_observation__is_that_of_stress_alone():
    assert scan_range([PRICE], RULE, BTC) == wad("2.6") * daily_sigma(wad("0.90")) // WAD


def test_unlimited_range__stress_below_floor__floor_holds():
    low = ScanSigmas(sigma_floor_wad=wad("0.40"), sigma_stress_wad=wad("0.10"))
    expected = wad("2.6") * (3 * daily_sigma(wad("0.40")) + daily_sigma(wad("0.10"))) // 4 // WAD
    assert unlimited_range(0, RULE, low) == expected
    assert scan_range([PRICE], RULE, low) == expected


def test_unlimited_range__wild_market__cap_holds():
    assert unlimited_range(wad("0.18") ** 2, RULE, BTC) < RULE.cap_wad
    assert unlimited_range(wad("0.25") ** 2, RULE, BTC) == RULE.cap_wad
    assert scan_range(prices_of(*["0.9", "-0.45"] * 60), RULE, BTC) == RULE.cap_wad


def test_range_path__crash__rises_by_15_percent_a_day():
    path = range_path([PRICE] * 200 + [PRICE * 55 // 100] * 3, RULE, BTC)
    assert path[200] == path[199] * 115 // 100
    assert path[201] == path[200] * 115 // 100
    free = range_path([PRICE] * 200 + [PRICE * 55 // 100] * 3, FREE, BTC)
    assert free[200] > path[199] * 19 // 10


def test_range_path__short_memory__falls_by_5_percent_a_day():
    # With a half-life of 30 d a range falls by 1.15 % a day at most; this one forgets in a day.
    forgetful = replace(RULE, decay_wad=wad("0.5"))
    path = range_path([PRICE] * 4, forgetful, BTC)
    assert path[1:] == [path[0] * 95 // 100, path[1] * 95 // 100, path[2] * 95 // 100]


def test_limited_range__within_limits__is_the_target():
    assert limited_range(wad("0.10"), wad("0.114"), RULE) == wad("0.114")
    assert limited_range(wad("0.10"), wad("0.116"), RULE) == wad("0.115")
    assert limited_range(wad("0.10"), wad("0.094"), RULE) == wad("0.095")


def test_range_path__long_calm_before_a_crash__limit_has_not_accrued():
    crash = [PRICE * 55 // 100]
    for calm in (200, 300):
        path = range_path([PRICE] * calm + crash, RULE, BTC)
        assert path[-1] == path[-2] * 115 // 100


def test_scan_ranges__missing_days__one_return_and_one_step():
    prices = [PRICE] * 200 + [PRICE * 55 // 100]
    daily = ring(*((1, 20_000 + day, price) for day, price in enumerate(prices)))
    gapped = ring(*((1, 20_000 + day + 7 * (day > 199), price) for day, price in enumerate(prices)))
    before = scan_range(prices[:-1], RULE, BTC)
    assert scan_ranges(gapped, RULE, {1: BTC}) == scan_ranges(daily, RULE, {1: BTC})
    assert scan_ranges(gapped, RULE, {1: BTC}) == {1: before * 115 // 100}


def test_scan_ranges__two_underlyings__each_from_its_own_prices_and_sigmas():
    rows = ring((1, 7, PRICE), (1, 8, PRICE * 2), (2, 3, 5), (2, 4, 6), (2, 5, 6))
    assert scan_ranges(rows, RULE, SIGMAS) == {
        1: scan_range([PRICE, PRICE * 2], RULE, BTC),
        2: scan_range([5, 6, 6], RULE, ETH),
    }


def test_scan_ranges__largest_price__python_integers():
    result = scan_ranges(ring((1, 1, 1), (1, 2, 2**64 - 1), (1, 3, 1)), RULE, {1: BTC})
    assert type(result[1]) is int
    assert result == {1: scan_range([1, 2, 1], RULE, BTC)}  # winsorised up, 50 % down


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        ([(1, 8, 5), (1, 7, 5), (2, 1, 5)], InputError, "underlying 1, day 7 follows"),
        ([(1, 8, 5), (1, 8, 5), (2, 1, 5)], InputError, "underlying 1, day 8 follows"),
        ([(2, 8, 5), (1, 9, 5)], InputError, "underlying 1, day 9 follows underlying 2, day 8"),
        ([(1, 8, 5), (2, 1, 0)], MarketDataError, "underlying 2: price_e8 of day 1 is 0"),
        ([(1, 8, 5)], MarketDataError, r"underlyings \[2\] have no daily price"),
        ([], MarketDataError, r"underlyings \[1, 2\] have no daily price"),
        ([(1, 8, 5), (2, 1, 5), (9, 1, 5)], InputError, r"lacks underlyings \[9\]"),
    ],
)
def test_scan_ranges__bad_rows__are_named(rows, error, message):
    with pytest.raises(error, match=message):
        scan_ranges(ring(*rows), RULE, SIGMAS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kappa_wad", 0),
        ("decay_wad", WAD),
        ("stress_weight_wad", WAD + 1),
        ("winsor_wad", 0),
        ("cap_wad", WAD + 1),
        ("rise_wad", WAD - 1),
        ("fall_wad", WAD + 1),
    ],
)
def test_rule__value_outside_its_limits__is_named(field, value):
    with pytest.raises(InputError, match=f"{field} {value} is not an integer in"):
        replace(RULE, **{field: value})


def test_sigmas__zero__all_are_named():
    with pytest.raises(InputError, match=r"sigma_floor_wad 0 .*; sigma_stress_wad 0 "):
        ScanSigmas(0, 0)


def history(symbol):
    if not HISTORY.exists():
        pytest.skip(f"{HISTORY.name} is not beside the repository: no reference daily prices")
    with HISTORY.open() as file:
        return [round(float(row[symbol]) * E8) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("symbol", "sigmas", "expected"),
    [("btc_usd", BTC, 0.0896), ("eth_usd", ETH, 0.1180)],
)
def test_range_path__daily_prices_2019_to_2025__covers_99_percent_a_side(symbol, sigmas, expected):
    prices = history(symbol)
    path = range_path(prices, RULE, sigmas)
    warm = 61  # the calibration counts from the 61st day on
    moves = list(zip(path, pairwise(prices), strict=False))[warm:]
    long = sum((old - new) * WAD > scan * old for scan, (old, new) in moves)
    short = sum((new - old) * WAD > scan * old for scan, (old, new) in moves)
    assert len(moves) == 2060
    assert median(path[warm:]) / WAD == pytest.approx(expected, abs=0.0015)
    # Kupiec's test at 5 % accepts 13 to 30 exceedances of 1 % in 2,060 days.
    assert 13 <= long <= 30
    assert 13 <= short <= 30


@pytest.mark.parametrize(("symbol", "sigmas"), [("btc_usd", BTC), ("eth_usd", ETH)])
def test_scan_range__ring_of_256_days__within_half_a_percent_of_all_history(symbol, sigmas):
    prices = history(symbol)
    path = range_path(prices, RULE, sigmas)
    for day in range(256, len(prices), 16):
        from_ring = scan_range(prices[day - 255 : day + 1], RULE, sigmas)
        assert from_ring == pytest.approx(path[day], rel=0.005)
