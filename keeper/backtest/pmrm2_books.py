"""`pmrm2` on many books at once: each option priced once for all, by the model's own functions.

Parameters are those of the Derive v2 contracts for BTC and ETH (`PMRM_2.sol`, main net, January
2026), rates zero and confidences whole. It margins one underlying at a time, so books across
underlyings add up. It has no dated futures: they count as perpetuals at their forward.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from keeper.margin.losses import Book
from keeper.margin.market import ListingMarket
from keeper.margin.models.pmrm2.inputs import (
    Basis,
    Charges,
    Expiry,
    Parameters,
    Scenario,
    SkewCap,
    SkewShock,
    Smile,
    StaticDiscount,
    Vol,
    VolShock,
)
from keeper.margin.models.pmrm2.shocks import shocked_vols
from keeper.margin.models.pmrm2.valuation import (
    ExpiryTerms,
    expiry_terms,
    shocked_forwards,
    static,
    unmoved,
)
from keeper.pricing import black76
from keeper.pricing.log import log
from keeper.units import E8, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

_GRID: Final = tuple(
    Scenario(1.0 + move, vol, 1.0)
    for move in (0.135, 0.09, 0.045, 0.0, -0.045, -0.09, -0.135)
    for vol in (Vol.DOWN, Vol.NONE, Vol.UP)
)
_ENDS: Final = (Scenario(1.18, Vol.UP, 1.0), Scenario(0.82, Vol.UP, 1.0))
_TAILS: Final = tuple(
    Scenario(shock, Vol.UP, dampening)
    for shock, dampening in (
        (0.34, 0.21),
        (0.67, 0.42),
        (1.5, 0.2772),
        (2.0, 0.1386),
        (3.0, 0.0693),
        (4.0, 0.0462),
        (5.0, 0.03465),
        (6.0, 0.02772),
    )
)
_SKEWS: Final = (Scenario(1.0, Vol.LINEAR, 1.0), Scenario(1.0, Vol.ABS, 1.0))

PARAMETERS: Final = Parameters(
    scenarios=(*_GRID, *_ENDS, *_TAILS, *_SKEWS),
    vol_shock=VolShock(0.6, 0.3, 0.3, 0.13, 1.0, 0.40),
    skew_shock=SkewShock(SkewCap(0.25, -0.1), SkewCap(0.25, -0.1), 0.01, 4.0, 0.6, 0.0),
    maintenance_factor=0.8,
    initial_factor=1.0,
    long_discount=StaticDiscount(0.95, 1.0, 0.08),
    short_discount=StaticDiscount(1.04, 0.5, 0.08),
    basis=Basis(1.045, 0.955, 0.5, 2.0),
    charges=Charges(0.98, 2.0, 0.55, 1.0, 0.03, 0.01, 0.003, 0.002),
)


def pmrm2_maintenance(
    market: ListingMarket, book: Book, parameters: Parameters = PARAMETERS
) -> FloatArray:
    """Return what maintenance asks beyond the value of each account [A], USD."""
    asked = np.zeros(len(book.starts))
    for underlying in np.unique(market.underlying).tolist():
        asked += _of_underlying(market, book, market.underlying == underlying, parameters)
    return asked


def _of_underlying(
    market: ListingMarket, book: Book, own: BoolArray, parameters: Parameters
) -> FloatArray:
    """Return what one underlying asks [A]; `own` [L] are its listings."""
    coins = book.lots * (market.lot_wad[book.listing] / WAD) * own[book.listing]
    spot = float(market.spot_e8[own][0]) / E8
    is_option = market.is_option[book.listing]
    linear_usd = np.where(is_option, 0.0, coins * market.reference_e8[book.listing] / E8)
    by_scenario, basis = _options(market, book, own, coins, parameters)
    linear = np.add.reduceat(linear_usd, book.starts)
    moves = np.array([scenario.spot_shock - 1.0 for scenario in parameters.scenarios])
    dampening = np.array([scenario.dampening for scenario in parameters.scenarios])
    pnl = (by_scenario + linear[:, None] * moves) * dampening
    worst = np.minimum(pnl.min(axis=1), basis)
    gross = np.add.reduceat(np.abs(linear_usd), book.starts)
    charges = parameters.charges
    added = charges.maintenance_perp * gross
    added += charges.maintenance_option * spot * _naked(market, book, coins)
    return added - parameters.maintenance_factor * worst


def _options(
    market: ListingMarket, book: Book, own: BoolArray, coins: FloatArray, parameters: Parameters
) -> tuple[FloatArray, FloatArray]:
    """Return the options' P&L by account and scenario [A, S], and that of the basis [A]."""
    scenarios = parameters.scenarios
    moves = (unmoved(parameters.basis.shock_up), unmoved(parameters.basis.shock_down))
    prices = _prices(market, own & market.is_option, (*scenarios, unmoved(), *moves), parameters)
    values = coins[:, None] * prices[book.listing]
    # Legs ascend by instrument, hence by expiry within an underlying: each expiry is one run.
    runs, first = book.runs(market.expiry * 2**16 + market.underlying)
    by_expiry = np.add.reduceat(values, runs.starts, axis=0)
    shocked, mark = by_expiry[:, : len(scenarios)], by_expiry[:, -3]
    terms = _terms(market, runs.listing[runs.starts].astype(np.int64), parameters)
    pnl = static(shocked.T, terms).T - mark[:, None]
    turned = np.array([scenario.vol.is_skew for scenario in scenarios])
    pnl = np.where(turned, -np.abs(pnl), pnl)
    moved = np.minimum(np.minimum(by_expiry[:, -2], by_expiry[:, -1]) - mark, 0.0)
    factor = parameters.basis.add_factor + parameters.basis.per_year_factor * terms.years
    return np.add.reduceat(pnl, first, axis=0), np.add.reduceat(moved * factor, first)


def _prices(
    market: ListingMarket,
    wanted: BoolArray,
    scenarios: tuple[Scenario, ...],
    parameters: Parameters,
) -> FloatArray:
    """Return the price of a coin of each wanted option in each scenario, zero elsewhere [L, S]."""
    out = np.zeros((len(wanted), len(scenarios)))
    if not wanted.any():
        return out
    seconds = market.seconds[wanted].astype(np.float64)
    forward, strike = market.reference_e8[wanted] / E8, market.strike_e8[wanted] / E8
    years = seconds / YEAR_SECONDS
    vols = shocked_vols(
        scenarios,
        np.sqrt(market.variance[wanted]),
        log(strike / forward),
        seconds,
        years,
        parameters.vol_shock,
        parameters.skew_shock,
    )
    shocked = shocked_forwards(forward, seconds, scenarios)
    out[wanted] = black76.price(shocked, strike, vols, years, market.is_call[wanted]).T
    return out


def _terms(market: ListingMarket, listing: IntArray, parameters: Parameters) -> ExpiryTerms:
    """Return the terms of runs by the listing that each begins with, rates zero."""
    smile = Smile(0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0)  # of which terms ask nothing
    seconds, place = np.unique(market.seconds[listing], return_inverse=True)
    expiries = [Expiry(second, 1.0, 0.0, 1.0, smile) for second in seconds.tolist()]
    found = expiry_terms(expiries, parameters)
    return replace(
        found,
        years=found.years[place],
        discount=found.discount[place],
        on_gains=found.on_gains[place],
        on_debts=found.on_debts[place],
    )


def _naked(market: ListingMarket, book: Book, coins: FloatArray) -> FloatArray:
    """Return short options net of long ones at the same strike and expiry, coins [A]."""
    account = np.repeat(np.arange(len(book.starts)), np.diff(book.starts, append=len(book.lots)))
    option = market.is_option[book.listing] & (coins != 0.0)
    keys = np.stack([account, market.expiry[book.listing], market.strike_e8[book.listing]], axis=1)[
        option
    ]
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    net = np.bincount(place.reshape(-1), weights=coins[option], minlength=len(distinct))
    short = np.maximum(-net, 0.0)
    return np.bincount(distinct[:, 0], short, len(book.starts)).astype(np.float64)
