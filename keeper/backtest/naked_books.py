"""Point 6: naked books and the days of the stressed window that a margin never forgets.

On days of the past the engine margins single short options and both sides of the perpetual, on flat
smiles at the day's own volatility. Initial margin, where expected shortfall lives, must reach the
99 % quantile of each book's losses over the stressed window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.daily_prices import DAY, DailyPrices
from keeper.backtest.scan_path import DAYS_A_WORD, RING_WORDS, ring_slice
from keeper.backtest.shortfall_coverage import sigmas_of
from keeper.errors import InputError
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import Model, UnderlyingRisk, model_hash
from keeper.margin.shortfall import history_arrays
from keeper.margin.tail import Tail, tail_risk
from keeper.margin.volatility import scan_range
from keeper.state.accounts import Mode, account_id
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import (
    AccountRow,
    ForwardRow,
    Head,
    LegRow,
    ListingRow,
    ObservationRow,
    Snapshot,
    UnderlyingRow,
    build_snapshot,
)
from keeper.units import BPS, WAD, FloatArray

QUANTILE_BPS: Final = 100
EVERY_DAYS: Final = 30
_DAYS_TO_EXPIRY: Final = (2, 14, 60, 200)
_MONEYNESS_BPS: Final = (7_000, 8_500, 10_000, 11_500, 13_000)
_OWNER: Final = bytes(20)
_LOTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class NakedCover:
    """How far initial margin covers the stressed window: `least_ratio` of margin over quantile, the
    book and day (unix time // 86400) where it is least. `margins` counts books times days.
    """

    margins: int
    below: int
    least_ratio: float
    least_book: str
    least_day: int
    passed: bool


def naked_cover(prices: DailyPrices, model: Model, every_days: int = EVERY_DAYS) -> NakedCover:
    """Margin naked books on every `every_days`-th day, back from the last to the first whole ring.

    Coins that the model lacks are left out.
    """
    sigmas = sigmas_of(prices, model)
    risks = {risk.symbol: risk for risk in model.underlyings}
    found: list[tuple[float, str, int]] = []
    for index in range(len(prices) - 1, RING_WORDS * DAYS_A_WORD, -every_days):
        day = _Day(
            time=int(prices.time[index]),
            risks=tuple(risks[symbol] for symbol in prices.symbols),
            spots_e8=tuple(prices.price_e8[index].tolist()),
            vols=tuple(float(sigmas[symbol][index]) * 365.0**0.5 for symbol in prices.symbols),
        )
        books = _books(day)
        snapshot = _snapshot(day, books, prices, index, model)
        ratios: list[float] = _ratios(snapshot, model).tolist()
        names = [_name(leg, model) for leg in books]
        found += [(ratio, name, day.time // DAY) for ratio, name in zip(ratios, names, strict=True)]
    if not found:
        raise InputError(f"{len(prices)} days: the ring alone takes {RING_WORDS * DAYS_A_WORD}")
    least = min(found)
    below = sum(ratio < 1.0 for ratio, _, _ in found)
    return NakedCover(len(found), below, *least, passed=below == 0)


@dataclass(frozen=True, slots=True)
class _Day:
    """Coins at 00:00 of a day."""

    time: int
    risks: tuple[UnderlyingRisk, ...]
    spots_e8: tuple[int, ...]
    vols: tuple[float, ...]


def _ratios(snapshot: Snapshot, model: Model) -> FloatArray:
    """Return initial margin over the stressed window's quantile [A]."""
    cells = history_arrays(snapshot, listing_market(snapshot), model).pnl
    stressed = cells[:, -model.shortfall.stressed_days :]
    counts = snapshot.accounts.legs.astype(np.int64)
    book = Book(snapshot.legs.listing, snapshot.legs.lots, np.cumsum(counts) - counts)
    tail = Tail.of(model.shortfall.stressed_days, QUANTILE_BPS)
    quantile = tail_risk(stressed, book, [tail])[0][0]
    return margin_book(snapshot, model).initial_usd6 / np.maximum(quantile, 1)


def _books(day: _Day) -> list[LegRow]:
    """Return the single leg of each book: perpetuals both ways, options short."""
    legs: list[LegRow] = []
    for risk, spot in zip(day.risks, day.spots_e8, strict=True):
        perpetual = Instrument(risk.underlying, 0, Kind.PERPETUAL, 0).pack()
        legs += [LegRow(perpetual, sign * _LOTS, 0) for sign in (1, -1)]
        legs += [
            LegRow(Instrument(risk.underlying, expiry, kind, spot * bps // BPS).pack(), -_LOTS, 0)
            for expiry in _expiries(day)
            for bps in _MONEYNESS_BPS
            for kind in (Kind.CALL, Kind.PUT)
        ]
    return legs


def _snapshot(
    day: _Day, legs: Sequence[LegRow], prices: DailyPrices, index: int, model: Model
) -> Snapshot:
    ring = ring_slice((prices.time // DAY).tolist(), index)
    days: list[int] = (prices.time[ring] // DAY).tolist()
    seen = {
        risk.underlying: prices.price_e8[ring, column].tolist()
        for column, risk in enumerate(day.risks)
    }
    sigmas = model.scan_sigmas()
    flat = [round(vol * vol * WAD) for vol in day.vols]
    published = day.time - 60
    return build_snapshot(
        Head(0, 0, day.time, model_hash(model)),
        [
            UnderlyingRow(
                risk.underlying,
                risk.lot,
                spot,
                published,
                scan_range(seen[risk.underlying], model.scan, sigmas[risk.underlying]),
            )
            for risk, spot in zip(day.risks, day.spots_e8, strict=True)
        ],
        [
            ForwardRow(risk.underlying, expiry, WAD, a, 0, 0, 0, WAD // 10, 0, published)
            for risk, a in zip(day.risks, flat, strict=True)
            for expiry in (0, *_expiries(day))
        ],
        [ListingRow(instrument, 0, 0) for instrument in sorted({leg.instrument for leg in legs})],
        [
            AccountRow(account_id(_OWNER, number), Mode.PORTFOLIO, 0, 0, 0, (leg,))
            for number, leg in enumerate(legs)
        ],
        observations=[
            ObservationRow(underlying, at, price)
            for underlying, column in seen.items()
            for at, price in zip(days, column, strict=True)
        ],
    )


def _expiries(day: _Day) -> list[int]:
    return [day.time + days * DAY for days in _DAYS_TO_EXPIRY]


def _name(leg: LegRow, model: Model) -> str:
    side = "long" if leg.lots > 0 else "short"
    return f"{side} {Instrument.unpack(leg.instrument).name(model.symbols())}"
