"""Marks and scenario results of every listing, int64 per long lot: where the float zone ends.

Each scenario is priced once per listing, whoever holds it; accounts then need only integer products
(losses.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.margin.agreement import require_agreement
from keeper.margin.cells import ListingFloats, marks, scenario_cells
from keeper.margin.market import CELL_CAP_USD6, ListingMarket, Standing, listing_market
from keeper.margin.scenarios import Model
from keeper.margin.shocks import Shocks, shocks
from keeper.margin.workers import SERIAL, Workers
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class RiskArrays:
    """Per listing, micro-dollars per long lot, rounded to nearest (half to even).

    `marks` int64 [L]; `pnl` int64 [L, S], gains positive; `fault` [L] bars the listing from
    attested margins. `priced` [L] is false where marks and pnl do not exist and stand at zero; a
    stale listing is at fault but priced at its last mark.
    """

    marks: IntArray
    pnl: IntArray
    fault: BoolArray
    priced: BoolArray


def risk_arrays(snapshot: Snapshot, model: Model, workers: Workers = SERIAL) -> RiskArrays:
    """Price every listing of the snapshot in every scenario of the model.

    Raises InputError when the snapshot names another model, or an underlying that the model lacks;
    MarketDataError for a global input that cannot be used, or a scan range other than its prices'.
    """
    require_agreement(snapshot, model)
    return price_listings(listing_market(snapshot), model, workers)


def price_listings(market: ListingMarket, model: Model, workers: Workers = SERIAL) -> RiskArrays:
    """Return marks and scenario results of `market`; any number of workers gives the same bits."""
    return price_shocks(market, shocks(market, model), workers)


def price_shocks(market: ListingMarket, shocked: Shocks, workers: Workers = SERIAL) -> RiskArrays:
    """Return the same from shocks at hand: they do not depend on spots, vols or strikes."""
    floats = ListingFloats.of(market)
    mark, pnl = marks(floats), scenario_cells(floats, shocked, workers)
    largest = np.maximum(pnl.max(axis=1, initial=0), -pnl.min(axis=1, initial=0))
    priced = np.maximum(largest, mark) < CELL_CAP_USD6
    priced &= market.standing != Standing.UNPRICED
    return RiskArrays(
        marks=np.where(priced, mark, 0),
        pnl=pnl if priced.all() else np.where(priced[:, None], pnl, 0),
        fault=~priced | (market.standing != Standing.SOUND),
        priced=priced,
    )
