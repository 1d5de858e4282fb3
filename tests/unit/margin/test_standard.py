"""Standard margin of a lot, worked by hand for round numbers."""

from __future__ import annotations

import numpy as np
import pytest

from keeper.margin.market import ListingMarket
from keeper.margin.standard import leg_margins_per_lot
from keeper.state.instruments import Kind
from tests.books import MILLI, MODEL

ETH_RISK = MODEL.underlyings[1]  # linear 0.20, option 0.25, floor 0.15
F = 3_000 * 10**8


def margins(kind, strike_usd=0, mark_usd6=0, reference_e8=F):
    strike = strike_usd * 10**8
    market = listing_of(kind, reference_e8, strike)
    long, short = leg_margins_per_lot(market, np.array([mark_usd6]), {2: ETH_RISK})
    return int(long[0]), int(short[0])


def listing_of(kind, reference_e8, strike_e8):
    """A market of one listing, with what standard margin reads of it."""
    zero, no = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.bool_)
    return ListingMarket(
        kind=np.array([kind], dtype=np.uint8),
        underlying=np.array([2], dtype=np.uint16),
        expiry=zero,
        lot_wad=zero + MILLI,
        scan_range_wad=zero,
        spot_e8=zero,
        reference_e8=zero + reference_e8,
        fixed_e8=zero,
        strike_e8=zero + strike_e8,
        seconds=zero,
        variance=zero.astype(np.float64),
        confidence_wad=zero,
        open_interest=zero.astype(np.uint64),
        settled=no,
        standing=zero.astype(np.uint8),
    )


@pytest.mark.parametrize("kind", [Kind.SPOT, Kind.PERPETUAL, Kind.FUTURE])
def test_leg_margin__linear__same_both_ways(kind):
    assert margins(kind) == (600_000, 600_000)  # 0.20 * 3000 / 1000


@pytest.mark.parametrize(
    ("strike", "short"),
    [
        (3_000, 750_000),  # 0.25 F
        (2_000, 750_000),  # in the money: the rate alone, the mark is in equity
        (3_200, 550_000),  # 0.25 F - 200
        (3_300, 450_000),  # 0.25 F - 300 = 0.15 F
        (3_301, 450_000),  # the floor, 0.15 F
        (9_000, 450_000),
    ],
)
def test_leg_margin__short_call__rate_less_out_of_the_money_with_a_floor(strike, short):
    assert margins(Kind.CALL, strike, mark_usd6=77) == (77, short)


@pytest.mark.parametrize(
    ("strike", "mark", "short"),
    [
        (3_000, 0, 750_000),
        (2_900, 0, 650_000),  # 0.25 F - 100
        (2_000, 0, 300_000),  # floor on the strike: 0.15 K
        (4_000, 1_010_000, 750_000),
        (4_000, 3_500_000, 500_000),  # cannot lose more than K - mark
        (4_000, 4_000_001, 0),
    ],
)
def test_leg_margin__short_put__bounded_by_what_it_can_lose(strike, mark, short):
    assert margins(Kind.PUT, strike, mark_usd6=mark) == (mark, short)


def test_leg_margin__fractions__round_up():
    assert margins(Kind.PERPETUAL, reference_e8=F + 1)[0] == 600_001
    assert margins(Kind.CALL, 3_000, reference_e8=F + 1)[1] == 750_001
