"""Marks and scenario results of every listing, int64 per long lot: where the float zone ends.

Each scenario is priced once per listing, whoever holds it; accounts then need only integer products
(losses.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.errors import InputError
from keeper.margin.market import CELL_CAP_USD6, ListingMarket, Standing, listing_market
from keeper.margin.scenarios import Model, Scenario, UnderlyingRisk, model_hash
from keeper.pricing import black76
from keeper.pricing.exp import exp
from keeper.state.snapshot import Snapshot
from keeper.units import BPS, E8, USD6, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

_MOVE_LIMITS = (-0.9, 5.0)
_VOL_SHOCK_LIMIT = 1.2
_VOL_HORIZON_SECONDS = 30.0 * 86400
_VOL_SHORTEST_SECONDS = 0.8 * 86400


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


def risk_arrays(snapshot: Snapshot, model: Model) -> RiskArrays:
    """Price every listing of the snapshot in every scenario of the model.

    Raises InputError when the snapshot names another model, or an underlying that the model lacks;
    MarketDataError for a global input that cannot be used.
    """
    require_model(snapshot, model)
    return price_listings(listing_market(snapshot), model)


def require_model(snapshot: Snapshot, model: Model) -> None:
    """Raise InputError unless the snapshot was taken for this very model."""
    if snapshot.head.model_hash != model_hash(model):
        raise InputError(
            f"HEAD.model_hash is 0x{snapshot.head.model_hash.hex()}, but the model given hashes to "
            f"0x{model_hash(model).hex()}: use the model of that epoch"
        )


def price_listings(market: ListingMarket, model: Model) -> RiskArrays:
    """Return marks and scenario results of `market`."""
    listings = _FloatListings.of(market, model)
    mark = listings.value(listings.reference, listings.vol, listings.seconds)
    cells = np.empty((len(mark), 1 + len(model.scenarios)))
    cells[:, 0] = mark * listings.micro_per_lot
    for column, scenario in enumerate(model.scenarios, start=1):
        moved = _value_in(scenario, listings)
        weighted = scenario.weight_bps / BPS * (moved - mark)
        cells[:, column] = weighted * listings.micro_per_lot
    cells = np.rint(cells)
    within = (np.abs(cells) < CELL_CAP_USD6).all(axis=1)
    priced = within & (market.standing != Standing.UNPRICED)
    exact = np.where(priced[:, None], cells, 0.0).astype(np.int64)
    return RiskArrays(
        marks=exact[:, 0].copy(),
        pnl=exact[:, 1:].copy(),
        fault=~priced | (market.standing != Standing.SOUND),
        priced=priced,
    )


def _value_in(scenario: Scenario, listings: _FloatListings) -> FloatArray:
    """Return each listing's value per unit after `scenario`, before its weight."""
    move = _clamp(scenario.spot_bps / BPS * listings.scan_range, *_MOVE_LIMITS)
    reference = np.where(listings.settled, listings.reference, listings.reference * (1.0 + move))
    seconds = np.maximum(listings.seconds - scenario.clock_seconds, 0.0)
    term = np.sqrt(_VOL_HORIZON_SECONDS / np.maximum(seconds, _VOL_SHORTEST_SECONDS))
    vol_range = listings.vol_up if scenario.vol_bps > 0 else listings.vol_down
    shock = _clamp(scenario.vol_bps / BPS * vol_range * term, -_VOL_SHOCK_LIMIT, _VOL_SHOCK_LIMIT)
    return listings.value(reference, listings.vol * exp(shock), seconds)


def _clamp(x: FloatArray, low: float, high: float) -> FloatArray:
    return np.minimum(np.maximum(x, low), high)


@dataclass(frozen=True, slots=True, eq=False)
class _FloatListings:
    """The float64 view of the listings [L]: prices in USD, vols and ranges as fractions."""

    is_option: BoolArray
    is_call: BoolArray
    settled: BoolArray
    reference: FloatArray
    strike: FloatArray
    seconds: FloatArray
    vol: FloatArray
    scan_range: FloatArray
    vol_up: FloatArray
    vol_down: FloatArray
    micro_per_lot: FloatArray

    @classmethod
    def of(cls, market: ListingMarket, model: Model) -> _FloatListings:
        risks = risks_by_listing(market, model)
        return cls(
            is_option=market.is_option,
            is_call=market.is_call,
            settled=market.settled,
            reference=market.reference_e8 / E8,
            strike=market.strike_e8 / E8,
            seconds=market.seconds.astype(np.float64),
            vol=np.sqrt(market.variance),
            scan_range=market.scan_range_wad / WAD,
            vol_up=np.array([risk.vol_up / WAD for risk in risks], dtype=np.float64),
            vol_down=np.array([risk.vol_down / WAD for risk in risks], dtype=np.float64),
            micro_per_lot=market.lot_wad / (WAD // USD6),
        )

    def value(self, reference: FloatArray, vol: FloatArray, seconds: FloatArray) -> FloatArray:
        """Return the value per unit in USD."""
        option = black76.price(
            reference, self.strike, vol, seconds / float(YEAR_SECONDS), self.is_call
        )
        return np.where(self.is_option, option, reference)


def risks_by_listing(market: ListingMarket, model: Model) -> list[UnderlyingRisk]:
    """Return each listing's parameters; raise InputError for an underlying the model lacks."""
    known = {risk.underlying: risk for risk in model.underlyings}
    underlyings: list[int] = market.underlying.tolist()
    if missing := sorted(set(underlyings) - known.keys()):
        raise InputError(f"the model lacks underlyings {missing}, which are listed: add them")
    return [known[underlying] for underlying in underlyings]
