"""P&L over price and vol, against the engine on a snapshot whose spots and smiles are moved."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.margin.explain import explain
from keeper.margin.moved_book import MovableBook, Point
from keeper.margin.one_account import versions
from keeper.margin.portfolio import margin_book
from keeper.margin.price_vol import price_vol
from keeper.margin.risk_arrays import risk_arrays
from keeper.state.accounts import Mode
from keeper.state.snapshot import BalanceRow, TokenRow
from tests.books import (
    BTC,
    ETH,
    FAR,
    FORWARDS,
    MODEL,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    put,
)

LOTS = {
    perpetual(BTC): -20,
    put(70_000, underlying=BTC): 33,
    put(2_700): -500,
    call(3_300, FAR): 300,
    future(FAR): 40,
}
COSTS = {perpetual(BTC): -20 * 90_000_000, future(FAR): 40 * 2_900_000}
TOKENS = (TokenRow(0, 6, 10**8, 0), TokenRow(1, 18, 3_000 * 10**8, 10**17))
SPOT_E8 = {row.underlying: row.spot_e8 for row in UNDERLYINGS}


def holder(mode=Mode.PORTFOLIO):
    return account(1, LOTS, cash_usd6=10**9, costs=COSTS, mode=mode)


def world(row, underlying=ETH, *, spot_e8=None, squared=1.0):
    """The exchange with one spot moved and that underlying's variances times a factor."""

    def moved(row):
        if row.underlying != underlying:
            return row
        return replace(row, a=round(row.a * squared), b=round(row.b * squared))

    return exchange(
        [row],
        underlyings=[
            replace(u, spot_e8=spot_e8 or u.spot_e8) if u.underlying == underlying else u
            for u in UNDERLYINGS
        ],
        forwards=[moved(f) for f in FORWARDS],
        tokens=TOKENS,
        balances=[BalanceRow(row.account, 1, 10**18)],
    )


def engine(row, underlying=ETH, **moved):
    """Equity and what liquidation asks, of the whole engine on a snapshot of its own."""
    book = margin_book(world(row, underlying, **moved), MODEL)
    required = min(int(book.standard_usd6[0]), int(book.maintenance_usd6[0]))
    return int(book.equity_usd6[0]), required


def movable(row):
    alone = versions(world(row), 0, [row])
    value = int((alone.legs.lots * risk_arrays(alone, MODEL).marks[alone.legs.listing]).sum())
    return MovableBook.of(alone, MODEL, engine(row)[0], value)


@pytest.mark.parametrize("mode", list(Mode))
def test_movable_book__spot_and_vol_moved__the_engine_on_that_surface_to_the_micro_dollar(mode):
    # Factors of two scale floats exactly, so that both sides have the same bits.
    row = holder(mode)
    grid = [
        (underlying, SPOT_E8[underlying] * move // 100, factor)
        for underlying in (BTC, ETH)
        for move in (70, 100, 125)
        for factor in (0.5, 1.0, 2.0)
    ]
    points = [Point(underlying, spot) for underlying, spot, _ in grid]
    found = movable(row).at(points, np.array([factor for *_, factor in grid]))
    assert found.valued.all()
    wanted = [engine(row, u, spot_e8=spot, squared=f * f) for u, spot, f in grid]
    assert found.equity_usd6.tolist() == [equity for equity, _ in wanted]
    assert found.requirement_usd6.tolist() == [required for _, required in wanted]
    assert found.surplus_usd6.tolist() == [equity - required for equity, required in wanted]
    assert len({equity for equity, _ in wanted}) > len(grid) - 3, "the grid moves the book"


def test_movable_book__no_factors__as_factors_of_one():
    book, points = movable(holder()), [Point(ETH, 290_000_000_000), Point(BTC, 10**13)]
    plain, ones = book.at(points), book.at(points, np.ones(2))
    for name in ("equity_usd6", "requirement_usd6", "valued"):
        assert (getattr(plain, name) == getattr(ones, name)).all()


def test_price_vol__every_panel__is_the_engine_at_its_corners_and_along_todays_vol():
    row = holder()
    snapshot = world(row)
    shown = explain(snapshot, MODEL, row.account)
    today, _ = engine(row)
    panels = price_vol(snapshot, MODEL, shown)
    assert [panel.symbol for panel in panels] == ["BTC", "ETH"]
    for panel in panels:
        still = int(np.flatnonzero(panel.vol_factors == 1.0)[0])
        assert (np.diff(panel.moves) > 0).all()
        assert (np.diff(panel.vol_factors) > 0).all()
        spots = [round(panel.spot_e8 * (1 + move)) for move in panel.moves.tolist()]
        for at in range(0, len(spots), 16):
            equity, required = engine(row, panel.underlying, spot_e8=spots[at])
            assert panel.pnl_usd6[still, at] == equity - today
            assert panel.surplus_usd6[still, at] == equity - required
        # Other factors round the surface to 1e-18, which may turn the rounding of a lot.
        near = sum(map(abs, LOTS.values()))
        for vol in (0, 7, -1):
            for at in (0, 40, -1):
                squared = float(panel.vol_factors[vol]) ** 2
                equity, required = engine(row, panel.underlying, spot_e8=spots[at], squared=squared)
                assert panel.pnl_usd6[vol, at] == pytest.approx(equity - today, abs=near)
                assert panel.surplus_usd6[vol, at] == pytest.approx(equity - required, abs=3 * near)
        assert panel.pnl_usd6[still, spots.index(panel.spot_e8)] == 0


def test_price_vol__scenarios__stand_at_their_move_of_spot_and_of_the_vol_of_30_days():
    row = holder()
    shown = explain(world(row), MODEL, row.account)
    btc, eth = price_vol(world(row), MODEL, shown)
    losses = {one.name: one.loss_usd6 for one in shown.scenarios}
    for panel, scan_range, vol_up in ((btc, 0.092, 0.30), (eth, 0.122, 0.25)):
        assert {one.name: -one.pnl_usd6 for one in panel.scenarios} == losses
        (up,) = [one for one in panel.scenarios if one.name == "systemic spot +1 vol up"]
        assert up.move == pytest.approx(scan_range)
        assert up.vol_factor == pytest.approx(exp(vol_up))


def test_price_vol__nothing_to_draw__refused():
    bare = account(1, {}, cash_usd6=5)
    with pytest.raises(InputError, match="has no positions to draw"):
        price_vol(exchange([bare]), MODEL, explain(exchange([bare]), MODEL, bare.account))
