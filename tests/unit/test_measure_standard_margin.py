"""Where MM exceeds SM is counted right, on books of the kind that each line says it is of."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from keeper.margin.portfolio import margin_book
from keeper.pricing.svi import variance_per_year
from keeper.state.instruments import Instrument, Kind
from keeper.testing.random_book import random_book
from scripts.measure_standard_margin.__main__ import STRESSES, compared, main, measure, show
from scripts.measure_standard_margin.books import Stress, kinds_of_book, stressed
from tests.books import MILLI, MODEL, account, call, exchange, future, perpetual

CAP = MODEL.scan.cap_wad
CALM, DOUBLED = Stress("calm", 10, 10), Stress("range ×2", 20, 10)
BY_HAND = [
    account(1, {perpetual(): 1_000}),  # at 0.244 of a range loses more than its rate of 0.20
    account(2, {call(3_000): 1_000}),  # loses its mark at most
    account(3, {perpetual(): 1_000, future(): -1_000}),  # offset, and charged twice by SM
]


def margins(stress, accounts=BY_HAND):
    return margin_book(stressed(exchange(accounts), stress, CAP), MODEL)


def test_compared__range_beyond_the_linear_rate__counts_the_naked_leg_alone():
    cell = compared("market", "books", margins(DOUBLED), MODEL)
    assert (cell.accounts, cell.exceeding, cell.without_standard) == (3, 1, 0)
    assert cell.excess == pytest.approx([0.244 / 0.20] * 3, rel=1e-5)
    assert cell.families == {"decay": 1}, "all rows that move spot as far tie: the first counts"


def test_compared__usual_range__counts_nobody():
    cell = compared("market", "books", margins(CALM), MODEL)
    assert (cell.accounts, cell.exceeding, cell.excess, cell.families) == (3, 0, [], {})
    found = margins(CALM)
    ratios = found.standard_usd6 / found.maintenance_usd6
    assert cell.saving == pytest.approx(np.percentile(ratios, (5, 50, 95)))
    assert ratios[0] == pytest.approx(0.20 / 0.122, rel=1e-5)


def test_compared__no_standard_margin_at_all__is_counted_apart():
    found = margins(CALM)
    free = replace(found, standard_usd6=np.array([0, *found.standard_usd6[1:]]))
    cell = compared("market", "books", free, MODEL)
    assert (cell.exceeding, cell.without_standard, cell.excess) == (1, 1, [])


def test_compared__both_the_same__is_no_excess():
    found = margins(DOUBLED)
    same = replace(found, standard_usd6=found.maintenance_usd6)
    assert compared("market", "books", same, MODEL).exceeding == 0


def test_compared__an_account_that_cannot_be_measured__is_left_out():
    found = margins(DOUBLED, [*BY_HAND, account(4, {perpetual(): 2**24})])
    assert compared("market", "books", found, MODEL).accounts == 3


def test_stressed__beyond_the_cap__stands_at_the_cap():
    found = stressed(exchange(), Stress("wild", 50, 10), CAP).underlyings.scan_range_wad
    assert found.tolist() == [400 * MILLI] * 2
    doubled = stressed(exchange(), DOUBLED, CAP).underlyings.scan_range_wad
    assert doubled.tolist() == [184 * MILLI, 244 * MILLI]


def test_stressed__vols_half_as_high_again__also_in_the_wings():
    def variance(snapshot, k):
        row = snapshot.forwards
        smile = (getattr(row, name)[1:2] / 1e18 for name in ("a", "b", "rho", "m", "sigma"))
        return variance_per_year(np.array([k]), *smile)[0]

    before, after = exchange(), stressed(exchange(), Stress("vol", 10, 15), CAP)
    for k in (-0.3, 0.0, 0.2):
        assert variance(after, 1.5 * k) == pytest.approx(2.25 * variance(before, k))


def positions(snapshot):
    """Rows of (account, instrument, lots)."""
    ids = [Instrument.unpack(h << 64 | low) for h, low in snapshot.listings.instrument.tolist()]
    owner = np.repeat(np.arange(len(snapshot.accounts)), snapshot.accounts.legs).tolist()
    rows = zip(owner, snapshot.legs.listing.tolist(), snapshot.legs.lots.tolist(), strict=True)
    return [(account, ids[row], lots) for account, row, lots in rows]


def sums(rows, key):
    total = {}
    for holder, instrument, lots in rows:
        name = (holder, *key(instrument))
        total[name] = total.get(name, 0) + lots
    return total


BOOKS = kinds_of_book(random_book(MODEL, 700, 3_500, 3, 300))


@pytest.mark.parametrize("name", BOOKS)
def test_kinds_of_book__each__is_canonical_and_not_empty(name):
    BOOKS[name].validate()
    assert len(BOOKS[name].legs) > 500


def test_kinds_of_book__one_leg__covers_every_listing_and_side():
    sides = {(instrument, lots) for _, instrument, lots in positions(BOOKS["one leg"])}
    assert len(sides) == 2 * 300 - 2, "two spots, which nobody can be short of"
    assert BOOKS["one leg"].accounts.legs.tolist() == [1] * 700


def test_kinds_of_book__options_or_linear_alone__on_their_side():
    for name, sign in (("long options", 1), ("short options", -1)):
        assert all(i.kind.is_option and lots * sign > 0 for _, i, lots in positions(BOOKS[name]))
    assert not any(i.kind.is_option for _, i, _ in positions(BOOKS["linear"]))


def test_kinds_of_book__covered_calls__have_a_future_for_each_call():
    rows = positions(BOOKS["covered calls"])
    assert {i.kind for _, i, _ in rows} == {Kind.CALL, Kind.FUTURE}
    assert all(lots < 0 for _, i, lots in rows if i.kind is Kind.CALL)
    assert not any(sums(rows, lambda i: (i.underlying, i.expiry)).values())


def test_kinds_of_book__calendars__have_no_lots_left_over_but_two_expiries():
    rows = positions(BOOKS["calendars"])
    assert not any(sums(rows, lambda i: (i.underlying, i.kind)).values())
    assert any(sums(rows, lambda i: (i.underlying, i.kind, i.expiry)).values())


@pytest.fixture(scope="module")
def cells():
    return list(measure(MODEL, 700, 3, 300))


def test_measure__few_accounts__has_every_cell_and_exceeds_where_it_must(cells):
    found = {(cell.market, cell.books): cell for cell in cells}
    assert found.keys() == {(stress.name, name) for stress in STRESSES for name in BOOKS}
    assert not any(cell.exceeding for (market, _), cell in found.items() if market == "calm")
    assert not any(cell.exceeding for (_, name), cell in found.items() if name == "long options")
    linear = found["range ×2", "linear"]
    assert linear.exceeding > 0.8 * linear.accounts


def test_show__every_cell__has_its_line(cells, capsys):
    show(cells)
    lines = capsys.readouterr().out.splitlines()
    assert sum("calendars" in line for line in lines) == len(STRESSES)
    linear = next(cell for cell in cells if (cell.market, cell.books) == ("range ×2", "linear"))
    share = f"{linear.exceeding / linear.accounts:.2%}"
    assert any("range ×2 " in line and "linear" in line and share in line for line in lines)


def test_main__json__goes_to_stdout_and_progress_does_not(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["measure_standard_margin", "--accounts", "40", "--json"])
    main()
    streams = capsys.readouterr()
    assert len(json.loads(streams.out)) == len(STRESSES) * len(BOOKS)
    assert "calm: one leg" in streams.err
