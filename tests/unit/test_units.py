"""Units: known values and refusals."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.units import ceil_div, mul_bps_up, usd, wad


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.122", 122 * 10**15), ("1", 10**18), ("-0.5", -5 * 10**17), ("0.000000000000000001", 1)],
)
def test_wad__decimal_text__exact(text, value):
    assert wad(text) == value


def test_wad__more_digits_than_a_decimal_context__exact():
    assert wad("123456789012345678901234567890.123456789012345678") == int(
        "1234567890" * 4 + "12345678"
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", ".5", "5.", "1e3", "+1", "1,5", " 1", "1 ", "1_0", "NaN", "Infinity", "0x1"),
        "\u0661",  # a digit, but not ASCII
        "1\n",
        "0.0000000000000000001",  # 19 decimals
        "1" * 101,
        "1" * 5_000,
    ],
)
def test_wad__anything_else__refused(text):
    with pytest.raises(InputError):
        wad(text)


def test_wad__trailing_zeros_beyond_18_decimals__exact_so_accepted():
    assert wad("0.1000000000000000000000") == 10**17


@pytest.mark.parametrize(
    ("usd6", "text"),
    [
        (1_234_560_000, "1,234.56"),
        (0, "0.00"),
        (4_999, "0.00"),
        (5_000, "0.01"),
        (-1_234_567_890_123, "-1,234,567.89"),
        (-4_999, "0.00"),
        (-5_000, "-0.01"),
    ],
)
def test_usd__amounts__grouped_with_cents(usd6, text):
    assert usd(usd6) == text


def test_mul_bps_up__largest_int64__no_overflow():
    big = np.array([2**63 - 1])
    assert mul_bps_up(big, 10_000)[0] == 2**63 - 1
    assert mul_bps_up(big, 1)[0] == -(-(2**63 - 1) // 10_000)


def test_ceil_div__both_kinds__round_up():
    assert (ceil_div(7, 2), ceil_div(-7, 2), ceil_div(6, 2)) == (4, -3, 3)
    assert ceil_div(np.array([7, -7, 6]), 2).tolist() == [4, -3, 3]
