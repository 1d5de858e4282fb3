"""The linear programmes of a restoration: docs/restore.md, Formulation. Float64 USD and lots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from keeper.liquidation.aim import Aim
from keeper.liquidation.columns import Columns
from keeper.liquidation.constraints import balances, limits
from keeper.liquidation.terms import Cut, Terms
from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """Trades float64 [n], what they cost, and |reduced cost| of each listing's cheapest lot [n]."""

    trades: FloatArray
    objective: float
    reduced: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Programme:
    """A linear programme over the variables of `Columns`.

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
        at = Columns.of(self.terms, len(netting))
        equal, balance = balances(self.terms, netting, at)
        below, limit = limits(self.terms, self.aim, self.cuts, at)
        low, high = self._bounds(at)
        found: Any = linprog(
            self._weights(at),
            A_ub=below,
            b_ub=limit,
            A_eq=equal,
            b_eq=balance,
            bounds=np.stack([low, high], axis=1),
            method="highs-ds",
        )
        if found.status != 0:
            return None
        x: FloatArray = np.asarray(found.x)
        marginals: FloatArray = np.abs(np.asarray(found.lower.marginals))
        reduced = np.minimum(marginals[at.bought], marginals[at.sold]).min(axis=1)
        trades = x[at.long] - x[at.short] - self.terms.held
        return Solution(trades, float(found.fun), reduced)

    def _weights(self, at: Columns) -> FloatArray:
        weights = np.zeros(at.width)
        weights[at.bought] = self.aim.cost * self.terms.buy_cost
        weights[at.sold] = self.aim.cost * self.terms.sell_cost
        weights[at.required], weights[at.lacking] = self.aim.required, self.aim.lacking
        return weights

    def _bounds(self, at: Columns) -> tuple[FloatArray, FloatArray]:
        terms = self.terms
        low, high = np.zeros(at.width), np.full(at.width, np.inf)
        high[at.bought] = _at_levels(terms.size, terms.most_bought)
        high[at.sold] = _at_levels(terms.size, terms.most_sold)
        high[at.long] = np.maximum(terms.held + terms.most_bought, 0.0)
        high[at.short] = np.maximum(terms.most_sold - terms.held, 0.0)
        high[at.lacking] = np.inf if self.aim.may_lack else 0.0
        if self.fixed is not None:
            after, at_sides = terms.held + self.fixed, np.concatenate([at.long, at.short])
            both = np.concatenate([np.maximum(after, 0.0), np.maximum(-after, 0.0)])
            known = ~np.isnan(both)
            low[at_sides[known]] = high[at_sides[known]] = both[known]
        return low, high


def _at_levels(size: FloatArray, most: FloatArray) -> FloatArray:
    """Return the lots that may trade at each level [n, K] when `most` [n] may in all."""
    start = np.cumsum(size, axis=1) - size
    return np.clip(most[:, None] - start, 0.0, size)
