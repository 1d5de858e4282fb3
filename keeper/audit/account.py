"""One account at one block: its margins as the keeper computes them, beside the contracts' own.

The two are written apart, so that each is a check of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.chain.lens import read_snapshot
from keeper.margin.collateral import bare_equity_usd6
from keeper.margin.losses import Book, scenario_losses
from keeper.margin.one_account import account_index, legs_at
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.risk_arrays import RiskArrays, risk_arrays
from keeper.margin.scenarios import Model
from keeper.state.accounts import FLAGGED
from keeper.state.instruments import Instrument
from keeper.state.snapshot import Snapshot
from keeper.units import mul_bps_up


@dataclass(frozen=True, slots=True)
class LegReport:
    """One position; money is micro-dollars, `mark_usd6` that of one lot."""

    instrument: str
    lots: int
    mark_usd6: int
    value_usd6: int
    entry_cost_usd6: int
    priced: bool


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """What the book loses in one scenario; negative is a gain."""

    index: int
    name: str
    loss_usd6: int


@dataclass(frozen=True, slots=True)
class Figures:
    """An account's equity and requirements: SM, SM_im, MM of the whole grid, IM without a leaf."""

    equity_usd6: int
    standard_usd6: int
    standard_initial_usd6: int
    maintenance_usd6: int
    grid_initial_usd6: int
    worst_loss_usd6: int
    worst_scenario: int


@dataclass(frozen=True, slots=True)
class AccountReport:
    """`initial_usd6` is what a leaf would attest here; differences are keeper less chain."""

    account: bytes
    block: int
    time: int
    health: str
    cash_usd6: int
    reserve_usd6: int
    legs: tuple[LegReport, ...]
    keeper: Figures
    initial_usd6: int
    sentinel: bool
    worst_scenario_name: str
    scenarios: tuple[ScenarioReport, ...]
    chain: Figures
    difference_usd6: dict[str, int]


def inspect_account(
    client: ChainClient, deployment: Deployment, model: Model, account: bytes, at: BlockRef
) -> AccountReport:
    """Compute and cross-check one account. Raises InputError if it never held a leg."""
    snapshot = read_snapshot(client, deployment, model, at)
    return compare_account(client, deployment, model, account, at, snapshot)


def compare_account(
    client: ChainClient,
    deployment: Deployment,
    model: Model,
    account: bytes,
    at: BlockRef,
    snapshot: Snapshot,
) -> AccountReport:
    """Do the same with the snapshot of that block at hand."""
    row = account_index(snapshot, account)
    book, arrays = margin_book(snapshot, model), risk_arrays(snapshot, model)
    legs = legs_at(snapshot, row)
    keeper, initial, sentinel = _keeper_figures(snapshot, book, row, model)
    chain = _chain_figures(client, deployment, account, at)
    flagged = bool(snapshot.accounts.flags[row] & FLAGGED)
    return AccountReport(
        account=account,
        block=at.number,
        time=at.timestamp,
        health=_health(keeper, flagged, measured=keeper.standard_usd6 >= 0),
        cash_usd6=int(snapshot.accounts.cash_usd6[row]),
        reserve_usd6=int(snapshot.accounts.reserve_usd6[row]),
        legs=_legs(snapshot, arrays, model, range(legs.start, legs.stop)),
        keeper=keeper,
        initial_usd6=initial,
        sentinel=sentinel,
        worst_scenario_name=_scenario_name(model, keeper.worst_scenario),
        scenarios=_scenarios(snapshot, arrays, model, legs),
        chain=chain,
        difference_usd6=_difference(keeper, chain),
    )


def _legs(
    snapshot: Snapshot, arrays: RiskArrays, model: Model, legs: Sequence[int]
) -> tuple[LegReport, ...]:
    symbols = model.symbols()
    reports: list[LegReport] = []
    for leg in legs:
        listing = int(snapshot.legs.listing[leg])
        high, low = snapshot.listings.instrument[listing].tolist()
        lots, mark = int(snapshot.legs.lots[leg]), int(arrays.marks[listing])
        reports.append(
            LegReport(
                instrument=Instrument.unpack(high << 64 | low).name(symbols),
                lots=lots,
                mark_usd6=mark,
                value_usd6=lots * mark,
                entry_cost_usd6=int(snapshot.legs.cost_usd6[leg]),
                priced=bool(arrays.priced[listing]),
            )
        )
    return tuple(reports)


def _scenarios(
    snapshot: Snapshot, arrays: RiskArrays, model: Model, legs: slice
) -> tuple[ScenarioReport, ...]:
    if legs.start == legs.stop:
        return ()
    listing = snapshot.legs.listing[legs].astype(np.int64)
    book = Book(listing, snapshot.legs.lots[legs], np.zeros(1, dtype=np.int64))
    losses: list[int] = scenario_losses(arrays.pnl, book)[0].tolist()
    return tuple(
        ScenarioReport(index, scenario.name, loss)
        for index, (scenario, loss) in enumerate(zip(model.scenarios, losses, strict=True))
    )


def _keeper_figures(
    snapshot: Snapshot, book: MarginBook, row: int, model: Model
) -> tuple[Figures, int, bool]:
    """Figures, the leaf's IM, and whether the leaf is the sentinel."""
    found = np.flatnonzero(book.account_row == row)
    if not len(found):
        equity = bare_equity_usd6(snapshot)[row]
        return Figures(equity, 0, 0, 0, 0, 0, 0), 0, False
    at = int(found[0])
    worst = max(int(book.worst_loss_usd6[at]), int(book.minimum_charge_usd6[at]))
    scaled = mul_bps_up(mul_bps_up(worst, model.factors.initial_bps), model.factors.grid_bps)
    standard = int(book.standard_usd6[at])
    figures = Figures(
        equity_usd6=int(book.equity_usd6[at]),
        standard_usd6=standard,
        standard_initial_usd6=int(book.standard_initial_usd6[at]),
        # As the auction asks it: never above standard margin.
        maintenance_usd6=min(standard, int(book.maintenance_usd6[at])),
        grid_initial_usd6=scaled + int(book.add_ons_usd6[at]) + int(book.initial_add_ons_usd6[at]),
        worst_loss_usd6=int(book.worst_loss_usd6[at]),
        worst_scenario=int(book.worst_scenario[at]),
    )
    return figures, int(book.initial_usd6[at]), bool(book.sentinel[at])


def _chain_figures(
    client: ChainClient, deployment: Deployment, account: bytes, at: BlockRef
) -> Figures:
    mask: int = client.call(deployment.risk_engine, "gridMask", at=at)
    health = client.call(deployment.margin_lens, "health", (account, mask), at=at)
    return Figures(
        equity_usd6=health["equity"],
        standard_usd6=health["standard"],
        standard_initial_usd6=health["standardInitial"],
        maintenance_usd6=health["maintenance"],
        grid_initial_usd6=health["gridInitial"],
        worst_loss_usd6=health["worstLoss"],
        worst_scenario=health["worstScenario"],
    )


def _difference(keeper: Figures, chain: Figures) -> dict[str, int]:
    names = (
        "equity_usd6",
        "standard_usd6",
        "standard_initial_usd6",
        "maintenance_usd6",
        "grid_initial_usd6",
        "worst_loss_usd6",
    )
    return {name: getattr(keeper, name) - getattr(chain, name) for name in names}


def _health(figures: Figures, flagged: bool, *, measured: bool) -> str:
    if flagged:
        return "in auction"
    if not measured:
        return "unknown: a leg has no price"
    if figures.equity_usd6 < figures.maintenance_usd6:
        return "liquidatable"
    return "healthy"


def _scenario_name(model: Model, index: int) -> str:
    return model.scenarios[index].name if index < len(model.scenarios) else "none"
