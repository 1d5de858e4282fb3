from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from keeper.backtest.books.all_archetypes import GROUPS, TYPES, made_books
from keeper.backtest.books.market import BUCKETS, book_market
from keeper.backtest.chance import Chance
from keeper.backtest.moment import moment_of
from keeper.draws import Draws
from keeper.errors import InputError
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS
from keeper.state.instruments import Instrument, Kind
from keeper.units import E8
from tests.books import MODEL
from tests.unit.backtest.synthetic import BTC, ETH, SPOT, START, chain, expiries, flat_smiles

CHAIN = chain()
MOMENT = moment_of(CHAIN)
MARKET = book_market(CHAIN, MOMENT, flat_smiles(CHAIN))
BOOKS = made_books(MARKET, MODEL, Draws(1))


def of(name):
    return [dict(book.legs) for book in BOOKS if TYPES[book.kind].name == name]


def delta(legs):
    found = {}
    for instrument, lots in legs.items():
        row = MARKET.row_of.get(instrument)
        number = instrument >> 112
        found[number] = found.get(number, 0.0) + lots * (1.0 if row is None else MARKET.delta[row])
    return found


def test_types__all__are_85_in_33_groups():
    assert len(TYPES) == 85
    assert len(GROUPS) == 33
    assert len({kind.name for kind in TYPES}) == 85


def test_made_books__full_chain__has_every_type_and_at_most_eight_of_each():
    counts = Counter(TYPES[book.kind].name for book in BOOKS)
    assert counts.keys() == {kind.name for kind in TYPES}
    assert sum(counts.values()) > 0.95 * 8 * len(TYPES)  # spreads need two strikes
    assert max(counts.values()) == 8


def test_made_books__any__fit_the_engine():
    for book in BOOKS:
        assert 1 <= len(book.legs) <= MAX_LEGS
        assert [instrument for instrument, _ in book.legs] == sorted(dict(book.legs))
        assert all(0 < abs(lots) < LOTS_CAP for _, lots in book.legs)
        for instrument, _ in book.legs:
            Instrument.unpack(instrument)


def test_made_books__seed__decides_and_nothing_else():
    again = made_books(MARKET, MODEL, Draws(1))
    assert again == BOOKS
    assert made_books(MARKET, MODEL, Draws(2)) != BOOKS


@pytest.mark.parametrize(
    "name",
    [
        "hedged long strangle/s",
        "hedged short strangle/m",
        "hedged short option/l",
        "hedged risk reversal/m",
        "market maker",
        "market maker across",
        "short gamma maker",
        "neutral calendar/ml",
        "straddle against straddle/m",
    ],
)
def test_made_books__hedged__have_no_delta(name):
    for legs in of(name):
        largest = max(abs(lots) for lots in legs.values())
        assert all(abs(net) < 1 + 1e-3 * largest + len(legs) for net in delta(legs).values())


def test_made_books__outright_short__sells_options_alone():
    for name in ("short call/s", "short put/m", "short strangle/l", "short wing/m"):
        for legs in of(name):
            assert all(Instrument.unpack(held).kind.is_option for held in legs)
            assert all(lots < 0 for lots in legs.values())
    for legs in of("long strangle/m"):
        assert all(lots > 0 for lots in legs.values())


def test_made_books__terms__lie_in_their_bucket():
    for bucket, (low, high) in BUCKETS.items():
        for legs in of(f"short call/{bucket}"):
            [held] = [Instrument.unpack(instrument) for instrument in legs]
            assert low <= (held.expiry - START) / 86_400 < high


def test_made_books__conversion__nets_to_nothing_at_expiry():
    for legs in of("conversion/m"):
        by_kind = {Instrument.unpack(held).kind: lots for held, lots in legs.items()}
        assert by_kind[Kind.CALL] == -by_kind[Kind.PUT] == -by_kind[Kind.FUTURE]
        assert len({Instrument.unpack(held).strike_e8 for held in legs} - {0}) == 1


def test_made_books__vega_neutral__has_no_vega():
    for legs in of("short gamma maker"):
        terms = [(lots, MARKET.row_of.get(held)) for held, lots in legs.items()]
        vega = [lots * MARKET.vega[row] for lots, row in terms if row is not None]
        assert abs(sum(vega)) < 0.01 * sum(map(abs, vega))


def test_made_books__one_underlying_and_few_terms__leave_out_what_cannot_be():
    quoted = chain(terms=expiries()[:2])
    moment = moment_of(quoted)
    market = book_market(quoted, moment, [key for key in flat_smiles(quoted) if key[0] == BTC])
    books = made_books(market, MODEL, Draws(1))
    names = {TYPES[book.kind].name for book in books}
    assert "short call/s" in names
    assert not {"short call/l", "one against another", "straddle against straddle/s"} & names
    options = [i for book in books for i, _ in book.legs if Instrument.unpack(i).kind.is_option]
    assert {instrument >> 112 for instrument in options} == {BTC}


def test_made_books__single_expiry__has_no_calendar_and_all_else():
    quoted = chain(terms=expiries()[:1])
    market = book_market(quoted, moment_of(quoted), flat_smiles(quoted))
    names = {TYPES[book.kind].name for book in made_books(market, MODEL, Draws(1))}
    assert "futures calendar" not in names
    assert {"future against perpetual", "short call/s", "one against another"} <= names


def test_made_books__only_strikes_far_away__are_no_hedge():
    quoted = chain(terms=expiries()[:1])
    far = quoted.take((quoted.underlying == BTC) | (quoted.strike_e8 < 0.68 * SPOT[ETH] * E8))
    far = replace(far, mark_coin=np.maximum(far.mark_coin, 1e-9))
    made = [
        made_books(book_market(one, moment_of(one), flat_smiles(one)), MODEL, Draws(1))
        for one in (quoted, far)
    ]
    lots = [max(abs(count) for book in books for _, count in book.legs) for books in made]
    names = [{TYPES[book.kind].name for book in books} for books in made]
    assert max(lots) < LOTS_CAP
    assert "long call/s" in names[0] & names[1]
    assert sum(TYPES[book.kind].name == "straddle against straddle/s" for book in made[0]) == 8
    assert sum(TYPES[book.kind].name == "straddle against straddle/s" for book in made[1]) == 4


def test_chance__more_than_given__is_refused():
    chance = Chance([0.5])
    assert chance.below(4) == 2
    with pytest.raises(InputError, match="give it more"):
        chance.sign()


def test_chance__some__are_different():
    chance = Chance(Draws(1).fractions("x", 50).tolist())
    assert sorted(chance.some(range(40), 40)) == list(range(40))
    assert np.unique(chance.some(range(5), 9)).tolist() == [0, 1, 2, 3, 4]
