"""What holds for the margin of every book."""

from __future__ import annotations

from dataclasses import asdict, fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.margin.losses import Book, worst_losses
from keeper.margin.market import ListingMarket, listing_market
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.risk_arrays import price_listings, risk_arrays
from keeper.margin.scenarios import Scenario
from keeper.state.snapshot import ListingRow
from keeper.units import BPS
from tests.books import FORWARDS, LISTED, MODEL, MODEL_TEXT, NOW, UNDERLYINGS, account, exchange
from tests.reference import Reference

pytestmark = pytest.mark.property

LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=6)
SHARE = st.integers(-60_000, 60_000)
SHIFT = st.integers(-30_000, 30_000)
SCENARIOS = st.builds(
    Scenario,
    name=st.just("zz another"),
    spot_bps=SHARE,
    others_spot_bps=SHARE,
    vol_bps=SHARE,
    others_vol_bps=SHARE,
    flat_bps=SHIFT,
    front_bps=SHIFT,
    twist_bps=SHIFT,
    skew_bps=SHIFT,
    curvature_bps=SHIFT,
    weight_bps=st.integers(1, 10_000),
    clock_seconds=st.integers(0, 30 * 86400),
    focus=st.integers(0, 2),
    rolls=st.booleans(),
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
    rounding = 2 * len(lots)  # a micro-dollar a leg
    assert found["minimum_charge_usd6"] * 2 <= found["standard_usd6"] + rounding


@given(BOOKS, SCENARIOS)
def test_margin__one_scenario_more__never_lower(lots, scenario):
    model = replace(MODEL, scenarios=(*MODEL.scenarios, scenario))
    before, after = figures(lots), figures(lots, model)
    for name in ("worst_loss_usd6", "maintenance_usd6", "initial_usd6"):
        assert after[name] >= before[name]
    for name in ("standard_usd6", "standard_initial_usd6", "equity_usd6", "initial_add_ons_usd6"):
        assert after[name] == before[name]


@given(st.sampled_from(LISTED), SCENARIOS)
def test_risk_arrays__any_scenario__equals_the_reference(instrument, scenario):
    model = replace(MODEL, scenarios=(scenario,))
    arrays = risk_arrays(exchange(listings=[ListingRow(instrument, 0, 0)], model=model), model)
    row = asdict(scenario)
    change = REFERENCE.mark(instrument, row) - REFERENCE.mark(instrument)
    expected = REFERENCE.per_lot(instrument, row["weight_bps"] * change / 10**4)
    assert arrays.pnl[0, 0] == expected


@given(BOOKS, BOOKS)
def test_worst_loss__two_books_together__at_most_the_sum(left, right):
    both = together(left, right)
    assert (worst(both) if both else 0) <= worst(left) + worst(right)


@given(BOOKS, st.integers(1, 1_000))
def test_worst_loss__many_times_the_book__many_times_the_loss(lots, times):
    assert worst({i: n * times for i, n in lots.items()}) == worst(lots) * times


@given(BOOKS, st.integers(2, 16))
def test_margin__many_times_the_book__many_times_every_requirement(lots, times):
    once, found = figures(lots), figures({i: n * times for i, n in lots.items()})
    for name in FIGURES:
        if name == "worst_scenario":
            assert found[name] == once[name]
        else:  # a sum of numbers that were each rounded up: one a leg in the charge, and four
            lowest = times * (once[name] - len(lots) - 4)
            assert lowest <= found[name] <= times * once[name], name


@given(BOOKS, BOOKS)
def test_worst_loss__after_a_trade__covered_by_standard_margin_of_the_lots_traded(before, traded):
    # docs/model.md relies on this where a leaf stands for the book before a trade.
    after = together(before, traded)
    found = figures(traded)
    legs_of_the_trade = found["standard_usd6"] - found["add_ons_usd6"]
    rounding = sum(map(abs, traded.values()))  # half a micro-dollar a lot in mark and in cell
    assert (worst(after) if after else 0) <= worst(before) + legs_of_the_trade + rounding


@given(BOOKS, BOOKS)
def test_initial_margin__after_a_trade__covered_by_the_leaf_before_and_the_lots_traded(
    before, traded
):
    after, found = together(before, traded), figures(traded)
    standard = found["standard_usd6"] - found["add_ons_usd6"]
    scaled = -(-standard * MODEL.factors.initial_bps // BPS)
    rounding = 3 * sum(map(abs, traded.values()))  # in marks, in cells, and the one a lot of IM
    on_top = found["add_ons_usd6"] + found["initial_add_ons_usd6"]
    allowed = figures(before)["initial_usd6"] + scaled + on_top + rounding
    assert (figures(after)["initial_usd6"] if after else 0) <= allowed


@given(BOOKS, st.data())
def test_margin__a_book_split_in_two__never_asks_less(lots, data):
    left = {i: data.draw(st.integers(min(0, 2 * n), max(0, 2 * n))) for i, n in lots.items()}
    right = {i: n - left[i] for i, n in lots.items()}
    parts = [{i: n for i, n in part.items() if n} for part in (left, right)]
    whole, split = figures(lots), [figures(part) for part in parts if part]
    # Risk arrays are rounded once a lot, so worst losses add up to the micro-dollar; factors round.
    for name in ("worst_loss_usd6", "shortfall_usd6", "minimum_charge_usd6", "standard_usd6"):
        assert whole[name] <= sum(part[name] for part in split) + 2, name
    for name in ("maintenance_usd6", "initial_usd6", "initial_add_ons_usd6"):
        assert whole[name] <= sum(part[name] for part in split) + 4, name


@given(st.permutations(range(len(LISTED))))
def test_price_listings__rows_in_any_order__each_the_same(order):
    # As columns: a snapshot would sort its rows again.
    market = listing_market(exchange())
    shuffled = ListingMarket(*(getattr(market, f.name)[list(order)] for f in fields(market)))
    found = price_listings(shuffled, MODEL)
    for name in ("marks", "pnl", "fault", "priced"):
        assert (getattr(found, name) == getattr(ARRAYS, name)[list(order)]).all(), name


@given(BOOKS, st.randoms())
def test_worst_losses__legs_in_any_order__the_same(lots, random):
    legs = random.sample(list(lots.items()), len(lots))
    listing, sizes = np.array([ROW[i] for i, _ in legs]), np.array([n for _, n in legs])
    loss, scenario = worst_losses(ARRAYS.pnl, Book(listing, sizes, np.zeros(1, dtype=np.int64)))
    found = figures(lots)
    assert (loss[0], scenario[0]) == (found["worst_loss_usd6"], found["worst_scenario"])


@settings(max_examples=25)
@given(st.lists(BOOKS, min_size=2, max_size=6), st.randoms())
def test_margin__accounts_in_any_order__each_the_same(books, random):
    holders = [account(n, lots) for n, lots in enumerate(books, 1)]
    margins = margin_book(exchange(random.sample(holders, len(holders))), MODEL)
    assert margins.accounts == [row.account for row in holders]
    for row, lots in enumerate(books):
        assert {n: int(getattr(margins, n)[row]) for n in FIGURES} == figures(lots)


@given(BOOKS, st.sampled_from(LISTED))
def test_worst_loss__both_sides_of_a_listing__as_without_it(lots, instrument):
    # Two rows of one listing in opposite size: no account holds that, but sums must not care.
    listing = np.array([*(ROW[i] for i in lots), ROW[instrument], ROW[instrument]])
    sizes = np.array([*lots.values(), 7, -7])
    loss, _ = worst_losses(ARRAYS.pnl, Book(listing, sizes, np.zeros(1, dtype=np.int64)))
    assert loss[0] == worst(lots)
