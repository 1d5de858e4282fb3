"""Black-76 against mpmath, books, other libraries and its own limits."""

from __future__ import annotations

import json
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
import QuantLib as ql

from keeper.pricing import black76
from tests.reference import black

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "pricing.json").read_text("utf-8"))
YEAR_SECONDS = 365 * 86400


def random_options(count, seed=3):
    rng = np.random.default_rng(seed)
    forward = np.exp(rng.uniform(np.log(0.5), np.log(2e5), count))
    strike = forward * np.exp(rng.uniform(-1.2, 1.2, count))
    vol = np.exp(rng.uniform(np.log(0.01), np.log(5), count))
    years = np.exp(rng.uniform(np.log(1e-6), np.log(5), count))
    return forward, strike, vol, years, rng.random(count) < 0.5


def exact(forward, strike, vol, years, is_call):
    f, k, v, t = (mp.mpf(float(x)) for x in (forward, strike, vol, years))
    return black(f, k, v, t, 1 if is_call else -1)


def test_price__random_options__error_below_1e_15_of_the_forward():
    options = random_options(4_000)
    prices = black76.price(*options)
    errors = [
        abs(mp.mpf(float(p)) - exact(*o)) / mp.mpf(float(o[0]))
        for p, o in zip(prices, zip(*options, strict=True), strict=True)
    ]
    assert max(errors) < 1e-15


def test_price__out_of_the_money__relative_error_small_too():
    # Where a direct formula cancels: four deviations out.
    price = float(black76.price(100.0, 149.0, 0.1, 1.0, True))
    assert abs(price / exact(100.0, 149.0, 0.1, 1.0, True) - 1) < 1e-12


def test_price__vectors__within_1e_15_of_the_forward():
    columns = {name: np.array(VECTORS[name]) for name in VECTORS}
    forward, strike = (
        columns[n].astype(object).astype(float) / 1e18 for n in ("forward_wad", "strike_wad")
    )
    vol = np.sqrt(columns["variance_per_year_wad"].astype(float) / 1e18)
    years = columns["seconds"].astype(float) / YEAR_SECONDS
    prices = black76.price(forward, strike, vol, years, columns["is_call"])
    expected = [int(p) / 1e18 for p in VECTORS["price_wad"]]
    assert len(prices) >= 50
    assert np.abs(prices - expected).max() < 1e-10
    assert (np.abs(prices - expected) <= 1e-15 * np.maximum(forward, strike)).all()


# Haug (1998), as printed in QuantLib's test suite: K = 100, q = r = 10 %, S = 90, 100, 110.
HAUG = {
    (0.1, 0.15): ((0.0205, 1.8734, 9.9413), (9.9210, 1.8734, 0.0408)),
    (0.1, 0.25): ((0.3150, 3.1217, 10.3556), (10.2155, 3.1217, 0.4551)),
    (0.1, 0.35): ((0.9474, 4.3693, 11.1381), (10.8479, 4.3693, 1.2376)),
    (0.5, 0.15): ((0.8069, 4.0232, 10.5769), (10.3192, 4.0232, 1.0646)),
    (0.5, 0.25): ((2.7026, 6.6997, 12.7857), (12.2149, 6.6997, 3.2734)),
    (0.5, 0.35): ((4.9329, 9.3679, 15.3086), (14.4452, 9.3679, 5.7963)),
}


@pytest.mark.parametrize(("years", "vol"), HAUG)
def test_price__haug_table__four_decimals(years, vol):
    spots = np.array([90.0, 100.0, 110.0])
    discount = np.exp(-0.10 * years)
    for is_call, printed in zip((True, False), HAUG[years, vol], strict=True):
        prices = discount * black76.price(spots, 100.0, vol, years, is_call)
        assert prices == pytest.approx(printed, abs=1e-4)


@pytest.mark.parametrize(
    ("strike", "vol", "expected"),
    [
        (85, 0.1, 20.816241352493662),
        (100, 0.2, 19.207654124402573),
        (103, 0.3, 26.343236303647927),
        (150, 0.5, 31.040979917191127),
        (250, 0.1, 1.328198130230618e-4),
        (250, 0.8, 43.99634090899799),
    ],
)
def test_price__opengamma_strata__thirteen_digits(strike, vol, expected):
    assert black76.price(104.0, strike, vol, 4.5, True) == pytest.approx(expected, rel=1e-13)


def test_price_and_greeks__quantlib__agree():
    options = random_options(300, seed=4)
    greeks = black76.price_and_greeks(*options)
    for n, (forward, strike, vol, years, is_call) in enumerate(zip(*options, strict=True)):
        kind = ql.Option.Call if is_call else ql.Option.Put
        payoff = ql.PlainVanillaPayoff(kind, float(strike))
        other = ql.BlackCalculator(payoff, float(forward), float(vol * np.sqrt(years)), 1.0)
        scale = max(forward, strike)
        assert greeks.price[n] == pytest.approx(other.value(), abs=2e-13 * scale)
        assert greeks.delta[n] == pytest.approx(other.deltaForward(), abs=1e-12)
        assert greeks.gamma[n] == pytest.approx(other.gammaForward(), rel=1e-9, abs=1e-12 / scale)
        vega = other.vega(float(years))
        assert greeks.vega[n] == pytest.approx(vega, rel=1e-9, abs=1e-12 * scale)
        theta = other.theta(float(forward), float(years))
        assert greeks.theta[n] == pytest.approx(theta, rel=1e-9, abs=1e-12 * scale / years)
        formula = ql.blackFormula(kind, float(strike), float(forward), float(vol * np.sqrt(years)))
        assert greeks.price[n] == pytest.approx(formula, abs=2e-13 * scale)


def test_greeks__mpmath__agree():
    options = random_options(600, seed=8)
    greeks = black76.price_and_greeks(*options)
    # Relative to the density at d1, whose exponent magnifies the rounding of d1 itself.
    for n, (forward, strike, vol, years, is_call) in enumerate(zip(*options, strict=True)):
        f, k, v, t = (mp.mpf(float(x)) for x in (forward, strike, vol, years))
        s = v * mp.sqrt(t)
        d1 = mp.log(f / k) / s + s / 2
        if abs(d1) > 30:
            continue
        slack = 1e-15 * float(1 + d1 * d1 + abs(d1) / s)
        density = mp.npdf(d1)
        delta = mp.ncdf(d1) - (0 if is_call else 1)
        assert abs(greeks.delta[n] - delta) < 4e-16 + slack * density
        assert greeks.gamma[n] == pytest.approx(float(density / (f * s)), rel=2 * slack)
        assert greeks.vega[n] == pytest.approx(float(f * density * mp.sqrt(t)), rel=2 * slack)
        theta = -f * density * v / (2 * mp.sqrt(t))
        assert greeks.theta[n] == pytest.approx(float(theta), rel=2 * slack)


# Spot-based book values: F = S exp((r - q) T), and the discount factors stand outside.
@pytest.mark.parametrize(
    ("is_call", "strike", "spot", "q", "r", "years", "vol", "expected"),
    [
        (True, 65, 60, 0.0, 0.08, 0.25, 0.30, 2.1334),
        (False, 95, 100, 0.05, 0.10, 0.50, 0.20, 2.4648),
        (False, 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
        (True, 19, 19, 0.10, 0.10, 0.75, 0.28, 1.7011),
        (True, 1.60, 1.56, 0.08, 0.06, 0.50, 0.12, 0.0291),
        (False, 70, 75, 0.05, 0.10, 0.50, 0.35, 4.0870),
        (True, 40, 42, 0.08, 0.04, 0.75, 0.35, 5.0975),
        # Hull, "Options, Futures, and Other Derivatives": chapters on Black-Scholes-Merton, on the
        # Greeks and on futures options; recomputed to four decimals.
        (True, 40, 42, 0.0, 0.10, 0.5, 0.20, 4.7594),
        (False, 40, 42, 0.0, 0.10, 0.5, 0.20, 0.8086),
        (True, 50, 49, 0.0, 0.05, 20 / 52, 0.20, 2.4005),
        (False, 20, 20, 0.09, 0.09, 4 / 12, 0.25, 1.1166),
    ],
)
def test_price__haug_and_hull_on_spot__four_decimals(
    is_call, strike, spot, q, r, years, vol, expected
):
    forward = spot * np.exp((r - q) * years)
    price = np.exp(-r * years) * black76.price(forward, strike, vol, years, is_call)
    assert price == pytest.approx(expected, abs=1e-4)


def on_spot(strike, spot, q, r, years, vol, is_call):
    """Spot Greeks from ours on the forward: delta, gamma, vega, theta of a discounted option."""
    carry, discount = np.exp((r - q) * years), np.exp(-r * years)
    forward = spot * carry
    ours = black76.price_and_greeks(forward, strike, vol, years, is_call)
    # As time passes the forward falls by (r - q) F a year and the discount grows by r.
    theta = discount * (ours.theta - (r - q) * forward * ours.delta + r * ours.price)
    delta = discount * carry * ours.delta
    return delta, discount * carry * carry * ours.gamma, discount * ours.vega, theta


def test_greeks__haug_on_spot__printed_digits():
    # Haug (1998), as printed in QuantLib's test suite.
    call, put = (on_spot(100, 105, 0.10, 0.10, 0.5, 0.36, c)[0] for c in (True, False))
    assert (call, put) == pytest.approx((0.5946, -0.3566), abs=1e-4)
    _, gamma, vega, _ = on_spot(60, 55, 0.0, 0.10, 0.75, 0.30, True)
    assert (gamma, vega) == pytest.approx((0.0278, 18.9358), abs=1e-4)
    theta = on_spot(405, 430, 0.05, 0.07, 1 / 12, 0.20, False)[3]
    assert theta == pytest.approx(-31.1924, abs=1e-4)


def test_greeks__hull_on_spot__printed_digits():
    # The 240,000 dollar option that chapter "The Greek Letters" hedges.
    greeks = on_spot(50, 49, 0.0, 0.05, 20 / 52, 0.20, True)
    assert greeks == pytest.approx((0.522, 0.066, 12.1, -4.31), rel=1e-2)
    assert greeks == pytest.approx((0.52161, 0.065544, 12.1055, -4.3053), rel=2e-5)


def test_greeks__finite_differences__agree():
    f, k, vol, years, h = 3_000.0, 3_200.0, 0.6, 0.25, 1e-2
    up, down = (black76.price(f + d, k, vol, years, True) for d in (h, -h))
    assert black76.delta(f, k, vol, years, True) == pytest.approx((up - down) / (2 * h), rel=1e-8)
    up, down = (black76.delta(f + d, k, vol, years, True) for d in (h, -h))
    assert black76.gamma(f, k, vol, years) == pytest.approx((up - down) / (2 * h), rel=1e-7)
    up, down = (black76.price(f, k, vol + d, years, True) for d in (1e-5, -1e-5))
    assert black76.vega(f, k, vol, years) == pytest.approx((up - down) / 2e-5, rel=1e-8)
    up, down = (black76.price(f, k, vol, years + d, True) for d in (1e-5, -1e-5))
    theta = black76.price_and_greeks(f, k, vol, years, True).theta
    assert theta == pytest.approx(-(up - down) / 2e-5, rel=1e-8)


@pytest.mark.parametrize(
    ("vol", "years"), [(0.0, 1.0), (0.5, 0.0), (-1.0, 1.0), (0.5, -1.0), (0.0, 0.0)]
)
def test_price__no_variance__intrinsic_exactly(vol, years):
    forward = np.array([90.0, 100.0, 110.3])
    assert black76.price(forward, 100.0, vol, years, True).tolist() == [0.0, 0.0, 110.3 - 100.0]
    assert black76.price(forward, 100.0, vol, years, False).tolist() == [10.0, 0.0, 0.0]
    step = pytest.approx([0.0, 0.5, 1.0], abs=1e-290)
    assert black76.delta(forward, 100.0, vol, years, True) == step
    assert black76.delta(forward, 100.0, vol, years, False) + 1.0 == step
    assert black76.gamma(forward, 100.0, vol, years).tolist() == [0.0, 0.0, 0.0]
    assert black76.vega(forward, 100.0, vol, years).tolist() == [0.0, 0.0, 0.0]
    assert black76.price_and_greeks(forward, 100.0, vol, years, True).theta.tolist() == [0.0] * 3


def test_price__vanishing_deviation__continuous_and_silent():
    years = np.array([1e-300, 1e-30, 1e-16])
    assert black76.price(110.0, 100.0, 1e-150, years, True).tolist() == [10.0, 10.0, 10.0]


def test_price__huge_deviation__the_bounds():
    assert float(black76.price(104.0, 100.0, 100.0, 4.5, True)) == 104.0
    assert float(black76.price(104.0, 100.0, 100.0, 4.5, False)) == 100.0


def test_price__zero_strike_or_forward__the_bounds():
    assert float(black76.price(104.0, 0.0, 0.5, 1.0, True)) == 104.0
    assert float(black76.price(104.0, 0.0, 0.5, 1.0, False)) == 0.0
    assert float(black76.price(0.0, 100.0, 0.5, 1.0, True)) == 0.0
    assert float(black76.price(0.0, 100.0, 0.5, 1.0, False)) == 100.0


def test_price__broadcasting__rows_times_columns():
    strikes = np.array([90.0, 100.0, 110.0])
    vols = np.array([[0.2], [0.4]])
    table = black76.price(100.0, strikes, vols, 0.5, np.array([True, False, True]))
    assert table.shape == (2, 3)
    assert table[1, 1] == black76.price(100.0, 100.0, 0.4, 0.5, False)
