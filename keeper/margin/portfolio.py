"""Portfolio margin of every account with a position: docs/model.md, Aggregation, in integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.add_on_cells import AddOnsPerLot, add_ons_per_lot
from keeper.margin.add_ons import AddOns, add_ons
from keeper.margin.agreement import require_agreement
from keeper.margin.collateral import settlement_price_e8
from keeper.margin.holdings import EXPOSURE_CAP_USD6, Holdings
from keeper.margin.losses import Book
from keeper.margin.market import CELL_CAP_USD6, listing_market
from keeper.margin.modes import (
    Pool,
    by_mode,
    is_provable,
    tail_risk_by_mode,
    worst_losses_by_mode,
)
from keeper.margin.risk_arrays import RiskArrays, price_listings
from keeper.margin.scenarios import Factors, Model
from keeper.margin.shortfall import TailRisk, history_arrays
from keeper.margin.standard import StandardPerLot, standard_margin, standard_per_lot
from keeper.margin.workers import SERIAL, Workers
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, IntArray, mul_bps_up

MAX_LEGS: Final = 32
LOTS_CAP: Final = 2**24
UNKNOWN: Final = -1  # stands for a requirement that cannot be computed
NO_SCENARIO: Final = 255


@dataclass(frozen=True, slots=True, eq=False)
class MarginBook:
    """Per account with a leg [A], in the order of the snapshot; money in int64 micro-dollars.

    `account` is [A, 32] bytes, `accounts` the same as a list, `account_row` the row in the
    snapshot. `value_at_risk` and `shortfall` are those of history, `standard` is SM,
    `standard_initial` SM_im, `maintenance` MM, `initial` the leaf's IM. `add_ons` is the
    short-option minimum, in SM and MM as well; `initial_add_ons` is the sum of `initial_parts`, in
    IM alone. `collateral` is what pledged tokens count for in equity.
    `mode` says what is pooled (`keeper.margin.modes`): where not all is, no one scenario shows
    `worst_loss` and its index is NO_SCENARIO; where nothing is, MM is SM and IM is SM_im.
    `fault` marks accounts that no leaf can speak for: a leg is stale or has no price, or a cap is
    exceeded. Their figures hold at the last marks where `measured`; where not (no price, a cap),
    the four requirements are UNKNOWN, the scenario NO_SCENARIO and the rest zero.
    """

    account: NDArray[np.uint8]
    accounts: list[bytes]
    account_row: IntArray
    mode: NDArray[np.uint8]
    equity_usd6: IntArray
    collateral_usd6: IntArray
    standard_usd6: IntArray
    standard_initial_usd6: IntArray
    gross_usd6: IntArray
    add_ons_usd6: IntArray
    initial_add_ons_usd6: IntArray
    initial_parts: AddOns
    minimum_charge_usd6: IntArray
    worst_loss_usd6: IntArray
    worst_scenario: NDArray[np.uint8]
    value_at_risk_usd6: IntArray
    shortfall_usd6: IntArray
    maintenance_usd6: IntArray
    initial_usd6: IntArray
    fault: BoolArray
    measured: BoolArray
    positions_hash: list[bytes]

    def __len__(self) -> int:
        return len(self.account_row)

    @property
    def sentinel(self) -> BoolArray:
        """Where the leaf must be the sentinel [A]: at a fault, or with no one scenario to name."""
        return self.fault | ~is_provable(self.mode)

    @property
    def required_usd6(self) -> IntArray:
        """What liquidation asks [A], the smaller of SM and MM, also at a fault; or UNKNOWN."""
        return np.minimum(self.standard_usd6, self.maintenance_usd6)

    @property
    def initial_required_usd6(self) -> IntArray:
        """What new risk asks [A]: the smaller of SM_im and IM; SM_im at a fault; or UNKNOWN."""
        smaller = np.minimum(self.standard_initial_usd6, self.initial_usd6)
        return np.where(self.fault, self.standard_initial_usd6, smaller)


def margin_book(snapshot: Snapshot, model: Model, workers: Workers = SERIAL) -> MarginBook:
    """Compute every margin figure of every account that holds a position.

    `workers` share prices and losses; any number of them gives the same bits.

    Raises InputError when the snapshot names another model or an underlying it lacks, or when a
    scenario's index does not fit a leaf; MarketDataError for an unusable global input.
    """
    require_agreement(snapshot, model)
    market = listing_market(snapshot)
    arrays = price_listings(market, model, workers)
    history = history_arrays(snapshot, market, model, workers)
    per_lot = standard_per_lot(market, arrays, model)
    price_of_coin = settlement_price_e8(snapshot.tokens)
    on_top = add_ons_per_lot(market, model.add_ons, price_of_coin)
    cells = _Cells(arrays, history, per_lot, on_top)
    holdings = Holdings.of(snapshot, market)
    measured = _measured(holdings, cells)
    held = holdings.only(measured)
    pool = Pool(held.book, held.mode, market.underlying)
    worst = worst_losses_by_mode(arrays.pnl, pool, workers)
    tail = tail_risk_by_mode(history, pool, model, workers)
    parts = add_ons(on_top, held.book, workers)
    return _margins(held, measured, cells, worst, tail, parts, model.factors)


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """All that is known of a lot of each listing."""

    arrays: RiskArrays
    history: RiskArrays
    standard: StandardPerLot
    add_ons: AddOnsPerLot


def _margins(
    held: Holdings,
    measured: BoolArray,
    cells: _Cells,
    worst: tuple[IntArray, NDArray[np.uint16]],
    tail: TailRisk,
    parts: AddOns,
    factors: Factors,
) -> MarginBook:
    """Fill the Aggregation table for holdings that are empty where not `measured`.

    `worst` and `tail` are what counts in each account's mode, and the worst losses' scenarios.
    """
    book = held.book
    standard = standard_margin(
        cells.standard, book.listing, book.lots, book.sum_by_account, factors
    )
    worst_loss, worst_scenario = worst
    on_top = parts.total_usd6()
    least = initial(
        np.maximum(worst_loss, tail.shortfall_usd6),
        standard.charge,
        standard.add_ons + on_top,
        book.sum_by_account(np.abs(book.lots)),
        factors,
    )

    def required(isolated: IntArray, pooled: IntArray) -> IntArray:
        return np.where(measured, by_mode(held.mode, isolated, pooled), UNKNOWN)

    return MarginBook(
        account=held.account,
        accounts=[row.tobytes() for row in held.account],
        account_row=held.account_row,
        mode=held.mode,
        equity_usd6=_equity(held, cells.arrays),
        collateral_usd6=held.collateral_usd6,
        standard_usd6=np.where(measured, standard.maintenance, UNKNOWN),
        standard_initial_usd6=np.where(measured, standard.initial, UNKNOWN),
        gross_usd6=standard.gross,
        add_ons_usd6=standard.add_ons,
        initial_add_ons_usd6=on_top,
        initial_parts=parts,
        minimum_charge_usd6=standard.charge,
        worst_loss_usd6=worst_loss,
        worst_scenario=_narrow(worst_scenario, measured & is_provable(held.mode)),
        value_at_risk_usd6=tail.value_at_risk_usd6,
        shortfall_usd6=tail.shortfall_usd6,
        maintenance_usd6=required(
            standard.maintenance,
            maintenance(worst_loss, standard.charge, standard.add_ons, factors),
        ),
        initial_usd6=required(standard.initial, least),
        fault=~measured | _has_fault(book, cells.arrays),
        measured=measured,
        positions_hash=held.positions_hash,
    )


def _narrow(scenario: NDArray[np.uint16], shown: BoolArray) -> NDArray[np.uint8]:
    """Return the indices as the leaf holds them, NO_SCENARIO where none shows the loss."""
    if scenario.max(initial=0) >= NO_SCENARIO:
        raise InputError(
            f"scenario {scenario.max()} is the worst of an account, but a leaf holds only those "
            f"below {NO_SCENARIO}: shorten the table"
        )
    return np.where(shown, scenario, NO_SCENARIO).astype(np.uint8)


def _equity(held: Holdings, arrays: RiskArrays) -> IntArray:
    """Return cash and collateral less entry cost of linear legs plus value of all legs [A]."""
    value = held.book.sum_by_account(held.book.lots * arrays.marks[held.book.listing])
    return held.cash_usd6 + held.collateral_usd6 - held.book.sum_by_account(held.cost_usd6) + value


def maintenance(
    worst_loss: IntArray, charge: IntArray, add_ons: IntArray, factors: Factors
) -> IntArray:
    """Return MM, rounded up."""
    return np.maximum(mul_bps_up(worst_loss, factors.maintenance_bps), charge) + add_ons


def initial(
    at_risk: IntArray,
    charge: IntArray,
    add_ons: IntArray,
    total_lots: IntArray,
    factors: Factors,
) -> IntArray:
    """Return the leaf's IM, rounded up, with a micro-dollar a lot for the rounded risk arrays.

    `at_risk` is the larger of worst loss and expected shortfall, `add_ons` are all of them, the
    short-option minimum too.
    """
    scaled = mul_bps_up(np.maximum(at_risk, charge), factors.initial_bps)
    return scaled + add_ons + total_lots


def _has_fault(book: Book, arrays: RiskArrays) -> BoolArray:
    """Return where some leg is at fault [A]."""
    return book.sum_by_account(arrays.fault[book.listing].astype(np.int64)) > 0


def _measured(held: Holdings, cells: _Cells) -> BoolArray:
    """Return where every leg has a price and no cap is exceeded: there the sums are exact."""
    book, arrays, per_lot = held.book, cells.arrays, cells.standard
    on_top, history = cells.add_ons.largest_usd6(), cells.history
    usable = (arrays.priced & history.priced & (on_top < CELL_CAP_USD6))[book.listing]
    usable &= _magnitude(book.lots) < LOTS_CAP
    unusable = book.sum_by_account((~usable).astype(np.int64))
    counted = held.only((unusable == 0) & (held.legs() <= MAX_LEGS))
    largest = np.maximum(
        largest_cells(arrays, per_lot),
        np.maximum(np.abs(history.pnl).max(axis=1, initial=0), on_top),
    )
    exposure = book.sum_by_account(np.abs(counted.book.lots) * largest[book.listing])
    # Shifted before they are summed: 32 costs may each be near 2**63.
    costs = book.sum_by_account(_magnitude(counted.cost_usd6) >> 5)
    return (
        (unusable == 0)
        & (held.legs() <= MAX_LEGS)
        & (exposure < EXPOSURE_CAP_USD6)
        & (costs < EXPOSURE_CAP_USD6 >> 5)
        & (_magnitude(held.cash_usd6) < EXPOSURE_CAP_USD6)
        & (held.collateral_usd6 < EXPOSURE_CAP_USD6)
    )


def largest_cells(arrays: RiskArrays, per_lot: StandardPerLot) -> IntArray:
    """Return the largest number that a lot of each listing enters MM or SM with [L]."""
    largest = np.abs(arrays.pnl).max(axis=1, initial=0)
    for cell in (arrays.marks, per_lot.long, per_lot.short, per_lot.gross):
        largest = np.maximum(largest, cell)
    return largest


def _magnitude(x: IntArray) -> IntArray:
    """Return |x|, with the one value that has no negative clamped to 2**63 - 1."""
    return np.abs(np.maximum(x, -(2**63 - 1)))
