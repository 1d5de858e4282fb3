"""Shares of the add-ons, counted account by account from what `margin_book` gives."""

from __future__ import annotations

import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from keeper.margin.portfolio import margin_book
from keeper.testing.random_book import random_book
from scripts.measure_add_ons import Shares, main, report, shares
from tests.books import ETH, MODEL, account, exchange, perpetual

BOOK = margin_book(random_book(MODEL, 300, 3_000, 1), MODEL)


def test_shares__one_perpetual__by_hand():
    # A lot of 3.011235 USD: a half-spread of 5 bp is 1,506 micro-dollars, rounded up; of the
    # forward, 3.012740, a perpetual's basis of 10 bp is 3,013. The rest is 1.3 times its expected
    # shortfall, and a micro-dollar a lot.
    book = margin_book(exchange([account(1, {perpetual(ETH): 1_000})]), MODEL)
    found, rest = shares(book), 1.3 * int(book.shortfall_usd6[0]) + 1_000
    assert found.medians["concentration"] == pytest.approx(1_506_000 / rest)
    assert found.medians["basis"] == pytest.approx(3_013_000 / rest)
    assert [found.medians[name] for name in ("vega", "confidence", "depeg", "pin")] == [0.0] * 4
    total = sum(found.medians.values())
    assert found.all == pytest.approx([total] * 3, rel=1e-6)
    assert (found.accounts, found.exceeding, found.exceeding_without) == (1, 0, 0)


def test_shares__random_accounts__one_by_one():
    of_all, parts, above, above_without = [], {}, 0, 0
    for row in range(len(BOOK)):
        initial, on_top = int(BOOK.initial_usd6[row]), int(BOOK.initial_add_ons_usd6[row])
        if not BOOK.measured[row] or initial == on_top:
            continue
        of_all.append(on_top / (initial - on_top))
        for field in fields(BOOK.initial_parts):
            part = int(getattr(BOOK.initial_parts, field.name)[row])
            parts.setdefault(field.name[:-5], []).append(part / (initial - on_top))
        above += initial > BOOK.standard_initial_usd6[row]
        above_without += initial - on_top > BOOK.standard_initial_usd6[row]
    found = shares(BOOK)
    assert found.accounts == len(of_all) > 250
    assert found.all == pytest.approx(np.quantile(of_all, [0.05, 0.5, 0.95]))
    assert found.medians == {name: pytest.approx(np.median(row)) for name, row in parts.items()}
    assert (found.exceeding, found.exceeding_without) == (above, above_without)
    assert found.exceeding > 0


def test_shares__without_figures__are_left_out():
    unknown = BOOK.measured.copy()
    unknown[:100] = False
    free = BOOK.initial_usd6.copy()
    free[100:110] = BOOK.initial_add_ons_usd6[100:110]
    found = shares(replace(BOOK, measured=unknown, initial_usd6=free))
    assert found.accounts == shares(BOOK).accounts - 110


def test_report__every_share__is_shown():
    found = Shares(1_000, (0.01, 0.05, 0.15), {"basis": 0.02, "pin": 0.0}, 36, 31)
    assert report(found).splitlines() == [
        "1,000 accounts: add-ons over the rest of IM, p(5, 50, 95): 1.0%, 5.0%, 15.0%",
        "medians: basis 2.0%, pin 0.0%",
        "IM above SM_im: 3.6%, without add-ons 3.1%",
    ]


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["measure_add_ons", *arguments])
    main()


def test_main__accounts_and_seed__are_those_measured(monkeypatch, capsys):
    run(monkeypatch, "--accounts", "300")
    assert capsys.readouterr().out == report(shares(BOOK)) + "\n"
    run(monkeypatch, "--accounts", "300", "--seed", "2")
    assert capsys.readouterr().out != report(shares(BOOK)) + "\n"


def test_main__no_account__ends_with_the_errors_code(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(monkeypatch, "--accounts", "0")
    streams = capsys.readouterr()
    assert stopped.value.code == 65
    assert "error: accounts 0: choose 1 to" in streams.err
    assert streams.out == ""
