"""What holds for every option, whatever its numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.pricing import black76

pytestmark = pytest.mark.property

FORWARDS = st.floats(0.01, 1e6)
MONEYNESS = st.floats(0.05, 20)
VOLS = st.floats(0, 5)
YEARS = st.floats(0, 10)
LAST_DIGITS = 4e-16


@given(FORWARDS, MONEYNESS, VOLS, YEARS)
def test_price__any_option__within_its_bounds(forward, moneyness, vol, years):
    strike = forward * moneyness
    call = float(black76.price(forward, strike, vol, years, True))
    put = float(black76.price(forward, strike, vol, years, False))
    assert max(forward - strike, 0.0) <= call <= forward
    assert max(strike - forward, 0.0) <= put <= strike


@given(FORWARDS, MONEYNESS, VOLS, YEARS)
def test_price__call_less_put__is_forward_less_strike(forward, moneyness, vol, years):
    strike = forward * moneyness
    call = float(black76.price(forward, strike, vol, years, True))
    put = float(black76.price(forward, strike, vol, years, False))
    assert abs((call - put) - (forward - strike)) <= LAST_DIGITS * max(forward, strike)


@given(FORWARDS, MONEYNESS, VOLS, YEARS, st.floats(0, 1), st.booleans())
def test_price__more_vol_or_time__never_cheaper(forward, moneyness, vol, years, more, is_call):
    strike = forward * moneyness
    price = float(black76.price(forward, strike, vol, years, is_call))
    slack = 1e-15 * max(forward, strike)
    assert float(black76.price(forward, strike, vol + more, years, is_call)) >= price - slack
    assert float(black76.price(forward, strike, vol, years + more, is_call)) >= price - slack


@given(FORWARDS, MONEYNESS, VOLS, YEARS, st.sampled_from([0.5, 2.0, 1024.0]))
def test_price__other_currency_unit__scales_bit_for_bit(forward, moneyness, vol, years, factor):
    # Powers of two change no mantissa, so even the last bit must follow.
    strike = forward * moneyness
    price = float(black76.price(forward, strike, vol, years, True))
    assert (
        float(black76.price(forward * factor, strike * factor, vol, years, True)) == price * factor
    )


@given(FORWARDS, MONEYNESS, VOLS, YEARS)
def test_delta__any_option__between_zero_and_one_and_twin_less_one(forward, moneyness, vol, years):
    strike = forward * moneyness
    call = float(black76.delta(forward, strike, vol, years, True))
    put = float(black76.delta(forward, strike, vol, years, False))
    assert 0.0 <= call <= 1.0
    assert call - put == pytest.approx(1.0, abs=4e-16)
