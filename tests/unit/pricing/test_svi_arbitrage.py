"""Arbitrage checks against the literature's examples and densities from prices themselves."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.pricing import black76
from keeper.pricing.svi_arbitrage import (
    MONEYNESS,
    Fault,
    Smile,
    butterfly,
    butterfly_violation,
    calendar_violation,
    parameter_faults,
)

# Axel Vogt's smile, example 3.1 of Gatheral and Jacquier (2014), for one year.
VOGT = Smile(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
SOUND = Smile(a=0.04, b=0.1, rho=-0.3, m=0.05, sigma=0.2)


def test_butterfly__vogt__negative_density_right_of_the_money():
    violation = butterfly_violation(VOGT, 1.0)
    assert violation is not None
    # The paper's figure 1: g dips below zero between 0.6 and 1.2, to about -0.03.
    assert 0.6 < violation.log_moneyness < 1.2
    assert -0.05 < violation.g < -0.01
    assert parameter_faults(VOGT, 1.0) == ()  # nothing in the parameters alone gives it away


def test_butterfly__vogt_repaired__no_violation():
    # Example 5.1 of the paper: in SVI-JW terms Vogt's smile has v, psi, p as below; its right wing
    # and least variance are moved to c = p + 2 psi and 4 v p c / (p + c)^2. Eq. 3.5 gives raw ones.
    v, psi, p, c = 0.01742625, -0.1752111, 0.6997381, 0.3493158
    least = v * 4 * p * c / (p + c) ** 2
    b = np.sqrt(v) / 2 * (c + p)
    rho = 1 - p * np.sqrt(v) / b
    beta = rho - 2 * psi * np.sqrt(v) / b
    alpha = np.sign(beta) * np.sqrt(1 / beta**2 - 1)
    root = np.sqrt(1 - rho**2)
    m = (v - least) / (b * (-rho + np.sign(alpha) * np.sqrt(1 + alpha**2) - alpha * root))
    sigma = alpha * m
    repaired = Smile(a=float(least - b * sigma * root), b=b, rho=rho, m=m, sigma=sigma)
    assert parameter_faults(repaired, 1.0) == ()
    assert butterfly_violation(repaired, 1.0) is None


def test_butterfly__flat_smile__one():
    flat = Smile(a=0.09, b=0.0, rho=0.0, m=0.0, sigma=0.1)
    assert butterfly(MONEYNESS, flat, 0.5).tolist() == [1.0] * len(MONEYNESS)


@pytest.mark.parametrize("smile", [VOGT, SOUND])
@pytest.mark.parametrize("years", [0.25, 1.0])
def test_butterfly__second_difference_of_call_prices__same_density(smile, years):
    # Breeden and Litzenberger: d2C/dK2 = g phi(d2) / (K sqrt(w)), for F = 1.
    k, h = MONEYNESS[270:400:10], 1e-4
    strikes = np.exp(k)

    def total(log_moneyness):
        x = log_moneyness - smile.m
        return years * (smile.a + smile.b * (smile.rho * x + np.sqrt(x**2 + smile.sigma**2)))

    def call(strike):
        return black76.price(1.0, strike, np.sqrt(total(np.log(strike))), 1.0, True)

    bumps = strikes * h
    density = (call(strikes + bumps) - 2 * call(strikes) + call(strikes - bumps)) / bumps**2
    w = total(k)
    d2 = -k / np.sqrt(w) - np.sqrt(w) / 2
    normal = np.exp(-(d2**2) / 2) / np.sqrt(2 * np.pi)
    expected = butterfly(k, smile, years) * normal / (strikes * np.sqrt(w))
    assert density == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_butterfly__negative_variance__minus_infinity():
    sunken = Smile(a=-0.1, b=0.1, rho=0.0, m=0.0, sigma=0.1)
    violation = butterfly_violation(sunken, 1.0)
    assert violation is not None
    assert violation.g == -np.inf


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({}, ()),
        ({"b": -0.1}, (Fault.NEGATIVE_SLOPE,)),
        ({"rho": 1.0}, (Fault.CORRELATION,)),
        ({"rho": -1.5}, (Fault.CORRELATION,)),
        ({"sigma": 0.0}, (Fault.NO_CURVATURE,)),
        ({"a": -0.0191}, (Fault.NEGATIVE_VARIANCE,)),  # b sigma sqrt(1 - rho^2) = 0.019079
        ({"a": -0.0190}, ()),
        ({"b": 1.539}, (Fault.STEEP_WING,)),  # 2 / 1.3 = 1.5385
        ({"b": 1.538}, ()),
        ({"a": -9.0, "b": 2.0, "sigma": -0.1}, tuple(Fault)[2:]),
    ],
)
def test_parameter_faults__each_condition__named(change, faults):
    names = ("a", "b", "rho", "m", "sigma")
    smile = Smile(**({name: getattr(SOUND, name) for name in names} | change))
    assert parameter_faults(smile, 1.0) == faults


def test_parameter_faults__shorter_expiry__steeper_wing_allowed():
    steep = Smile(a=0.04, b=5.0, rho=-0.3, m=0.05, sigma=0.2)
    assert parameter_faults(steep, 1.0) == (Fault.STEEP_WING,)
    assert parameter_faults(steep, 0.25) == ()


def test_calendar_violation__same_smile_a_year__none():
    assert calendar_violation(SOUND, 0.25, SOUND, 0.5) is None


def test_calendar_violation__less_total_variance_later__worst_point():
    lower = Smile(a=0.03, b=0.05, rho=-0.3, m=0.05, sigma=0.2)
    violation = calendar_violation(SOUND, 0.5, lower, 0.6)
    assert violation is not None
    # The left wing of the near smile is the steepest of all: worst at the left end.
    assert violation.log_moneyness == -3.0
    near = 0.5 * (0.04 + 0.1 * (0.3 * 3.05 + np.sqrt(3.05**2 + 0.04)))
    far = 0.6 * (0.03 + 0.05 * (0.3 * 3.05 + np.sqrt(3.05**2 + 0.04)))
    assert violation.missing_variance == pytest.approx(near - far, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: butterfly(MONEYNESS, SOUND, 0.0), "years"),
        (lambda: butterfly(MONEYNESS, Smile(0.04, 0.1, 0.0, 0.0, 0.0), 1.0), "sigma"),
        (lambda: calendar_violation(SOUND, 0.0, SOUND, 1.0), "near_years"),
        (lambda: calendar_violation(SOUND, 1.0, SOUND, 1.0), "far_years"),
    ],
)
def test_checks__bad_argument__input_error_naming_it(call, field):
    with pytest.raises(InputError, match=field):
        call()
