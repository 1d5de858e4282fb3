"""The accounts with a leg and what each brings: legs, cash, collateral, entry values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.margin.collateral import collateral_by_row
from keeper.margin.losses import Book
from keeper.margin.market import ListingMarket
from keeper.state.accounts import positions_hashes
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, IntArray

# By the caps on lots, legs and cells, sums over legs are at most 2**63 - 2**39; this cap leaves
# room for factors up to 3 and for cash (docs/model.md, Why nothing overflows).
EXPOSURE_CAP_USD6: Final = 2**60


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """The accounts with a leg [A] and their legs [N], out of the snapshot."""

    account: NDArray[np.uint8]
    account_row: IntArray
    mode: NDArray[np.uint8]
    cash_usd6: IntArray
    collateral_usd6: IntArray
    cost_usd6: IntArray
    book: Book
    positions_hash: list[bytes]

    @classmethod
    def of(cls, snapshot: Snapshot, market: ListingMarket) -> Holdings:
        row = np.flatnonzero(snapshot.accounts.legs)
        mode, counts = snapshot.accounts.mode[row], snapshot.accounts.legs[row].astype(np.int64)
        listing, lots = snapshot.legs.listing, snapshot.legs.lots
        instruments = snapshot.listings.instrument[listing]
        return cls(
            account=snapshot.accounts.account[row],
            account_row=row,
            mode=mode,
            cash_usd6=snapshot.accounts.cash_usd6[row],
            collateral_usd6=_collateral(snapshot)[row],
            cost_usd6=np.where(market.is_linear[listing], snapshot.legs.cost_usd6, 0),
            book=Book(listing, lots, np.cumsum(counts) - counts),
            positions_hash=positions_hashes(mode, counts, instruments, lots),
        )

    def legs(self) -> IntArray:
        """Return the number of legs of each account [A]."""
        return np.diff(self.book.starts, append=len(self.book.lots))

    def only(self, wanted: BoolArray) -> Holdings:
        """Return the same accounts and legs, with zero amounts where not `wanted` [A]."""
        kept = np.repeat(wanted, self.legs())
        return replace(
            self,
            cash_usd6=np.where(wanted, self.cash_usd6, 0),
            collateral_usd6=np.where(wanted, self.collateral_usd6, 0),
            cost_usd6=np.where(kept, self.cost_usd6, 0),
            book=replace(self.book, lots=np.where(kept, self.book.lots, 0)),
        )


def _collateral(snapshot: Snapshot) -> IntArray:
    """Return the collateral of every row of ACCT; the cap where it is at or beyond it."""
    found = np.zeros(len(snapshot.accounts), dtype=np.int64)
    for row, worth in collateral_by_row(snapshot).items():
        found[row] = min(worth, EXPOSURE_CAP_USD6)
    return found
