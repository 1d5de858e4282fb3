"""The same results with numpy, scipy.special.ndtr and scipy.sparse: what one would write by hand.

Written as well as the libraries allow: blocks that stay in the cache, spread over the same number
of threads as ours, for numpy, ndtr and the sparse product all release the interpreter lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from scipy.sparse import csr_array
from scipy.special import ndtr

from keeper.margin.add_on_rules import AddOnRules
from keeper.margin.losses import Book
from keeper.margin.market import ListingMarket
from keeper.margin.scenarios import Model
from keeper.state.instruments import Kind
from keeper.units import BPS, E8, USD6, WAD, YEAR_SECONDS, FloatArray
from scripts.bench.engine import Greeks
from scripts.bench.inputs import Options

BLOCK_OPTIONS: Final = 32_768  # options a call: the fastest of the powers of two
_BLOCK_ACCOUNTS: Final = 2048
_INV_SQRT_2PI: Final = 1.0 / np.sqrt(2.0 * np.pi)


def price(options: Options) -> tuple[FloatArray]:
    """Return the prices."""
    o = options
    deviation = o.vol * np.sqrt(o.years)
    d1 = np.log(o.forward / o.strike) / deviation + 0.5 * deviation
    sign = np.where(o.is_call, 1.0, -1.0)
    return (sign * (o.forward * ndtr(sign * d1) - o.strike * ndtr(sign * (d1 - deviation))),)


def price_and_greeks(options: Options) -> Greeks:
    """Return price, delta, gamma, vega and theta; what they share is computed once."""
    o = options
    root = np.sqrt(o.years)
    deviation = o.vol * root
    d1 = np.log(o.forward / o.strike) / deviation + 0.5 * deviation
    sign = np.where(o.is_call, 1.0, -1.0)
    n1 = ndtr(sign * d1)
    density = _INV_SQRT_2PI * np.exp(-0.5 * d1 * d1)
    vega = o.forward * density * root
    return (
        sign * (o.forward * n1 - o.strike * ndtr(sign * (d1 - deviation))),
        sign * n1,
        density / (o.forward * deviation),
        vega,
        -0.5 * vega * o.vol / o.years,
    )


def risk_array(market: ListingMarket, model: Model, pool: ThreadPoolExecutor) -> FloatArray:
    """Return gains in micro-dollars a lot, float64 [L, S], for scenarios of spot and vol alone."""
    risks = {risk.underlying: risk for risk in model.underlyings}
    ranges = {n: (r.vol_down / WAD, r.vol_up / WAD) for n, r in risks.items()}
    vol_range = np.array([ranges[n] for n in market.underlying.tolist()])
    option = market.is_option
    strike, is_call = market.strike_e8[option] / E8, market.is_call[option]
    reference, scan_range = market.reference_e8 / E8, market.scan_range_wad / WAD
    vol, seconds = np.sqrt(market.variance[option]), market.seconds[option].astype(np.float64)
    term = np.sqrt(30.0 * 86_400 / np.maximum(seconds, 0.8 * 86_400))
    years = seconds / YEAR_SECONDS

    def value(moved: FloatArray, vols: FloatArray) -> FloatArray:
        result = moved.copy()
        result[option] = price(Options(moved[option], strike, vols, years, is_call))[0]
        return result

    mark = value(reference, vol)
    gains = np.empty((len(model.scenarios), len(mark)))

    def fill(row: int) -> None:
        scenario = model.scenarios[row]
        move = np.clip(scenario.spot_bps / BPS * scan_range, -0.9, 5.0)
        level = vol_range[option, int(scenario.vol_bps > 0)]
        shift = np.clip(scenario.vol_bps / BPS * level * term, -1.2, 1.2)
        gains[row] = value(reference * (1.0 + move), vol * np.exp(shift)) - mark

    for _ in pool.map(fill, range(len(gains))):
        pass
    return np.ascontiguousarray(gains.T) * (market.lot_wad / (WAD // USD6))[:, None]


def positions(book: Book, listings: int) -> csr_array:
    """Return the signed lots of every account [A, L], sparse."""
    pointers = np.append(book.starts, len(book.lots))
    shape = (len(book.starts), listings)
    return csr_array((book.lots.astype(np.float64), book.listing.copy(), pointers), shape=shape)


def account_blocks(lots: csr_array) -> list[csr_array]:
    """Cut the positions into blocks whose losses stay in the cache."""
    accounts = len(lots.indptr) - 1
    return [lots[at : at + _BLOCK_ACCOUNTS] for at in range(0, accounts, _BLOCK_ACCOUNTS)]


def worst_loss(gains: FloatArray, lots: csr_array) -> FloatArray:
    """Return each account's worst loss [A], not below zero, by one product."""
    return np.maximum((-(lots @ gains)).max(axis=1), 0.0)


def worst_loss_in_blocks(
    gains: FloatArray, blocks: Sequence[csr_array], pool: ThreadPoolExecutor
) -> FloatArray:
    """Return the same, block by block over the threads."""
    return np.concatenate(list(pool.map(worst_loss, itertools.repeat(gains), blocks)))


def var_es(gains: FloatArray, lots: csr_array, tail: int) -> FloatArray:
    """Return each account's VaR and ES [A, 2], not below zero, by one product.

    ES is the mean of the `tail` largest losses, VaR the next.
    """
    losses = -(lots @ gains)
    at = gains.shape[1] - tail - 1
    losses.partition(at, axis=1)
    shortfall = losses[:, at + 1 :].mean(axis=1)
    return np.maximum(np.stack([losses[:, at], shortfall], axis=1), 0.0)


def var_es_in_blocks(
    gains: FloatArray, blocks: Sequence[csr_array], tail: int, pool: ThreadPoolExecutor
) -> FloatArray:
    """Return the same, block by block over the threads."""
    found = pool.map(var_es, itertools.repeat(gains), blocks, itertools.repeat(tail))
    return np.concatenate(list(found))


def add_ons(market: ListingMarket, rules: AddOnRules, lots: csr_array) -> FloatArray:
    """Return the sum of each account's add-ons [A], micro-dollars, where the coin holds its peg.

    Formulas: docs/model.md, Add-ons of the initial margin.
    """
    spot = market.spot_e8 / E8 * (market.lot_wad / WAD) * USD6
    forward = market.reference_e8 / E8 * (market.lot_wad / WAD) * USD6
    delta, per_vol = _sensitivities(market)
    either = spot * (_liquidity(market, rules, spot) + _unsure(market, rules))
    short = spot * _pin(market, rules)
    basis, vega = forward * delta * _basis(market, rules), forward * per_vol * rules.vega / WAD
    _, term = np.unique(
        np.stack([market.underlying, market.expiry], axis=1), axis=0, return_inverse=True
    )
    one_term = (np.arange(len(term)), term.ravel())
    nets = [np.abs(lots @ csr_array((cell, one_term))).sum(axis=1) for cell in (basis, vega)]
    shorts = lots.copy()
    shorts.data = np.maximum(-shorts.data, 0.0)
    return abs(lots) @ either + shorts @ short + nets[0] + nets[1]


def _liquidity(market: ListingMarket, rules: AddOnRules, spot_usd6: FloatArray) -> FloatArray:
    far = market.seconds > rules.liquidity_term_seconds
    half_spread = np.where(far, rules.liquidity_far, rules.liquidity_near) / WAD
    open_usd6 = market.open_interest * spot_usd6
    most = rules.concentration_most / WAD
    depth_usd6 = rules.concentration_depth_usd * float(USD6)
    thinness = np.full(len(open_usd6), most)
    traded = open_usd6 > 0
    thinness[traded] = np.clip(np.sqrt(depth_usd6 / open_usd6[traded]), 1.0, most)
    return half_spread * thinness


def _unsure(market: ListingMarket, rules: AddOnRules) -> FloatArray:
    beyond = np.maximum(market.confidence_wad - rules.confidence_threshold, 0) / WAD
    return beyond * (rules.confidence_factor / WAD)


def _pin(market: ListingMarket, rules: AddOnRules) -> FloatArray:
    left = np.maximum(rules.pin_seconds - market.seconds, 0) / rules.pin_seconds
    far = np.abs(market.strike_e8 - market.reference_e8) / market.reference_e8
    near = np.maximum(1.0 - far / (rules.pin_width / WAD), 0.0)
    return np.where(market.is_option, rules.pin / WAD * left * near, 0.0)


def _basis(market: ListingMarket, rules: AddOnRules) -> FloatArray:
    years = np.minimum(market.seconds, rules.basis_longest_seconds) / YEAR_SECONDS
    dated = rules.basis / WAD * np.sqrt(years)
    perpetual = np.where(market.kind == Kind.PERPETUAL, rules.basis_perpetual / WAD, dated)
    return np.where(market.kind == Kind.SPOT, 0.0, perpetual)


def _sensitivities(market: ListingMarket) -> tuple[FloatArray, FloatArray]:
    """Return delta, and vega times vol over the forward but at most 1 [L]."""
    option = market.is_option
    forward, strike = market.reference_e8[option] / E8, market.strike_e8[option] / E8
    vol, years = np.sqrt(market.variance[option]), market.seconds[option] / YEAR_SECONDS
    greeks = price_and_greeks(Options(forward, strike, vol, years, market.is_call[option]))
    delta, per_vol = np.ones(len(option)), np.zeros(len(option))
    delta[option], per_vol[option] = greeks[1], np.minimum(greeks[3] * vol / forward, 1.0)
    return delta, per_vol
