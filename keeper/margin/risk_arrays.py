"""Marks and scenario results of every listing, int64 per long lot: where the float zone ends.

Each scenario is priced once per listing, whoever holds it; accounts then need only integer products
(losses.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.market import CELL_CAP_USD6, ListingMarket, Standing, listing_market
from keeper.margin.scenarios import Model, UnderlyingRisk, model_hash
from keeper.margin.shocks import Shocks, clamp, risks_of, shocks
from keeper.pricing import black76
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.state.snapshot import Snapshot
from keeper.units import E8, USD6, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

_SHIFT_LIMIT: Final = 1.2
_MONEYNESS_LIMIT: Final = 2.5


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
    listings, shocked = _FloatListings.of(market), shocks(market, model)
    mark = listings.value(listings.reference, listings.vol, listings.years)
    cells = np.empty((len(mark), 1 + len(model.scenarios)))
    cells[:, 0] = mark * listings.micro_per_lot
    for scenario in range(len(model.scenarios)):
        moved = _value_in(scenario, listings, shocked)
        weighted = shocked.weight[scenario] * (moved - mark)
        cells[:, 1 + scenario] = weighted * listings.micro_per_lot
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


def _value_in(scenario: int, listings: _FloatListings, shocked: Shocks) -> FloatArray:
    """Return each listing's value per unit after one scenario, before its weight."""
    term = shocked.term
    move = shocked.move[term, scenario]
    reference = np.where(listings.settled, listings.reference, listings.reference * (1.0 + move))
    tilt = shocked.skew[term, scenario] * listings.moneyness + shocked.curvature[
        term, scenario
    ] * np.abs(listings.moneyness)
    shift = clamp(shocked.shift[term, scenario] + tilt, -_SHIFT_LIMIT, _SHIFT_LIMIT)
    return listings.value(reference, listings.vol * exp(shift), shocked.years[term, scenario])


@dataclass(frozen=True, slots=True, eq=False)
class _FloatListings:
    """The float64 view of the listings [L]: prices in USD, vol a fraction a year.

    `moneyness` is ln(K / F) in standard deviations to expiry, at most 2.5; zero where there is
    neither vol nor time.
    """

    is_option: BoolArray
    is_call: BoolArray
    settled: BoolArray
    reference: FloatArray
    strike: FloatArray
    years: FloatArray
    vol: FloatArray
    moneyness: FloatArray
    micro_per_lot: FloatArray

    @classmethod
    def of(cls, market: ListingMarket) -> _FloatListings:
        reference, strike = market.reference_e8 / E8, market.strike_e8 / E8
        years = market.seconds / float(YEAR_SECONDS)
        return cls(
            is_option=market.is_option,
            is_call=market.is_call,
            settled=market.settled,
            reference=reference,
            strike=strike,
            years=years,
            vol=np.sqrt(market.variance),
            moneyness=_moneyness(reference, strike, market.variance * years),
            micro_per_lot=market.lot_wad / (WAD // USD6),
        )

    def value(self, reference: FloatArray, vol: FloatArray, years: FloatArray) -> FloatArray:
        """Return the value per unit in USD."""
        option = black76.price(reference, self.strike, vol, years, self.is_call)
        return np.where(self.is_option, option, reference)


def _moneyness(reference: FloatArray, strike: FloatArray, variance: FloatArray) -> FloatArray:
    """Return clamp(ln(K / F) / sqrt(total variance)); zero without variance."""
    live = variance > 0.0  # which only a live option has: then K and F are positive too
    ratio = np.where(live, strike, 1.0) / np.where(live, reference, 1.0)
    standardised = log(ratio) / np.sqrt(np.where(live, variance, 1.0))
    return np.where(live, clamp(standardised, -_MONEYNESS_LIMIT, _MONEYNESS_LIMIT), 0.0)


def risks_by_listing(market: ListingMarket, model: Model) -> list[UnderlyingRisk]:
    """Return each listing's parameters; raise InputError for an underlying the model lacks."""
    risks = risks_of(market, model)
    underlyings: list[int] = market.underlying.tolist()
    return [risks[underlying] for underlying in underlyings]
