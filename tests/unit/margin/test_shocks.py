"""Each family of scenarios against what its name promises, worked without the engine's formula."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keeper.margin.risk_arrays import risk_arrays
from keeper.pricing import black76
from keeper.state.snapshot import ListingRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    MILLI,
    MODEL,
    NEAR,
    NOW,
    STILL,
    call,
    exchange,
    forward,
    future,
    perpetual,
    put,
    spot,
)

DAY = 86_400
WEEKS = NOW + 30 * DAY
YEAR = NOW + 360 * DAY


def pnl(instruments, *, now=NOW, **changes):
    """Result of one scenario for each instrument, micro-dollars a lot, on flat smiles of 50 %."""
    model = replace(MODEL, scenarios=(replace(STILL, **changes),))
    expiries = sorted({i >> 72 & (1 << 40) - 1 for i in instruments} | {0})
    flat = [
        replace(forward(u, e, 10**18, now), a=250 * MILLI if e else 0, b=0, rho=0, m=0, sigma=0)
        for u in (BTC, ETH)
        for e in expiries
    ]
    snapshot = exchange(
        listings=[ListingRow(i, 0, 0) for i in instruments], forwards=flat, model=model, now=now
    )
    arrays = risk_arrays(snapshot, model)
    found = dict(zip(sorted(instruments), arrays.pnl[:, 0].tolist(), strict=True))
    return [found[i] for i in instruments]


def vol_after(instrument, *, now=NOW, **changes):
    """ln of the ratio of implied vols after and before a scenario that moves no price."""
    strike, expiry = (instrument & (1 << 64) - 1) / 1e8, instrument >> 72 & (1 << 40) - 1
    years = max(expiry - now - changes.get("clock_seconds", 0), 0) / (365 * DAY)
    is_call = instrument >> 64 & 255 == 4
    # A thousand lots of 0.001: micro-dollars a lot are thousandths of a dollar a unit.
    unit = 3_011.23456789
    present = float(black76.price(unit, strike, 0.5, (expiry - now) / (365 * DAY), is_call))
    price = present + pnl([instrument], now=now, **changes)[0] / 1e3
    low, high = 0.05, 5.0
    for _ in range(60):
        middle = (low + high) / 2
        below = float(black76.price(unit, strike, middle, years, is_call)) < price
        low, high = (middle, high) if below else (low, middle)
    return float(np.log(low / 0.5))


def close(x):
    return pytest.approx(x, abs=2e-4)


def test_single__other_underlying__stands_still():
    ours, theirs = pnl([perpetual(BTC), perpetual(ETH)], spot_bps=6_500, focus=BTC)
    assert ours == round(0.65 * 0.092 * 91_234_567.89012)
    assert theirs == 0


def test_dispersion__of_prices__parts_the_two():
    btc, eth = pnl([spot(BTC), spot(ETH)], spot_bps=3_873, others_spot_bps=-3_873, focus=BTC)
    assert btc == round(0.3873 * 0.092 * 91_234_567.89012)
    assert eth == round(-0.3873 * 0.122 * 3_011_234.56789)


def test_dispersion__of_vol__takes_each_side_at_its_own_range():
    eth_up = vol_after(call(3_000, WEEKS), vol_bps=-5_000, others_vol_bps=5_000, focus=BTC)
    eth_down = vol_after(call(3_000, WEEKS), vol_bps=5_000, others_vol_bps=-5_000, focus=BTC)
    assert (eth_up, eth_down) == (close(0.125), close(-0.075))


@pytest.mark.parametrize(
    ("days", "parallel", "flat"),
    # 0.25 sqrt(30 / days), and 0.6 * 0.25 (30 / days) ** 0.2: the far end moves with the near.
    [(7.5, 0.5, 0.19793), (30, 0.25, 0.15), (120, 0.125, 0.11368)],
)
def test_flat__moves_far_vols_more_than_parallel_does(days, parallel, flat):
    option = call(3_000, NOW + int(days * DAY))
    assert vol_after(option, vol_bps=10_000) == close(parallel)
    assert vol_after(option, flat_bps=6_000) == close(flat)
    assert vol_after(option, flat_bps=-6_000) == close(-flat * 0.15 / 0.25)


@pytest.mark.parametrize(("days", "share"), [(1, 1), (2, 1), (3.5, 0.5), (5, 0), (30, 0)])
def test_front__only_expiries_below_five_days_move(days, share):
    option = call(3_000, NOW + int(days * DAY))
    assert vol_after(option, front_bps=-6_000) == close(-0.6 * share)
    assert vol_after(option, front_bps=6_000) == close(0.6 * share)


def test_front__long_near_short_far_calendar__loses_what_a_parallel_fall_does_not_take():
    near, far = call(3_000, NOW + 2 * DAY), call(3_000, WEEKS)
    front = pnl([near, far], front_bps=-6_000)
    assert front[0] < 0 == front[1]


@pytest.mark.parametrize(
    ("days", "shift"),
    # g is -1 at a day or less with (30 / t) ** 0.4, zero at 30 days, 0.73 at 360.
    [(0.5, 0.15 * 4.2617), (1, 0.15 * 3.8981), (30, 0.0), (360, -0.15 * 0.73060), (1_000, -0.15)],
)
def test_twist__near_and_far_vols_part(days, shift):
    option = call(3_000, NOW + int(days * DAY))
    assert vol_after(option, twist_bps=1_500) == close(shift)
    assert vol_after(option, twist_bps=-1_500) == close(-shift)


def test_twist__pivots_at_thirty_days():
    near, pivot, far = pnl([call(3_000, e) for e in (NEAR, WEEKS, YEAR)], twist_bps=1_500)
    assert near > 0 == pivot > far


def test_skew__tilts_about_the_forward():
    low, middle, high = (vol_after(o, skew_bps=450) for o in _wings())
    # ln(K / F) is 0.5 sqrt(30 / 365) = one standard deviation away.
    assert (low, middle, high) == (close(-0.045), close(0.0), close(0.045))


def test_curvature__lifts_both_wings():
    low, middle, high = (vol_after(o, curvature_bps=300) for o in _wings())
    assert (low, middle, high) == (close(0.03), close(0.0), close(0.03))


def _wings():
    """Options a standard deviation below, at and above the forward, 30 days out."""
    strikes = [round(3_011.23456789 * np.exp(0.5 * n * np.sqrt(30 / 365))) for n in (-1, 0, 1)]
    return put(strikes[0], WEEKS), call(strikes[1], WEEKS), call(strikes[2], WEEKS)


def test_skew__far_wing_and_short_term__are_capped():
    # Beyond 2.5 deviations, and sqrt(30 / t) beyond 3: 0.045 * 2.5 and 0.045 * 3.
    far = round(3_011.23456789 * np.exp(3 * 0.5 * np.sqrt(30 / 365)))
    assert vol_after(call(far, WEEKS), skew_bps=450) == pytest.approx(0.1125, abs=2e-3)
    near = round(3_011.23456789 * np.exp(0.5 * np.sqrt(2 / 365)))
    assert vol_after(call(near, NOW + 2 * DAY), skew_bps=450) == pytest.approx(0.135, abs=3e-3)


def test_decay__a_day_of_a_day_option__is_the_whole_premium():
    option = call(3_100, NOW + DAY)
    value = float(black76.price(3_011.23456789, 3_100, 0.5, 1 / 365, True))
    assert pnl([option], clock_seconds=DAY)[0] == round(-value * 1e3)


def test_decay__with_a_twist__takes_the_tenor_that_is_left():
    # 31 days, a day later: the pivot.
    assert vol_after(call(3_000, NOW + 31 * DAY), twist_bps=2_000, clock_seconds=DAY) == close(0)


def test_roll__short_dated_hedge__leaves_the_future_to_lose_a_full_move():
    # Long a future, hedged by a deep call sold that expires within the day.
    hedge, held = call(1_500, NOW + 20 * 3_600), future(WEEKS)
    rolled = pnl([hedge, held], spot_bps=-10_000, clock_seconds=DAY, rolls=True)
    plain = pnl([hedge, held], spot_bps=-10_000, clock_seconds=DAY)
    assert rolled[0] == 0
    assert plain[1] == round(-0.122 * 3_011_234.56789)
    assert rolled[1] == pytest.approx(plain[1] * 1.02867, rel=1e-5)  # with the carry of a month
    assert abs(plain[1] - plain[0]) <= 1  # without the roll the hedge seems perfect


@pytest.mark.parametrize(("hours", "share"), [(1, 0), (24, 0), (27, 0.5), (30, 1), (60, 1)])
def test_roll__phases_in_over_six_hours(hours, share):
    moved = pnl([future(NOW + hours * 3_600)], spot_bps=10_000, rolls=True)[0]
    carried = 1 + 0.1 * (hours / 8_760) ** 0.5
    assert moved == pytest.approx(share * carried * 0.122 * 3_011_234.56789, abs=1)


def test_roll__what_never_expires__moves_in_full():
    for instrument in (spot(), perpetual()):
        assert pnl([instrument], spot_bps=10_000, rolls=True)[0] == round(0.122 * 3_011_234.56789)


def test_shift__sum_of_shocks__is_clamped_once():
    option = call(3_000, NOW + 2 * DAY)
    assert vol_after(option, vol_bps=30_000, front_bps=-30_000) == close(-0.0953)
    assert vol_after(option, front_bps=20_000) == close(1.2)
    assert vol_after(option, front_bps=-20_000) == close(-1.2)


def test_shocks__unpriced_listing__leaves_its_neighbours_alone():
    snapshot = exchange(
        forwards=[f for f in FORWARDS if f.expiry != FAR],
        listings=[ListingRow(i, 0, 0) for i in (future(NEAR), future(FAR), spot())],
    )
    arrays = risk_arrays(snapshot, MODEL)
    alone = risk_arrays(exchange(listings=[ListingRow(spot(), 0, 0)]), MODEL)
    assert arrays.priced.tolist() == [True, True, False]
    assert arrays.pnl[0].tolist() == alone.pnl[0].tolist()
    assert not arrays.pnl[2].any()


@pytest.mark.parametrize(("days", "reach"), [(0.9, 0), (36.5, 1.03162), (365, 1.1), (800, 1.1)])
def test_carry__forward__moves_farther_than_spot_by_the_root_of_its_term(days, reach):
    term = NOW + int(days * DAY)
    held = [perpetual(), future(term)]
    for side in (-1, 1):
        near, far = pnl(held, spot_bps=side * 10_000, rolls=True)
        if days < 1:
            assert far == 0  # rolled off
            continue
        assert near == round(side * 0.122 * 3_011_234.56789)
        assert far == pytest.approx(near * reach, rel=1e-5)


def test_carry__conversion__has_none_as_all_its_legs_move_alike():
    held = [call(3_000, YEAR), put(3_000, YEAR), future(YEAR)]
    bought, sold, hedge = pnl(held, spot_bps=-10_000, clock_seconds=DAY, rolls=True)
    assert abs(bought - sold - hedge) <= 2


def test_carry__rows_that_roll_nothing__move_all_terms_alike():
    near, far = pnl([perpetual(), future(YEAR)], spot_bps=10_000)
    assert near == far


def test_roll__next_days_leg__is_free_once_the_first_has_six_hours():
    """A leg of today against one of tomorrow: held back alike, both would ask for nothing."""
    near, far = future(NOW + 6 * 3_600), future(NOW + 30 * 3_600)
    first, second = pnl([near, far], spot_bps=10_000, rolls=True)
    assert first == 0
    assert second > 0.122 * 3_011_234.56789


def test_roll__an_epoch__moves_no_leg_by_more_than_a_fiftieth_of_the_range():
    hours = [24 + n * 0.107 for n in range(118)]  # epochs of 6.4 minutes
    moved = pnl([future(NOW + int(h * 3_600)) for h in hours], spot_bps=10_000, rolls=True)
    steps = np.abs(np.diff(moved)) / (0.122 * 3_011_234.56789)
    assert 0.01 < steps.max() < 0.02
