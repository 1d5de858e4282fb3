"""A finer cut never asks less: isolated, cross, portfolio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keeper.margin.losses import Book
from keeper.margin.modes import Pool, worst_losses_by_mode
from keeper.margin.portfolio import margin_book
from keeper.state.accounts import Mode
from tests.books import LISTED, MODEL, UNDERLYINGS, account, exchange

pytestmark = pytest.mark.property

LOTS = st.integers(-(10**6), 10**6).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=8)


def by_mode(lots, range_times=1):
    underlyings = [replace(u, scan_range_wad=u.scan_range_wad * range_times) for u in UNDERLYINGS]
    holders = [account(1 + mode, lots, mode=mode) for mode in Mode]
    return margin_book(exchange(holders, underlyings=underlyings), MODEL)


def fall(amounts):
    isolated, cross, portfolio = amounts.tolist()
    return isolated >= cross >= portfolio >= 0


@given(BOOKS, st.sampled_from([1, 2, 4]))
def test_modes__any_book_and_market__losses_and_capped_requirements_only_fall(lots, times):
    book = by_mode(lots, times)
    assert fall(book.worst_loss_usd6)
    assert fall(np.minimum(book.standard_usd6, book.maintenance_usd6))
    assert fall(np.minimum(book.standard_initial_usd6, book.initial_usd6))


@given(BOOKS, st.sampled_from([1, 4]))
def test_modes__cross_and_portfolio__fall_without_the_cap(lots, times):
    book = by_mode(lots, times)
    for requirement in (book.maintenance_usd6, book.initial_usd6):
        _, cross, portfolio = requirement.tolist()
        assert cross >= portfolio


@given(BOOKS)
def test_modes__calm_market__maintenance_falls_without_the_cap(lots):
    # Standard margin of a leg covers its worst loss here, but for rounding of mark and cells.
    isolated, cross, _ = by_mode(lots).maintenance_usd6.tolist()
    assert isolated + sum(map(abs, lots.values())) >= cross


@given(BOOKS, BOOKS)
def test_modes__any_book__var_and_shortfall_are_sums_over_its_parts_as_accounts(lots, others):
    cuts = {
        Mode.ISOLATED: [{i: n} for i, n in lots.items()],
        Mode.CROSS: [
            {i: n for i, n in lots.items() if i >> 112 == u.underlying} for u in UNDERLYINGS
        ],
        Mode.PORTFOLIO: [lots],
    }
    parts = [(mode, part) for mode, cut in cuts.items() for part in cut if part]
    # Strangers of every mode between the accounts, so that no account's parts are another's.
    holders = [account(1 + 2 * mode, lots, mode=mode) for mode in Mode]
    holders += [account(2 + 2 * mode, others, mode=mode) for mode in Mode]
    holders += [account(10 + n, part) for n, (_, part) in enumerate(parts)]
    book = margin_book(exchange(holders), MODEL)
    for figure in (book.value_at_risk_usd6, book.shortfall_usd6):
        of_account = {
            int.from_bytes(name[:20], "big"): int(x)
            for name, x in zip(book.accounts, figure, strict=True)
        }
        for mode in Mode:
            apart = [of_account[10 + n] for n, (cut, _) in enumerate(parts) if cut is mode]
            assert of_account[1 + 2 * mode] == sum(apart)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Mode),
            st.dictionaries(st.integers(0, 7), st.integers(-(2**24), 2**24), min_size=1),
        ),
        min_size=1,
        max_size=8,
    ),
    st.lists(
        st.lists(st.integers(-(2**33), 2**33), min_size=3, max_size=3), min_size=8, max_size=8
    ),
    st.lists(st.integers(1, 3), min_size=8, max_size=8).map(sorted),
)
def test_worst_losses_by_mode__any_arrays__equal_plain_integers(accounts, pnl, underlying):
    counts = np.array([len(lots) for _, lots in accounts])
    listing = np.array([i for _, lots in accounts for i in sorted(lots)])
    sizes = np.array([lots[i] for _, lots in accounts for i in sorted(lots)])
    book = Book(listing, sizes, np.cumsum(counts) - counts)
    modes = np.array([mode for mode, _ in accounts], dtype=np.uint8)
    of = np.array(underlying, dtype=np.uint16)
    found, _ = worst_losses_by_mode(np.array(pnl, dtype=np.int64), Pool(book, modes, of))

    def worst(lots):
        return max(0, *(-sum(n * pnl[i][s] for i, n in lots.items()) for s in range(3)))

    for loss, (mode, lots) in zip(found.tolist(), accounts, strict=True):
        part = {Mode.ISOLATED: lambda i: i, Mode.CROSS: underlying.__getitem__}.get(
            mode, lambda _: 0
        )
        pools: dict[int, dict[int, int]] = {}
        for i, n in lots.items():
            pools.setdefault(part(i), {})[i] = n
        assert loss == sum(worst(pool) for pool in pools.values())
