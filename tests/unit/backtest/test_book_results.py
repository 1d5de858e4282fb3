from dataclasses import replace

import numpy as np
import pytest

from keeper.backtest.book_results import Later, Rules, Task, book_results
from keeper.backtest.books.all_archetypes import TYPES, made_books
from keeper.backtest.books.market import book_market
from keeper.backtest.chain_snapshot import chain_snapshot
from keeper.backtest.known_prices import known_prices
from keeper.backtest.moment import moment_of
from keeper.backtest.naive_grid import naive_margin
from keeper.backtest.pmrm2_books import PARAMETERS, pmrm2_maintenance
from keeper.compute.processes import Processes
from keeper.draws import Draws
from keeper.errors import ConfigError
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.models.pmrm2.inputs import Expiry, Option, Perp, Portfolio, Smile
from keeper.margin.models.pmrm2.margins import margins
from keeper.margin.portfolio import margin_book
from keeper.state.instruments import Instrument, Kind
from keeper.units import E8, USD6, YEAR_SECONDS
from tests.books import MODEL
from tests.unit.backtest.synthetic import BTC, DAY, ETH, SPOT, START, VOL, chain, flat_smiles

RULES = Rules(MODEL, seed=1, copies=1)
NOW = chain()
MOMENT = moment_of(NOW)
SMILES = flat_smiles(NOW)
RING = known_prices([MOMENT], MODEL).ring(START)


def later(time=START + DAY, **changes):
    return Later(
        moment_of(chain(time, **changes)), {(n, e): SPOT[n] for n, e in SMILES if e <= time}
    )


def results(*ends):
    return book_results(RULES, Task(NOW, SMILES, RING, ends))


def names(found):
    return [TYPES[kind].name for kind in found.kind.tolist()]


def test_book_results__spot_falls__longs_lose_what_it_fell():
    moved = {BTC: SPOT[BTC] * 0.9, ETH: SPOT[ETH]}
    found = results(None, later(START + 60, spot=moved))
    rows = [row for row, name in enumerate(names(found)) if name == "long perpetual"]
    losses = found.losses[1, rows] / found.gross[rows]
    assert sorted(losses) == pytest.approx([0.0, 0.1], abs=2e-3)
    assert np.isnan(found.losses[0]).all()


def test_book_results__nothing_moves__nobody_loses_but_marks_rounding():
    found = results(later(START), later(START))
    assert np.abs(found.losses).max() < 1e-5 * found.gross.max()
    assert np.abs(found.quoted_losses).max() == 0.0


def test_book_results__engine__is_asked_and_not_copied():
    found = results(later(), later())
    market = book_market(NOW, MOMENT, SMILES)
    books = made_books(market, MODEL, Draws(1), 1)
    snapshot = chain_snapshot(MOMENT, SMILES, RING, {}, books, MODEL)
    margined = margin_book(snapshot, MODEL)
    assert (found.maintenance == margined.maintenance_usd6 / USD6).all()
    assert (found.required == margined.required_usd6 / USD6).all()
    assert (found.standard == margined.standard_usd6 / USD6).all()
    assert found.sentinels == 0


def test_book_results__expiry_between__settles_at_the_spot_after_it():
    end = later(START + DAY)
    first = min(expiry for _, expiry in SMILES)
    assert first < START + DAY
    call = Instrument(BTC, first, Kind.CALL, 80_000 * E8).pack()
    put = Instrument(BTC, first, Kind.PUT, 80_000 * E8).pack()
    assert end.value(call) == SPOT[BTC] - 80_000
    assert end.value(put) == 0.0
    assert end.value(Instrument(BTC, first, Kind.FUTURE, 0).pack()) == SPOT[BTC]
    unknown = Later(end.moment, {})
    assert np.isnan(unknown.value(call))


def test_book_results__long_option_worthless__loses_its_margin_and_no_more():
    # A quiet day takes all of a far option's value, and standard margin is that value.
    found = results(None, later(START + DAY, vol={BTC: 0.01, ETH: 0.01}))
    rows = [row for row, name in enumerate(names(found)) if name in ("long call/s", "long put/s")]
    assert (found.losses[1, rows] <= found.required[rows] * (1 + 1e-9)).all()


def test_book_results__leg_without_a_price_later__is_left_out_and_counted():
    end = later()
    lost = results(end, Later(replace(end.moment, value={}), end.settled), None)
    whole = results(end, end, None)
    assert whole.unvalued == (0, 0, 0)
    assert lost.unvalued == (0, int(np.isnan(lost.losses[1]).sum()), 0)
    assert lost.unvalued[1] > 0.9 * len(lost.kind)  # of the others all legs have expired
    assert not np.isnan(lost.losses[0]).any()


def test_book_results__smile_that_feeds_cannot_publish__is_left_out():
    number, expiry = max(SMILES)
    steep = SMILES | {(number, expiry): replace(SMILES[number, expiry], b=12.0)}
    found = book_results(RULES, Task(NOW, steep, RING, [None, None]))
    assert found.sentinels == 0
    assert len(found.kind) > 0


def engine():
    books = made_books(book_market(NOW, MOMENT, SMILES), MODEL, Draws(3), 2)
    snapshot = chain_snapshot(MOMENT, SMILES, RING, {}, books, MODEL)
    counts = snapshot.accounts.legs.astype(np.int64)
    listing = snapshot.legs.listing.astype(np.int64)
    return (
        books,
        listing_market(snapshot),
        Book(listing, snapshot.legs.lots, np.cumsum(counts) - counts),
    )


def portfolio(legs, underlying):
    """The part of a book that is in one underlying, as a case of the model; futures left out."""
    held = [(Instrument.unpack(i), lots / 1000) for i, lots in legs if i >> 112 == underlying]
    terms = sorted({leg.expiry for leg, _ in held if leg.kind.is_option})
    years = [(term - START) / YEAR_SECONDS for term in terms]
    forwards = [MOMENT.forward[underlying, term] for term in terms]
    return Portfolio(
        cash=0.0,
        spot=MOMENT.spot[underlying],
        spot_confidence=1.0,
        stable=1.0,
        perp=Perp(
            sum(c for leg, c in held if leg.kind is Kind.PERPETUAL),
            MOMENT.spot[underlying],
            1.0,
            0.0,
        ),
        collaterals=(),
        expiries=tuple(
            Expiry(term - START, f, 0.0, 1.0, Smile(VOL[underlying] ** 2 * t, 0, 0, 0, 0.1, f, t))
            for term, f, t in zip(terms, forwards, years, strict=True)
        ),
        options=tuple(
            Option(terms.index(leg.expiry), leg.strike_e8 / E8, leg.kind is Kind.CALL, coins)
            for leg, coins in held
            if leg.kind.is_option
        ),
    )


def test_pmrm2_maintenance__every_book__is_that_of_the_model_alone():
    books, market, book = engine()
    found = pmrm2_maintenance(market, book)
    compared = 0
    for made, asked in zip(books, found.tolist(), strict=True):
        if any(Instrument.unpack(held).kind is Kind.FUTURE for held, _ in made.legs):
            continue
        expected = 0.0
        for underlying in {held >> 112 for held, _ in made.legs}:
            alone = margins(portfolio(made.legs, underlying), PARAMETERS)
            expected += alone.mark_to_market - alone.maintenance
        # Prices of the market are whole 1e-8 USD.
        assert asked == pytest.approx(expected, rel=1e-6, abs=0.02)
        compared += 1
    assert compared > 300


def test_naive_margin__linear_book__is_the_scan_range():
    books, market, book = engine()
    charge = np.zeros(len(books), dtype=np.int64)
    found = naive_margin(market, book, charge, MODEL)
    for made, asked in zip(books, found.tolist(), strict=True):
        if TYPES[made.kind].name != "long perpetual":
            continue
        [(held, lots)] = made.legs
        row = int(np.flatnonzero(market.underlying == held >> 112)[0])
        notional = lots * 1e-3 * market.spot_e8[row] / E8
        assert asked / USD6 == pytest.approx(notional * market.scan_range_wad[row] / 1e18, rel=1e-5)


def square(shared, part):
    return shared * part * part


@pytest.mark.parametrize("count", [1, 2])
def test_processes__any_number__same_results_in_order(count):
    with Processes(count, 3) as pool:
        assert list(pool.each(square, list(range(7)))) == [3 * n * n for n in range(7)]


def test_processes__none__is_refused():
    with pytest.raises(ConfigError, match="set 1 or more"):
        Processes(0, None)
