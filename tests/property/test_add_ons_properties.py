"""What add-ons promise: homogeneous, subadditive, blind to order; equal to plain integers."""

from __future__ import annotations

from dataclasses import fields
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.add_on_cells import AddOnsPerLot, add_ons_per_lot
from keeper.margin.add_ons import AddOns, add_ons
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS, margin_book
from keeper.pricing import backend
from keeper.state.snapshot import ListingRow, TokenRow
from tests.books import FORWARDS, LISTED, MODEL, MODEL_TEXT, NOW, UNDERLYINGS, account, exchange
from tests.reference import Reference

pytestmark = pytest.mark.property

PARTS = [field.name.removesuffix("_usd6") for field in fields(AddOns)]
LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.integers(0, len(LISTED) - 1), LOTS, max_size=8)
# A broken coin and unsure quotes, so that no add-on is idle.
BROKEN_COIN = 88_000_000
MARKET = listing_market(exchange())
CELLS = add_ons_per_lot(MARKET, MODEL.add_ons, BROKEN_COIN)
CELL = st.integers(0, 2**31)
SIGNED = st.integers(-(2**31), 2**31)


def parts(lots, cells=CELLS):
    """Of the book of these listings by row: every add-on by name."""
    if not lots:
        return dict.fromkeys(PARTS, 0)
    listing = np.array(sorted(lots))
    book = Book(listing, np.array([lots[i] for i in sorted(lots)]), np.zeros(1, dtype=np.int64))
    found = add_ons(cells, book)
    return {name: int(getattr(found, f"{name}_usd6")[0]) for name in PARTS}


def plain(lots, cells):
    """The same from Python integers."""
    rows = {n: getattr(cells, f"{n}_usd6").tolist() for n in PARTS}
    term = cells.term.tolist()
    nets = {"basis": {}, "vega": {}}
    for name, net in nets.items():
        for i, n in lots.items():
            net[term[i]] = net.get(term[i], 0) + n * rows[name][i]
    summed = {
        name: sum(abs(n) * rows[name][i] for i, n in lots.items())
        for name in ("concentration", "confidence", "depeg")
    }
    return {
        **summed,
        "pin": sum(-n * rows["pin"][i] for i, n in lots.items() if n < 0),
        **{name: sum(map(abs, net.values())) for name, net in nets.items()},
    }


@st.composite
def any_cells(draw):
    """Cells of up to 12 listings in terms that ascend, as instruments do."""
    count = draw(st.integers(1, 12))

    def column(cell):
        return np.array(draw(st.lists(cell, min_size=count, max_size=count)), dtype=np.int64)

    columns = {f"{name}_usd6": column(SIGNED if name == "basis" else CELL) for name in PARTS}
    return AddOnsPerLot(**columns, term=np.sort(column(st.integers(0, 4))))


@given(any_cells(), st.data())
def test_add_ons__any_cells_and_accounts__equal_plain_integers(cells, data):
    size = st.integers(1 - LOTS_CAP, LOTS_CAP - 1).filter(bool)
    one = st.dictionaries(st.integers(0, len(cells.term) - 1), size, min_size=1, max_size=MAX_LEGS)
    books = data.draw(st.lists(one, min_size=1, max_size=5))
    counts = np.array([len(lots) for lots in books])
    listing = np.array([i for lots in books for i in sorted(lots)])
    sizes = np.array([lots[i] for lots in books for i in sorted(lots)])
    book = Book(listing, sizes, np.cumsum(counts) - counts)
    with patch.object(backend, "COMPILED", backend.COMPILED and data.draw(st.booleans())):
        found = add_ons(cells, book)
    for row, lots in enumerate(books):
        expected = plain(lots, cells)
        assert {n: int(getattr(found, f"{n}_usd6")[row]) for n in PARTS} == expected
        assert found.total_usd6()[row] == sum(expected.values())
        # The bound that keeps sums exact.
        largest = cells.largest_usd6().tolist()
        assert sum(expected.values()) <= sum(abs(n) * largest[i] for i, n in lots.items())


@given(BOOKS, st.integers(0, 1_000))
def test_add_ons__many_times_the_book__many_times_each(lots, times):
    many = {i: n * times for i, n in lots.items()}
    assert parts(many) == {name: times * part for name, part in parts(lots).items()}


@given(BOOKS, BOOKS)
def test_add_ons__two_books_together__each_at_most_the_sum(left, right):
    both = {i: left.get(i, 0) + right.get(i, 0) for i in left | right}
    together, apart = parts(both), (parts(left), parts(right))
    for name in PARTS:
        assert 0 <= together[name] <= apart[0][name] + apart[1][name], name


@given(BOOKS, st.integers(0, len(LISTED) - 1), LOTS)
def test_add_ons__a_leg_and_its_opposite__as_without_both(lots, row, size):
    closed = {**lots, row: size}
    closed[row] -= size
    without = {i: n for i, n in lots.items() if i != row}
    assert parts(closed) == parts(without)


@given(BOOKS)
def test_add_ons__the_other_side_of_a_book__differs_in_pin_alone(lots):
    found, other = parts(lots), parts({i: -n for i, n in lots.items()})
    for name in PARTS:
        assert name == "pin" or found[name] == other[name]


@given(st.lists(BOOKS.filter(bool), min_size=2, max_size=5), st.randoms())
def test_add_ons__accounts_in_any_order__each_the_same(books, random):
    ids = sorted(LISTED)
    holders = [
        account(n, {ids[i]: size for i, size in lots.items()}) for n, lots in enumerate(books, 1)
    ]
    coin = [TokenRow(0, 6, BROKEN_COIN, 0)]
    shuffled = random.sample(holders, len(holders))
    book = margin_book(exchange(shuffled, tokens=coin), MODEL)
    for row, lots in enumerate(books):
        found = {name: int(getattr(book.initial_parts, f"{name}_usd6")[row]) for name in PARTS}
        assert found == parts(lots)
        assert book.initial_add_ons_usd6[row] == sum(found.values())


@given(BOOKS.filter(bool), st.integers(1, 2 * 10**8), st.integers(0, 10**9))
def test_margin_book__any_coin_and_open_interest__equals_the_reference(lots, price, interest):
    ids = sorted(LISTED)
    legs = {ids[i]: n for i, n in lots.items()}
    listings = [ListingRow(i, interest, 0) for i in LISTED]
    coin = [TokenRow(0, 6, price, 0)]
    book = margin_book(exchange([account(1, legs)], tokens=coin, listings=listings), MODEL)
    reference = Reference(
        MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW, open_interest=interest, settlement_price_e8=price
    )
    found = {name: int(getattr(book.initial_parts, f"{name}_usd6")[0]) for name in PARTS}
    assert found == reference.initial_add_ons(legs)


@given(st.sampled_from(range(len(LISTED))), st.integers(1, 100))
def test_add_ons__units__a_dollar_rate_is_a_share_of_a_lot_in_micro_dollars(row, lots):
    # Liquidity is at most 15 bp of spot and depeg 2.2 % here: what a slip of units would break.
    found = parts({row: lots})
    spot_lot_usd6 = int(MARKET.spot_e8[row]) * int(MARKET.lot_wad[row]) // 10**20
    assert 4 * spot_lot_usd6 * lots <= 10_000 * found["concentration"]
    assert 10_000 * found["concentration"] <= 15 * (spot_lot_usd6 + 1_000) * lots
    assert found["depeg"] == lots * -(-int(MARKET.spot_e8[row]) * 22 // (1_000 * 10**5))
