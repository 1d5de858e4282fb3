"""exp, log and the normal distribution against mpmath at 40 digits."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.pricing.normal import cdf, density

RNG = np.random.default_rng(20)


def worst_ulps(values, arguments, exact):
    """Return the largest error in units of the last place."""
    with mp.workdps(40):
        return max(
            abs((mp.mpf(v) - exact(mp.mpf(x))) / mp.mpf(float(np.spacing(abs(v)))))
            for v, x in zip(values.tolist(), arguments.tolist(), strict=True)
        )


def test_exp__whole_range__within_one_ulp():
    x = np.concatenate([RNG.uniform(-707, 708, 4_000), RNG.uniform(-1, 1, 4_000)])
    assert worst_ulps(exp(x), x, mp.exp) < 1


def test_log__whole_range__within_one_ulp():
    powers = np.ldexp(RNG.uniform(0.5, 1, 4_000), RNG.integers(-1_000, 1_000, 4_000))
    near_one = 1 + RNG.uniform(-1e-3, 1e-3, 4_000)
    x = np.concatenate([powers, RNG.uniform(0.5, 2, 4_000), near_one])
    assert worst_ulps(log(x), x, mp.log) < 1


def test_cdf__whole_range__absolute_error_below_3e_16():
    x = np.concatenate([RNG.uniform(-8, 8, 6_000), RNG.uniform(-37, 37, 1_000)])
    with mp.workdps(40):
        errors = [
            abs(mp.mpf(v) - mp.ncdf(mp.mpf(a)))
            for v, a in zip(cdf(x).tolist(), x.tolist(), strict=True)
        ]
    assert max(errors) < 3e-16


def test_cdf__tail__small_relative_error():
    x = RNG.uniform(-5, 0, 4_000)
    with mp.workdps(40):
        errors = [
            abs(mp.mpf(v) / mp.ncdf(mp.mpf(a)) - 1)
            for v, a in zip(cdf(x).tolist(), x.tolist(), strict=True)
        ]
    assert max(errors) < 1.5e-15


def test_density__at_zero_and_one__known_values():
    assert density(np.array([0.0, 1.0, -1.0])) == pytest.approx(
        [0.3989422804014327, 0.24197072451914337, 0.24197072451914337], rel=1e-15
    )


def test_exp__exact_points():
    x = np.array([0.0, -0.0, 1e-300])
    assert exp(x).tolist() == [1.0, 1.0, 1.0]


def test_exp__beyond_its_range__clamped_and_finite():
    far = exp(np.array([-1e308, -708.0, 709.0, 1e308]))
    assert far[0] == far[1] > 0
    assert far[2] == far[3] < np.inf


def test_log__exact_points():
    assert log(np.array([1.0])).tolist() == [0.0]


@pytest.mark.parametrize("function", [exp, log, cdf, density])
def test_functions__shape_and_layout__do_not_change_a_bit(function):
    x = RNG.uniform(0.1, 3, (6, 8))
    whole = function(x)
    assert whole.shape == x.shape
    assert np.array_equal(function(x[::2, ::3]), whole[::2, ::3])
    assert np.array_equal(function(np.asfortranarray(x)), whole)
    one_by_one = [float(function(np.asarray(v))) for v in x.ravel().tolist()]
    assert one_by_one == whole.ravel().tolist()
