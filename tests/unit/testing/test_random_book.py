from dataclasses import replace

import numpy as np
import pytest

from keeper.draws import Draws
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.state.body import decode, encode
from keeper.state.instruments import Instrument, Kind
from keeper.testing.random_book import random_book
from keeper.testing.random_market import random_market
from keeper.units import E8, USD6, WAD
from tests.books import MODEL


def book(accounts=300, positions=2_000, seed=1, listings=400):
    return random_book(MODEL, accounts, positions, seed, listings)


def kinds(snapshot):
    ids = snapshot.listings.instrument.tolist()
    return np.array([Instrument.unpack(high << 64 | low).kind for high, low in ids])


@pytest.mark.parametrize(
    ("accounts", "positions", "listings"),
    [
        (1, 0, 1),
        (1, 1, 1),
        (1, 32, 32),
        (5, 160, 32),
        (100, 30, 2),
        (100, 100, 50),
        (1_000, 12_345, 77),
        (50, 600, 5_000),
    ],
)
def test_random_book__any_size__is_canonical_and_of_that_size(accounts, positions, listings):
    snapshot = book(accounts, positions, 3, listings)
    snapshot.validate()
    assert len(snapshot.accounts) == accounts
    assert len(snapshot.legs) == positions
    assert len(snapshot.listings) == listings
    assert snapshot.accounts.legs.max() <= 32
    assert encode(decode(encode(snapshot))) == encode(snapshot)


def test_random_book__as_many_positions_as_accounts__nobody_is_idle():
    assert (book(300, 300).accounts.legs == 1).all()
    assert book(300, 301).accounts.legs.min() == 1
    assert book(300, 299).accounts.legs.min() == 0, "some hold none, as others hold several"


def test_random_book__sizes__have_a_heavy_tail():
    legs = np.sort(book(2_000, 20_000).accounts.legs)
    assert legs[-100] == 32, "five in a hundred are at the cap"
    assert np.median(legs) <= 0.8 * legs.mean()


def test_random_book__nothing_is_at_fault_and_most_are_healthy():
    snapshot = book(2_000, 20_000, listings=2_000)
    assert not risk_arrays(snapshot, MODEL).fault.any()
    margins = margin_book(snapshot, MODEL)
    assert not margins.sentinel.any()
    assert 0.9 < (margins.equity_usd6 >= margins.maintenance_usd6).mean() < 1


def test_random_book__legs__both_sides_of_every_kind_but_spot():
    snapshot = book(2_000, 20_000)
    kind = kinds(snapshot)[snapshot.legs.listing]
    for each in Kind:
        sides = np.unique(np.sign(snapshot.legs.lots[kind == each])).tolist()
        assert sides == ([1] if each is Kind.SPOT else [-1, 1])
    assert 1 <= np.median(np.abs(snapshot.legs.lots)) < 100
    assert np.abs(snapshot.legs.lots).max() <= 2**16


def test_random_book__entry_costs__linear_legs_within_five_percent():
    snapshot = book(500, 5_000)
    linear = np.isin(kinds(snapshot)[snapshot.legs.listing], (Kind.PERPETUAL, Kind.FUTURE))
    assert not snapshot.legs.cost_usd6[~linear].any()
    marks = risk_arrays(snapshot, MODEL).marks[snapshot.legs.listing]
    ratio = snapshot.legs.cost_usd6[linear] / (snapshot.legs.lots * marks)[linear]
    assert 0.949 < ratio.min() < 0.96
    assert 1.04 < ratio.max() < 1.051


def test_random_book__open_interest__is_the_sum_of_long_lots():
    snapshot = book()
    for row in range(0, len(snapshot.listings), 37):
        lots = snapshot.legs.lots[snapshot.legs.listing == row].tolist()
        assert snapshot.listings.open_interest[row] == sum(n for n in lots if n > 0)


def test_random_book__same_seed__same_bytes_and_another_seed_others():
    assert encode(book(seed=1)) == encode(book(seed=1)) != encode(book(seed=2))


def test_random_book__popular_listings__are_held_more():
    snapshot = book(2_000, 20_000)
    held = np.bincount(snapshot.legs.listing, minlength=len(snapshot.listings))
    popular = random_market(MODEL, 400, Draws(1)).popular
    assert held[popular[:40]].mean() > 2 * held[popular[-200:]].mean()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"accounts": 0}, "accounts 0"),
        ({"accounts": 1_000_001}, "accounts 1000001"),
        ({"positions": -1}, "positions -1"),
        ({"accounts": 10**6, "positions": 10**7 + 1}, "positions 10000001"),
        ({"positions": 300 * 32 + 1}, "use at most 9600"),
        ({"listings": 0}, "listings 0"),
        ({"positions": 300 * 32, "listings": 31}, "use at least 32"),
        ({"positions": 0, "listings": 0}, "listings 0: choose"),
        ({"listings": 100_001}, "listings 100001"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_random_book__beyond_its_limits__refused(change, problem):
    with pytest.raises(InputError, match=problem):
        book(**change)


@pytest.mark.parametrize("listings", [1, 3, 28, 29, 400, 2_000])
def test_random_market__listings__as_many_and_each_once(listings):
    market = random_market(MODEL, listings, Draws(9))
    assert len(set(market.instruments)) == listings
    assert sorted(market.popular.tolist()) == list(range(listings))
    assert market.instruments[market.popular[0]].kind is Kind.SPOT


def test_random_market__options__surround_the_forward_on_every_expiry():
    market = random_market(MODEL, 2_000, Draws(9))
    spots = {row.underlying: row.spot_e8 for row in market.underlyings}
    for row in market.forwards:
        if row.expiry == 0:
            continue
        strikes = sorted(
            i.strike_e8
            for i in market.instruments
            if (i.underlying, i.expiry, i.kind) == (row.underlying, row.expiry, Kind.CALL)
        )
        forward = spots[row.underlying] * row.ratio_wad / WAD
        assert strikes[0] < 0.98 * forward
        assert strikes[-1] > 1.02 * forward
        assert min(abs(strike / forward - 1) for strike in strikes) < 0.1


def test_random_market__a_lot_of_one_coin__is_worth_at_most_a_thousand_dollars():
    coarse = tuple(replace(risk, lot=WAD) for risk in MODEL.underlyings)
    market = random_market(replace(MODEL, underlyings=coarse), 28, Draws(1))
    assert all(row.spot_e8 <= 1_100 * E8 for row in market.underlyings)
    assert market.spot_lot_usd6.max() <= 1_100 * USD6


def test_random_market__model_without_underlyings__refused():
    with pytest.raises(InputError, match="no underlyings"):
        random_market(replace(MODEL, underlyings=()), 1, Draws(1))
