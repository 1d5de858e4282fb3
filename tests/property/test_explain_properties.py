"""What holds for the breakdown of every book."""

from __future__ import annotations

from dataclasses import fields, replace
from operator import attrgetter

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from keeper.margin.explain import explain
from keeper.margin.explanation import COMPONENTS
from keeper.margin.liquidation_price import FARTHEST, ladders_of
from keeper.margin.market import ListingMarket, Standing, listing_market
from keeper.margin.moved_book import MovableBook, Point
from keeper.margin.moved_spots import MovableMarket
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.what_if import Trade, what_if
from keeper.state.accounts import bounty_reserve_usd6
from keeper.state.snapshot import AccrualRow, ListingRow
from tests.books import (
    BTC,
    ETH,
    LISTED,
    MODEL,
    NEAR,
    PAST,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
)

pytestmark = pytest.mark.property

LOTS = st.integers(-(10**5), 10**5).filter(bool)
BOOKS = st.dictionaries(st.sampled_from(LISTED), LOTS, min_size=1, max_size=8)
# Cash of up to 60 % of gross above what the legs are worth, so that most searches find something.
CUSHION_BPS = st.integers(0, 6_000)
EXPIRED = (call(3_000, PAST), put(2_000, PAST), future(PAST))
WITH_EXPIRED = [
    *(ListingRow(i, 1_000_000, 0) for i in LISTED),
    *(
        ListingRow(i, 1_000_000, price)
        for i, price in zip(EXPIRED, (0, 0, 291_234567890), strict=True)
    ),
]


def with_spots(**spot_e8):
    """The underlyings of `tests.books` at other spots."""
    new = {BTC: spot_e8.get("btc"), ETH: spot_e8.get("eth")}
    return tuple(replace(row, spot_e8=new[row.underlying] or row.spot_e8) for row in UNDERLYINGS)


def funded(lots, cushion_bps):
    """An account with such a book, and cash so that its equity is a share of its gross."""
    bare = margin_book(exchange([account(1, lots)]), MODEL)
    gross, equity = int(bare.gross_usd6[0]), int(bare.equity_usd6[0])
    return account(1, lots, cash_usd6=gross * cushion_bps // 10_000 - equity)


def breached(row, underlying, spot_e8):
    """What the engine itself says of the account at that spot, from a snapshot of its own."""
    spots = {"btc": spot_e8} if underlying == BTC else {"eth": spot_e8}
    book = margin_book(exchange([row], underlyings=with_spots(**spots)), MODEL)
    assert book.measured[0]
    return bool(book.equity_usd6[0] < min(book.standard_usd6[0], book.maintenance_usd6[0]))


@given(
    st.sampled_from((BTC, ETH)),
    st.one_of(st.integers(1, 10**14), st.integers(2**62, 2**63), st.integers(10**15, 2 * 10**15)),
)
@example(ETH, 1)
@example(BTC, 10**16)
def test_movable_market__any_spot__is_the_market_of_a_snapshot_with_that_spot(underlying, moved):
    spots = {"btc": moved} if underlying == BTC else {"eth": moved}
    wanted = listing_market(exchange(underlyings=with_spots(**spots), listings=WITH_EXPIRED))
    movable = MovableMarket.of(exchange(listings=WITH_EXPIRED))
    today = {BTC: UNDERLYINGS[0].spot_e8, ETH: UNDERLYINGS[1].spot_e8} | {underlying: moved}
    rows = np.arange(len(wanted.kind))
    found = movable.at(rows, [today[u] for u in wanted.underlying.tolist()])
    for column in fields(ListingMarket):
        if column.name != "standing":
            both = getattr(found, column.name), getattr(wanted, column.name)
            assert (both[0] == both[1]).all(), column.name
            assert both[0].dtype == both[1].dtype, column.name
    unpriced = wanted.standing == Standing.UNPRICED
    assert ((found.standing == Standing.UNPRICED) == unpriced).all()


@given(st.integers(1, 10**14), st.integers(1, 10**17), st.integers(0, 1_200))
def test_movable_market__while_an_average_comes_about__is_the_market_of_a_snapshot(
    moved, mean_e8, known
):
    now = NEAR - 600
    accruals = [AccrualRow(ETH, NEAR, now - known // 2, mean_e8 * (1_200 - known // 2))]
    accruals += [AccrualRow(ETH, PAST, PAST - known, mean_e8 * (1_800 - known))]
    wanted = listing_market(
        exchange(
            underlyings=with_spots(eth=moved), listings=WITH_EXPIRED, accruals=accruals, now=now
        )
    )
    movable = MovableMarket.of(exchange(listings=WITH_EXPIRED, accruals=accruals, now=now))
    today = {BTC: UNDERLYINGS[0].spot_e8, ETH: moved}
    rows = np.arange(len(wanted.kind))
    found = movable.at(rows, [today[u] for u in wanted.underlying.tolist()])
    for column in fields(ListingMarket):
        if column.name != "standing":
            both = getattr(found, column.name), getattr(wanted, column.name)
            assert (both[0] == both[1]).all(), column.name
    assert (wanted.fixed_e8 > 0).any() or not 3 < mean_e8 < 10**15


@given(BOOKS, CUSHION_BPS, st.sampled_from((BTC, ETH)), st.integers(-90, 900))
def test_movable_book__any_spot__equity_and_requirement_of_the_engine(lots, cushion, which, moved):
    row = funded(lots, cushion)
    at = {BTC: UNDERLYINGS[0], ETH: UNDERLYINGS[1]}[which].spot_e8 * (100 + moved) // 100
    # As the breakdown builds it: the account alone, with the listings that it holds.
    snapshot = exchange([row], listings=[ListingRow(i, 0, 0) for i in lots])
    book, arrays = margin_book(snapshot, MODEL), risk_arrays(snapshot, MODEL)
    value = int((snapshot.legs.lots * arrays.marks).sum())
    found = MovableBook.of(snapshot, MODEL, int(book.equity_usd6[0]), value).at([Point(which, at)])
    spots = {"btc": at} if which == BTC else {"eth": at}
    wanted = margin_book(exchange([row], underlyings=with_spots(**spots)), MODEL)
    assert found.valued[0]
    assert found.equity_usd6[0] == wanted.equity_usd6[0]
    assert found.requirement_usd6[0] == min(wanted.standard_usd6[0], wanted.maintenance_usd6[0])


@settings(max_examples=60)
@given(BOOKS, CUSHION_BPS)
def test_liquidation_price__any_book__holds_there_and_not_one_tick_nearer(lots, cushion):
    row = funded(lots, cushion)
    prices = explain(exchange([row]), MODEL, row.account).liquidation
    assert {price.underlying for price in prices} == {i >> 112 for i in lots}
    for price in prices:
        for found, nearer in ((price.below_e8, 1), (price.above_e8, -1)):
            if found is None:
                continue
            assert breached(row, price.underlying, found)
            if found != price.spot_e8:
                assert found % price.tick_e8 == 0
                before = (min, max)[nearer < 0](found + nearer * price.tick_e8, price.spot_e8)
                assert not breached(row, price.underlying, before)
                assert (found < price.spot_e8) == (nearer == 1)
                assert price.lowest_e8 <= found <= price.highest_e8


@settings(max_examples=40)
@given(BOOKS, CUSHION_BPS)
def test_liquidation_price__any_book__every_rung_before_it_is_sound(lots, cushion):
    row = funded(lots, cushion)
    for price in explain(exchange([row]), MODEL, row.account).liquidation:
        falling, rising = ladders_of(price.spot_e8)
        below, above = price.below_e8 or 0, price.above_e8 or price.spot_e8 * FARTHEST + 1
        sound = [spot for spot in falling if spot > below] + [s for s in rising if s < above]
        assert len(sound) > 2 or price.spot_e8 in (below, above)
        assert not any(
            breached(row, price.underlying, spot) for spot in sound[:: len(sound) // 7 or 1]
        )


@given(BOOKS)
def test_explain__any_book__components_are_those_of_the_whole_book(lots):
    rows = [account(1, lots, cash_usd6=10**9), account(2, {perpetual(): 5})]
    book = margin_book(exchange(rows), MODEL)
    found = explain(exchange(rows), MODEL, rows[0].account)
    assert found.components == {name: int(attrgetter(name)(book)[0]) for name in COMPONENTS}
    assert found.equity_usd6 == book.equity_usd6[0]
    assert found.scenarios[0].loss_usd6 <= found.components["worst_loss_usd6"]
    losses = [scenario.loss_usd6 for scenario in found.scenarios]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) == len(MODEL.scenarios)
    by_leg = sum(leg.worst_loss_usd6 for leg in found.legs)
    worst = MODEL.scenarios[int(book.worst_scenario[0])].name
    assert by_leg == next(one.loss_usd6 for one in found.scenarios if one.name == worst)


@given(BOOKS)
def test_explain__each_leg__its_share_is_what_mm_falls_by_without_it(lots):
    row = account(1, lots)
    found = explain(exchange([row]), MODEL, row.account)
    whole = margin_book(exchange([row]), MODEL).maintenance_usd6[0]
    for leg in found.legs:
        rest = {i: n for i, n in lots.items() if i != int(leg.instrument_id, 16)}
        without = 0
        if rest:
            without = margin_book(exchange([account(1, rest)]), MODEL).maintenance_usd6[0]
        assert leg.maintenance_share_usd6 == whole - without


@given(BOOKS, st.sampled_from(LISTED), LOTS, st.one_of(st.none(), st.integers(1, 10**13)))
def test_what_if__any_trade__is_the_engine_on_the_book_after_it(lots, instrument, traded, price):
    kind = instrument >> 64 & 255
    assume(kind != 1)
    row = account(1, lots, cash_usd6=10**14)
    found = what_if(exchange([row]), MODEL, row.account, [Trade(instrument, traded, price)])
    after = {i: n for i, n in {**lots, instrument: lots.get(instrument, 0) + traded}.items() if n}
    assume(after)
    # Linear legs enter at cost 0 here: what is paid later or at once makes the same equity.
    mark = engine_mark(instrument)
    paid = traded * mark if price is None else towards_zero(traded * price * 10**15, 10**20)
    # A leg more locks more of the bounty reserve, which is no equity; a leg less frees none.
    locked = max(bounty_reserve_usd6(len(after)) - bounty_reserve_usd6(len(lots)), 0)
    cash = 10**14 - paid - locked
    book = margin_book(exchange([account(1, after, cash_usd6=cash)]), MODEL)
    assert found.after.equity_usd6 == book.equity_usd6[0]
    assert found.after.components == {name: int(attrgetter(name)(book)[0]) for name in COMPONENTS}
    before = margin_book(exchange([row]), MODEL)
    for name in COMPONENTS:
        assert (
            found.difference_usd6[name] == attrgetter(name)(book)[0] - attrgetter(name)(before)[0]
        )
    if price is None:
        assert found.difference_usd6["equity_usd6"] == -locked


def engine_mark(instrument):
    snapshot = exchange([account(1, {instrument: 1})])
    return int(margin_book(snapshot, MODEL).equity_usd6[0])


def towards_zero(x, divisor):
    return abs(x) // divisor * (1 if x >= 0 else -1)
