"""Point 2, second half: VaR and expected shortfall of linear books, each from days before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from keeper.backtest.coverage import independence, kupiec, transitions
from keeper.backtest.daily_prices import DAY, DailyPrices
from keeper.backtest.linear_coverage import LEVEL
from keeper.backtest.scan_path import ring_slice
from keeper.backtest.shortfall_test import YELLOW_Z2, z2
from keeper.errors import InputError
from keeper.margin.filtering import ewma, filtered, log_returns_e9
from keeper.margin.history import History
from keeper.margin.losses import Book
from keeper.margin.scenarios import Model
from keeper.margin.shocks import MOVE_LIMITS, clamp
from keeper.margin.shortfall_rule import WARM_UP_DAYS
from keeper.margin.tail import Tail, tail_risk
from keeper.margin.volatility import daily_sigma
from keeper.pricing.exp import exp
from keeper.units import BPS, E8, WAD, FloatArray, IntArray

_NOTIONAL_USD6: Final = 10**9  # a thousand dollars of each coin: money is whole micro-dollars


@dataclass(frozen=True, slots=True)
class ShortfallCoverage:
    """One book: VaR breaches against the expected count, and whether losses beyond it are as large
    as the shortfall says (`z2`, zero for a true model, -0.70 at its 5 % threshold).
    """

    book: str
    days: int
    breaches: int
    expected: float
    kupiec_p: float
    christoffersen_p: float
    z2: float
    beyond_shortfall: int
    median_shortfall: float
    passed: bool


def shortfall_coverage(prices: DailyPrices, model: Model) -> list[ShortfallCoverage]:
    """Return the coverage of the filtered window of `model` for linear books of all coins.

    The window of a day ends with the return of the day before; `prices` are daily without a gap.
    Raises InputError for a gap, or fewer days than a window takes.
    """
    weights = _books(prices.symbols)
    losses, var, es = _walk(prices, model, np.array(list(weights.values()), dtype=np.int64))
    tail = model.shortfall.tail_bps / BPS
    return [_judged(book, losses[row], var[row], es[row], tail) for row, book in enumerate(weights)]


def past_days(prices: DailyPrices) -> History:
    """Return the joint returns of daily prices without a gap, with residuals of zero."""
    if (np.diff(prices.time) != DAY).any():
        raise InputError("a day is missing: expected shortfall needs daily prices without a gap")
    returns = [log_returns_e9(column) for column in prices.price_e8.T.tolist()]
    columns = {
        symbol: np.array(column, dtype=np.int64)
        for symbol, column in zip(prices.symbols, returns, strict=True)
    }
    still = {symbol: np.zeros(len(prices) - 1, dtype=np.int64) for symbol in columns}
    return History(int(prices.time[0]) // DAY, columns, still)


def sigmas_of(prices: DailyPrices, model: Model) -> Mapping[str, FloatArray]:
    """Return volatility a day at each price [N] by symbol: the ring's, as `today_sigmas` has it."""
    rule, winsor = model.shortfall, model.scan.winsor_wad
    days: list[int] = (prices.time // DAY).tolist()
    found: dict[str, FloatArray] = {}
    for symbol, column in zip(prices.symbols, prices.price_e8.T.tolist(), strict=True):
        risk = next(risk for risk in model.underlyings if risk.symbol == symbol)
        returns = log_returns_e9(column)
        seed, floor = daily_sigma(risk.sigma_stress) ** 2, daily_sigma(risk.sigma_floor)
        sigmas: list[float] = []
        for index in range(len(days)):
            held = ring_slice(days, index)
            variance = ewma(returns[held.start : index], rule.decay_wad, winsor, seed)[-1]
            sigmas.append(max(isqrt(variance), floor) / WAD)
        found[symbol] = np.array(sigmas)
    return found


def _books(symbols: Sequence[str]) -> dict[str, list[int]]:
    """Return what each book holds of each coin: both sides of each, all of them, and pairs."""
    count = range(len(symbols))
    books = {
        f"{side} {symbol}": [sign * (row == own) for row in count]
        for own, symbol in enumerate(symbols)
        for side, sign in (("long", 1), ("short", -1))
    }
    if len(symbols) > 1:
        books["long all"] = [1] * len(symbols)
    pairs = [(a, b) for a in count for b in count if a != b]
    return books | {
        f"{symbols[a]} against {symbols[b]}": [(row == a) - (row == b) for row in count]
        for a, b in pairs
    }


def _walk(
    prices: DailyPrices, model: Model, weights: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return losses, VaR and ES, shares of a coin's notional, [books, days]."""
    rule = model.shortfall
    scores = filtered(past_days(prices), rule.decay_wad, model.scan.winsor_wad)
    sigmas = sigmas_of(prices, model)
    window, tail = rule.window_days, Tail.of(rule.window_days, rule.tail_bps)
    first, last = WARM_UP_DAYS + window, len(prices) - 1
    if last <= first:
        raise InputError(f"{len(prices)} days: expected shortfall needs {first + 2}")
    coins = np.arange(len(prices.symbols))
    book = Book(np.tile(coins, len(weights)), weights.ravel(), np.arange(len(weights)) * len(coins))
    risks: list[tuple[IntArray, IntArray]] = []
    for day in range(first, last):
        past = slice(day - window, day)  # row n of the returns ends at price n + 1
        moves = np.stack([exp(scores[s][past] * sigmas[s][day]) for s in prices.symbols]) - 1.0
        cells = np.rint(clamp(moves, *MOVE_LIMITS) * _NOTIONAL_USD6).astype(np.int64)
        var, es = tail_risk(cells, book, [tail])
        risks.append((var[0], es[0]))
    spot = prices.price_e8 / E8
    moved = spot[first + 1 :] / spot[first:-1] - 1.0
    losses = -(weights @ moved.T)
    var, es = (np.stack(column, axis=1) / _NOTIONAL_USD6 for column in zip(*risks, strict=True))
    return losses, var, es


def _judged(
    book: str, losses: FloatArray, var: FloatArray, es: FloatArray, tail: float
) -> ShortfallCoverage:
    breached: list[bool] = (losses > var).tolist()
    number = kupiec(sum(breached), len(breached), tail)
    found = z2(losses, var, es, tail)
    return ShortfallCoverage(
        book=book,
        days=len(breached),
        breaches=sum(breached),
        expected=len(breached) * tail,
        kupiec_p=number.p_value,
        christoffersen_p=independence(transitions(breached)).p_value,
        z2=found,
        beyond_shortfall=int((losses > es).sum()),
        median_shortfall=float(np.median(es)),
        passed=not number.rejects(LEVEL) and found > YELLOW_Z2,
    )
