"""Why an account's margin is what it is: by component, leg, scenario and Greek, and how far it is
from liquidation.

The account is valued alone, by the same engine and to the same integers as in the whole book; its
versions without one leg stand beside it in one pass. What cannot be computed is None, and
`problems` says why.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Final

import numpy as np

from keeper.margin.collateral import bare_equity_usd6
from keeper.margin.explanation import (
    COMPONENTS,
    Explanation,
    GreeksOf,
    LegExplanation,
    ScenarioLoss,
)
from keeper.margin.greeks import DollarGreeks, leg_greeks
from keeper.margin.leverage import initial_utilisation_bps, leverage_bps, utilisation_bps
from keeper.margin.liquidation_price import LiquidationPrice, liquidation_prices
from keeper.margin.losses import Book, scenario_losses
from keeper.margin.market import ListingMarket, Standing, listing_market
from keeper.margin.moved_book import MovableBook
from keeper.margin.one_account import account_index, account_row, versions
from keeper.margin.portfolio import LOTS_CAP, NO_SCENARIO, MarginBook, margin_book
from keeper.margin.risk_arrays import RiskArrays, price_listings
from keeper.margin.scenarios import Model
from keeper.state.accounts import FLAGGED, Mode
from keeper.state.instruments import Instrument
from keeper.state.snapshot import AccountRow, Snapshot
from keeper.units import IntArray

_FAULTS: Final = {
    Standing.UNPRICED: "has no price: no forward was published, or a lot exceeds the cell cap",
    Standing.STALE: "is marked by a stale surface: its holders get no leaf",
    Standing.NO_VARIANCE: "has a smile without variance: its holders get no leaf",
}
_AT_FAULT: Final = (
    "at a fault new risk asks standard margin at initial level; liquidation asks the smaller of SM "
    "and MM, at the last marks"
)
_OF_MODE: Final = {
    Mode.ISOLATED: "mode isolated pools no legs, so no leaf attests it: standard margin applies",
    Mode.CROSS: (
        "mode cross pools within each underlying alone, so no leaf attests it: the smaller of SM "
        "and MM applies, IM likewise, their losses added up over underlyings"
    ),
}


def explain(snapshot: Snapshot, model: Model, account: bytes) -> Explanation:
    """Break down the margin of an account (32 bytes) of a snapshot.

    Raises InputError for an account that the snapshot lacks or a snapshot of another model;
    MarketDataError for a global input that cannot be used.
    """
    index = account_index(snapshot, account)
    return explain_row(snapshot, model, index, account_row(snapshot, index))


def explain_row(snapshot: Snapshot, model: Model, index: int, row: AccountRow) -> Explanation:
    """Break down a version `row` of the account at `index`; raise as `explain` does."""
    legs = tuple(sorted(row.legs, key=lambda leg: leg.instrument))
    row = replace(row, legs=legs)
    without = [replace(row, legs=legs[:n] + legs[n + 1 :]) for n in range(len(legs))]
    alone = versions(snapshot, index, [row, *without])
    return _Assembly(alone, model, row).explanation()


class _Assembly:
    """The engine's results for one account, of which the parts of an explanation are made."""

    def __init__(self, alone: Snapshot, model: Model, row: AccountRow) -> None:
        self.snapshot, self.model, self.row = alone, model, row
        self.book: MarginBook = margin_book(alone, model)
        self.market: ListingMarket = listing_market(alone)
        self.arrays: RiskArrays = price_listings(self.market, model)
        # Sorted legs, and only listings that the whole book holds: leg n is in listing n.
        self.listing = np.arange(len(row.legs), dtype=np.int64)
        self.lots = np.array([leg.lots for leg in row.legs], dtype=np.int64)
        self.bare_equity_usd6 = bare_equity_usd6(alone)[0]
        # Row 0 of the book is the account, if it has a leg.
        self.measured = not row.legs or bool(self.book.measured[0])

    def explanation(self) -> Explanation:
        equity, requirement = self._equity(), self._component("required_usd6")
        head, legs = self.snapshot.head, self._legs()
        return Explanation(
            account=self.row.account,
            ref_block=head.ref_block,
            ref_time=head.ref_time,
            health=self._health(equity, requirement),
            measured=self.measured,
            fault=self._has_fault(),
            sentinel=bool(self.row.legs) and bool(self.book.sentinel[0]),
            problems=self._problems(legs),
            cash_usd6=self.row.cash_usd6,
            reserve_usd6=self.row.reserve_usd6,
            equity_usd6=equity,
            requirement_usd6=requirement,
            headroom_usd6=None if equity is None or requirement is None else equity - requirement,
            initial_requirement_usd6=self._component("initial_required_usd6"),
            utilisation_bps=self._ratio(utilisation_bps),
            initial_utilisation_bps=self._ratio(initial_utilisation_bps),
            leverage_bps=self._ratio(leverage_bps),
            components={name: self._component(name) for name in COMPONENTS},
            worst_scenario=self._worst_scenario(),
            legs=legs,
            scenarios=self._scenarios(),
            greeks=_greeks(legs, self.model.symbols()),
            liquidation=self._liquidation(),
        )

    def _component(self, name: str) -> int | None:
        if not self.measured:
            return None
        if self.row.legs:
            return int(attrgetter(name)(self.book)[0])
        return self.bare_equity_usd6 - self.row.cash_usd6 if name == "collateral_usd6" else 0

    def _equity(self) -> int | None:
        if not self.measured:
            return None
        return int(self.book.equity_usd6[0]) if self.row.legs else self.bare_equity_usd6

    def _ratio(self, of_book: Callable[[MarginBook], IntArray]) -> int | None:
        """Return the account's ratio; without a leg there is nothing to divide."""
        if not self.measured:
            return None
        return int(of_book(self.book)[0]) if self.row.legs else 0

    def _has_fault(self) -> bool:
        return bool(self.row.legs) and bool(self.book.fault[0])

    def _health(self, equity: int | None, requirement: int | None) -> str:
        if self.row.flags & FLAGGED:
            return "in auction"
        if equity is None or requirement is None:
            return "unknown"
        return "liquidatable" if equity < requirement else "healthy"

    def _worst_scenario(self) -> str | None:
        index = self._worst_index()
        if index is None or not self._component("worst_loss_usd6"):
            return None
        return self.model.scenarios[index].name

    def _legs(self) -> tuple[LegExplanation, ...]:
        symbols, within = self.model.symbols(), np.abs(self.lots.astype(np.float64)) < LOTS_CAP
        greeks = leg_greeks(self.market, self.listing, np.where(within, self.lots, 0))
        shares, worst = self._maintenance_shares(), self._worst_index()
        legs: list[LegExplanation] = []
        for n, leg in enumerate(self.row.legs):
            instrument, priced = Instrument.unpack(leg.instrument), bool(self.arrays.priced[n])
            mark = int(self.arrays.marks[n])
            loss = None if worst is None else -leg.lots * int(self.arrays.pnl[n, worst])
            legs.append(
                LegExplanation(
                    instrument=instrument.name(symbols),
                    instrument_id=f"{leg.instrument:#034x}",
                    underlying=instrument.underlying,
                    expiry=instrument.expiry,
                    lots=leg.lots,
                    entry_cost_usd6=leg.cost_usd6,
                    mark_usd6=mark if priced else None,
                    value_usd6=leg.lots * mark if priced else None,
                    worst_loss_usd6=loss,
                    maintenance_share_usd6=shares[n],
                    greeks=greeks[n] if priced and within[n] else None,
                    problem=self._fault(n),
                )
            )
        return tuple(legs)

    def _worst_index(self) -> int | None:
        """Return the scenario that the leaf names, also where none loses; None without one."""
        index = int(self.book.worst_scenario[0]) if self.row.legs else NO_SCENARIO
        return None if index == NO_SCENARIO else index

    def _maintenance_shares(self) -> list[int | None]:
        """Return MM minus MM without each leg; the book of one leg has no MM without it."""
        whole = self._component("maintenance_usd6")
        of_row = dict(zip(self.book.account_row.tolist(), range(len(self.book)), strict=True))
        shares: list[int | None] = []
        for n in range(len(self.row.legs)):
            at = of_row.get(n + 1)
            known = whole is not None and (at is None or bool(self.book.measured[at]))
            rest = 0 if at is None else int(self.book.maintenance_usd6[at])
            shares.append(whole - rest if known and whole is not None else None)
        return shares

    def _fault(self, listing: int) -> str | None:
        standing = Standing(int(self.market.standing[listing]))
        if not self.arrays.priced[listing]:
            standing = Standing.UNPRICED
        return _FAULTS.get(standing)

    def _problems(self, legs: Sequence[LegExplanation]) -> tuple[str, ...]:
        problems = [f"{leg.instrument} {leg.problem}" for leg in legs if leg.problem]
        if not self.measured and not problems:
            problems.append("lots, cash or entry costs exceed a cap: no sum would be exact")
        if self.measured and self._has_fault():
            problems.append(_AT_FAULT)
        elif legs and self.measured and self.row.mode != Mode.PORTFOLIO:
            problems.append(_OF_MODE[Mode(self.row.mode)])
        return tuple(problems)

    def _scenarios(self) -> tuple[ScenarioLoss, ...]:
        if not self.measured or not self.row.legs:
            return ()
        book = Book(self.listing, self.lots, np.zeros(1, dtype=np.int64))
        losses: list[int] = scenario_losses(self.arrays.pnl, book)[0].tolist()
        found = [
            ScenarioLoss(index, scenario.name, loss)
            for index, (scenario, loss) in enumerate(zip(self.model.scenarios, losses, strict=True))
        ]
        return tuple(sorted(found, key=lambda one: (-one.loss_usd6, one.index)))

    def _liquidation(self) -> tuple[LiquidationPrice, ...]:
        equity = self._equity()
        if equity is None or not self.row.legs:
            return ()
        value = int((self.lots * self.arrays.marks).sum())
        return liquidation_prices(MovableBook.of(self.snapshot, self.model, equity, value))


def _greeks(legs: Sequence[LegExplanation], symbols: dict[int, str]) -> tuple[GreeksOf, ...]:
    """Return one row an underlying and expiry, and one an underlying before its expiries."""
    priced = [(leg, leg.greeks) for leg in legs if leg.greeks is not None]
    rows: list[GreeksOf] = []
    for underlying in sorted({leg.underlying for leg, _ in priced}):
        own = [(leg.expiry, greeks) for leg, greeks in priced if leg.underlying == underlying]
        symbol, expiries = symbols[underlying], sorted({expiry for expiry, _ in own})
        total = DollarGreeks.total(greeks for _, greeks in own)
        rows.append(GreeksOf(underlying, symbol, None, total))
        for wanted in expiries:
            part = DollarGreeks.total(greeks for expiry, greeks in own if expiry == wanted)
            rows.append(GreeksOf(underlying, symbol, wanted, part))
    return tuple(rows)
