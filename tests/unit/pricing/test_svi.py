"""The smile against its formula and the shared vectors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from keeper.pricing.svi import HIGHEST_VARIANCE, LOWEST_VARIANCE, variance_per_year

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "smile.json").read_text("utf-8"))


def smile(k, a=0.04, b=0.1, rho=-0.3, m=0.05, sigma=0.2):
    return variance_per_year(*(np.asarray(x, dtype=np.float64) for x in (k, a, b, rho, m, sigma)))


def test_variance__vectors__nine_digits():
    names = ("k_wad", "a", "b", "rho", "m", "sigma")
    inputs = [np.array([int(x) for x in VECTORS[name]]) / 1e18 for name in names]
    expected = np.array([int(x) for x in VECTORS["variance_wad"]]) / 1e18
    assert variance_per_year(*inputs) == pytest.approx(expected, rel=1e-13, abs=1e-17)
    assert {expected.min(), expected.max()} == {LOWEST_VARIANCE, HIGHEST_VARIANCE}


def test_variance__at_m__a_plus_b_sigma():
    assert float(smile(0.05)) == pytest.approx(0.04 + 0.1 * 0.2, rel=1e-15)


def test_variance__wings__have_slopes_b_times_one_plus_minus_rho():
    right = (smile(1_001.0, b=0.001) - smile(1_000.0, b=0.001)) / 0.001
    left = (smile(-1_000.0, b=0.001) - smile(-1_001.0, b=0.001)) / 0.001
    assert (float(right), float(left)) == pytest.approx((0.7, -1.3), rel=1e-4)


@pytest.mark.parametrize(("a", "expected"), [(-1.0, 1e-4), (0.0, 1e-4), (30.0, 25.0)])
def test_variance__beyond_the_clamps__clamped(a, expected):
    assert float(smile(0.0, a=a, b=0.0)) == expected
