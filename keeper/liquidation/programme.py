"""The linear programmes of a restoration: docs/restore.md, Formulation. Float64 USD and lots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from keeper.liquidation.terms import Cut, Terms
from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Aim:
    """Weights of the three totals to minimise, and the limits that hold, in USD and lots.

    Attributes:
        cost, required, lacking: weights.
        equity: equity before costs less what has to remain above the requirement.
        may_lack: whether the requirement may be missed, at the weight of `lacking`.
        buffer: how many times the requirement is asked for.
        budget: most that may be spent.
        delta: bounds of net delta in lots.
    """

    cost: float
    required: float
    lacking: float
    equity: float
    may_lack: bool
    buffer: float
    budget: float = np.inf
    delta: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Trades float64 [n], what they cost, and |reduced cost| of each listing's cheapest lot [n]."""

    trades: FloatArray
    objective: float
    reduced: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """Variables: lots bought and sold at each level [n, K], lots long and short [n], what each
    netted add-on is above and below zero [M], and three totals: at risk, required, lacking.

    Trades that are not NaN in `fixed` [n] are made as they stand.
    """

    terms: Terms
    aim: Aim
    cuts: tuple[Cut, ...] = ()
    fixed: FloatArray | None = None

    def of(self, rows: IntArray) -> Programme:
        """Return the same over some listings, while the others, of which none is held, stand."""
        cuts = tuple(cut.of(rows) for cut in self.cuts)
        return Programme(self.terms.of(rows), self.aim, cuts)

    def required(self, lots: IntArray) -> float:
        """Return the requirement that the programme sees in a book of `lots` int64 [n], USD."""
        margin = self.terms.margin
        at_risk = max([margin.at_risk(lots), *(cut.at_risk(lots) for cut in self.cuts)])
        return at_risk + float(margin.on_top(lots))

    def relaxed(self) -> Solution | None:
        """Return the optimum in fractions of lots, or None where there is no feasible trade."""
        netting = self.terms.margin.netting()
        count = len(netting)
        netted = 2 * count  # variables
        rows, limits = self._limits(netted)
        found: Any = linprog(
            self._weights(netted),
            A_ub=rows,
            b_ub=limits,
            A_eq=self._balances(netting),
            b_eq=np.concatenate([self.terms.held, np.zeros(count)]),
            bounds=np.stack(self._bounds(netted), axis=1),
            method="highs-ds",
        )
        if found.status != 0:
            return None
        n, levels = self.terms.size.shape
        marginals: FloatArray = np.asarray(found.lower.marginals)[: 2 * n * levels]
        reduced = np.abs(marginals).reshape(2, n, levels).min(axis=(0, 2))
        return Solution(self._trades(np.asarray(found.x)), float(found.fun), reduced)

    def _sides(self) -> slice:
        """Return the columns of lots long and short, in this order."""
        n, levels = self.terms.size.shape
        return slice(2 * n * levels, 2 * n * levels + 2 * n)

    def _trades(self, x: FloatArray) -> FloatArray:
        long, short = x[self._sides()].reshape(2, -1)
        return long - short - self.terms.held

    def _costs(self) -> FloatArray:
        return np.concatenate([self.terms.buy_cost.ravel(), self.terms.sell_cost.ravel()])

    def _weights(self, netted: int) -> FloatArray:
        free = np.zeros(2 * len(self.terms.held) + netted)
        totals = [0.0, self.aim.required, self.aim.lacking]
        return np.concatenate([self.aim.cost * self._costs(), free, totals])

    def _bounds(self, netted: int) -> tuple[FloatArray, FloatArray]:
        terms = self.terms
        buy = _at_levels(terms.size, terms.most_bought)
        sell = _at_levels(terms.size, terms.most_sold)
        long = np.maximum(terms.held + terms.most_bought, 0.0)
        short = np.maximum(terms.most_sold - terms.held, 0.0)
        lacking = np.inf if self.aim.may_lack else 0.0
        free = np.full(netted + 2, np.inf)
        high = np.concatenate([buy.ravel(), sell.ravel(), long, short, free, [lacking]])
        low = np.zeros(len(high))
        if self.fixed is not None:
            after = terms.held + self.fixed
            both = np.concatenate([np.maximum(after, 0.0), np.maximum(-after, 0.0)])
            at = self._sides().start + np.flatnonzero(~np.isnan(both))
            low[at] = high[at] = both[~np.isnan(both)]
        return low, high

    def _balances(self, netting: FloatArray) -> sparse.coo_array:
        """Return the rows `long - short - bought + sold = held` [n], and below them
        `above - below - cells . (long - short) = 0` [M].
        """
        n, levels = self.terms.size.shape
        count, (term, cell) = len(netting), np.nonzero(netting)
        listing, add_on, level = np.arange(n), np.arange(count), np.arange(n * levels)
        long, short = np.arange(self._sides().start, self._sides().stop).reshape(2, -1)
        above = self._sides().stop + add_on
        entries = [
            (level // levels, level, -1.0),
            (level // levels, n * levels + level, 1.0),
            (listing, long, 1.0),
            (listing, short, -1.0),
            (n + term, long[cell], -netting[term, cell]),
            (n + term, short[cell], netting[term, cell]),
            (n + add_on, above, 1.0),
            (n + add_on, above + count, -1.0),
        ]
        rows, columns = (np.concatenate([entry[k] for entry in entries]) for k in (0, 1))
        values = np.concatenate([np.broadcast_to(entry[2], len(entry[0])) for entry in entries])
        width = self._sides().stop + 2 * count + 3
        return sparse.coo_array((values, (rows, columns)), shape=(n + count, width))

    def _limits(self, netted: int) -> tuple[sparse.csr_array, FloatArray]:
        """Return the rows `row . x <= limit`."""
        aim, margin, costs = self.aim, self.terms.margin, self._costs()
        rows: list[FloatArray] = []
        limits: list[float] = []

        def add(
            long: FloatArray | float = 0.0,
            short: FloatArray | float = 0.0,
            *,
            cost: float = 0.0,
            on_top: float = 0.0,
            totals: tuple[float, float, float] = (0.0, 0.0, 0.0),
            limit: float = 0.0,
        ) -> None:
            n = len(self.terms.held)
            sides = np.concatenate([np.broadcast_to(long, n), np.broadcast_to(short, n)])
            rows.append(np.concatenate([cost * costs, sides, np.full(netted, on_top), totals]))
            limits.append(limit)

        for loss in margin.loss.T:
            add(loss, -loss, totals=(-1.0, 0.0, 0.0))
        add(margin.charge_long, margin.charge_short, totals=(-1.0, 0.0, 0.0))
        for cut in self.cuts:
            add(cut.long, cut.short, totals=(-1.0, 0.0, 0.0), limit=-cut.constant)
        add(margin.margin_long, margin.margin_short, on_top=1.0, totals=(1.0, -1.0, 0.0))
        add(cost=1.0, totals=(0.0, aim.buffer, -1.0), limit=aim.equity)
        if np.isfinite(aim.budget):
            add(cost=1.0, limit=aim.budget)
        if aim.delta is not None:
            lowest, highest = aim.delta
            add(self.terms.delta, -self.terms.delta, limit=highest)
            add(-self.terms.delta, self.terms.delta, limit=-lowest)
        return sparse.csr_array(np.array(rows)), np.array(limits)


def _at_levels(size: FloatArray, most: FloatArray) -> FloatArray:
    """Return the lots that may trade at each level [n, K] when `most` [n] may in all."""
    start = np.cumsum(size, axis=1) - size
    return np.clip(most[:, None] - start, 0.0, size)
