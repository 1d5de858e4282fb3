"""An account after trades that nobody has made, judged by the margin engine itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from keeper.liquidation.costs import Ladders
from keeper.margin.collateral import collateral_by_row
from keeper.margin.entry import entered
from keeper.margin.market import ListingMarket
from keeper.margin.one_account import account_index, balances_of, listings_at
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.risk_arrays import RiskArrays
from keeper.margin.scenarios import Model
from keeper.state.accounts import Mode
from keeper.state.snapshot import Snapshot
from keeper.state.tables import Accounts, Legs
from keeper.units import BoolArray, IntArray


@dataclass(frozen=True, slots=True)
class Figures:
    """One account's figures, micro-dollars; `measured` says whether the requirements hold.

    `maintenance_usd6` and `initial_usd6` are the margins of the model alone, to be capped by
    `standard_usd6` and `standard_initial_usd6`; at a `fault` new risk asks the latter alone.
    """

    equity_usd6: int
    standard_usd6: int
    standard_initial_usd6: int
    maintenance_usd6: int
    initial_usd6: int
    fault: bool
    measured: bool


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """What an account's book would be after trades at marks and costs.

    Attributes:
        row: the account's row in the snapshot.
        held: lots of each listing [L].
        entry_usd6: entry value of each listing's leg [L]; zero where it is not linear.
        cash_usd6: cash before any trade.
        collateral_usd6: what the account's tokens are worth after their haircuts.
    """

    snapshot: Snapshot
    model: Model
    row: int
    held: IntArray
    entry_usd6: IntArray
    is_linear: BoolArray
    marks_usd6: IntArray
    ladders: Ladders
    cash_usd6: int
    collateral_usd6: int

    @classmethod
    def of(
        cls,
        snapshot: Snapshot,
        model: Model,
        account: bytes,
        market: ListingMarket,
        arrays: RiskArrays,
        depth: Ladders,
    ) -> Trials:
        """Raises InputError for an account that the snapshot lacks."""
        row = account_index(snapshot, account)
        counts = snapshot.accounts.legs.astype(np.int64)
        start = int(counts[:row].sum())
        legs = slice(start, start + int(counts[row]))
        listing = snapshot.legs.listing[legs]
        held, entry = (np.zeros(len(snapshot.listings), dtype=np.int64) for _ in range(2))
        held[listing] = snapshot.legs.lots[legs]
        entry[listing] = np.where(market.is_linear[listing], snapshot.legs.cost_usd6[legs], 0)
        return cls(
            snapshot,
            model,
            row,
            held,
            entry,
            market.is_linear,
            arrays.marks,
            depth,
            cash_usd6=int(snapshot.accounts.cash_usd6[row]),
            collateral_usd6=collateral_by_row(snapshot).get(row, 0),
        )

    @property
    def mode(self) -> Mode:
        """What the account's book pools."""
        return Mode(int(self.snapshot.accounts.mode[self.row]))

    def judge(self, trades: IntArray) -> list[Figures]:
        """Return the figures after each of the trades [B, L], signed lots, one book a row."""
        lots = self.held + trades
        cost = self.cost_usd6(trades)
        cash, entry = self._settled(trades, cost)
        # A listing's cells depend on no other listing: only those in some book are priced.
        used = np.flatnonzero((lots != 0).any(axis=0))
        lots, entry = lots[:, used], entry[:, used]
        legs = np.nonzero(lots)
        snapshot = replace(
            self.snapshot,
            listings=listings_at(self.snapshot.listings, used),
            accounts=self._accounts(cash, np.count_nonzero(lots, axis=1)),
            legs=Legs(listing=legs[1].astype(np.uint32), lots=lots[legs], cost_usd6=entry[legs]),
            balances=balances_of(self.snapshot.balances, self.row, len(trades)),
        )
        return list(self._figures(margin_book(snapshot, self.model), cash))

    def cost_usd6(self, trades: IntArray) -> IntArray:
        """Return what each row of trades [B, L] costs beyond marks [B]."""
        return self.ladders.cost_usd6(trades).sum(axis=-1, dtype=np.int64)

    def _settled(self, trades: IntArray, cost_usd6: IntArray) -> tuple[IntArray, IntArray]:
        """Return cash [B] and entry values [B, L] after the trades.

        Only their difference enters equity; they are kept apart as `PositionsLib.enter` keeps them.
        """
        paid = np.where(self.is_linear, 0, trades * self.marks_usd6).sum(axis=1, dtype=np.int64)
        cash = self.cash_usd6 - paid - cost_usd6
        entry = np.tile(self.entry_usd6, (len(trades), 1))
        rows, columns = np.nonzero(trades * self.is_linear)
        for book, listing in zip(rows.tolist(), columns.tolist(), strict=True):
            lots = int(trades[book, listing])
            notional = lots * int(self.marks_usd6[listing])
            held = int(self.held[listing])
            flow, after = entered(held, int(self.entry_usd6[listing]), lots, notional)
            cash[book] += flow
            entry[book, listing] = after
        return cash, entry

    def _accounts(self, cash: IntArray, legs: IntArray) -> Accounts:
        before, count = self.snapshot.accounts, len(cash)
        numbers = np.zeros((count, 4), dtype=">u8")
        numbers[:, 3] = np.arange(count)
        return Accounts(
            account=numbers.view(np.uint8).reshape(count, 32),
            mode=np.full(count, before.mode[self.row], dtype=np.uint8),
            flags=np.full(count, before.flags[self.row], dtype=np.uint8),
            cash_usd6=cash,
            reserve_usd6=np.full(count, before.reserve_usd6[self.row], dtype=np.uint64),
            legs=legs.astype(np.uint32),
        )

    def _figures(self, book: MarginBook, cash_usd6: IntArray) -> Iterator[Figures]:
        """Yield one row for each account; one without a leg, of `cash_usd6` [B], needs nothing."""
        at = {int(row): n for n, row in enumerate(book.account_row)}
        for row, cash in enumerate(cash_usd6.tolist()):
            n = at.get(row)
            if n is None:
                yield Figures(cash + self.collateral_usd6, 0, 0, 0, 0, fault=False, measured=True)
                continue
            yield Figures(
                equity_usd6=int(book.equity_usd6[n]),
                standard_usd6=int(book.standard_usd6[n]),
                standard_initial_usd6=int(book.standard_initial_usd6[n]),
                maintenance_usd6=int(book.maintenance_usd6[n]),
                initial_usd6=int(book.initial_usd6[n]),
                fault=bool(book.fault[n]),
                measured=bool(book.measured[n]),
            )
