"""The compiled loop, its numpy twin and any cut of the book are the same function."""

from __future__ import annotations

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keeper.compute.threads import ThreadWorkers
from keeper.margin import losses
from keeper.margin.losses import Book, worst_losses
from keeper.pricing import backend

pytestmark = pytest.mark.property

LOTS = st.integers(-(2**24 - 1), 2**24 - 1)
CELL_LIMITS = st.sampled_from([3, 10**6, 2**31 - 1, 2**31, 2**34 - 1])


@st.composite
def risks_and_books(draw):
    listings, scenarios, limit = (
        draw(st.integers(1, 6)),
        draw(st.integers(1, 70)),
        draw(CELL_LIMITS),
    )
    pnl = draw(arrays.arrays(np.int64, (listings, scenarios), elements=st.integers(-limit, limit)))
    counts = draw(st.lists(st.integers(1, 32), min_size=1, max_size=12))
    legs, starts = sum(counts), np.cumsum([0, *counts[:-1]])
    listing = draw(arrays.arrays(np.uint32, legs, elements=st.integers(0, listings - 1)))
    lots = draw(arrays.arrays(np.int64, legs, elements=LOTS))
    return pnl, Book(listing, lots, starts)


def exact(pnl, book):
    """Losses and scenarios in Python integers."""
    bounds = [*book.starts.tolist(), len(book.lots)]
    cells, lots = pnl.astype(object), book.lots.astype(object)
    for first, last in pairwise(bounds):
        sums = (-(lots[first:last, None] * cells[book.listing[first:last]])).sum(axis=0).tolist()
        worst = max(0, *sums)
        yield worst, sums.index(worst) if worst else 0


def pairs(found):
    return list(zip(*(column.tolist() for column in found), strict=True))


@given(risks_and_books(), st.integers(1, 100))
def test_worst_losses__twins_threads_and_any_parts__as_with_python_integers(given_, legs):
    pnl, book = given_
    expected = list(exact(pnl, book))
    assert pairs(worst_losses(pnl, book)) == expected
    with patch.object(losses, "PART_LEGS", legs), ThreadWorkers(2) as threads:
        assert pairs(worst_losses(pnl, book, threads)) == expected
        with patch.object(backend, "COMPILED", False), patch.object(losses, "BLOCK_CELLS", legs):
            assert pairs(worst_losses(pnl, book)) == expected
