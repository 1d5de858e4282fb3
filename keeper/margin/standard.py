"""Standard margin: a closed form per leg, without scenarios or netting; caps what liquidation asks.

All integers. Prices times rates stand in units of 1e-26 USD per unit of the underlying until the
one rounding per lot, up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keeper.margin.market import ListingMarket
from keeper.margin.risk_arrays import RiskArrays
from keeper.margin.scenarios import Factors, Model, UnderlyingRisk
from keeper.margin.shocks import risks_of
from keeper.units import BPS, E8, USD6, WAD, BoolArray, IntArray, mul_bps_up

_Exact: TypeAlias = NDArray[Any]  # Python's integers, of which no product overflows
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
    """Per account [A], micro-dollars, rounded up. `charge` is the least that MM asks."""

    gross: IntArray
    add_ons: IntArray
    charge: IntArray
    maintenance: IntArray
    initial: IntArray


def leg_margins_per_lot(
    market: ListingMarket, marks_usd6: IntArray, risks: Mapping[int, UnderlyingRisk]
) -> tuple[IntArray, IntArray]:
    """Return the margin of a long and of a short lot [L], micro-dollars, rounded up.

    `marks_usd6` [L] are the rounded marks of a lot, `risks` the parameters by underlying.
    """
    forward, strike = market.reference_e8.astype(object), market.strike_e8.astype(object)
    is_call, is_option = market.is_call, market.is_option
    underlyings, place = np.unique(market.underlying, return_inverse=True)

    def rate(name: str) -> _Exact:
        rates = [getattr(risks[underlying], name) for underlying in underlyings.tolist()]
        return np.array(rates, dtype=object)[place]

    def per_lot(amount_e26: _Exact) -> IntArray:
        return _up(amount_e26 * market.lot_wad.astype(object), _PER_USD6_LOT)

    linear = per_lot(rate("linear_rate") * forward)
    moneyness = np.where(is_call, strike - forward, forward - strike)
    at_risk = rate("option_rate") * forward - WAD * np.maximum(moneyness, 0)
    floor = np.where(is_call, forward, np.minimum(strike, forward))
    short = per_lot(np.maximum(at_risk, rate("option_floor") * floor))
    most_a_put_can_lose = np.maximum(per_lot(WAD * strike) - marks_usd6, 0)
    short = np.where(is_call, short, np.minimum(short, most_a_put_can_lose))
    return np.where(is_option, marks_usd6, linear), np.where(is_option, short, linear)


def standard_per_lot(market: ListingMarket, arrays: RiskArrays, model: Model) -> StandardPerLot:
    """Return the standard margin of a lot of every listing; zero where it has no price."""
    long, short = leg_margins_per_lot(market, arrays.marks, risks_of(market, model))
    lot_at_spot = market.spot_e8.astype(object) * market.lot_wad.astype(object) * WAD
    minimum_bps = model.factors.short_option_minimum_bps
    add_on = _up(lot_at_spot * minimum_bps, _PER_USD6_LOT * BPS)
    return StandardPerLot(
        long=long,
        short=short,
        gross=_up(lot_at_spot, _PER_USD6_LOT),
        short_add_on=np.where(market.is_option, add_on, 0),
        is_option=market.is_option,
    )


def _up(amounts: _Exact, divisor: int) -> IntArray:
    """Return the quotients rounded up."""
    return (-(-amounts // divisor)).astype(np.int64)


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
    gross = size * cells.gross[listing]
    # Leg by leg, so that a book split in two is never charged less than whole.
    charge = np.minimum(
        mul_bps_up(gross, factors.minimum_charge_bps),
        mul_bps_up(margin, factors.minimum_charge_standard_bps),
    )
    long_options = sum_by_account(np.where(paid_for, margin, 0))
    others = sum_by_account(np.where(paid_for, 0, margin))
    add_ons = sum_by_account(np.where(is_long, 0, size * cells.short_add_on[listing]))
    return StandardMargin(
        gross=sum_by_account(gross),
        add_ons=add_ons,
        charge=sum_by_account(charge),
        maintenance=long_options + others + add_ons,
        initial=mul_bps_up(others, factors.initial_bps) + long_options + add_ons,
    )
