"""The price path: its stated facts, and that every surface is one that the feeds accept."""

from itertools import pairwise

import pytest

from keeper.devnet import market
from keeper.devnet.market import BTC, ETH, EXPIRIES, EXPIRY_DAY, STEP_HOURS, spot_e8, surface
from keeper.units import E8, WAD


def test_path__the_two_closes_of_the_record():
    assert spot_e8(ETH, 0) == 194_61 * E8 // 100
    assert spot_e8(ETH, 24) == 107_82 * E8 // 100
    assert spot_e8(BTC, 0) == 7_940 * E8
    assert spot_e8(BTC, 24) == 4_860 * E8


@pytest.mark.parametrize("underlying", [BTC, ETH])
def test_path__one_step_loses_a_fifth(underlying):
    moves = [
        spot_e8(underlying, after) / spot_e8(underlying, before) - 1
        for before, after in pairwise(STEP_HOURS)
    ]
    assert min(moves) <= -0.175
    if underlying == ETH:
        assert -0.22 < min(moves) <= -0.18
    assert sum(move < -0.175 for move in moves) == 1


@pytest.mark.parametrize("underlying", [BTC, ETH])
def test_path__never_zero_and_recovers_in_part(underlying):
    spots = [spot_e8(underlying, hour) for hour in STEP_HOURS]
    assert min(spots) > 0
    assert min(spots) < spots[-1] < spots[0]


def test_path__steps_are_hours_of_the_path_and_ascend():
    assert 20 <= len(STEP_HOURS) <= 28
    assert list(STEP_HOURS) == sorted(set(STEP_HOURS))
    assert STEP_HOURS[0] == 0
    assert STEP_HOURS[-1] == market.ANCHORS[-1].hour
    # A surface stays fresh for two hours: no step may let the last one go stale.
    assert max(after - before for before, after in pairwise(STEP_HOURS)) <= 2


@pytest.mark.parametrize("hour", [-1, market.ANCHORS[-1].hour + 1])
def test_path__hour_outside__is_refused(hour):
    with pytest.raises(ValueError, match="outside of the path"):
        spot_e8(ETH, hour)


def test_start__is_eight_utc_in_the_future():
    assert market.START % market.DAY == 8 * market.HOUR
    assert tuple(sorted(EXPIRIES)) == EXPIRIES


@pytest.mark.parametrize("underlying", [BTC, ETH])
@pytest.mark.parametrize("hour", STEP_HOURS)
def test_surface__is_within_the_bounds_of_the_feeds(underlying, hour):
    now = market.START + hour * market.HOUR + 1
    quotes = surface(underlying, hour, now)
    assert [quote.expiry for quote in quotes] == [0, *(e for e in EXPIRIES if e > now)]
    for quote in quotes:
        assert WAD // 2 <= quote.ratio <= 2 * WAD
        if quote.expiry == 0:
            assert (quote.a, quote.b, quote.rho, quote.m, quote.sigma) == (0, 0, 0, 0, 0)
            continue
        assert 0 < quote.a <= 9 * WAD
        assert 0 < quote.b <= 5 * WAD
        assert -WAD < quote.rho < 0 < quote.sigma
        # The least variance of the smile stays positive.
        assert quote.a + quote.b * quote.sigma * 9 // (10 * WAD) > 0


def at_the_money(quote):
    return ((quote.a + quote.b * quote.sigma / WAD) / WAD) ** 0.5


def test_surface__vol_rises_and_forwards_dip_in_the_crash():
    calm = {quote.expiry: quote for quote in surface(ETH, 0, market.START + 1)}
    crash = {quote.expiry: quote for quote in surface(ETH, 24, market.START + market.DAY + 1)}
    fortnight = market.EXPIRY_FORTNIGHT
    assert at_the_money(calm[fortnight]) == pytest.approx(0.8, abs=1e-6)
    assert at_the_money(crash[fortnight]) == pytest.approx(2.5, abs=1e-6)
    assert EXPIRY_DAY not in crash
    assert all(quote.ratio > WAD for quote in calm.values())
    assert all(quote.ratio < WAD for quote in crash.values())
