"""The auction's promises, for any book: money in micro-dollars, up to 2**60."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keeper.liquidation.auction import (
    DURATION_SECONDS,
    MIN_FRACTION_WAD,
    cash_to_buyer_usd6,
    largest_bid_wad,
    line_usd6,
    max_fraction_wad,
    sold_fraction_wad,
)
from keeper.units import WAD

pytestmark = pytest.mark.property

money = st.integers(0, 2**60)
signed_money = st.integers(-(2**60), 2**60)
elapsed = st.integers(0, 2 * DURATION_SECONDS)
fractions = st.integers(0, WAD)


@given(equity=signed_money, maintenance=money, seconds=elapsed)
def test_sale_of_the_maximum__restores_health(equity, maintenance, seconds):
    initial = maintenance * 13 // 10
    assume(equity < initial)
    line = line_usd6(equity, seconds)
    fraction = max_fraction_wad(equity, initial, line)
    assert 0 <= fraction <= WAD
    after = equity - cash_to_buyer_usd6(equity, line, fraction)
    # Scaled by wad so that nothing is rounded here; the cash is rounded by less than one.
    assert (after + 1) * WAD >= (WAD - fraction) * (initial * 101 // 100) or line <= 0
    if line <= 0:
        assert fraction == WAD
        assert after == min(equity, 0)


@given(equity=st.integers(1, 2**60), gap=st.integers(1, 2**60), seconds=st.integers(0, 1799))
def test_the_maximum__is_the_least_that_restores_health(equity, gap, seconds):
    line = line_usd6(equity, seconds)
    assume(line > 0)
    less = max_fraction_wad(equity, equity + gap, line) - 1
    left_for_seller = equity * (WAD - less) + less * line
    assert left_for_seller < (WAD - less) * ((equity + gap) * 101 // 100)


@given(equity=signed_money, first=elapsed, second=elapsed)
def test_line__over_time__never_rises_and_stays_above_min_of_equity_and_zero(equity, first, second):
    early, late = sorted((first, second))
    assert line_usd6(equity, early) >= line_usd6(equity, late) >= min(equity, 0)
    assert line_usd6(equity, early) <= max(equity * 102 // 100, equity)


@given(low=signed_money, high=signed_money, seconds=elapsed)
def test_line__more_equity__is_never_lower(low, high, seconds):
    low, high = sorted((low, high))
    assert line_usd6(low, seconds) <= line_usd6(high, seconds)


@given(equity=signed_money, initial=money, first=elapsed, second=elapsed)
def test_maximum__over_time__never_falls(equity, initial, first, second):
    early, late = sorted((first, second))
    on_sale = [
        max_fraction_wad(equity, initial, line_usd6(equity, seconds)) for seconds in (early, late)
    ]
    assert on_sale[0] <= on_sale[1]


@given(wanted=fractions, most=fractions, already=st.integers(0, WAD - MIN_FRACTION_WAD))
def test_sold__any_bid__is_within_what_was_wanted_or_takes_all(wanted, most, already):
    sold = sold_fraction_wad(wanted, most, already)
    assert MIN_FRACTION_WAD <= sold <= WAD
    assert sold in (min(wanted, most), MIN_FRACTION_WAD, WAD)
    left = (WAD - already) * (WAD - sold) // WAD
    assert left == 0 or left >= MIN_FRACTION_WAD


@given(limit=fractions, most=fractions, already=st.integers(0, WAD - MIN_FRACTION_WAD))
def test_largest_bid__as_sent__buys_exactly_itself_within_the_limit(limit, most, already):
    bid = largest_bid_wad(limit, most, already)
    if bid is not None:
        assert MIN_FRACTION_WAD <= bid <= limit
        assert sold_fraction_wad(bid, most, already) == bid
