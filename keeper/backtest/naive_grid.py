"""The naive grid: all prices together within the scan range, all vols together by a quarter.

What a margin without dispersion, time or terms would ask of the same books; only for comparison.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.margin.losses import Book, worst_losses
from keeper.margin.market import ListingMarket
from keeper.margin.risk_arrays import price_shocks
from keeper.margin.scenarios import Model
from keeper.margin.shocks import Shocks, risks_of, terms_of
from keeper.units import YEAR_SECONDS, IntArray

_PRICES: Final = np.array([-1.0, -2 / 3, -1 / 3, 0.0, 1 / 3, 2 / 3, 1.0])
_VOLS: Final = np.log(np.array([0.75, 1.0, 1.25]))


def naive_margin(
    market: ListingMarket, book: Book, charge_usd6: IntArray, model: Model
) -> IntArray:
    """Return the larger of worst loss and minimum charge int64 [A], micro-dollars."""
    terms, term = terms_of(market, risks_of(market, model))
    share, shift = (grid.ravel() for grid in np.meshgrid(_PRICES, _VOLS))
    shape = (len(terms.seconds), len(share))
    still = np.zeros(shape)
    shocked = Shocks(
        term=term,
        move=terms.scan_range * share,
        years=np.broadcast_to(terms.seconds / float(YEAR_SECONDS), shape).copy(),
        shift=np.broadcast_to(shift, shape).copy(),
        skew=still,
        curvature=still,
        weight=np.ones(len(share)),
    )
    losses, _ = worst_losses(price_shocks(market, shocked).pnl, book)
    return np.maximum(losses, charge_usd6)
