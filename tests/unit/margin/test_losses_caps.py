"""Nothing overflows at the caps of docs/model.md: against Python integers, which cannot."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest

from keeper.margin.losses import Book, worst_losses
from keeper.margin.market import CELL_CAP_USD6
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS, MarginBook, margin_book
from keeper.pricing import backend
from keeper.state.snapshot import TokenRow, UnderlyingRow
from tests.books import (
    ETH,
    FAR,
    FORWARDS,
    MODEL,
    MODEL_TEXT,
    NOW,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    spot,
)
from tests.reference import Reference

LOTS, CELL = LOTS_CAP - 1, CELL_CAP_USD6 - 1
FIGURES = [n for n in MarginBook.__slots__ if n.endswith("_usd6") or n == "worst_scenario"]
BOTH_TWINS = pytest.mark.parametrize("compiled", sorted({False, backend.COMPILED}))


def exact(pnl, lots, starts):
    """Worst losses of books whose legs are the listings in order, in Python integers."""
    ends = [*starts[1:], len(lots)]
    found = []
    for start, end in zip(starts, ends, strict=True):
        losses = (-(lots[start:end, None] * pnl[start:end])).sum(axis=0).tolist()
        worst = max(0, *losses)
        found.append((worst, losses.index(worst) if worst else 0))
    return found


def computed(pnl, lots, starts, compiled):
    book = Book(np.arange(len(lots)), np.array(lots, dtype=np.int64), np.array(starts))
    with patch.object(backend, "COMPILED", compiled):
        loss, scenario = worst_losses(np.array(pnl, dtype=np.int64), book)
    return list(zip(loss.tolist(), scenario.tolist(), strict=True))


def signs(*shape):
    return RNG.choice([-1, 1], shape)


RNG = np.random.default_rng(11)
FULL = np.full(MAX_LEGS, LOTS)
ALTERNATING = FULL * (-1) ** np.arange(MAX_LEGS)
BOOKS_AT_THE_CAPS = {
    "all lose": (np.full((MAX_LEGS, 3), CELL), -FULL),
    "all gain": (np.full((MAX_LEGS, 3), CELL), FULL),
    "loses in the last": (
        CELL * np.where(np.arange(48) == 47, -1, np.ones((MAX_LEGS, 1), dtype=np.int64)),
        FULL,
    ),
    "legs that cancel": (np.full((MAX_LEGS, 2), CELL), ALTERNATING),
    "half against half": (np.full((MAX_LEGS, 2), -CELL), np.sort(ALTERNATING)),
    "one lot": (np.full((MAX_LEGS, 2), CELL), np.full(MAX_LEGS, -1)),
    "any signs": (CELL * signs(MAX_LEGS, 48), LOTS * signs(MAX_LEGS)),
    "near the cap": ((CELL - RNG.integers(0, 9, (MAX_LEGS, 48))) * signs(MAX_LEGS, 48), FULL),
}


@BOTH_TWINS
@pytest.mark.parametrize("case", BOOKS_AT_THE_CAPS)
def test_worst_losses__book_at_the_caps__as_with_python_integers(case, compiled):
    pnl, lots = BOOKS_AT_THE_CAPS[case]
    expected = exact(pnl.astype(object), lots.astype(object), [0])
    assert computed(pnl, lots, [0], compiled) == expected
    assert expected[0][0] < 2**63
    # The same legs as accounts of 1, 2, 3, .. legs: every length of the remainder.
    starts = [0, 1, 3, 6, 10, 15, 21]
    expected = exact(pnl.astype(object), lots.astype(object), starts)
    assert computed(pnl, lots, starts, compiled) == expected


def test_caps__largest_sum__is_below_the_largest_integer():
    assert MAX_LEGS * LOTS * CELL == 2**63 - 2**39 - 2**29 + 2**5
    # Requirements a lot round up, so they may reach the cap itself.
    assert MAX_LEGS * LOTS * CELL_CAP_USD6 == 2**63 - 2**39


# At 16,900 USD a lot a leg at the cap is worth a little under a quarter of the exposure cap.
DEAR = (UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 16_900 * 10**8, NOW, 10**17))
LARGEST = {
    "long": {spot(): LOTS, perpetual(): LOTS, future(): LOTS, call(3_000): LOTS},
    "short": {spot(): -LOTS, perpetual(): -LOTS, future(): -LOTS, call(3_000): -LOTS},
    "both": {spot(): LOTS, perpetual(): -LOTS, future(): LOTS, call(3_000): -LOTS},
}


@pytest.mark.parametrize("name", LARGEST)
@pytest.mark.parametrize("sign", [-1, 1])
def test_margin_book__largest_exposure__every_figure_equals_the_reference(name, sign):
    lots, cash, cost = LARGEST[name], sign * (2**60 - 1), -sign * (2**60 - 32)
    holder = account(1, lots, cash_usd6=cash, costs={perpetual(): cost})
    book = margin_book(exchange([holder], underlyings=DEAR), MODEL)
    assert book.measured[0]
    assert book.gross_usd6[0] > 0.97 * 2**60
    reference = Reference(MODEL_TEXT, DEAR, FORWARDS, NOW)
    expected = reference.figures(lots, cash, {perpetual(): cost})
    assert {name: int(getattr(book, name)[0]) for name in FIGURES} == expected


@pytest.mark.parametrize("amount", ["cash_usd6", "costs"])
def test_margin_book__amount_at_the_exposure_cap__sentinel(amount):
    given = {"cash_usd6": 2**60} if amount == "cash_usd6" else {"costs": {perpetual(): -(2**60)}}
    book = margin_book(exchange([account(1, {perpetual(): 1}, **given)]), MODEL)
    assert not book.measured[0]


def test_margin_book__exposure_above_its_cap__sentinel():
    lots = {**LARGEST["both"], future(underlying=ETH): LOTS, call(3_300): 2**21}
    book = margin_book(exchange([account(1, lots)], underlyings=DEAR), MODEL)
    assert not book.measured[0]
    assert book.gross_usd6[0] == 0


def test_margin_book__add_ons_alone_above_the_exposure_cap__sentinel():
    dear = (UNDERLYINGS[0], UnderlyingRow(ETH, 10**18, 10_000 * 10**8, NOW, 10**17))
    unsure = [replace(row, confidence_wad=10**18) for row in FORWARDS]
    legs = [perpetual(), future(), future(FAR), call(3_000), call(3_300), call(4_000)]
    holder = account(1, dict.fromkeys(legs, LOTS))
    broken = {"tokens": [TokenRow(0, 6, 1, 0)]}
    books = [
        margin_book(exchange([holder], underlyings=dear, forwards=forwards, **tokens), MODEL)
        for forwards, tokens in ((FORWARDS, {}), (unsure, broken))
    ]
    assert [bool(book.measured[0]) for book in books] == [True, False]
