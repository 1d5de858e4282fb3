"""The exact product, its tie rule, and a published SPAN example."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.losses import Book, scenario_losses, worst, worst_losses
from keeper.pricing import backend

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


BOTH_TWINS = pytest.mark.parametrize("compiled", sorted({False, backend.COMPILED}))


def ints(*values):
    return np.array(values, dtype=np.int64)


def computed(pnl, book, compiled):
    with patch.object(backend, "COMPILED", compiled):
        return worst_losses(pnl, book)


def test_worst__span_covered_write__scans_6620_at_the_thirteenth_scenario():
    # The table gives the position's result: gains positive, as our pnl; the call is held short.
    pnl = np.array([SPAN_FUTURE, [-x for x in SPAN_SHORT_CALL]], dtype=np.int64)
    losses = scenario_losses(pnl, Book(ints(0, 1), ints(1, -1), ints(0)))
    assert (-losses[0]).tolist() == SPAN_COVERED_WRITE
    loss, scenario = worst(losses)
    assert (loss[0], scenario[0] + 1) == (6620, 13)


TIES = [
    ([3, 7, 7, 2], (7, 1)),
    ([7, 7], (7, 0)),
    ([-1, 0, 0], (0, 0)),
    ([-5, -3], (0, 0)),
    ([0, 1], (1, 1)),
]


@pytest.mark.parametrize(("losses", "expected"), TIES)
def test_worst__ties_and_gains__lowest_index_and_zero(losses, expected):
    loss, scenario = worst(np.array([losses], dtype=np.int64))
    assert (loss[0], scenario[0]) == expected


@BOTH_TWINS
@pytest.mark.parametrize(("losses", "expected"), TIES)
def test_worst_losses__ties_and_gains__lowest_index_and_zero(losses, expected, compiled):
    pnl = -np.array([losses], dtype=np.int64)
    loss, scenario = computed(pnl, Book(ints(0), ints(1), ints(0)), compiled)
    assert (loss[0], scenario[0]) == expected
    assert (loss.dtype, scenario.dtype) == (np.int64, np.uint16)


@BOTH_TWINS
@pytest.mark.parametrize("scenarios", [1, 48, 1_000, 65_536])
def test_worst_losses__last_scenario_is_the_worst__index_fits(scenarios, compiled):
    pnl = np.zeros((2, scenarios), dtype=np.int64)
    pnl[1, -1] = -1
    loss, scenario = computed(pnl, Book(ints(0, 1, 1), ints(1, 1, -1), ints(0, 2)), compiled)
    assert loss.tolist() == [1, 0]
    assert scenario.tolist() == [scenarios - 1, 0]


@BOTH_TWINS
@pytest.mark.parametrize("lots", [1, 2**31 - 1, -(2**31), 2**31])
@pytest.mark.parametrize("cell", [1, 2**31 - 1, -(2**31), 2**31, -(2**31) - 1])
def test_worst_losses__around_the_limits_of_int32__exact(lots, cell, compiled):
    pnl = np.array([[cell, -cell]], dtype=np.int64)
    loss, scenario = computed(pnl, Book(ints(0), ints(lots), ints(0)), compiled)
    assert (loss[0], scenario[0]) == (abs(lots * cell), int(lots * cell > 0))


@BOTH_TWINS
@pytest.mark.parametrize("size", [np.int32, np.int64])
@pytest.mark.parametrize("index", [np.uint32, np.int64, np.int32])
def test_worst_losses__any_column_types_and_layout__same(size, index, compiled):
    rng = np.random.default_rng(3)
    pnl = rng.integers(-(10**9), 10**9, (9, 5))
    listing, lots = rng.integers(0, 9, 20), rng.integers(-(10**6), 10**6, 20)
    starts = np.arange(0, 20, 4)
    expected = worst(scenario_losses(pnl, Book(listing, lots, starts)))
    wide = np.repeat(lots.astype(size), 2)[::2]
    found = computed(np.asfortranarray(pnl), Book(listing.astype(index), wide, starts), compiled)
    assert [x.tolist() for x in found] == [x.tolist() for x in expected]


@BOTH_TWINS
@pytest.mark.parametrize("legs", [1, 7, 2**16])
def test_worst_losses__accounts_across_parts__as_with_python_integers(monkeypatch, legs, compiled):
    monkeypatch.setattr("keeper.margin.losses.PART_LEGS", legs)
    monkeypatch.setattr("keeper.margin.losses.BLOCK_CELLS", legs)
    rng = np.random.default_rng(5)
    pnl = rng.integers(-(10**9), 10**9, (11, 6))
    counts = rng.integers(1, 12, 40)
    listing, lots = rng.integers(0, 11, counts.sum()), rng.integers(-(10**6), 10**6, counts.sum())
    starts = np.cumsum(counts) - counts
    loss, scenario = computed(pnl, Book(listing, lots, starts), compiled)
    for account, (start, count) in enumerate(zip(starts, counts, strict=True)):
        legs = range(start, start + count)
        expected = [-sum(int(lots[n]) * int(pnl[listing[n], s]) for n in legs) for s in range(6)]
        best = max(0, *expected)
        assert loss[account] == best
        assert scenario[account] == (expected.index(best) if best else 0)


def test_sum_by_account__no_accounts__is_empty():
    assert len(Book(ints(), ints(), ints()).sum_by_account(ints())) == 0


def test_worst_losses__no_accounts__is_empty():
    loss, scenario = worst_losses(np.ones((3, 2), dtype=np.int64), Book(ints(), ints(), ints()))
    assert (loss.tolist(), scenario.tolist()) == ([], [])
    assert (loss.dtype, scenario.dtype) == (np.int64, np.uint16)


@pytest.mark.parametrize("listing", [-1, 3])
def test_worst_losses__listing_without_risk_array__refused(listing):
    with pytest.raises(InputError, match="risk arrays have 3"):
        worst_losses(np.ones((3, 2), dtype=np.int64), Book(ints(0, listing), ints(1, 1), ints(0)))


@pytest.mark.parametrize("scenarios", [0, 2**16 + 1])
def test_worst_losses__number_of_scenarios_without_index__refused(scenarios):
    with pytest.raises(InputError, match=f"{scenarios} scenarios"):
        worst_losses(np.ones((1, scenarios), dtype=np.int64), Book(ints(0), ints(1), ints(0)))


@pytest.mark.parametrize("starts", [(), (1,), (0, 0), (0, 2, 1), (0, 3), (-1, 2)])
def test_book__accounts_without_a_leg__refused(starts):
    with pytest.raises(InputError, match="none without a leg"):
        Book(ints(0, 1, 2), ints(1, 1, 1), ints(*starts))


def test_book__fewer_lots_than_listings__refused():
    with pytest.raises(InputError, match="2 listings and 1 lots"):
        Book(ints(0, 1), ints(1), ints(0))


@pytest.mark.parametrize("legs", [1, 2, 5, 9, 100])
def test_split__any_size__whole_accounts_in_order_balanced_by_legs(legs):
    counts = ints(1, 4, 1, 1, 7, 2, 2, 1)
    total = int(counts.sum())
    book = Book(np.arange(total), ints(*range(1, total + 1)), np.cumsum(counts) - counts)
    parts = book.split(legs)
    assert np.concatenate([part.lots for part in parts]).tolist() == book.lots.tolist()
    sizes = [np.diff(part.starts, append=len(part.lots)) for part in parts]
    assert np.concatenate(sizes).tolist() == counts.tolist()
    assert all(len(part.lots) < legs + counts.max() for part in parts)
    assert len(parts) <= -(-total // legs)


def test_split__no_accounts__no_parts():
    assert Book(ints(), ints(), ints()).split(5) == []
