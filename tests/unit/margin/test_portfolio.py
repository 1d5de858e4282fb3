"""Every figure of small books, against a second implementation of docs/model.md."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.portfolio import NO_SCENARIO, UNKNOWN, MarginBook, margin_book
from keeper.state.accounts import positions_hash
from keeper.state.snapshot import ListingRow, UnderlyingRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    LISTED,
    MODEL,
    MODEL_TEXT,
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

BOOKS = {
    "one short call": {call(3_300): -5_000},
    "one long put": {put(2_700, FAR): 3_000},
    "short put near its maximum loss": {put(4_000): -700},
    "short far put": {put(2_400, FAR, ETH): -1},
    "perpetual": {perpetual(): 12_345},
    "short future against spot": {future(FAR): -1_000, spot(): 1_000},
    "iron condor": {put(2_400): 500, put(2_700): -500, call(3_300): -500, call(4_000): 500},
    "cheap wings, half of standard is the charge": {call(4_000): 1_000_000, call(3_300): -10},
    "calendar": {call(3_000): -2_000, call(3_000, FAR): 2_000},
    "two underlyings": {
        call(110_000, FAR, BTC): -40,
        perpetual(BTC): 15,
        put(2_700): -900,
        future(FAR): -400,
        spot(): 77,
    },
}
REFERENCE = Reference(MODEL_TEXT, UNDERLYINGS, FORWARDS, NOW)
CASH = 1_234_567_891
COSTS = {perpetual(): 36_000_123_456, perpetual(BTC): -7_000_001}


def costs_of(lots):
    return {i: COSTS[i] for i in lots if i in COSTS}


def figures(book: MarginBook, row: int) -> dict[str, int]:
    return {
        name: int(getattr(book, name)[row])
        for name in MarginBook.__slots__
        if name.endswith("_usd6") or name == "worst_scenario"
    }


def only(snapshot, model=MODEL) -> MarginBook:
    book = margin_book(snapshot, model)
    assert len(book) == 1
    return book


def unmeasured(book: MarginBook) -> bool:
    """Whether the only account has a sentinel, unknown requirements and nothing else."""
    requirements = (
        book.standard_usd6,
        book.standard_initial_usd6,
        book.maintenance_usd6,
        book.initial_usd6,
    )
    others = (book.equity_usd6, book.gross_usd6, book.add_ons_usd6, book.worst_loss_usd6)
    return (
        bool(book.sentinel[0])
        and not book.measured[0]
        and all(x[0] == UNKNOWN for x in requirements)
        and all(x[0] == 0 for x in others)
        and book.worst_scenario[0] == NO_SCENARIO
    )


@pytest.mark.parametrize("name", BOOKS)
def test_margin_book__small_book__every_figure_equals_the_reference(name):
    lots = BOOKS[name]
    costs = costs_of(lots)
    book = only(exchange([account(1, lots, cash_usd6=CASH, costs=costs)]))
    assert figures(book, 0) == REFERENCE.figures(lots, CASH, costs)
    assert not book.sentinel[0]
    assert book.positions_hash == [positions_hash(2, list(lots.items()))]


def test_margin_book__many_accounts__each_as_if_alone():
    accounts = [account(n, lots, costs=costs_of(lots)) for n, lots in enumerate(BOOKS.values(), 1)]
    together = margin_book(exchange(accounts), MODEL)
    assert together.accounts == [row.account for row in accounts]
    for row, holder in enumerate(accounts):
        alone = only(exchange([holder]))
        assert figures(together, row) == figures(alone, 0)
        assert together.positions_hash[row] == alone.positions_hash[0]


def test_margin_book__account_without_legs__has_no_row():
    book = margin_book(exchange([account(1, {}, cash_usd6=5), account(2, {spot(): 1})]), MODEL)
    assert book.account_row.tolist() == [1]
    assert book.account.tobytes() == account(2, {}).account


def test_margin_book__no_accounts__is_empty():
    assert len(margin_book(exchange(), MODEL)) == 0


def test_margin_book__costs_of_kinds_without_entry_cost__are_ignored():
    lots = {call(3_000): 10, spot(): 4}
    free = only(exchange([account(1, lots)]))
    charged = only(exchange([account(1, lots, costs=dict.fromkeys(lots, 999))]))
    assert charged.equity_usd6[0] == free.equity_usd6[0]


def test_margin_book__bounty_reserve__is_not_equity():
    holder = account(1, {spot(): 1})
    richer = replace(holder, reserve_usd6=10**9)
    assert only(exchange([holder])).equity_usd6 == only(exchange([richer])).equity_usd6


@pytest.mark.parametrize(
    "lots",
    [
        {future(): 1_000, call(3_000): -1_000, put(3_000): 1_000},
        {future(FAR): -2_000, call(4_000, FAR): 2_000, put(4_000, FAR): -2_000},
        {call(2_700): 500, put(2_700): -500, call(3_300): -500, put(3_300): 500},
    ],
    ids=["conversion", "reversal", "box"],
)
def test_margin_book__locked_value__pays_exactly_the_minimum_charge(lots):
    book = only(exchange([account(1, lots)]))
    lot = -(-UNDERLYINGS[1].spot_e8 // 100_000)
    gross = sum(map(abs, lots.values())) * lot
    # Nothing but the rounding of the risk arrays can be lost, half a micro-dollar a lot.
    assert book.worst_loss_usd6[0] <= sum(map(abs, lots.values()))
    assert book.gross_usd6[0] == gross
    of_gross = sum(-(-abs(n) * lot // 1_000) for n in lots.values())
    assert book.maintenance_usd6[0] - book.add_ons_usd6[0] == of_gross


def test_margin_book__minimum_charge__is_at_most_half_of_standard():
    lots = {call(4_000): 1_000_000}  # out of the money for a week: cheap against its gross value
    book = only(exchange([account(1, lots)]))
    assert book.minimum_charge_usd6[0] == -(-int(book.standard_usd6[0]) // 2)
    assert book.minimum_charge_usd6[0] < int(book.gross_usd6[0]) // 1_000


def test_margin_book__standard_dominates_maintenance__for_single_legs():
    holders = [
        account(n, {i: s}) for n, (i, s) in enumerate(((i, s) for i in LISTED for s in (1, -1)), 1)
    ]
    book = margin_book(exchange(holders), MODEL)
    assert len(book) == 2 * len(LISTED)
    assert (book.standard_usd6 >= book.maintenance_usd6).all()
    assert (book.initial_usd6 >= book.maintenance_usd6).all()


@pytest.mark.parametrize(
    ("forwards", "measured"),
    [
        ([f for f in FORWARDS if f.expiry != FAR], False),
        ([f if f.expiry != FAR else forward(f.underlying, FAR, time=0) for f in FORWARDS], False),
        (
            [f if f.expiry != FAR else forward(f.underlying, FAR, ratio_wad=0) for f in FORWARDS],
            False,
        ),
        (
            [
                f if f.expiry != FAR else forward(f.underlying, FAR, time=NOW - 7_201)
                for f in FORWARDS
            ],
            True,
        ),
    ],
    ids=["missing", "never published", "no ratio", "stale"],
)
def test_margin_book__leg_at_fault__sentinel_for_its_holders_only(forwards, measured):
    holders = [account(1, {call(3_000): 5}), account(2, {call(3_000): 5, call(3_000, FAR): 5})]
    book = margin_book(exchange(holders, forwards=forwards), MODEL)
    assert book.sentinel.tolist() == [False, True]
    assert book.measured.tolist() == [True, measured]
    alone = only(exchange([holders[0]]))
    assert figures(book, 0) == figures(alone, 0)


def test_margin_book__stale_surface__keeps_the_figures_of_the_last_mark():
    lots = BOOKS["calendar"]
    aged = [replace(f, time=NOW - 7_201) for f in FORWARDS]
    fresh, stale = (
        only(exchange([account(1, lots)])),
        only(exchange([account(1, lots)], forwards=aged)),
    )
    assert figures(stale, 0) == figures(fresh, 0)
    assert stale.sentinel[0]


@pytest.mark.parametrize(
    ("lots", "fits"), [(2**24 - 1, True), (2**24, False), (-(2**24), False), (-(2**63), False)]
)
def test_margin_book__lots_at_the_cap__sentinel(lots, fits):
    book = only(exchange([account(1, {call(4_000): lots}, cash_usd6=9)]))
    assert book.measured[0] == fits
    assert book.sentinel[0] != fits
    assert fits or unmeasured(book)


@pytest.mark.parametrize(("legs", "fits"), [(32, True), (33, False)])
def test_margin_book__legs_at_the_cap__sentinel(legs, fits):
    book = only(exchange([account(1, dict.fromkeys(LISTED[:legs], 1))]))
    assert book.measured[0] == fits
    assert fits or unmeasured(book)


@pytest.mark.parametrize("field", ["cash_usd6", "cost_usd6"])
@pytest.mark.parametrize("amount", [2**63 - 1, -(2**63)])
def test_margin_book__amounts_that_could_overflow__sentinel(field, amount):
    cash = amount if field == "cash_usd6" else 0
    costs = {perpetual(): amount} if field == "cost_usd6" else {}
    assert unmeasured(only(exchange([account(1, {perpetual(): 1}, cash_usd6=cash, costs=costs)])))


def test_margin_book__price_beyond_the_cell_cap__sentinel():
    # One lot is one coin here: 2**34 micro-dollars are 17,179.87 USD.
    dear = [UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 17_180 * 10**8, NOW, 10**17)]
    assert unmeasured(only(exchange([account(1, {spot(): 1})], underlyings=dear)))
    cheaper = [UNDERLYINGS[0], replace(dear[1], spot_e8=17_179 * 10**8)]
    assert only(exchange([account(1, {spot(): 1})], underlyings=cheaper)).measured[0]


def test_margin_book__price_beyond_int64__sentinel_not_a_crash():
    huge = [UNDERLYINGS[0], UnderlyingRow(ETH, 1, 2**64 - 1, NOW, 10**17)]
    assert unmeasured(only(exchange([account(1, {perpetual(): 1})], underlyings=huge)))


@pytest.mark.parametrize("mode", [0, 1])
def test_margin_book__other_mode__sentinel_with_figures(mode):
    book = only(exchange([account(1, {spot(): 1}, mode=mode)]))
    assert (book.sentinel[0], book.measured[0]) == (True, True)


def test_margin_book__expired_and_settled__worth_its_intrinsic_value_in_every_scenario():
    lots = {call(2_900, PAST): 7, put(3_200, PAST): 3, future(PAST): 2}
    listings = [ListingRow(i, 0, 3_050_00000000) for i in lots]
    book = only(exchange([account(1, lots)], listings=listings))
    assert book.equity_usd6[0] == 7 * 150_000 + 3 * 150_000 + 2 * 3_050_000
    assert book.worst_loss_usd6[0] == 0
    assert book.worst_scenario[0] == 0
    assert not book.sentinel[0]


def test_margin_book__expired_before_settlement__intrinsic_at_the_spot_and_at_risk():
    lots = {call(2_900, PAST): 1_000}
    book = only(exchange([account(1, lots)], listings=[ListingRow(i, 0, 0) for i in lots]))
    assert book.equity_usd6[0] == 1_000 * 111_235
    assert book.worst_loss_usd6[0] == 1_000 * 111_235  # everything
    assert (
        MODEL.scenarios[book.worst_scenario[0]].name == "decay spot -1 vol down"
    )  # the first that falls so far
    assert not book.sentinel[0]


def test_margin_book__other_model__refused():
    factors = replace(MODEL.factors, initial_bps=13_001)
    with pytest.raises(InputError, match="model_hash"):
        margin_book(exchange(), replace(MODEL, factors=factors))


def test_margin_book__block_boundaries__change_nothing(monkeypatch):
    accounts = [account(n, lots) for n, lots in enumerate(BOOKS.values(), 1)]
    whole = margin_book(exchange(accounts), MODEL)
    monkeypatch.setattr("keeper.margin.losses.PART_LEGS", 1)
    cut = margin_book(exchange(accounts), MODEL)
    assert np.array_equal(whole.worst_loss_usd6, cut.worst_loss_usd6)
    assert np.array_equal(whole.worst_scenario, cut.worst_scenario)
