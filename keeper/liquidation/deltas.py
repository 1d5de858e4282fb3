"""Delta of every listing: what a book gains in coins when an underlying's forwards move."""

from __future__ import annotations

import numpy as np

from keeper.margin.market import ListingMarket, Standing
from keeper.pricing import black76
from keeper.units import E8, WAD, YEAR_SECONDS, FloatArray


def deltas_per_lot(market: ListingMarket) -> FloatArray:
    """Return the delta of a long lot [L] in coins of its underlying.

    Of an option Black-76's on its own forward, vol unchanged; of every other kind the lot itself;
    while a settlement average comes about, of the share that still moves. Zero where a listing is
    settled or has no price.
    """
    greeks = black76.price_and_greeks(
        market.reference_e8 / E8,
        market.strike_e8 / E8,
        np.sqrt(market.variance),
        market.seconds / float(YEAR_SECONDS),
        market.is_call,
    )
    coins = np.where(market.is_option, greeks.delta, 1.0) * market.moving * (market.lot_wad / WAD)
    moves = ~market.settled & (market.standing != Standing.UNPRICED)
    return np.where(moves, coins, 0.0)
