"""What holds for the scan range after every row of daily prices."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.volatility import ScanSigmas, daily_sigma, range_path, scan_range
from keeper.units import WAD, wad
from tests.scan import BTC, ETH, RULE, exact_path

pytestmark = pytest.mark.property

# Steps of up to a factor of e^0.7 a day: quiet markets, crashes and wrong prints alike.
STEPS = st.lists(st.integers(-700, 700) | st.integers(-30, 30), max_size=60)
SIGMAS = st.sampled_from([BTC, ETH])
VOLS = st.integers(1, 3 * WAD)


@st.composite
def price_rows(draw):
    price, row = draw(st.integers(10**6, 10**13)), []
    for step in [0, *draw(STEPS)]:
        price = max(price * (1000 + step) // 1000, 1)
        row.append(price)
    return row


@given(price_rows(), SIGMAS)
def test_range_path__any_prices__at_most_64_units_below_the_exact_path(prices, sigmas):
    for got, exact in zip(
        range_path(prices, RULE, sigmas), exact_path(prices, RULE, sigmas), strict=True
    ):
        assert 0 <= exact * 10**18 - got < 64


@given(price_rows(), SIGMAS)
def test_range_path__any_prices__moves_within_its_limits(prices, sigmas):
    path = range_path(prices, RULE, sigmas)
    lowest = (3 * daily_sigma(sigmas.sigma_floor_wad) + daily_sigma(sigmas.sigma_stress_wad)) // 4
    for before, after in pairwise(path):
        assert before * RULE.fall_wad // WAD <= after <= before * RULE.rise_wad // WAD
    assert all(lowest * 27 // 10 <= scan <= RULE.cap_wad for scan in path)


@given(price_rows(), SIGMAS)
def test_range_path__this_half_life__falls_at_most_by_the_root_of_decay(prices, sigmas):
    # Which is why the fall limit of 0.95 cannot bind: sqrt(0.977) = 0.9885.
    slowest = mp.sqrt(mp.mpf(RULE.decay_wad) / WAD)
    path = range_path(prices, RULE, sigmas)
    assert all(b >= a * slowest - 2**8 for a, b in pairwise(path))


@given(price_rows(), SIGMAS, st.integers(2, 1000))
def test_scan_range__prices_in_another_unit__the_same(prices, sigmas, factor):
    scaled = [price * factor for price in prices]
    assert scan_range(scaled, RULE, sigmas) == scan_range(prices, RULE, sigmas)


@given(price_rows(), VOLS, VOLS, VOLS)
def test_scan_range__higher_floor__never_lower(prices, floor, more, stress):
    def at(sigma):
        return scan_range(prices, RULE, ScanSigmas(sigma, stress))

    assert at(floor) <= at(floor + more)


@given(price_rows(), VOLS, VOLS, VOLS)
def test_scan_range__higher_stress__never_lower(prices, floor, stress, more):
    def at(sigma):
        return scan_range(prices, RULE, ScanSigmas(floor, sigma))

    assert at(stress) <= at(stress + more)


@given(price_rows(), SIGMAS, st.sampled_from(["0.05", "0.20", "0.35"]))
def test_scan_range__tighter_winsor_or_cap__never_higher(prices, sigmas, bound):
    wide = scan_range(prices, RULE, sigmas)
    assert scan_range(prices, replace(RULE, winsor_wad=wad(bound)), sigmas) <= wide
    assert scan_range(prices, replace(RULE, cap_wad=wad(bound)), sigmas) <= wide
