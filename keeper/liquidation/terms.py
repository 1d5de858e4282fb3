"""What a programme knows of its listings: float64 USD a lot, and what they add up to in a book.

Nothing of it is attested, and no plan stands on it alone: the margin engine judges each one in
integers (trials.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class MarginTerms:
    """What one convex rule asks of a book, USD a lot, factors included; n listings, S scenarios.

    Attributes:
        loss: of a long lot [n, S]; a short lot gains as much.
        pool: the key within which losses net int64 [n]; the worst of each add up.
        charge_long, charge_short: minimum charge of a lot held long or short [n]. The larger of the
            worst loss and the charge counts.
        margin_long, margin_short: what comes on top for each lot [n].
        netted: signed cells of a long lot [n, N], one column an add-on; the absolute value of their
            sum over the lots of a term comes on top.
        term: the key within which those net int64 [n].
    """

    loss: FloatArray
    pool: IntArray
    charge_long: FloatArray
    charge_short: FloatArray
    margin_long: FloatArray
    margin_short: FloatArray
    netted: FloatArray
    term: IntArray

    def of(self, rows: IntArray) -> MarginTerms:
        """Return those of some listings."""
        return MarginTerms(*(getattr(self, name)[rows] for name in self.__slots__))

    def netting(self) -> FloatArray:
        """Return the netted cells [M, n]: a row for each term and add-on that has any."""
        listings, add_ons = self.netted.shape
        terms, place = np.unique(self.term, return_inverse=True)
        cells = np.zeros((len(terms), add_ons, listings))
        cells[place, :, np.arange(listings)] = self.netted
        rows = cells.reshape(-1, listings)
        return rows[rows.any(axis=1)]

    def pools(self) -> list[IntArray]:
        """Return the listings of each pool."""
        return [np.flatnonzero(self.pool == key) for key in np.unique(self.pool)]

    def at_risk(self, lots: IntArray) -> float:
        """Return the larger of worst losses and charge of a book of `lots` int64 [n], USD."""
        long, short = np.maximum(lots, 0.0), np.maximum(-lots, 0.0)
        pools = self.pools()
        worst = sum(float((lots[one] @ self.loss[one]).max(initial=0.0)) for one in pools)
        return max(worst, float(long @ self.charge_long + short @ self.charge_short))

    def on_top(self, lots: IntArray) -> FloatArray:
        """Return what comes on top of that for books of `lots` int64 [..., n], USD [...]."""
        long, short = np.maximum(lots, 0.0), np.maximum(-lots, 0.0)
        netted = np.abs(lots @ self.netting().T).sum(axis=-1)
        return long @ self.margin_long + short @ self.margin_short + netted


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What a programme knows of its listings [n]; money is USD a lot, K levels of depth.

    Attributes:
        margin: what is asked of the book after the trades.
        risk: the largest move of a lot in any scenario.
        held: lots now.
        most_bought, most_sold: lots that may be traded.
        size, buy_cost, sell_cost: depth [n, K].
        delta: lots of delta a lot.
    """

    margin: MarginTerms
    risk: FloatArray
    held: FloatArray
    most_bought: FloatArray
    most_sold: FloatArray
    size: FloatArray
    buy_cost: FloatArray
    sell_cost: FloatArray
    delta: FloatArray

    def of(self, rows: IntArray) -> Terms:
        """Return those of some listings."""
        margin, *others = (getattr(self, name) for name in self.__slots__)
        return Terms(margin.of(rows), *(column[rows] for column in others))


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What is at risk near a book by the engine: `constant + long . lots long + short . short`.

    USD, slopes [n] a lot. Two slopes, because margin has a kink where a leg begins. What comes on
    top is not in it, as the terms know that with all of its kinks.
    """

    long: FloatArray
    short: FloatArray
    constant: float

    def of(self, rows: IntArray) -> Cut:
        """Return the same over some listings; it holds while the others trade nothing."""
        return Cut(self.long[rows], self.short[rows], self.constant)

    def at_risk(self, lots: IntArray) -> float:
        """Return what it says of a book of `lots` int64 [n], USD."""
        long, short = np.maximum(lots, 0.0), np.maximum(-lots, 0.0)
        return self.constant + float(long @ self.long + short @ self.short)
