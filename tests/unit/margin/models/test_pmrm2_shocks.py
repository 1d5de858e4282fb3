"""Vols of the scenarios, and options with vol, against mpmath."""

from __future__ import annotations

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

from keeper.margin.models.pmrm2.inputs import (
    Scenario,
    SkewCap,
    SkewShock,
    Smile,
    StaticDiscount,
    Vol,
    VolShock,
)
from keeper.margin.models.pmrm2.margins import margins
from keeper.margin.models.pmrm2.shocks import shocked_vols, skew_multiplier, term_multipliers
from keeper.margin.models.pmrm2.valuation import smile_vols
from tests.reference import black
from tests.unit.margin.models.pmrm2_cases import collateral, expiry, holding, model

DAY = 86400
SHOCK = VolShock(
    range_up=0.5,
    range_down=0.4,
    short_term_power=0.5,
    long_term_power=1.0,
    floor_days=1.2,
    least_vol_up=0.45,
)


@pytest.mark.parametrize(
    ("days", "growth"),
    [
        (30.0, 1.0),
        (30.001, 30 / 30.001),
        (29.0, (30 / 29) ** 0.5),
        (7.5, 2.0),
        (60.0, 0.5),
        (1.2, 5.0),
        (0.1, 5.0),
        (0.0, 5.0),
    ],
)
def test_term_multipliers__power_of_30_days_over_time_left(days, growth):
    up, down = term_multipliers(np.array([days * DAY]), SHOCK)
    assert up[0] == pytest.approx(1 + 0.5 * growth, rel=1e-14)
    assert down[0] == pytest.approx(max(1 - 0.4 * growth, 0.0), abs=1e-14)


@pytest.mark.parametrize(("seconds", "growth"), [(30 * DAY, 0.5), (30 * DAY + 1, 0.25)])
def test_term_multipliers__exactly_30_days__still_short_term(seconds, growth):
    # The base is 30 d over the floor, 1/4: at the boundary only the power tells the two apart.
    up, _ = term_multipliers(np.array([float(seconds)]), replace(SHOCK, floor_days=120.0))
    assert up[0] == pytest.approx(1 + 0.5 * growth, rel=1e-14)


def test_term_multipliers__no_floor_at_expiry__finite():
    up, down = term_multipliers(np.array([0.0]), replace(SHOCK, floor_days=0.0))
    assert np.isfinite(up[0])
    assert down[0] == 0.0


def multiplier(k, cap, years=0.25, **changes):
    shock = SkewShock(
        cap, cap, least_k_star=0.01, width=4.0, vol_static=0.6, vol_per_root_year=-0.2
    )
    return skew_multiplier(np.array([k]), np.array([years]), replace(shock, **changes), cap)[0]


@pytest.mark.parametrize(
    ("k", "expected"),
    # At a quarter year: k* = 0.5 * 4 * (0.6 - 0.1) = 1, cap = 0.25 - 0.5 * 0.1 = 0.2.
    [(0.0, 1.0), (0.5, 1.1), (-0.5, 0.9), (1.0, 1.2), (3.0, 1.2), (-3.0, 0.8)],
)
def test_skew_multiplier__linear_up_to_the_cap(k, expected):
    assert multiplier(k, SkewCap(0.25, -0.1)) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("k", "expected"),
    # Cap -0.2: the move is the lower of it and -0.2 k above zero, the higher below.
    [(0.5, 0.8), (3.0, 0.4), (7.0, 0.0), (0.0, 0.8), (-0.5, 1.2), (-3.0, 1.6)],
)
def test_skew_multiplier__negative_cap__is_a_floor_of_the_move(k, expected):
    assert multiplier(k, SkewCap(-0.2, 0.0)) == pytest.approx(expected, abs=1e-14)


def test_skew_multiplier__least_k_star__steepens_no_further():
    cap = SkewCap(0.2, 0.0)
    assert multiplier(0.005, cap, width=0.0) == pytest.approx(1.1, rel=1e-14)
    assert multiplier(0.005, cap, width=0.0, least_k_star=0.0) == pytest.approx(1.2, rel=1e-14)
    assert multiplier(0.0, cap, width=0.0, least_k_star=0.0) == 1.0


def test_shocked_vols__floor_binds_up_only_and_skews_differ_below_the_forward():
    cap = SkewCap(0.2, 0.0)
    skew = SkewShock(cap, cap, 1.0, 0.0, 0.0, 0.0)
    scenarios = [Scenario(1.0, vol, 1.0) for vol in Vol]
    vols = shocked_vols(
        scenarios,
        vol=np.array([0.2, 0.6]),
        k=np.array([-0.5, 0.5]),
        seconds=np.array([30.0 * DAY, 30.0 * DAY]),
        years=np.array([30 / 365, 30 / 365]),
        vol_shock=SHOCK,
        skew_shock=skew,
    )
    expected = [[0.45, 0.9], [0.12, 0.36], [0.2, 0.6], [0.18, 0.66], [0.22, 0.66]]
    assert vols == pytest.approx(np.array(expected), rel=1e-14)


def vol_at(strike, smile):
    held = holding((strike, True, 1.0), expiries=(replace(expiry(), smile=smile),))
    return smile_vols(held.expiries, held.options)[0]


def test_smile_vols__against_the_formula_on_its_own_forward_and_tenor():
    smile = Smile(0.02, 0.1, -0.3, 0.05, 0.2, 110.0, 0.5)
    k = mp.log(mp.mpf(90) / 110)
    d = k - mp.mpf(0.05)
    w = mp.mpf(0.02) + mp.mpf(0.1) * (mp.mpf(-0.3) * d + mp.sqrt(d * d + mp.mpf(0.2) ** 2))
    assert vol_at(90.0, smile) == pytest.approx(float(mp.sqrt(w / mp.mpf(0.5))), rel=1e-14)


def test_smile_vols__far_strikes__read_at_four_deviations():
    smile = Smile(0.03, 0.1, 0.0, 0.0, 0.1, 100.0, 1.0)  # a + b sigma = 0.04: |k| at most 0.8
    edge = mp.sqrt(mp.mpf(0.03) + mp.mpf(0.1) * mp.sqrt(mp.mpf(0.65)))
    for strike in (1e5, 0.01):
        assert vol_at(strike, smile) == pytest.approx(float(edge), rel=1e-14)


def test_smile_vols__huge_variance__capped_at_144():
    assert vol_at(100.0, Smile(900.0, 0.0, 0.0, 0.0, 0.0, 100.0, 4.0)) == 6.0


def test_margins__covered_call__equals_mpmath_in_every_kind_of_scenario():
    seconds, forward, rate, strike = 40 * DAY, 61_500.0, 0.12, 70_000.0
    smile = Smile(0.01, 0.06, -0.2, -0.03, 0.15, forward, seconds / (365 * DAY))
    shock = replace(SHOCK, least_vol_up=0.3)
    skew = SkewShock(SkewCap(0.25, -0.1), SkewCap(0.3, 0.0), 0.01, 4.0, 0.6, 0.0)
    moves = [(0.85, Vol.DOWN), (1.15, Vol.UP), (1.0, Vol.NONE), (3.0, Vol.UP, 0.02)]
    parameters = model(
        *moves, (1.0, Vol.LINEAR), (1.0, Vol.ABS),
        vol_shock=shock,
        skew_shock=skew,
        short_discount=StaticDiscount(1.01, 0.5, 0.02),
    )  # fmt: skip
    held = holding(
        (strike, True, -1.0),
        expiries=(replace(expiry(seconds, forward, rate=rate), smile=smile),),
        collaterals=(collateral(1.0, 61_000.0, offsets_spot=True),),
    )

    f, k, t = mp.mpf(forward), mp.mpf(strike), mp.mpf(40) / 365
    d = mp.log(k / f) - mp.mpf(smile.m)
    w = mp.mpf(smile.a) + mp.mpf(smile.b) * (
        mp.mpf(smile.rho) * d + mp.sqrt(d * d + mp.mpf(smile.sigma) ** 2)
    )
    vol, root = mp.sqrt(w / t), mp.sqrt(t)
    k_star = root * 4 * mp.mpf(0.6)
    turn = mp.log(k / f) / k_star
    growth = mp.mpf(30) / 40  # long term power 1
    vols = {
        Vol.UP: vol * (1 + growth / 2),
        Vol.DOWN: vol * (1 - mp.mpf(0.4) * growth),
        Vol.NONE: vol,
        Vol.LINEAR: vol * (1 + turn * (mp.mpf(0.25) - mp.mpf(0.1) * root)),
        Vol.ABS: vol * (1 + turn * mp.mpf(0.3)),
    }
    assert 0 < turn < 1
    df = mp.exp(-mp.mpf(rate) * t)
    debt = min(mp.mpf(1.01) * mp.exp(t * (mp.mpf(rate) / 2 + mp.mpf(0.02))), 1 / df)
    mark = -df * black(f, k, vol, t, 1)
    result = margins(held, parameters)
    assert result.mark_to_market == pytest.approx(float(61_000 + mark), rel=1e-14)
    for scenario, pnl in zip(parameters.scenarios, result.scenario_pnl, strict=True):
        shocked = -df * black(f * mp.mpf(scenario.spot_shock), k, vols[scenario.vol], t, 1) * debt
        option = shocked - mark
        if scenario.vol.is_skew:
            option = -abs(option)
        expected = scenario.dampening * (option + 61_000 * (mp.mpf(scenario.spot_shock) - 1))
        assert pnl == pytest.approx(float(expected), rel=1e-12), scenario
