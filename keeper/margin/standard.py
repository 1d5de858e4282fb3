"""Standard margin: a closed form per leg, without scenarios or netting; caps what liquidation asks.

All integers. Prices times rates stand in units of 1e-26 USD per unit of the underlying until the
one rounding per lot, up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.margin.market import ListingMarket
from keeper.margin.risk_arrays import RiskArrays, risks_by_listing
from keeper.margin.scenarios import Factors, Model, UnderlyingRisk
from keeper.state.instruments import Kind
from keeper.units import BPS, E8, USD6, WAD, BoolArray, IntArray, ceil_div, mul_bps_up

_PER_USD6_LOT: Final = (
    E8 * WAD * WAD // USD6
)  # from 1e-26 USD a unit, times lot_wad, to micro-dollars


@dataclass(frozen=True, slots=True, eq=False)
class StandardPerLot:
    """Per listing [L], micro-dollars a lot, rounded up; `short_add_on` is for options only."""

    long: IntArray
    short: IntArray
    gross: IntArray
    short_add_on: IntArray
    is_option: BoolArray


@dataclass(frozen=True, slots=True, eq=False)
class StandardMargin:
    """Per account [A], micro-dollars, rounded up. `legs` is the standard margin without add-ons."""

    gross: IntArray
    add_ons: IntArray
    legs: IntArray
    maintenance: IntArray
    initial: IntArray


def leg_margin_per_lot(
    kind: Kind,
    reference_e8: int,
    strike_e8: int,
    mark_usd6: int,
    lot_wad: int,
    risk: UnderlyingRisk,
) -> tuple[int, int]:
    """Return the margin of a long and of a short lot, micro-dollars, rounded up (docs/model.md).

    `reference_e8` is the forward of the expiry (the spot for SPOT), `mark_usd6` the rounded mark of
    a lot.
    """

    def per_lot(amount_e26: int) -> int:
        return ceil_div(amount_e26 * lot_wad, _PER_USD6_LOT)

    if not kind.is_option:
        linear = per_lot(risk.linear_rate * reference_e8)
        return linear, linear
    moneyness_e8 = strike_e8 - reference_e8 if kind is Kind.CALL else reference_e8 - strike_e8
    at_risk = risk.option_rate * reference_e8 - WAD * max(moneyness_e8, 0)
    if kind is Kind.CALL:
        return mark_usd6, per_lot(max(at_risk, risk.option_floor * reference_e8))
    at_least = risk.option_floor * min(strike_e8, reference_e8)
    most_it_can_lose = max(per_lot(WAD * strike_e8) - mark_usd6, 0)
    return mark_usd6, min(per_lot(max(at_risk, at_least)), most_it_can_lose)


def standard_per_lot(market: ListingMarket, arrays: RiskArrays, model: Model) -> StandardPerLot:
    """Return the standard margin of a lot of every listing; zero where it has no price."""
    marks: list[int] = arrays.marks.tolist()
    rows = zip(
        market.kind.tolist(),
        market.reference_e8.tolist(),
        market.strike_e8.tolist(),
        marks,
        market.lot_wad.tolist(),
        risks_by_listing(market, model),
        strict=True,
    )
    margins = [
        leg_margin_per_lot(Kind(kind), reference, strike, mark, lot, risk)
        for kind, reference, strike, mark, lot, risk in rows
    ]
    both = np.array(margins, dtype=np.int64).reshape(len(marks), 2)
    minimum_bps = model.factors.short_option_minimum_bps
    lots_of_spot = list(zip(market.spot_e8.tolist(), market.lot_wad.tolist(), strict=True))
    gross = [ceil_div(spot * lot * WAD, _PER_USD6_LOT) for spot, lot in lots_of_spot]
    add_on = [
        ceil_div(spot * lot * WAD * minimum_bps, _PER_USD6_LOT * BPS) for spot, lot in lots_of_spot
    ]
    return StandardPerLot(
        long=both[:, 0].copy(),
        short=both[:, 1].copy(),
        gross=np.array(gross, dtype=np.int64),
        short_add_on=np.where(market.is_option, np.array(add_on, dtype=np.int64), 0),
        is_option=market.is_option,
    )


def standard_margin(
    cells: StandardPerLot,
    listing: NDArray[np.integer[Any]],
    lots: IntArray,
    sum_by_account: Callable[[IntArray], IntArray],
    factors: Factors,
) -> StandardMargin:
    """Sum the cells over legs `listing`, `lots` [N]; `sum_by_account` maps [N] to [A]."""
    size, is_long = np.abs(lots), lots > 0
    margin = size * np.where(is_long, cells.long[listing], cells.short[listing])
    paid_for = is_long & cells.is_option[listing]
    long_options = sum_by_account(np.where(paid_for, margin, 0))
    others = sum_by_account(np.where(paid_for, 0, margin))
    add_ons = sum_by_account(np.where(is_long, 0, size * cells.short_add_on[listing]))
    legs = long_options + others
    return StandardMargin(
        gross=sum_by_account(size * cells.gross[listing]),
        add_ons=add_ons,
        legs=legs,
        maintenance=legs + add_ons,
        initial=mul_bps_up(others, factors.initial_bps) + long_options + add_ons,
    )
