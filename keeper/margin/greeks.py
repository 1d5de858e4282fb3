"""Greeks of legs in dollars, so that they add up over strikes, expiries and underlyings.

Black-76 Greeks (keeper.pricing.black76) at the vol of each strike, which stays with the strike as
in the scenarios. The chain's own marks move the smile along with the spot (liquidation_price.py),
so a skewed book's marks move a little differently from its delta.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.margin.cells import ListingFloats
from keeper.margin.market import ListingMarket
from keeper.pricing import black76
from keeper.units import YEAR_SECONDS, FloatArray, IntArray

_PERCENT: Final = 0.01
_DAYS_A_YEAR: Final = 365.0


@dataclass(frozen=True, slots=True)
class DollarGreeks:
    """What a position gains, in micro-dollars, rounded to nearest per leg.

    Over a move of `x` percent of the spot, forwards in proportion, it gains
    `delta * x + gamma * x^2 / 2`; `vega` is for one vol point (0.01) on every vol, `theta` for one
    day that passes with nothing else changed.
    """

    delta_usd6_per_percent: int
    gamma_usd6_per_percent2: int
    vega_usd6_per_vol_point: int
    theta_usd6_per_day: int

    @classmethod
    def total(cls, greeks: Iterable[DollarGreeks]) -> DollarGreeks:
        """Return the sum; of none all are zero."""
        total = cls(0, 0, 0, 0)
        for one in greeks:
            total = cls(
                total.delta_usd6_per_percent + one.delta_usd6_per_percent,
                total.gamma_usd6_per_percent2 + one.gamma_usd6_per_percent2,
                total.vega_usd6_per_vol_point + one.vega_usd6_per_vol_point,
                total.theta_usd6_per_day + one.theta_usd6_per_day,
            )
        return total


def leg_greeks(market: ListingMarket, listing: IntArray, lots: IntArray) -> list[DollarGreeks]:
    """Return the Greeks of legs: `lots` [N] of the listings `listing` [N] of a market.

    Those of a listing without a price, and of one whose settlement price is fixed, are zero.
    """
    floats = ListingFloats.of(market)
    years = market.seconds / float(YEAR_SECONDS)
    unit = black76.price_and_greeks(
        floats.reference, floats.strike, floats.vol, years, floats.is_call
    )
    per_percent = (floats.reference - floats.fixed) * _PERCENT
    moving = np.where(floats.settled, 0.0, 1.0)
    option = np.where(floats.is_option, moving, 0.0)
    size = floats.micro_per_lot[listing] * lots

    def micro(per_unit: FloatArray) -> list[int]:
        found: list[int] = np.rint(per_unit[listing] * size).astype(np.int64).tolist()
        return found

    rows = zip(
        micro(np.where(floats.is_option, unit.delta, 1.0) * per_percent * moving),
        micro(unit.gamma * per_percent * per_percent * option),
        micro(unit.vega * market.moving * _PERCENT * option),
        micro(unit.theta / _DAYS_A_YEAR * option),
        strict=True,
    )
    return [DollarGreeks(*row) for row in rows]
