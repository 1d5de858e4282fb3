"""P&L and surplus of one account over price and vol: what a picture of its risk is drawn from.

One underlying's spot moves and its vols are scaled by one factor; other underlyings, time and scan
ranges stand still. The marks are those that the chain would have, as for the liquidation price: a
point with factor 1 at that price has a surplus of about zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.explanation import Explanation
from keeper.margin.market import ListingMarket, Standing, listing_market
from keeper.margin.moved_book import MovableBook, Point
from keeper.margin.one_account import account_index, account_row, versions
from keeper.margin.risk_arrays import price_listings
from keeper.margin.scenarios import Model
from keeper.margin.shocks import MOVE_LIMITS, VOL_TENOR_SECONDS, shocks
from keeper.pricing.exp import exp
from keeper.state.instruments import Kind
from keeper.state.snapshot import Snapshot
from keeper.units import FloatArray, IntArray

_PRICES: Final = 97
_VOLS: Final = 49
_SHOWN_MOVES: Final = (-0.9, 1.5)  # how far the axis follows a distant liquidation price
_LEAST_MOVE: Final = 0.1
_LEAST_VOL: Final = 0.25
_MARGIN: Final = 1.12  # beyond the outermost scenario


@dataclass(frozen=True, slots=True)
class ScenarioPoint:
    """A scenario seen from one underlying: its move of price, and of the vol of 30 days."""

    name: str
    move: float
    vol_factor: float
    pnl_usd6: int


@dataclass(frozen=True, slots=True, eq=False)
class PriceVol:
    """One underlying's panel: `moves` [P] are relative, `vol_factors` [V] multiply vols.

    `pnl_usd6` and `surplus_usd6` (equity less min(SM, MM)) are float64 [V, P], NaN where a leg has
    no price. `scenarios` have the P&L of the whole book in the scenario, weights included.
    """

    underlying: int
    symbol: str
    spot_e8: int
    moves: FloatArray
    vol_factors: FloatArray
    pnl_usd6: FloatArray
    surplus_usd6: FloatArray
    scenarios: tuple[ScenarioPoint, ...]
    below_e8: int | None
    above_e8: int | None


def price_vol(snapshot: Snapshot, model: Model, explanation: Explanation) -> tuple[PriceVol, ...]:
    """Return a panel for each underlying that moves the explained account of this snapshot.

    Raises InputError for an account without positions, or with a leg that has no price.
    """
    if not explanation.measured or explanation.equity_usd6 is None:
        raise InputError(f"nothing to draw: {'; '.join(explanation.problems)}")
    if not explanation.legs:
        raise InputError(f"account 0x{explanation.account.hex()} has no positions to draw")
    index = account_index(snapshot, explanation.account)
    alone = versions(snapshot, index, [account_row(snapshot, index)])
    marks = price_listings(listing_market(alone), model).marks
    value = int((alone.legs.lots * marks[alone.legs.listing]).sum())
    book = MovableBook.of(alone, model, explanation.equity_usd6, value)
    return tuple(_panel(book, explanation, at) for at in range(len(explanation.liquidation)))


def _panel(book: MovableBook, explanation: Explanation, at: int) -> PriceVol:
    found, equity = explanation.liquidation[at], explanation.equity_usd6 or 0
    scenarios = _scenario_points(book, explanation, found.underlying)
    prices = [p for p in (found.below_e8, found.above_e8) if p is not None]
    spots = _spots(found.spot_e8, [s.move for s in scenarios], prices)
    factors = _factors([s.vol_factor for s in scenarios])
    points = [Point(found.underlying, spot) for _ in factors for spot in spots.tolist()]
    moved = book.at(points, np.repeat(factors, len(spots)))

    def grid(amounts: IntArray) -> FloatArray:
        return np.where(moved.valued, amounts, np.nan).reshape(len(factors), len(spots))

    return PriceVol(
        underlying=found.underlying,
        symbol=book.model.symbols()[found.underlying],
        spot_e8=found.spot_e8,
        moves=spots / found.spot_e8 - 1.0,
        vol_factors=factors,
        pnl_usd6=grid(moved.equity_usd6 - equity),
        surplus_usd6=grid(moved.surplus_usd6),
        scenarios=scenarios,
        below_e8=found.below_e8,
        above_e8=found.above_e8,
    )


def _scenario_points(
    book: MovableBook, explanation: Explanation, underlying: int
) -> tuple[ScenarioPoint, ...]:
    """Return every scenario's place: the move of spot, and of the vol of 30 days."""
    today, spot = book.market.today, book.spot_e8[underlying]
    own = int(np.flatnonzero(today.underlying == underlying)[0])
    one, none = np.ones(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    # It never expires, so that no carry stretches its move, and yet has the term that vols have.
    point = ListingMarket(
        kind=np.array([Kind.PERPETUAL], dtype=np.uint8),
        underlying=today.underlying[own : own + 1],
        expiry=none,
        lot_wad=one,
        scan_range_wad=today.scan_range_wad[own : own + 1],
        spot_e8=one * spot,
        reference_e8=one * spot,
        fixed_e8=none,
        strike_e8=one * spot,
        seconds=one * int(VOL_TENOR_SECONDS),
        variance=np.ones(1),
        confidence_wad=none,
        open_interest=none.astype(np.uint64),
        settled=none.astype(np.bool_),
        standing=np.array([Standing.SOUND], dtype=np.uint8),
    )
    shocked = shocks(point, book.model)
    loss = {one.index: one.loss_usd6 for one in explanation.scenarios}
    rows = zip(
        book.model.scenarios, shocked.move[0].tolist(), exp(shocked.shift[0]).tolist(), strict=True
    )
    return tuple(
        ScenarioPoint(scenario.name, move, factor, -loss[index])
        for index, (scenario, move, factor) in enumerate(rows)
    )


def _spots(spot_e8: int, moves: list[float], prices: list[int]) -> IntArray:
    """Return spots around today's, which is one of them, as far as scenarios and prices reach."""
    low, high = min([*moves, -_LEAST_MOVE]), max([*moves, _LEAST_MOVE])
    for price in prices:
        move = price / spot_e8 - 1.0
        if _SHOWN_MOVES[0] < move < _SHOWN_MOVES[1]:
            low, high = min(low, move), max(high, move)
    low = max(low * _MARGIN, MOVE_LIMITS[0])
    below = round(_PRICES * -low / (high * _MARGIN - low))
    falling = np.arange(-below, 0) / below * -low
    rising = np.arange(0, _PRICES - below) / (_PRICES - below - 1) * high * _MARGIN
    shares = np.concatenate([falling, rising])
    return np.rint(shares * float(spot_e8)).astype(np.int64) + spot_e8


def _factors(factors: list[float]) -> FloatArray:
    """Return factors of vol around 1, which is one of them."""
    low = min([*factors, 1.0 - _LEAST_VOL]) - 1.0
    high = max([*factors, 1.0 + _LEAST_VOL]) - 1.0
    half = _VOLS // 2
    falling = np.arange(-half, 0) / half * -low * _MARGIN
    rising = np.arange(0, half + 1) / half * high * _MARGIN
    return np.maximum(1.0 + np.concatenate([falling, rising]), 0.05)
