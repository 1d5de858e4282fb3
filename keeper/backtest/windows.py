"""Which chain follows which: pairs about a horizon apart, and what expired in between."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from keeper.backtest.moment import Moment

HOUR: Final = 3_600
LATEST_SETTLEMENT: Final = 8 * HOUR
"""As long as chains of four a day may be apart without a gap."""


@dataclass(frozen=True, slots=True)
class Horizon:
    """A length of time in hours, and by how much a window may miss it."""

    hours: int
    tolerance_hours: int = 2


HORIZONS: Final = (Horizon(6), Horizon(24))


def nearest_later(times: Sequence[int], index: int, horizon: Horizon) -> int | None:
    """Return the index of the moment nearest to the horizon after `times[index]`, if one is near.

    `times` ascend, Unix seconds; of two as near the earlier counts.
    """
    wanted = times[index] + horizon.hours * HOUR
    at = bisect_left(times, wanted)
    near = [n for n in (at - 1, at) if index < n < len(times)]
    if not near:
        return None
    best = min(near, key=lambda n: abs(times[n] - wanted))
    return best if abs(times[best] - wanted) <= horizon.tolerance_hours * HOUR else None


def settlements(moments: Sequence[Moment]) -> Mapping[tuple[int, int], float]:
    """Return the price at which each expiry was settled, USD: the spot of the first chain after it.

    No settlement prices are given; that spot is 1 to 2 hours late. Later than `LATEST_SETTLEMENT`
    it says nothing of the expiry, which then has no price.
    """
    times = [moment.time for moment in moments]
    found: dict[tuple[int, int], float] = {}
    for moment in moments:
        for underlying, expiry in moment.forward:
            at = bisect_left(times, expiry)
            if at == len(moments) or times[at] - expiry > LATEST_SETTLEMENT:
                continue
            if underlying in moments[at].spot:
                found[underlying, expiry] = moments[at].spot[underlying]
    return found
