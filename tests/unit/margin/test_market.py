"""How each kind of listing is marked, and what is at fault."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keeper.errors import MarketDataError
from keeper.margin.market import Standing, listing_market, require_fresh_spots
from keeper.pricing.svi import LOWEST_VARIANCE
from keeper.state.snapshot import ListingRow
from tests.books import (
    BTC,
    ETH,
    FORWARDS,
    LISTED,
    MILLI,
    NEAR,
    NOW,
    PAST,
    UNDERLYINGS,
    call,
    exchange,
    forward,
    future,
    perpetual,
    put,
    spot,
)


def marked(instrument, *, settlement_e8=0, **tables):
    """Return reference price, standing and whether settled of the only listing."""
    listings = [ListingRow(instrument, 0, settlement_e8)]
    market = listing_market(exchange(listings=listings, **tables))
    return int(market.reference_e8[0]), Standing(int(market.standing[0])), bool(market.settled[0])


def test_listing_market__spot__is_the_spot_without_any_surface():
    assert marked(spot(), forwards=[]) == (3_011_23456789, Standing.SOUND, False)


def test_listing_market__forward__is_rounded_down_to_1e_8():
    # 3011.23456789 * 1.0005 = 3012.740185173945
    assert marked(perpetual())[0] == 3_012_74018517
    # 3011.23456789 * 1.002 = 3017.25703702578
    assert marked(future())[0] == marked(call(3_000))[0] == 3_017_25703702


@pytest.mark.parametrize("age", [0, 7_200, 7_201, -1, NOW - 2**64 + 1])
@pytest.mark.parametrize("instrument", [perpetual(), future(), call(3_000), put(3_000)])
def test_listing_market__surface_age__stale_after_two_hours_or_dated_ahead(instrument, age):
    forwards = [forward(ETH, expiry, time=NOW - age) for expiry in (0, NEAR)]
    expected = Standing.SOUND if 0 <= age <= 7_200 else Standing.STALE
    assert marked(instrument, forwards=forwards)[1] == expected
    assert marked(instrument, forwards=forwards)[0] > 0


@pytest.mark.parametrize("instrument", [perpetual(), future(), call(3_000), put(3_000)])
@pytest.mark.parametrize(
    "changes",
    [None, {"time": 0}, {"ratio_wad": 0}, {"ratio_wad": 1}],
    ids=["missing", "never", "zero", "tiny"],
)
def test_listing_market__no_usable_forward__unpriced(instrument, changes):
    forwards = [] if changes is None else [forward(ETH, expiry, **changes) for expiry in (0, NEAR)]
    assert marked(instrument, forwards=forwards) == (0, Standing.UNPRICED, False)


@pytest.mark.parametrize("instrument", [call(3_000), put(4_000)])
@pytest.mark.parametrize(("a", "b"), [(-(2**63), MILLI), (0, 0), (10**15, -(10**18))])
def test_listing_market__no_variance_above_zero__at_fault_at_the_least_vol(instrument, a, b):
    bent = [replace(f, a=a, b=b) if f.expiry == NEAR else f for f in FORWARDS]
    assert marked(instrument, forwards=bent)[1] == Standing.NO_VARIANCE
    assert marked(future(), forwards=bent)[1] == Standing.SOUND
    market = listing_market(exchange(listings=[ListingRow(instrument, 0, 0)], forwards=bent))
    assert market.variance.tolist() == [LOWEST_VARIANCE]


@pytest.mark.parametrize(
    "instrument", [future(PAST), call(3_000, PAST), put(3_000, PAST), call(3_000, NOW)]
)
def test_listing_market__expired__needs_no_surface(instrument):
    assert marked(instrument, forwards=[]) == (3_011_23456789, Standing.SOUND, False)
    settled = marked(instrument, settlement_e8=2_900_00000000, forwards=[])
    assert settled == (2_900_00000000, Standing.SOUND, True)


def test_listing_market__expired__ignores_an_old_surface():
    old = [forward(ETH, PAST, time=1)]
    assert marked(call(3_000, PAST), forwards=old)[1] == Standing.SOUND


def test_listing_market__settlement_before_expiry__not_used():
    assert marked(future(), settlement_e8=1) == (3_017_25703702, Standing.SOUND, False)


def test_listing_market__every_listing__time_and_kind():
    market = listing_market(exchange())
    assert len(market.kind) == len(LISTED)
    assert set(market.seconds[market.is_option].tolist()) == {NEAR - NOW, 90 * 86400}
    assert set(market.seconds[market.kind <= 2].tolist()) == {0}
    assert (market.variance[market.is_option] > 0).all()
    assert (market.variance[~market.is_option] == 0).all()
    assert market.is_linear.sum() == 6


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("spot_e8", 0),
        ("lot_wad", 0),
        ("lot_wad", 2**63),
        ("scan_range_wad", 0),
        ("scan_range_wad", 5 * 10**18 + 1),
    ],
)
def test_listing_market__unusable_global_input__error_naming_the_underlying(field, value):
    broken = [UNDERLYINGS[0], replace(UNDERLYINGS[1], **{field: value})]
    with pytest.raises(MarketDataError, match=f"underlying {ETH}: {field} is {value}"):
        listing_market(exchange(underlyings=broken, listings=[]))


def test_listing_market__spot_dated_ahead__error_naming_underlying_and_both_times():
    def dated(time):
        rows = [UNDERLYINGS[0], replace(UNDERLYINGS[1], spot_time=time)]
        return listing_market(exchange(underlyings=rows))

    assert (dated(NOW).standing == Standing.SOUND).all()
    ahead = f"underlying {ETH}: spot_time {NOW + 1} is 1 s after ref_time {NOW}: read the spot"
    with pytest.raises(MarketDataError, match=ahead):
        dated(NOW + 1)
    with pytest.raises(MarketDataError, match=f"spot_time {2**64 - 1} is"):
        dated(2**64 - 1)


def test_require_fresh_spots__age__limit_inclusive_and_underlying_named():
    snapshot = exchange()  # 30 s old for BTC, 40 s for ETH
    require_fresh_spots(snapshot, 40)
    with pytest.raises(MarketDataError, match=f"^underlying {ETH}: .* 40 s old"):
        require_fresh_spots(snapshot, 39)
    with pytest.raises(MarketDataError, match=f"underlying {BTC}: .*; underlying {ETH}: "):
        require_fresh_spots(snapshot, 29)


def test_require_fresh_spots__zero__refused_however_fresh():
    broken = [replace(UNDERLYINGS[0], spot_e8=0), UNDERLYINGS[1]]
    with pytest.raises(MarketDataError, match=f"underlying {BTC}: spot_e8 0"):
        require_fresh_spots(exchange(underlyings=broken), 10**6)


def test_forwards__fixture__covers_both_underlyings():
    assert {row.underlying for row in FORWARDS} == {BTC, ETH}
