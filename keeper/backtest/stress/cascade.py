"""Liquidations after a move, the price that they push, and those that this brings about.

Round by round: the engine values every account at the prices so far, those below their requirement
sell what restores them, and buyers hedge the delta that they take over in the market. The price
gives way by the square-root law (Almgren, Thum, Hauptmann and Li 2005, Direct estimation of equity
market impact): `volatility a day * sqrt(sold / traded a day)` of all that was sold since the move,
so that it does not matter in how many rounds. It ends when nobody falls below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from keeper.backtest.stress.world import Move, moved_snapshot
from keeper.errors import InputError
from keeper.liquidation.auction import (
    SMALLEST_DIVISIBLE_LEG,
    max_fraction_wad,
    sold_fraction_wad,
)
from keeper.margin.cells import ListingFloats, marks
from keeper.margin.holdings import Holdings
from keeper.margin.market import ListingMarket, listing_market
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.scenarios import Model
from keeper.pricing import black76
from keeper.state.snapshot import Snapshot
from keeper.units import E8, USD6, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

MOST_ROUNDS: Final = 20
# docs/model.md, bounty gas: a flag, and a bid, each with its cost a leg.
FLAG_GAS: Final = (150_000, 17_000)
BID_GAS: Final = (500_000, 150_000)


@dataclass(frozen=True, slots=True)
class Market:
    """The market that buyers hedge in: USD traded a day by underlying, and volatility a day.

    `line` is the share of a positive equity at which an auction sells.
    """

    traded_usd: Mapping[int, float]
    sigma: Mapping[int, float]
    line: float = 0.9

    def __post_init__(self) -> None:
        if any(not amount > 0.0 for amount in self.traded_usd.values()):
            raise InputError(f"traded {dict(self.traded_usd)}: give USD a day above 0")
        if not 0.0 <= self.line <= 1.0:
            raise InputError(f"line {self.line!r}: give a share of equity from 0 to 1")


@dataclass(frozen=True, slots=True)
class Round:
    """One round: accounts that sold, the delta that buyers hedged, USD by underlying (negative when
    it was sold in the market), and the prices after it, as multiples of those before the move.
    """

    liquidated: int
    insolvent: int
    hedged_usd: dict[int, float]
    price: dict[int, float]


@dataclass(frozen=True, slots=True)
class Cascade:
    """What a move led to; money in USD.

    `below` is how many accounts fell below by the move alone, `liquidated` and `insolvent` in all
    rounds, once each. `insurance_usd` is what negative equities cost the fund, `capital_usd` the
    margin that buyers must post for what they take over, `discount_usd` what they are paid for it.
    `settled` says that the rounds ended by themselves.
    """

    accounts: int
    below: int
    liquidated: int
    insolvent: int
    insurance_usd: float
    capital_usd: float
    discount_usd: float
    gas: int
    transactions: int
    price: dict[int, float]
    rounds: tuple[Round, ...]
    settled: bool


@dataclass(slots=True)
class Accounts:
    """The accounts as they stand: what earlier rounds sold is gone."""

    snapshot: Snapshot
    liquidated: set[int] = field(default_factory=set[int])
    insolvent: set[int] = field(default_factory=set[int])
    insurance_usd: float = 0.0
    capital_usd: float = 0.0
    discount_usd: float = 0.0
    gas: int = 0
    transactions: int = 0


def cascade(accounts: Accounts, move: Move, market: Market, model: Model) -> Cascade:
    """Return what the move led to; `accounts` are afterwards as the last round left them.

    Prices of `move` are multiples of those of `accounts.snapshot`, which keeps its own.
    """
    moved_to = {number: move.price.get(number, 1.0) for number in _numbers(accounts.snapshot)}
    price, flow = dict(moved_to), dict.fromkeys(moved_to, 0.0)
    rounds: list[Round] = []
    below, settled = 0, False
    for number in range(MOST_ROUNDS):
        moved = moved_snapshot(accounts.snapshot, Move(price, move.vol))
        book = margin_book(moved, model)
        sellers = book.measured & (book.equity_usd6 < book.required_usd6)
        below = int(sellers.sum()) if number == 0 else below
        if not sellers.any():
            settled = True
            break
        insolvent = sellers & (book.equity_usd6 < 0)
        hedged = _sell(accounts, moved, book, sellers, market, model)
        flow = {key: before + hedged[key] for key, before in flow.items()}
        price = {key: to * _impact(flow[key], key, market) for key, to in moved_to.items()}
        rounds.append(Round(int(sellers.sum()), int(insolvent.sum()), hedged, dict(price)))
    return Cascade(
        accounts=len(accounts.snapshot.accounts),
        below=below,
        liquidated=len(accounts.liquidated),
        insolvent=len(accounts.insolvent),
        insurance_usd=accounts.insurance_usd,
        capital_usd=accounts.capital_usd,
        discount_usd=accounts.discount_usd,
        gas=accounts.gas,
        transactions=accounts.transactions,
        price=price,
        rounds=tuple(rounds),
        settled=settled,
    )


def _numbers(snapshot: Snapshot) -> list[int]:
    numbers: list[int] = snapshot.underlyings.underlying.tolist()
    return numbers


def _impact(flow: float, number: int, market: Market) -> float:
    """Return what buying `flow` USD multiplies the price by, never less than a tenth."""
    if flow == 0.0:
        return 1.0
    size = market.sigma[number] * np.sqrt(abs(flow) / market.traded_usd[number])
    return max(1.0 + float(np.sign(flow) * size), 0.1)


def _sell(
    accounts: Accounts,
    moved: Snapshot,
    book: MarginBook,
    sellers: BoolArray,
    market: Market,
    model: Model,
) -> dict[int, float]:
    """Take from each seller what an auction takes, book it, and return what buyers hedge."""
    listed = listing_market(moved)
    held = Holdings.of(moved, listed)
    legs = held.legs()
    divisible = np.maximum.reduceat(np.abs(held.book.lots), held.book.starts)
    divisible = divisible >= SMALLEST_DIVISIBLE_LEG
    fraction = np.zeros(len(book))
    for row in np.flatnonzero(sellers).tolist():
        equity = int(book.equity_usd6[row])
        line = int(equity * market.line) if equity > 0 else equity
        initial = int(book.initial_required_usd6[row])
        most = max_fraction_wad(equity, initial, line)
        fraction[row] = sold_fraction_wad(WAD, most, 0, divisible=bool(divisible[row])) / WAD
        _note(
            accounts,
            int(held.account_row[row]),
            equity,
            line,
            initial,
            fraction[row],
            int(legs[row]),
        )
    sold = np.trunc(held.book.lots * np.repeat(fraction, legs)).astype(np.int64)
    sold = np.where(np.repeat(fraction >= 1.0, legs), held.book.lots, sold)
    accounts.snapshot = _after(accounts.snapshot, held, book, listed, sold, fraction, market)
    delta = sold * _delta_usd(listed)[held.book.listing]
    underlying = listed.underlying[held.book.listing]
    # Who takes a long over sells as much of the underlying to be rid of its delta.
    return {number: -float(delta[underlying == number].sum()) for number in _numbers(moved)}


def _note(
    accounts: Accounts, row: int, equity: int, line: int, initial: int, fraction: float, legs: int
) -> None:
    if equity < 0:
        accounts.insolvent.add(row)
        accounts.insurance_usd += -equity / USD6
    else:
        accounts.discount_usd += fraction * (equity - line) / USD6
    accounts.liquidated.add(row)
    accounts.capital_usd += fraction * initial / USD6
    accounts.gas += sum(FLAG_GAS[at] * (legs if at else 1) for at in (0, 1))
    accounts.gas += sum(BID_GAS[at] * (legs if at else 1) for at in (0, 1))
    accounts.transactions += 2


def _after(
    snapshot: Snapshot,
    held: Holdings,
    book: MarginBook,
    listed: ListingMarket,
    sold: IntArray,
    fraction: FloatArray,
    market: Market,
) -> Snapshot:
    """Return the snapshot in which sellers hold what is left and the cash that goes with it."""
    left = held.book.lots - sold
    # Legs that earlier rounds sold whole have no lots and no cost.
    kept = left / np.where(held.book.lots != 0, held.book.lots, 1)
    cost = np.rint(held.cost_usd6 * kept)
    cost = cost.astype(np.int64)
    equity = book.equity_usd6.astype(np.float64)
    line = np.where(equity > 0, equity * market.line, equity)
    # A negative equity is the fund's: the account begins anew with nothing.
    after = np.where(equity > 0, equity * (1.0 - fraction) + fraction * line, 0.0)
    a_lot = marks(ListingFloats.of(listed))[held.book.listing]
    value = held.book.sum_by_account(left * a_lot)
    target = np.rint(after).astype(np.int64) - held.collateral_usd6
    cash = target - value + held.book.sum_by_account(cost)
    changed = fraction > 0.0
    cash_all = snapshot.accounts.cash_usd6.copy()
    cash_all[held.account_row[changed]] = cash[changed]
    return replace(
        snapshot,
        accounts=replace(snapshot.accounts, cash_usd6=cash_all),
        legs=replace(snapshot.legs, lots=left, cost_usd6=cost),
    )


def _delta_usd(listed: ListingMarket) -> FloatArray:
    """Return what a lot of each listing gains when its underlying rises by its whole price [L]."""
    reference, strike = listed.reference_e8 / E8, listed.strike_e8 / E8
    years, vol = listed.seconds / YEAR_SECONDS, np.sqrt(listed.variance)
    option = black76.delta(reference, strike, vol, years, listed.is_call)
    delta = np.where(listed.is_option, option, 1.0)
    return delta * reference * listed.moving * (listed.lot_wad / WAD)
