"""What each mode pools, and what that means for leaf, flag and requirement."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.margin.losses import Book
from keeper.margin.portfolio import NO_SCENARIO, margin_book
from keeper.state.accounts import Mode
from tests.books import BTC, ETH, MODEL, account, call, exchange, future, perpetual, put, spot

PAIR = {perpetual(BTC): 100, perpetual(ETH): -3_000}
SPREAD = {call(3_000): -500, call(3_300): 500}


def margins(lots, mode):
    return margin_book(exchange([account(1, lots, mode=mode)]), MODEL)


def loss(lots, mode):
    return int(margins(lots, mode).worst_loss_usd6[0])


def test_cross__two_underlyings__each_in_its_own_worst_scenario():
    apart = loss({perpetual(BTC): 100}, 2) + loss({perpetual(ETH): -3_000}, 2)
    assert loss(PAIR, Mode.CROSS) == apart > loss(PAIR, Mode.PORTFOLIO)


def test_cross__one_underlying__as_portfolio():
    assert loss(SPREAD, Mode.CROSS) == loss(SPREAD, Mode.PORTFOLIO)


def test_isolated__spread__has_no_offset():
    apart = sum(loss({i: n}, 2) for i, n in SPREAD.items())
    assert loss(SPREAD, Mode.ISOLATED) == apart > loss(SPREAD, Mode.CROSS)


@pytest.mark.parametrize("lots", [PAIR, SPREAD, {put(2_700): 10, spot(BTC): 4}])
def test_isolated__any_book__asks_standard_margin(lots):
    book = margins(lots, Mode.ISOLATED)
    assert book.maintenance_usd6[0] == book.standard_usd6[0]
    assert book.initial_usd6[0] == book.standard_initial_usd6[0]


@pytest.mark.parametrize("mode", [Mode.ISOLATED, Mode.CROSS])
def test_other_modes__leaf_and_flag__have_no_scenario(mode):
    book = margins(PAIR, mode)
    assert book.measured[0]
    assert book.sentinel[0]
    assert not book.fault[0]
    assert book.worst_scenario[0] == NO_SCENARIO
    assert book.mode.tolist() == [mode]


def test_modes__same_book__same_add_ons_value_and_standard_margin():
    books = [margins(PAIR, mode) for mode in Mode]
    names = ("equity", "standard", "standard_initial", "gross", "initial_add_ons", "minimum_charge")
    for name in names:
        assert len({int(getattr(b, f"{name}_usd6")[0]) for b in books}) == 1, name


def test_shortfall__pair_of_opposite_sides__cross_and_isolated_have_no_offset():
    legs = [margins({i: n}, Mode.PORTFOLIO) for i, n in PAIR.items()]
    for name in ("value_at_risk_usd6", "shortfall_usd6"):
        apart = sum(int(getattr(leg, name)[0]) for leg in legs)
        joint = int(getattr(margins(PAIR, Mode.PORTFOLIO), name)[0])
        for mode in (Mode.CROSS, Mode.ISOLATED):
            assert int(getattr(margins(PAIR, mode), name)[0]) == apart > joint > 0


def test_margin_book__accounts_of_every_mode__each_as_if_alone():
    shapes = [PAIR, SPREAD, {future(): 5}, {call(3_300): -9, call(110_000, underlying=BTC): 2}]
    holders = [
        account(n, shapes[n % len(shapes)], mode=mode)
        for n, mode in enumerate([2, 0, 1, 1, 0, 2, 1, 0, 2], 1)
    ]
    together = margin_book(exchange(holders), MODEL)
    for row, holder in enumerate(holders):
        alone = margin_book(exchange([holder]), MODEL)
        for name in ("worst_loss_usd6", "worst_scenario", "maintenance_usd6", "initial_usd6"):
            assert getattr(together, name)[row] == getattr(alone, name)[0], (row, name)


def test_runs__keys_that_change_within_and_between_accounts__cut_there():
    key = np.array([7, 7, 8, 9])
    book = Book(np.array([0, 1, 2, 2, 3, 0]), np.arange(6), np.array([0, 3, 5]))
    runs, first = book.runs(key)
    assert runs.starts.tolist() == [0, 2, 3, 4, 5]
    assert first.tolist() == [0, 2, 4]


def test_only__some_accounts__keep_their_legs_in_order():
    book = Book(np.array([4, 5, 6, 7, 8]), np.arange(5), np.array([0, 2, 3]))
    kept = book.only(np.array([True, False, True]))
    assert kept.listing.tolist() == [4, 5, 7, 8]
    assert kept.lots.tolist() == [0, 1, 3, 4]
    assert kept.starts.tolist() == [0, 2]
