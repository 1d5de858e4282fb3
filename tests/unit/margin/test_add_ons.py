"""Each add-on of initial margin: its cells by hand, and its sums."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from unittest.mock import patch

import numpy as np
import pytest

from keeper.margin.add_on_cells import (
    Row,
    add_ons_per_lot,
    basis_wad,
    concentration_wad,
    depeg_wad,
    pin_wad,
)
from keeper.margin.add_ons import add_ons
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.portfolio import margin_book
from keeper.pricing import backend
from keeper.state.instruments import Kind
from keeper.state.snapshot import ListingRow, TokenRow, UnderlyingRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    LISTED,
    MILLI,
    MODEL,
    MODEL_TEXT,
    NEAR,
    NOW,
    PAST,
    UNDERLYINGS,
    account,
    call,
    exchange,
    forward,
    future,
    perpetual,
    put,
    spot,
)
from tests.reference import Reference

RULES = MODEL.add_ons
ETH_LOT_USD6 = 3_011_23457  # of a hundredth micro-dollar: 3,011.23 USD a coin, a thousandth a lot
PARTS = ("concentration", "basis", "vega", "confidence", "depeg", "pin")


def cells(instrument, *, price=None, open_interest=10**9, settlement=0, **tables):
    listings = [ListingRow(instrument, open_interest, settlement)]
    found = add_ons_per_lot(listing_market(exchange(listings=listings, **tables)), RULES, price)
    return {name: int(getattr(found, f"{name}_usd6")[0]) for name in PARTS}


def parts(lots, **tables):
    book = margin_book(exchange([account(1, lots)], **tables), MODEL)
    return {name: int(getattr(book.initial_parts, f"{name}_usd6")[0]) for name in PARTS}


def test_cells__every_listing__equal_the_reference():
    reference = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
    snapshot = exchange()
    found = add_ons_per_lot(listing_market(snapshot), RULES, None)
    for row, instrument in enumerate(sorted(LISTED)):
        netted = (int(found.basis_usd6[row]), int(found.vega_usd6[row]))
        assert netted == reference.netted_cells(instrument), hex(instrument)
        rates = (
            found.concentration_usd6,
            found.confidence_usd6,
            found.depeg_usd6,
            found.pin_usd6,
        )
        assert tuple(int(x[row]) for x in rates) == reference.rate_cells(instrument)


@pytest.mark.parametrize(
    ("instrument", "half_spread_e6"), [(call(3_000), 500), (call(3_000, FAR), 750), (spot(), 500)]
)
def test_concentration__deep_market__is_the_half_spread_of_the_term(instrument, half_spread_e6):
    exact = Fraction(ETH_LOT_USD6 * half_spread_e6, 100 * 10**6)
    assert 0 <= cells(instrument)["concentration"] - exact < 1


def test_concentration__open_interest__thin_markets_cost_more_up_to_the_multiple():
    deep = cells(spot())["concentration"]
    lots_at_depth = RULES.concentration_depth_usd * 10**8 // ETH_LOT_USD6
    assert cells(spot(), open_interest=lots_at_depth)["concentration"] in (deep, deep + 1)
    half = cells(spot(), open_interest=lots_at_depth // 2)["concentration"]
    assert half == pytest.approx(deep * 2**0.5, abs=2)
    for thin in (lots_at_depth // 4, 1, 0):
        assert cells(spot(), open_interest=thin)["concentration"] == pytest.approx(2 * deep, abs=1)


@pytest.mark.parametrize(
    ("instrument", "share"),
    [
        (spot(), 0.0),
        (perpetual(), 0.001 * 1.0005),
        (future(), 0.01 * (7 / 365) ** 0.5 * 1.002),
        (future(FAR), 0.01 * (90 / 365) ** 0.5 * 1.015),
    ],
)
def test_basis__linear__is_its_share_of_the_forward(instrument, share):
    assert cells(instrument)["basis"] == pytest.approx(ETH_LOT_USD6 / 100 * share, abs=1)


def test_basis__beyond_the_longest_term__grows_no_more():
    year, decade = NOW + 365 * 86400, NOW + 3650 * 86400
    quotes = [forward(ETH, year), forward(ETH, decade)]
    of_year, of_decade = (cells(future(t), forwards=quotes)["basis"] for t in (year, decade))
    assert of_year == of_decade
    assert of_year == pytest.approx(ETH_LOT_USD6 / 100 * 0.01002, abs=1)


# Factors and prices that do not come out even, so that each division shows which way it rounds.
UNEVEN = replace(
    RULES,
    liquidity_near=500_000_000_000_001,
    basis=9_999_999_999_999_999,
    confidence_factor=333_333_333_333_333_333,
    depeg_factor=199_999_999_999_999_999,
    pin=4_999_999_999_999_999,
    pin_width=19_999_999_999_999_999,
)
UNIT = Row(
    kind=Kind.CALL, settled=False, spot_e8=3_011_23456789, reference_e8=3_017_12345671,
    strike_e8=3_000 * 10**8, lot_wad=MILLI, seconds=10_007, open_interest=123_457,
    confidence_wad=7_000_000_000_000_001, delta_wad=0, vega_wad=0,
)  # fmt: skip


def up(exact, found):
    """Whether a wad is the exact share of 1e-18, rounded up."""
    return found == -(-(exact * 10**18).numerator // (exact * 10**18).denominator)


@pytest.mark.parametrize("price_e8", [98_999_999, 98_765_431, 50_000_003, 1])
def test_depeg_wad__uneven__rounded_up(price_e8):
    missing = Fraction(RULES.depeg_threshold, 10**18) - Fraction(price_e8, 10**8)
    exact = missing * Fraction(UNEVEN.depeg_factor, 10**18)
    assert (exact * 10**18).denominator > 1
    assert up(exact, depeg_wad(price_e8, UNEVEN))


@pytest.mark.parametrize("seconds", [1, 2, 59, 86_399, 604_800, 31_535_999, 31_536_000, 10**9])
def test_basis_wad__any_term__never_below_the_exact_rate(seconds):
    found = basis_wad(UNIT._replace(kind=Kind.FUTURE, seconds=seconds), UNEVEN)
    # rate^2 = basis^2 T: integers say which side of the root a wad is on.
    square = Fraction(UNEVEN.basis**2 * min(seconds, 31_536_000), 31_536_000)
    assert (found - 2) ** 2 < square <= found**2


def test_basis_wad__whole_share__the_root_is_rounded_up_too():
    whole = replace(RULES, basis=10**18)
    for seconds in (1, 2, 3, 5, 604_800):
        found = basis_wad(UNIT._replace(kind=Kind.FUTURE, seconds=seconds), whole)
        assert found**2 >= Fraction(10**36 * seconds, 31_536_000) > (found - 2) ** 2


@pytest.mark.parametrize("seconds", [0, 1, 10_007, 86_399])
@pytest.mark.parametrize("strike_e8", [3_000 * 10**8, 3_017_12345671, 3_050_00000001])
def test_pin_wad__uneven__rounded_up(seconds, strike_e8):
    row = UNIT._replace(seconds=seconds, strike_e8=strike_e8)
    width = Fraction(UNEVEN.pin_width, 10**18) * row.reference_e8
    near = max(1 - abs(strike_e8 - row.reference_e8) / width, Fraction(0))
    exact = Fraction(UNEVEN.pin, 10**18) * Fraction(86_400 - seconds, 86_400) * near
    assert up(exact, pin_wad(row, UNEVEN))


@pytest.mark.parametrize(
    ("seconds", "near"), [(0, True), (35 * 86_400, True), (35 * 86_400 + 1, False)]
)
def test_concentration_wad__term_of_35_days__is_near_and_a_second_more_is_far(seconds, near):
    assert RULES.liquidity_term_seconds == 35 * 86_400
    deep = UNIT._replace(seconds=seconds, open_interest=10**12)
    half_spread = RULES.liquidity_near if near else RULES.liquidity_far
    assert concentration_wad(deep, RULES) == half_spread


def test_concentration_wad__uneven__rounded_up():
    open_usd6 = UNIT.open_interest * -(-UNIT.spot_e8 // 100_000)
    root = math.isqrt(RULES.concentration_depth_usd * 10**42 // open_usd6)
    assert 10**18 < root < RULES.concentration_most
    exact = Fraction(UNEVEN.liquidity_near * root, 10**36)
    assert up(exact, concentration_wad(UNIT, UNEVEN))


@pytest.mark.parametrize("excess", [1, 2, 5_000_000_000_000_001])
def test_confidence__uneven__the_share_is_rounded_up(excess):
    # A market so dear that a cell shows the last unit of the rate.
    quote = [replace(forward(ETH, NEAR), confidence_wad=RULES.confidence_threshold + excess)]
    market = listing_market(exchange(forwards=quote, listings=[ListingRow(call(3_000), 1, 0)]))
    dear = replace(market, spot_e8=np.array([10**18]), lot_wad=np.array([10**18]))
    found = add_ons_per_lot(dear, UNEVEN, None).confidence_usd6[0]
    share = -(-excess * UNEVEN.confidence_factor // 10**18)
    assert found == -(-(10**16 * share) // 10**18)


def test_basis__conversion__nets_to_the_rounding():
    lots = {future(): 1_000, call(3_000): -1_000, put(3_000): 1_000}
    assert parts(lots)["basis"] <= 1_500
    assert parts({future(): 1_000})["basis"] > 1_000_000


def test_basis__futures_calendar__charges_both_terms():
    near, far = cells(future())["basis"], cells(future(FAR))["basis"]
    assert parts({future(): 500, future(FAR): -500})["basis"] == 500 * (near + far)


def test_basis__two_underlyings__do_not_net():
    both = parts({future(): 500, future(underlying=BTC): -15})["basis"]
    assert both == parts({future(): 500})["basis"] + parts({future(underlying=BTC): -15})["basis"]


def test_vega__straddle_and_butterfly__by_net_vega_of_the_term():
    lone = parts({call(3_000): 100})["vega"]
    assert lone > 0
    assert parts({call(3_000): 100, put(3_000): 100})["vega"] == pytest.approx(2 * lone, abs=200)
    assert parts({call(3_000): 100, put(3_000): -100})["vega"] <= 100
    calendar = parts({call(3_000): 100, call(3_000, FAR): -100})["vega"]
    assert calendar == lone + parts({call(3_000, FAR): 100})["vega"]


def test_vega__strike_beyond_any_forward__at_most_the_rate_of_the_forward():
    # sqrt(w) phi(d1) is 2.5 here: d1 is near zero and sqrt(w) 6.2.
    late = NOW + 1_537 * 86400
    cheap = [UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 10_000, NOW, 122 * MILLI)]
    wild = [replace(forward(ETH, late, 10**18), a=9 * 10**18, b=0)]
    listing = [ListingRow(call(17_000, late), 0, 0)]
    market = listing_market(exchange(underlyings=cheap, forwards=wild, listings=listing))
    whole = replace(RULES, vega=10**18)
    assert add_ons_per_lot(market, whole, None).vega_usd6.tolist() == [100]  # a coin of 0.0001 USD


def test_confidence__above_the_threshold__charges_the_excess_of_spot():
    at, above = (
        [replace(forward(ETH, NEAR), confidence_wad=wad)] for wad in (2 * MILLI, 12 * MILLI)
    )
    assert cells(call(3_000), forwards=at)["confidence"] == 0
    exact = Fraction(ETH_LOT_USD6, 100) / 100
    assert 0 <= cells(call(3_000), forwards=above)["confidence"] - exact < 1
    assert cells(spot(), forwards=above)["confidence"] == 0


def test_confidence__beyond_one__counts_as_one():
    unsure, absurd = (
        [replace(forward(ETH, NEAR), confidence_wad=wad)] for wad in (1_000 * MILLI, 2**64 - 1)
    )
    assert cells(future(), forwards=unsure) == cells(future(), forwards=absurd)


@pytest.mark.parametrize(
    ("price_e8", "share"), [(None, 0), (10**8, 0), (99_000_000, 0), (89_000_000, 2)]
)
def test_depeg__below_the_threshold__a_fifth_of_what_is_missing(price_e8, share):
    exact = Fraction(ETH_LOT_USD6 * share, 100 * 100)
    assert 0 <= cells(call(3_000), price=price_e8)["depeg"] - exact < 1


def test_depeg__coin_in_the_body__reaches_initial_margin_alone():
    coin = [TokenRow(0, 6, 88_000_000, 0)]
    snapshots = (
        exchange([account(1, {call(3_000): -7})]),
        exchange([account(1, {call(3_000): -7})], tokens=coin),
    )
    calm, broken = (margin_book(snapshot, MODEL) for snapshot in snapshots)
    assert broken.initial_parts.depeg_usd6[0] == broken.initial_usd6[0] - calm.initial_usd6[0] > 0
    for name in ("standard_usd6", "standard_initial_usd6", "maintenance_usd6", "equity_usd6"):
        assert getattr(calm, name)[0] == getattr(broken, name)[0]


@pytest.mark.parametrize(
    ("hours", "strike_usd", "share_bps"),
    [(24, 3_000, 0), (12, 3_000, 25), (12, 3_030, 12.5), (12, 3_060, 0), (12, 2_970, 12.5)],
)
def test_pin__nearing_expiry_and_strike__ramps_in_straight_lines(hours, strike_usd, share_bps):
    even = [UNDERLYINGS[0], UnderlyingRow(ETH, MILLI, 3_000 * 10**8, NOW, 122 * MILLI)]
    expiry = NOW + hours * 3_600
    quotes = [forward(ETH, expiry, 10**18)]
    for option in (call, put):
        found = cells(option(strike_usd, expiry), underlyings=even, forwards=quotes)["pin"]
        assert found == 3_000_000 * share_bps / 10_000


def test_pin__long_options_and_futures__pay_none():
    soon = NOW + 3_600
    quotes = [*FORWARDS, forward(ETH, soon, 10**18)]
    listings = [ListingRow(i, 10**6, 0) for i in (call(3_011, soon), future(soon))]
    tables = {"forwards": quotes, "listings": listings}
    assert parts({call(3_011, soon): -5}, **tables)["pin"] > 0
    for lots in ({call(3_011, soon): 5}, {future(soon): -5}):
        assert parts(lots, **tables)["pin"] == 0


def test_cells__settled_or_unpriced__are_zero():
    assert set(cells(call(3_000, PAST), settlement=3_050_00000000).values()) == {0}
    assert set(cells(call(3_000), forwards=[]).values()) == {0}


def test_cells__expired_before_settlement__pins_in_full_and_has_no_basis():
    found = cells(call(3_011, PAST))
    assert found["pin"] == pytest.approx(ETH_LOT_USD6 / 100 * 0.005, rel=0.01)
    assert found["basis"] == found["vega"] == found["confidence"] == 0


def test_cells__without_compiled_loops__are_the_same_bits():
    market = listing_market(exchange())
    with patch.object(backend, "COMPILED", False):
        numpy_only = add_ons_per_lot(market, RULES, None)
    found = add_ons_per_lot(market, RULES, None)
    for name in PARTS:
        assert np.array_equal(
            getattr(found, f"{name}_usd6"), getattr(numpy_only, f"{name}_usd6")
        ), name


def test_add_ons__no_accounts__are_empty():
    found = add_ons_per_lot(listing_market(exchange()), RULES, None)
    none = np.zeros(0, dtype=np.int64)
    assert add_ons(found, Book(none, none, none)).total_usd6().tolist() == []


def test_margin_book__cell_of_add_ons_beyond_the_cap__sentinel():
    # A lot of 17,000 USD is just below the cap; a broken coin and a quote of no confidence add up.
    dear = [UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 17_000 * 10**8, NOW, 10**17)]
    unsure = [replace(f, confidence_wad=10**18) for f in FORWARDS]
    coin = [TokenRow(0, 6, 1, 0)]
    holders = [account(1, {perpetual(): 1})]
    sound = margin_book(exchange(holders, underlyings=dear), MODEL)
    book = margin_book(exchange(holders, underlyings=dear, forwards=unsure, tokens=coin), MODEL)
    assert sound.measured[0]
    assert not book.measured[0]
    assert book.sentinel[0]
    assert book.initial_add_ons_usd6[0] == 0
