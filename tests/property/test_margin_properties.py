"""What holds for the margin of every book."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.losses import Book, worst_losses
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import Scenario
from keeper.state.snapshot import ListingRow
from tests.books import FORWARDS, LISTED, MODEL, MODEL_TEXT, NOW, UNDERLYINGS, account, exchange
from tests.reference import Reference

pytestmark = pytest.mark.property

LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=6)
SCENARIOS = st.builds(
    Scenario,
    name=st.just("another"),
    spot_bps=st.integers(-60_000, 60_000),
    vol_bps=st.integers(-60_000, 60_000),
    weight_bps=st.integers(1, 10_000),
    clock_seconds=st.integers(0, 30 * 86400),
    floor=st.just(False),
)
REFERENCE = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
ARRAYS = risk_arrays(exchange(), MODEL)
ROW = {instrument: row for row, instrument in enumerate(sorted(LISTED))}
FIGURES = [n for n in MarginBook.__slots__ if n.endswith("_usd6") or n == "worst_scenario"]


def figures(lots, model=MODEL, **tables):
    book = margin_book(exchange([account(1, lots)], model=model, **tables), model)
    return {name: int(getattr(book, name)[0]) for name in FIGURES}


def worst(lots):
    listing = np.array([ROW[i] for i in lots], dtype=np.int64)
    sizes = np.array(list(lots.values()), dtype=np.int64)
    return int(worst_losses(ARRAYS.pnl, Book(listing, sizes, np.zeros(1, dtype=np.int64)))[0][0])


def together(left, right):
    lots = {i: left.get(i, 0) + right.get(i, 0) for i in left | right}
    return {i: n for i, n in lots.items() if n}


@given(BOOKS)
def test_margin__any_book__every_figure_equals_the_reference(lots):
    assert figures(lots) == REFERENCE.figures(lots)


@given(BOOKS)
def test_margin__any_book__requirements_in_their_order(lots):
    found = figures(lots)
    assert 0 <= found["maintenance_usd6"] <= found["initial_usd6"]
    assert 0 <= found["add_ons_usd6"] <= found["standard_usd6"] <= found["standard_initial_usd6"]
    assert found["minimum_charge_usd6"] * 2 <= found["standard_usd6"] + 1


@given(BOOKS, SCENARIOS)
def test_margin__one_scenario_more__never_lower(lots, scenario):
    model = replace(MODEL, scenarios=(*MODEL.scenarios, scenario))
    before, after = figures(lots), figures(lots, model)
    for name in ("worst_loss_usd6", "maintenance_usd6", "initial_usd6"):
        assert after[name] >= before[name]
    for name in ("standard_usd6", "standard_initial_usd6", "equity_usd6", "add_ons_usd6"):
        assert after[name] == before[name]


@given(BOOKS, BOOKS)
def test_worst_loss__two_books_together__at_most_the_sum(left, right):
    both = together(left, right)
    assert (worst(both) if both else 0) <= worst(left) + worst(right)


@given(BOOKS, st.integers(1, 1_000))
def test_worst_loss__many_times_the_book__many_times_the_loss(lots, times):
    assert worst({i: n * times for i, n in lots.items()}) == worst(lots) * times


@given(BOOKS, BOOKS)
def test_leaf_and_trades_since__cover_the_new_book(before, traded):
    # docs/model.md: IM(leaf) + SM_im(lots traded) stands for IM of the book after the trade.
    after = together(before, traded)
    if after:
        covered = figures(before)["initial_usd6"] + figures(traded)["standard_initial_usd6"]
        # The leaf's micro-dollar a lot is for the rounding of its own cells; the trade has its own.
        slack = sum(map(abs, after.values())) + 2
        assert figures(after)["initial_usd6"] <= covered + slack


@given(BOOKS, st.randoms())
def test_margin__legs_and_listings_in_any_order__the_same(lots, random):
    shuffled = dict(random.sample(list(lots.items()), len(lots)))
    listings = [ListingRow(i, 0, 0) for i in random.sample(LISTED, len(LISTED))]
    assert figures(shuffled, listings=listings) == figures(lots)


@given(st.lists(BOOKS, min_size=2, max_size=6), st.randoms())
def test_margin__accounts_in_any_order__each_the_same(books, random):
    holders = [account(n, lots) for n, lots in enumerate(books, 1)]
    margins = margin_book(exchange(random.sample(holders, len(holders))), MODEL)
    assert margins.accounts == [row.account for row in holders]
    for row, lots in enumerate(books):
        assert {n: int(getattr(margins, n)[row]) for n in FIGURES} == figures(lots)


@given(BOOKS)
def test_margin__book_against_itself__nothing_left(lots):
    flat = together(lots, {i: -n for i, n in lots.items()})
    assert flat == {}
    assert worst(lots | {i: -n for i, n in lots.items()}) >= 0
