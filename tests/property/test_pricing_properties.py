"""What holds for every option, whatever its numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.pricing import black76, black76_numpy

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


# From a micro-dollar of forward to the widest price the contracts hold, 2^63 * 1e-8.
ANY_PRICE = st.floats(0.0, 2.0**63 * 1e-8) | st.floats(1e-8, 1.0)
ANY_VOL = st.floats(-1.0, 100.0) | st.just(0.0)
ANY_YEARS = st.floats(-1.0, 100.0) | st.just(0.0)
OPTIONS = st.lists(st.tuples(ANY_PRICE, ANY_PRICE, ANY_VOL, ANY_YEARS, st.booleans()), min_size=1)


@given(OPTIONS)
def test_price_and_greeks__any_options__bits_of_the_numpy_twin(options):
    columns = [np.array(column, dtype=np.float64) for column in list(zip(*options, strict=True))]
    arguments = (*columns[:4], columns[4] == 1.0)
    found = black76.price_and_greeks(*arguments)
    expected = black76_numpy.price_and_greeks(*arguments)
    for name, twin in zip(("price", "delta", "gamma", "vega", "theta"), expected, strict=True):
        assert getattr(found, name).tobytes() == twin.tobytes(), name
    assert black76.price(*arguments).tobytes() == expected[0].tobytes()


@given(FORWARDS, MONEYNESS, VOLS, YEARS)
def test_greeks__call_and_put__differ_in_delta_alone(forward, moneyness, vol, years):
    strike = forward * moneyness
    call = black76.price_and_greeks(forward, strike, vol, years, True)
    put = black76.price_and_greeks(forward, strike, vol, years, False)
    assert (call.gamma, call.vega, call.theta) == (put.gamma, put.vega, put.theta)
    assert call.gamma >= 0.0
    assert call.vega >= 0.0
    assert call.theta <= 0.0


@given(FORWARDS, MONEYNESS, st.floats(0.01, 5), st.floats(1e-3, 10))
def test_theta__any_option__half_gamma_times_squared_move(forward, moneyness, vol, years):
    # Black's equation: dV/dt + F^2 vol^2 gamma / 2 = 0.
    greeks = black76.price_and_greeks(forward, forward * moneyness, vol, years, True)
    assert greeks.theta == pytest.approx(-0.5 * (forward * vol) ** 2 * greeks.gamma, rel=1e-14)
