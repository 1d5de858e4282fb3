"""What holds for expected shortfall of every book, and for whoever computes it."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.compute.threads import ThreadWorkers
from keeper.margin import tail
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.shortfall import book_tail_risk, history_arrays
from keeper.margin.tail import Tail, tail_risk
from keeper.pricing import backend
from tests.books import LISTED, MODEL, account, exchange

pytestmark = pytest.mark.property

LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=6)
ROW = {instrument: row for row, instrument in enumerate(sorted(LISTED))}
PAST = history_arrays(exchange(), listing_market(exchange()), MODEL)
MARKS = risk_arrays(exchange(), MODEL).marks
DAYS = MODEL.shortfall.window_days


def book_of(*accounts):
    listing = [ROW[i] for lots in accounts for i in lots]
    sizes = [n for lots in accounts for n in lots.values()]
    starts = np.cumsum([0, *(len(lots) for lots in accounts[:-1])])
    return Book(np.array(listing), np.array(sizes), starts)


def risk(lots):
    """(VaR, ES) of one book; nothing is at risk without a leg."""
    if not lots:
        return 0, 0
    found = book_tail_risk(PAST, book_of(lots), MODEL)
    return int(found.value_at_risk_usd6[0]), int(found.shortfall_usd6[0])


def together(left, right):
    lots = {i: left.get(i, 0) + right.get(i, 0) for i in left | right}
    return {i: n for i, n in lots.items() if n}


@given(BOOKS, BOOKS)
def test_shortfall__merged_accounts__at_most_the_sum_and_so_no_less_when_split(left, right):
    assert risk(together(left, right))[1] <= risk(left)[1] + risk(right)[1]


@given(BOOKS, st.integers(1, 1_000))
def test_shortfall__many_times_the_book__many_times_the_shortfall(lots, times):
    once, many = risk(lots), risk({i: n * times for i, n in lots.items()})
    assert many[0] == times * once[0]
    assert times * once[1] - times < many[1] <= times * once[1]  # rounded up once each


@given(BOOKS)
def test_shortfall__any_book__not_below_value_at_risk_nor_above_the_worst_day(lots):
    value_at_risk, shortfall = risk(lots)
    listing, sizes = [ROW[i] for i in lots], np.array(list(lots.values()))
    assert 0 <= value_at_risk <= shortfall <= max(0, (-(sizes @ PAST.pnl[listing])).max())


@given(st.sampled_from([i for i in LISTED if i >> 64 & 255 >= 4]), st.integers(1, 10**6))
def test_shortfall__long_option__never_above_its_mark(instrument, lots):
    # A cell and the mark are each rounded to nearest, so they differ by a micro-dollar a lot.
    assert risk({instrument: lots})[1] <= lots * (int(MARKS[ROW[instrument]]) + 1)


@given(BOOKS, st.sampled_from(LISTED), st.integers(1, 10**6))
def test_tail_risk__every_loss_larger__not_smaller(lots, instrument, size):
    # Monotone: a leg that only ever loses is added, the worst of two existing rows.
    rows = np.vstack([PAST.pnl, -np.abs(PAST.pnl[ROW[instrument]])])
    book, more = book_of(lots), book_of({**lots})
    listing = np.append(more.listing, len(rows) - 1)
    larger = Book(listing, np.append(more.lots, size), more.starts)
    tails = [Tail.of(DAYS, 250), Tail.of(rows.shape[1] - DAYS, 250)]
    for before, after in zip(
        tail_risk(rows, book, tails), tail_risk(rows, larger, tails), strict=True
    ):
        assert (after >= before).all()


@given(BOOKS, st.randoms(use_true_random=False))
def test_tail_risk__legs_and_days_in_any_order__the_same(lots, random):
    legs = dict(random.sample(list(lots.items()), len(lots)))
    days = random.sample(range(DAYS), DAYS)
    tails = [Tail.of(DAYS, 250)]
    before = tail_risk(PAST.pnl[:, :DAYS], book_of(lots), tails)
    after = tail_risk(PAST.pnl[:, days], book_of(legs), tails)
    assert [x.tolist() for x in before] == [x.tolist() for x in after]


@settings(max_examples=30)
@given(st.lists(BOOKS, min_size=1, max_size=12), st.integers(1, 40))
def test_book_tail_risk__twins_workers_and_any_parts__the_same_bits(books, legs):
    book = book_of(*books)

    def found(workers=None):
        given_ = () if workers is None else (workers,)
        risks = book_tail_risk(PAST, book, MODEL, *given_)
        return risks.value_at_risk_usd6.tolist(), risks.shortfall_usd6.tolist()

    expected = found()
    assert list(zip(*expected, strict=True)) == [risk(lots) for lots in books]
    with patch.object(tail, "PART_LEGS", legs):
        for count in (1, 2, 5):
            with ThreadWorkers(count) as workers:
                assert found(workers) == expected
        with (
            patch.object(backend, "COMPILED", False),
            patch.object(tail, "BLOCK_CELLS", 750 * legs),
        ):
            assert found() == expected


@settings(max_examples=25)
@given(st.lists(BOOKS, min_size=2, max_size=6), st.randoms(use_true_random=False))
def test_margin_book__accounts_in_any_order_and_twins__same_shortfall(books, random):
    holders = [account(n, lots) for n, lots in enumerate(books, 1)]
    snapshot = exchange(random.sample(holders, len(holders)))
    margins = margin_book(snapshot, MODEL)
    assert margins.shortfall_usd6.tolist() == [risk(lots)[1] for lots in books]
    assert margins.value_at_risk_usd6.tolist() == [risk(lots)[0] for lots in books]
    with patch.object(backend, "COMPILED", False):
        assert (
            margin_book(snapshot, MODEL).shortfall_usd6.tolist() == margins.shortfall_usd6.tolist()
        )
