"""Daily prices as a ring would have held them at each chain, and nothing from after it.

The shipped history usually ends before the chains begin. Its last days, of those before the first
chain, stand in for the days right before it, at its level: only returns count. From then on the
price of a day is the spot of the last chain at or before 00:00 UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.moment import Moment
from keeper.backtest.scan_path import DAYS_A_WORD, RING_WORDS, ring_slice
from keeper.errors import InputError
from keeper.margin.history import NANO
from keeper.margin.scenarios import Model
from keeper.state.snapshot import ObservationRow
from keeper.units import E8

DAY: Final = 86_400
_RING_DAYS: Final = RING_WORDS * DAYS_A_WORD


@dataclass(frozen=True, slots=True)
class KnownPrices:
    """Prices by underlying at ascending `days` (unix time // 86400), 1e-8 USD."""

    days: tuple[int, ...]
    price_e8: Mapping[int, tuple[int, ...]]

    def ring(self, time: int) -> list[ObservationRow]:
        """Return what a ring holds at a moment, Unix seconds."""
        last = bisect_right(self.days, time // DAY) - 1
        held = ring_slice(self.days, last)
        return [
            ObservationRow(underlying, day, price)
            for underlying, prices in self.price_e8.items()
            for day, price in zip(self.days[held], prices[held], strict=True)
        ]


def known_prices(moments: Sequence[Moment], model: Model) -> KnownPrices:
    """Return the prices of all underlyings of `model` for moments in order of time.

    A day without a chain in the 24 hours before it has no price. Raises InputError where the first
    chain lacks an underlying, or the history has less than a ring before it.
    """
    first_day = moments[0].time // DAY
    days = list(range(first_day - _RING_DAYS + 1, first_day + 1))
    times = [moment.time for moment in moments]
    prices: dict[int, list[int]] = {}
    for risk in model.underlyings:
        if risk.underlying not in moments[0].spot:
            raise InputError(
                f"{moments[0].source}: {risk.symbol} has no option: start with a chain of all"
            )
        # A row is named by the day on which its return ended: it is known from the next day on.
        known = max(first_day - model.history.first_day, 0)
        returns = model.history.returns_e9[risk.symbol][:known][-_RING_DAYS + 1 :] / NANO
        if len(returns) < _RING_DAYS - 1:
            raise InputError(
                f"{moments[0].source}: the history has {len(returns)} days before it, the scan "
                f"range takes {_RING_DAYS - 1}: start with a later chain"
            )
        before = np.exp(np.append(0.0, -np.cumsum(returns[::-1])))[::-1]
        level = moments[0].spot[risk.underlying] * E8
        prices[risk.underlying] = np.rint(before * level).astype(np.int64).tolist()
    for day in range(first_day + 1, moments[-1].time // DAY + 1):
        seen = moments[bisect_right(times, day * DAY) - 1]
        if day * DAY - seen.time <= DAY and seen.spot.keys() >= prices.keys():
            days.append(day)
            for underlying, column in prices.items():
                column.append(round(seen.spot[underlying] * E8))
    return KnownPrices(tuple(days), {number: tuple(column) for number, column in prices.items()})
