"""The exact product, its tie rule, and a published SPAN example."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.margin.losses import Book, scenario_losses, worst, worst_losses

# McMillan, Options as a Strategic Investment, p. 670: CME arrays, losses positive, per long lot.
# fmt: off
SPAN_FUTURE = [
    0, 0, 3330, 3330, -3330, -3330, 6670, 6670,
    -6670, -6670, 10000, 10000, -10000, -10000, 7000, -7000,
]
SPAN_SHORT_CALL = [
    -460, 610, -2640, -1730, 1270, 2340, -5210, -4540,
    2540, 3430, -8060, -7640, 3380, 3990, -3130, 1500,
]
SPAN_COVERED_WRITE = [
    -460, 610, 690, 1600, -2060, -990, 1460, 2130,
    -4130, -3240, 1940, 2360, -6620, -6010, 3870, -5500,
]
# fmt: on


def ints(*values):
    return np.array(values, dtype=np.int64)


def test_worst__span_covered_write__scans_6620_at_the_thirteenth_scenario():
    # The table gives the position's result: gains positive, as our pnl; the call is held short.
    pnl = np.array([SPAN_FUTURE, [-x for x in SPAN_SHORT_CALL]], dtype=np.int64)
    losses = scenario_losses(pnl, Book(ints(0, 1), ints(1, -1), ints(0)))
    assert (-losses[0]).tolist() == SPAN_COVERED_WRITE
    loss, scenario = worst(losses)
    assert (loss[0], scenario[0] + 1) == (6620, 13)


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ([3, 7, 7, 2], (7, 1)),
        ([7, 7], (7, 0)),
        ([-1, 0, 0], (0, 0)),
        ([-5, -3], (0, 0)),
        ([0, 1], (1, 1)),
    ],
)
def test_worst__ties_and_gains__lowest_index_and_zero(losses, expected):
    loss, scenario = worst(np.array([losses], dtype=np.int64))
    assert (loss[0], scenario[0]) == expected


def test_worst__48_scenarios__index_fits():
    losses = np.zeros((1, 48), dtype=np.int64)
    losses[0, 47] = 1
    assert worst(losses)[1][0] == 47


def test_scenario_losses__largest_book__exact():
    # 32 legs of 2**24 - 1 lots in cells just below 2**34: the caps of docs/model.md.
    cell, lots = 2**34 - 1, 2**24 - 1
    pnl = np.array([[cell]] * 32, dtype=np.int64)
    book = Book(np.arange(32), np.full(32, -lots), ints(0))
    assert scenario_losses(pnl, book)[0, 0] == 32 * cell * lots < 2**63


def test_worst_losses__accounts_across_blocks__as_with_python_integers(monkeypatch):
    monkeypatch.setattr("keeper.margin.losses._PART_LEGS", 7)
    rng = np.random.default_rng(5)
    pnl = rng.integers(-(10**9), 10**9, (11, 6))
    counts = rng.integers(1, 12, 40)
    listing, lots = rng.integers(0, 11, counts.sum()), rng.integers(-(10**6), 10**6, counts.sum())
    starts = np.cumsum(counts) - counts
    loss, scenario = worst_losses(pnl, Book(listing, lots, starts))
    for account, (start, count) in enumerate(zip(starts, counts, strict=True)):
        legs = range(start, start + count)
        expected = [-sum(int(lots[n]) * int(pnl[listing[n], s]) for n in legs) for s in range(6)]
        best = max(0, *expected)
        assert loss[account] == best
        assert scenario[account] == (expected.index(best) if best else 0)


def test_sum_by_account__no_accounts__is_empty():
    assert len(Book(ints(), ints(), ints()).sum_by_account(ints())) == 0
