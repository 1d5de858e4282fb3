"""What decides a book is named right, counted by group, and refused where nothing can be made."""

from __future__ import annotations

import sys

import pytest

from keeper.backtest.books.all_archetypes import TYPES, MadeBook
from keeper.backtest.instrument_ids import future_id, perpetual_id
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from scripts import measure_table
from scripts.measure_standard_margin.books import Stress, stressed
from scripts.measure_table import CHARGE, STANDARD, UNKNOWN, Decider, decided_by, deciders, report
from tests.books import MODEL, account, call, exchange, perpetual, put, spot
from tests.unit.backtest.synthetic import BTC, ETH, SPOT, START, chain, expiries, write_chain

SIX_HOURS = 6 * 3600
TERMS = [expiries()[n] for n in (0, 1, 6, 13, 27)]
CHAINS = [
    chain(START + n * SIX_HOURS, {u: price * (1 + 0.004 * n) for u, price in SPOT.items()}, TERMS)
    for n in range(3)
]
DOWN, UP = "decay spot -1 vol down", "decay spot +1 vol down"
BY_HAND = [
    account(1, {perpetual(): 1_000}),  # all rows that move a range tie: the first counts
    account(2, {perpetual(): -1_000}),
    # A box is worth the same in every scenario, so its charge stands alone.
    account(3, {call(3_000): 1_000, put(3_000): -1_000, call(3_300): -1_000, put(3_300): 1_000}),
    account(4, {perpetual(): 2**24}),  # beyond a cap: nothing of it is known
    account(5, {spot(): 1_000, perpetual(): -1_000}),  # a hedge without an expiry
]


def decided(tenths):
    snapshot = stressed(exchange(BY_HAND), Stress("", tenths, 10), MODEL.scan.cap_wad)
    return decided_by(margin_book(snapshot, MODEL), MODEL)


def test_decided_by__books_by_hand__name_what_binds():
    assert decided(10) == [DOWN, UP, CHARGE, UNKNOWN, CHARGE]


def test_decided_by__range_beyond_the_linear_rate__standard_margin_binds():
    # 0.244 of the price in a scan range, 0.20 in standard margin.
    assert decided(20) == [STANDARD, STANDARD, CHARGE, UNKNOWN, CHARGE]


def kind(group):
    return next(n for n, one in enumerate(TYPES) if one.group == group)


LINEAR, COVERED, BASIS = kind("linear"), kind("covered m"), kind("futures basis")
LONG, SHORT = ((perpetual_id(BTC), 1_000),), ((perpetual_id(ETH), -1_000),)


def hand_made(per_chain, monkeypatch):
    """Stand in for the books that are drawn: those of each chain in turn."""
    turns = iter(per_chain)
    monkeypatch.setattr(measure_table, "made_books", lambda *_: next(turns))


def test_deciders__books_by_hand__are_counted_with_their_commonest_group(monkeypatch):
    # The nearest expiry rolls within the day and leaves the perpetual bare.
    rolling = ((perpetual_id(ETH), 1_000), (future_id(ETH, TERMS[0]), -1_000))
    first = [MadeBook(LINEAR, LONG), MadeBook(COVERED, LONG), MadeBook(LINEAR, SHORT)]
    second = [MadeBook(COVERED, LONG), MadeBook(BASIS, tuple(sorted(rolling)))]
    hand_made([first, second], monkeypatch)
    found = deciders(CHAINS[:2], MODEL, 1, 1)
    assert [decider.books for decider in found] == sorted(decider.books for decider in found)
    assert [one for one in found if one.books] == [
        Decider(UP, 1, "linear"),
        Decider("roll spot -1", 1, "futures basis"),
        Decider(DOWN, 3, "covered m"),
    ]
    names = [scenario.name for scenario in MODEL.scenarios]
    assert sorted(one.name for one in found) == sorted([CHARGE, STANDARD, *names])


def test_deciders__every_second__takes_the_first_and_the_third(monkeypatch):
    moments = []

    def made(market, *_):
        moments.append(market.moment.time)
        return [MadeBook(LINEAR, LONG)]

    monkeypatch.setattr(measure_table, "made_books", made)
    found = deciders(CHAINS, MODEL, 2, 1)
    assert moments == [START, START + 2 * SIX_HOURS]
    assert sum(one.books for one in found) == 2


def test_deciders__drawn_books__depend_on_the_seed_and_are_where_they_must_be():
    found = deciders(CHAINS[:1], MODEL, 1, 1)
    again = deciders(CHAINS[:1], MODEL, 1, 1)
    other = deciders(CHAINS[:1], MODEL, 1, 2)
    assert found == again != other
    by_name = {one.name: one for one in found}
    assert by_name[CHARGE].group == "conversion and box"
    assert by_name[STANDARD].books == 0, "not at the calm range"
    assert by_name[DOWN].books > 20, "4 of each underlying are a long perpetual, or short puts"


def test_report__shares__of_all_books():
    text = report([Decider("a", 0, ""), Decider("b", 1, "linear"), Decider("c", 1_999, "box")])
    rows = [line.split() for line in text.splitlines()]
    assert rows == [
        ["2,000", "books"],
        ["a", "0.000%"],
        ["b", "0.050%", "linear"],
        ["c", "99.950%", "box"],
    ]


@pytest.mark.parametrize(
    ("chains", "every", "message"),
    [
        (CHAINS, 0, "every 0: give 1 or more"),
        ([], 1, "no chain can be used"),
        ([CHAINS[0].take(CHAINS[0].underlying == BTC)], 1, "ETH has no option"),
    ],
    ids=["every", "none", "an underlying lacks"],
)
def test_deciders__unfit_input__is_refused(chains, every, message):
    with pytest.raises(InputError, match=message):
        deciders(chains, MODEL, every, 1)


def test_deciders__no_book__is_refused(monkeypatch):
    hand_made([[]], monkeypatch)
    with pytest.raises(InputError, match="no book can be made"):
        deciders(CHAINS[:1], MODEL, 1, 1)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["measure_table", *map(str, arguments)])
    measure_table.main()


def test_main__folder__prints_a_line_for_every_row(monkeypatch, capsys, tmp_path):
    write_chain(tmp_path, CHAINS[1])
    write_chain(tmp_path, CHAINS[0])
    (tmp_path / "20260101T230000Z.csv").write_text("no,chain\n")
    run(monkeypatch, tmp_path, "--every", "2", "--seed", "3")
    lines = capsys.readouterr().out.splitlines()
    expected = deciders(CHAINS[:1], MODEL, 1, 3)
    assert lines[0] == f"{sum(one.books for one in expected):,} books"
    shares = {line[:40].strip(): float(line[40:49].strip(" %")) for line in lines[1:]}
    assert len(shares) == len(lines) - 1 == len(MODEL.scenarios) + 2
    assert sum(shares.values()) == pytest.approx(100, abs=0.05)


@pytest.mark.parametrize("content", [None, "no,chain\n"])
def test_main__no_chain__ends_with_the_errors_code(monkeypatch, capsys, tmp_path, content):
    if content is not None:
        (tmp_path / "20260101T230000Z.csv").write_text(content)
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, tmp_path)
    streams = capsys.readouterr()
    assert stopped.value.code == InputError.exit_code
    assert streams.out == ""
    assert streams.err.startswith("error: ")
