"""What trades cost: against the same rule written with fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.liquidation.costs import CostModel, DepthLevel, ladders
from keeper.margin.market import listing_market
from keeper.margin.risk_arrays import risk_arrays
from keeper.state.snapshot import ListingRow
from tests.books import ETH, FAR, MODEL, NOW, UNDERLYINGS, call, exchange, future, perpetual, put

INSTRUMENTS = sorted([perpetual(), future(FAR), call(3_000), call(4_000), put(3_000, FAR)])
OPEN_INTEREST = 10_000
SPOT = Fraction(UNDERLYINGS[1].spot_e8, 10**8)
assert UNDERLYINGS[1].underlying == ETH


def depth(costs, open_interest=OPEN_INTEREST):
    snapshot = exchange(listings=[ListingRow(i, open_interest, 0) for i in INSTRUMENTS])
    marks = risk_arrays(snapshot, MODEL).marks
    return ladders(listing_market(snapshot), marks, snapshot.listings.open_interest, costs), marks


def by_hand(instrument, lots, mark_usd6, open_interest=OPEN_INTEREST):
    """docs/restore.md, Costs, lot by lot."""
    expiry = instrument >> 72 & 2**40 - 1
    spread = Fraction(75 if expiry and expiry - NOW >= 35 * 86400 else 50, 10**5)
    total = 0
    for n in range(abs(lots)):
        steps = next(
            (k for share, k in ((1, 1), (5, 2), (25, 4)) if n < open_interest * share // 100), 8
        )
        a_lot = -(-(SPOT * spread * steps * 1_000) // 1)  # a lot is 0.001 coin: micro-dollars
        is_option = instrument >> 64 & 255 >= 4
        total += min(a_lot, mark_usd6) if lots < 0 and is_option else a_lot
    return total


@pytest.mark.parametrize("lots", [0, 1, -1, 99, 100, 101, -500, 501, 2_499, -2_501, 4_000])
def test_cost__any_size__as_by_hand(lots):
    found, marks = depth(CostModel())
    got = found.cost_usd6(np.full(len(INSTRUMENTS), lots))
    assert got.tolist() == [
        by_hand(i, lots, m) for i, m in zip(INSTRUMENTS, marks.tolist(), strict=True)
    ]


def test_cost__no_open_interest__every_lot_at_the_widest():
    found, _ = depth(CostModel(), open_interest=0)
    one, many = found.cost_usd6(np.array([[1] * 5, [1_000] * 5]))
    assert (many == 1_000 * one).all()
    assert one[-1] == by_hand(INSTRUMENTS[-1], 1, 0, open_interest=0)


def test_cost__open_interest_beyond_int64__is_a_number_like_others():
    found, _ = depth(CostModel(), open_interest=2**64 - 1)
    assert (found.size >= 0).all()


def test_cost__size__convex():
    found, _ = depth(CostModel())
    for sign in (1, -1):
        sizes = np.arange(0, 4_000)[:, None] * sign * np.ones(5, dtype=np.int64)
        assert (np.diff(found.cost_usd6(sizes), n=2, axis=0) >= 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"levels": (DepthLevel(500, 1), DepthLevel(100, 2))},
        {"levels": (DepthLevel(100, 2), DepthLevel(500, 1))},
        {"levels": (DepthLevel(0, 1),)},
        {"beyond_half_spreads": 3},
        {"near_half_spread_ppm": -1},
    ],
)
def test_cost_model__not_convex__refused(wrong):
    with pytest.raises(InputError):
        CostModel(**wrong)
