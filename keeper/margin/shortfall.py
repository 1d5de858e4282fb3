"""VaR and expected shortfall by filtered historical simulation: docs/model.md, Expected shortfall.

A scenario is a past day: its joint returns become moves of today's prices, and vols answer by a
regression on them. They are shocks like those of the table, priced once a listing by the same code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.margin.filtering import filtered, today_sigmas
from keeper.margin.history import NANO
from keeper.margin.losses import Book
from keeper.margin.market import ListingMarket
from keeper.margin.risk_arrays import RiskArrays, price_shocks
from keeper.margin.scenarios import Model, UnderlyingRisk
from keeper.margin.shocks import (
    DAY,
    MOVE_LIMITS,
    SHORTEST_SECONDS,
    VOL_TENOR_SECONDS,
    Shocks,
    clamp,
    risks_of,
    terms_of,
)
from keeper.margin.tail import Tail, tail_risk
from keeper.margin.workers import SERIAL, Workers
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.state.snapshot import Snapshot
from keeper.units import WAD, YEAR_SECONDS, FloatArray, IntArray

CLOCK_SECONDS: Final = DAY


@dataclass(frozen=True, slots=True, eq=False)
class TailRisk:
    """Per account [A], int64 micro-dollars, not below zero: the larger of the two windows'."""

    value_at_risk_usd6: IntArray
    shortfall_usd6: IntArray


def history_arrays(
    snapshot: Snapshot, market: ListingMarket, model: Model, workers: Workers = SERIAL
) -> RiskArrays:
    """Price every listing on every day of the two windows: `pnl` int64 [L, filtered + stressed].

    `priced` is false where a day's result is beyond the cell cap, and then its row is zero.
    """
    return price_shocks(market, history_shocks(snapshot, market, model), workers)


def book_tail_risk(
    history: RiskArrays, book: Book, model: Model, workers: Workers = SERIAL
) -> TailRisk:
    """Return VaR and expected shortfall of every account; any number of workers, the same bits."""
    rule = model.shortfall
    tails = [Tail.of(days, rule.tail_bps) for days in (rule.window_days, rule.stressed_days)]
    value_at_risk, shortfall = tail_risk(history.pnl, book, tails, workers)
    return TailRisk(value_at_risk.max(axis=0), shortfall.max(axis=0))


def history_shocks(snapshot: Snapshot, market: ListingMarket, model: Model) -> Shocks:
    """Return the days of the filtered window, then those of the stressed one, as shocks."""
    risks = risks_of(market, model)
    sigmas = today_sigmas(snapshot, model)
    terms, term = terms_of(market, risks)
    numbers: list[int] = terms.underlying[:, 0].tolist()
    days = {number: _days_of(model, risks[number], sigmas[number]) for number in set(numbers)}
    left = np.maximum(terms.seconds - CLOCK_SECONDS, 0.0)
    tenor = VOL_TENOR_SECONDS / np.maximum(left, SHORTEST_SECONDS)
    longer = exp(model.shortfall.vol_exponent_wad / WAD * log(tenor))
    count = model.shortfall.window_days + model.shortfall.stressed_days
    shape = (len(numbers), count)
    moves = [days[number][0] for number in numbers]
    answers = [days[number][1] for number in numbers]
    still = np.zeros(shape)
    return Shocks(
        term=term,
        move=np.array(moves).reshape(shape),
        years=np.repeat(left / float(YEAR_SECONDS), count, axis=1),
        shift=np.array(answers).reshape(shape) * longer,
        skew=still,
        curvature=still,
        weight=np.ones(count),
    )


def _days_of(model: Model, risk: UnderlyingRisk, sigma: float) -> tuple[FloatArray, FloatArray]:
    """Return the moves of spot and the changes of ln vol at 30 days, [filtered + stressed]."""
    rule, history = model.shortfall, model.history
    scores = filtered(history, rule.decay_wad, model.scan.winsor_wad)[risk.symbol]
    first = rule.stressed_from_day - history.first_day
    recent = slice(len(history) - rule.window_days, None)
    stressed = slice(first, first + rule.stressed_days)

    def both(column: FloatArray) -> FloatArray:
        return np.concatenate([column[recent], column[stressed]])

    raw = history.returns_e9[risk.symbol][stressed] / NANO
    returns = np.concatenate([scores[recent] * sigma, raw])
    residuals = both(history.residuals_e9[risk.symbol] / NANO)
    answers = _vol_answers(both(scores), residuals, risk, rule.vol_pivot_wad / WAD)
    return clamp(exp(returns) - 1.0, *MOVE_LIMITS), answers


def _vol_answers(
    scores: FloatArray, residuals: FloatArray, risk: UnderlyingRisk, pivot: float
) -> FloatArray:
    """Return `a z + b (|z| - pivot) + c eps`, the change of ln vol at 30 days."""
    leverage = risk.vol_on_return / WAD * scores
    turbulence = risk.vol_on_size / WAD * (np.abs(scores) - pivot)
    return (leverage + turbulence) + risk.vol_residual / WAD * residuals
