"""Portfolio margin of every account with a position: docs/model.md, Aggregation, in integers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.margin.agreement import require_agreement
from keeper.margin.losses import Book, worst_losses
from keeper.margin.market import ListingMarket, listing_market
from keeper.margin.risk_arrays import RiskArrays, price_listings
from keeper.margin.scenarios import Factors, Model
from keeper.margin.standard import StandardMargin, StandardPerLot, standard_margin, standard_per_lot
from keeper.margin.workers import SERIAL, Workers
from keeper.state.accounts import Mode, positions_hashes
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, IntArray, mul_bps_up

MAX_LEGS: Final = 32
LOTS_CAP: Final = 2**24
UNKNOWN: Final = -1  # stands for a requirement that cannot be computed
NO_SCENARIO: Final = 255
# By the caps above and that of cells, sums over legs are at most 2**63 - 2**39; this cap leaves
# room for factors up to 3 and for cash (docs/model.md, Why nothing overflows).
EXPOSURE_CAP_USD6: Final = 2**60


@dataclass(frozen=True, slots=True, eq=False)
class MarginBook:
    """Per account with a leg [A], in the order of the snapshot; money in int64 micro-dollars.

    `account` is [A, 32] bytes, `accounts` the same as a list, `account_row` the row in the
    snapshot. `standard` is SM, `standard_initial` SM_im, `maintenance` MM, `initial` the leaf's IM.
    `sentinel` marks accounts whose leaf must be the sentinel. Their figures hold at the last marks
    where `measured`; where not (a leg has no price, a cap is exceeded), the four requirements are
    UNKNOWN, the scenario NO_SCENARIO and the rest zero.
    """

    account: NDArray[np.uint8]
    accounts: list[bytes]
    account_row: IntArray
    equity_usd6: IntArray
    standard_usd6: IntArray
    standard_initial_usd6: IntArray
    gross_usd6: IntArray
    add_ons_usd6: IntArray
    minimum_charge_usd6: IntArray
    worst_loss_usd6: IntArray
    worst_scenario: NDArray[np.uint8]
    maintenance_usd6: IntArray
    initial_usd6: IntArray
    sentinel: BoolArray
    measured: BoolArray
    positions_hash: list[bytes]

    def __len__(self) -> int:
        return len(self.account_row)


def margin_book(snapshot: Snapshot, model: Model, workers: Workers = SERIAL) -> MarginBook:
    """Compute every margin figure of every account that holds a position.

    `workers` share prices and losses; any number of them gives the same bits.

    Raises InputError when the snapshot names another model or an underlying it lacks, or when a
    scenario's index does not fit a leaf; MarketDataError for an unusable global input.
    """
    require_agreement(snapshot, model)
    market = listing_market(snapshot)
    arrays = price_listings(market, model, workers)
    per_lot = standard_per_lot(market, arrays, model)
    holdings = _Holdings.of(snapshot, market)
    measured = _measured(holdings, arrays, per_lot)
    return _margins(holdings.only(measured), measured, arrays, per_lot, model.factors, workers)


def _margins(
    held: _Holdings,
    measured: BoolArray,
    arrays: RiskArrays,
    per_lot: StandardPerLot,
    factors: Factors,
    workers: Workers,
) -> MarginBook:
    """Fill the Aggregation table for holdings that are empty where not `measured`."""
    book = held.book
    standard = standard_margin(per_lot, book.listing, book.lots, book.sum_by_account, factors)
    worst_loss, worst_scenario = worst_losses(arrays.pnl, book, workers)
    charge = minimum_charge(standard, factors)
    total_lots = book.sum_by_account(np.abs(book.lots))

    def known(requirement: IntArray) -> IntArray:
        return np.where(measured, requirement, UNKNOWN)

    return MarginBook(
        account=held.account,
        accounts=[row.tobytes() for row in held.account],
        account_row=held.account_row,
        equity_usd6=_equity(held, arrays),
        standard_usd6=known(standard.maintenance),
        standard_initial_usd6=known(standard.initial),
        gross_usd6=standard.gross,
        add_ons_usd6=standard.add_ons,
        minimum_charge_usd6=charge,
        worst_loss_usd6=worst_loss,
        worst_scenario=_narrow(worst_scenario, measured),
        maintenance_usd6=known(maintenance(worst_loss, charge, standard.add_ons, factors)),
        initial_usd6=known(initial(worst_loss, charge, standard.add_ons, total_lots, factors)),
        sentinel=~(measured & _attestable(held, arrays)),
        measured=measured,
        positions_hash=held.positions_hash,
    )


def _narrow(scenario: NDArray[np.uint16], measured: BoolArray) -> NDArray[np.uint8]:
    """Return the indices as the leaf holds them, NO_SCENARIO where not `measured`."""
    if scenario.max(initial=0) >= NO_SCENARIO:
        raise InputError(
            f"scenario {scenario.max()} is the worst of an account, but a leaf holds only those "
            f"below {NO_SCENARIO}: shorten the table"
        )
    return np.where(measured, scenario, NO_SCENARIO).astype(np.uint8)


def _equity(held: _Holdings, arrays: RiskArrays) -> IntArray:
    """Return cash less entry cost of linear legs plus value of all legs [A]."""
    value = held.book.sum_by_account(held.book.lots * arrays.marks[held.book.listing])
    return held.cash_usd6 - held.book.sum_by_account(held.cost_usd6) + value


def minimum_charge(standard: StandardMargin, factors: Factors) -> IntArray:
    """Return the least a book pays, rounded up: a box has no scenario loss, yet it can slip."""
    of_gross = mul_bps_up(standard.gross, factors.minimum_charge_bps)
    return np.minimum(of_gross, mul_bps_up(standard.legs, factors.minimum_charge_standard_bps))


def maintenance(
    worst_loss: IntArray, charge: IntArray, add_ons: IntArray, factors: Factors
) -> IntArray:
    """Return MM, rounded up."""
    return np.maximum(mul_bps_up(worst_loss, factors.maintenance_bps), charge) + add_ons


def initial(
    worst_loss: IntArray,
    charge: IntArray,
    add_ons: IntArray,
    total_lots: IntArray,
    factors: Factors,
) -> IntArray:
    """Return the leaf's IM, rounded up, with a micro-dollar a lot for the rounded risk arrays."""
    scaled = mul_bps_up(np.maximum(worst_loss, charge), factors.initial_bps)
    return scaled + add_ons + total_lots


@dataclass(frozen=True, slots=True, eq=False)
class _Holdings:
    """The accounts with a leg [A] and their legs [N], out of the snapshot."""

    account: NDArray[np.uint8]
    account_row: IntArray
    mode: NDArray[np.uint8]
    cash_usd6: IntArray
    cost_usd6: IntArray
    book: Book
    positions_hash: list[bytes]

    @classmethod
    def of(cls, snapshot: Snapshot, market: ListingMarket) -> _Holdings:
        row = np.flatnonzero(snapshot.accounts.legs)
        mode, counts = snapshot.accounts.mode[row], snapshot.accounts.legs[row].astype(np.int64)
        listing, lots = snapshot.legs.listing, snapshot.legs.lots
        instruments = snapshot.listings.instrument[listing]
        return cls(
            account=snapshot.accounts.account[row],
            account_row=row,
            mode=mode,
            cash_usd6=snapshot.accounts.cash_usd6[row],
            cost_usd6=np.where(market.is_linear[listing], snapshot.legs.cost_usd6, 0),
            book=Book(listing, lots, np.cumsum(counts) - counts),
            positions_hash=positions_hashes(mode, counts, instruments, lots),
        )

    def legs(self) -> IntArray:
        """Return the number of legs of each account [A]."""
        return np.diff(self.book.starts, append=len(self.book.lots))

    def only(self, wanted: BoolArray) -> _Holdings:
        """Return the same accounts and legs, with zero amounts where not `wanted` [A]."""
        kept = np.repeat(wanted, self.legs())
        return replace(
            self,
            cash_usd6=np.where(wanted, self.cash_usd6, 0),
            cost_usd6=np.where(kept, self.cost_usd6, 0),
            book=replace(self.book, lots=np.where(kept, self.book.lots, 0)),
        )


def _attestable(held: _Holdings, arrays: RiskArrays) -> BoolArray:
    """Return where no leg is at fault and the mode is the one that portfolio margin is for."""
    faults = held.book.sum_by_account(arrays.fault[held.book.listing].astype(np.int64))
    return (faults == 0) & (held.mode == Mode.PORTFOLIO)


def _measured(held: _Holdings, arrays: RiskArrays, per_lot: StandardPerLot) -> BoolArray:
    """Return where every leg has a price and no cap is exceeded: there the sums are exact."""
    book = held.book
    usable = (_magnitude(book.lots) < LOTS_CAP) & arrays.priced[book.listing]
    unusable = book.sum_by_account((~usable).astype(np.int64))
    counted = held.only((unusable == 0) & (held.legs() <= MAX_LEGS))
    largest = largest_cells(arrays, per_lot)
    exposure = book.sum_by_account(np.abs(counted.book.lots) * largest[book.listing])
    # Shifted before they are summed: 32 costs may each be near 2**63.
    costs = book.sum_by_account(_magnitude(counted.cost_usd6) >> 5)
    return (
        (unusable == 0)
        & (held.legs() <= MAX_LEGS)
        & (exposure < EXPOSURE_CAP_USD6)
        & (costs < EXPOSURE_CAP_USD6 >> 5)
        & (_magnitude(held.cash_usd6) < EXPOSURE_CAP_USD6)
    )


def largest_cells(arrays: RiskArrays, per_lot: StandardPerLot) -> IntArray:
    """Return the largest number that a lot of each listing enters a sum with [L]."""
    largest = np.abs(arrays.pnl).max(axis=1, initial=0)
    for cell in (arrays.marks, per_lot.long, per_lot.short, per_lot.gross):
        largest = np.maximum(largest, cell)
    return largest


def _magnitude(x: IntArray) -> IntArray:
    """Return |x|, with the one value that has no negative clamped to 2**63 - 1."""
    return np.abs(np.maximum(x, -(2**63 - 1)))
