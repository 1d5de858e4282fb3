"""Exact integer helpers, for int and int64 alike."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.units import ceil_div, mul_bps_up, usd, wad

pytestmark = pytest.mark.property


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**30))
def test_ceil_div__integers__exact(x, divisor):
    assert ceil_div(x, divisor) == ceil(Fraction(x, divisor))


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.integers(1, 2**62))
def test_ceil_div__int64__exact(x, divisor):
    assert ceil_div(np.array([x]), divisor)[0] == ceil(Fraction(x, divisor))


@given(st.integers(-(2**63) + 10**5, 2**63 - 10**5), st.integers(0, 30_000))
def test_mul_bps_up__int64__exact_whenever_the_result_fits(x, bps):
    exact = ceil(Fraction(x * bps, 10_000))
    assert mul_bps_up(x, bps) == exact
    if abs(exact) < 2**63 - 10**5:
        assert mul_bps_up(np.array([x]), bps)[0] == exact


@given(st.integers(-(10**30), 10**30))
def test_wad__its_own_digits__read_back(units):
    sign, (whole, part) = ("-" if units < 0 else ""), divmod(abs(units), 10**18)
    assert wad(f"{sign}{whole}.{part:018}") == units


@given(st.integers(-(10**20), 10**20))
def test_usd__any_amount__nearest_cent(usd6):
    text = usd(usd6)
    cents = int(text.replace(",", "").replace(".", ""))
    assert abs(Fraction(usd6, 10_000) - cents) <= Fraction(1, 2)
    assert text[-3] == "."
