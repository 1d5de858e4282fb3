"""The linear programmes of a restoration: docs/restore.md, Formulation.

Amounts are float64 USD and lots here. Nothing of it is attested, and no plan stands on it alone:
the margin engine judges each one in integers (trials.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from keeper.units import FloatArray, IntArray


class Rule(Enum):
    """Which of the convex rules, whose union is the requirement, a programme keeps.

    The requirement is the smaller of scenario and standard margin, and the minimum charge within
    scenario margin is the smaller of two as well: whoever keeps one of the three keeps it.
    """

    GROSS_CHARGE = 0
    STANDARD_CHARGE = 1
    STANDARD = 2


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What a programme knows of its listings [n]; money is USD a lot, S scenarios, K levels.

    Attributes:
        pnl: gains of a long lot [n, S].
        charge_long, charge_short: minimum charge of a lot held long or short; unused by STANDARD.
        margin_long, margin_short: what the requirement adds a lot beyond the worst loss: add-ons,
            the micro-dollar a lot of initial margin, or all of standard margin.
        held: lots now.
        most_bought, most_sold: lots that may be traded.
        size, buy_cost, sell_cost: depth [n, K].
        delta: lots of delta a lot.
    """

    pnl: FloatArray
    charge_long: FloatArray
    charge_short: FloatArray
    margin_long: FloatArray
    margin_short: FloatArray
    held: FloatArray
    most_bought: FloatArray
    most_sold: FloatArray
    size: FloatArray
    buy_cost: FloatArray
    sell_cost: FloatArray
    delta: FloatArray

    def of(self, rows: IntArray) -> Terms:
        """Return those of some listings."""
        return Terms(*(getattr(self, name)[rows] for name in self.__slots__))


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """What the engine's requirement is near a book: `constant + long . lots long + short . short`.

    USD, slopes [n] a lot. Two slopes, because margin has a kink where a leg begins.
    """

    long: FloatArray
    short: FloatArray
    constant: float

    def of(self, rows: IntArray) -> Cut:
        """Return the same over some listings; it holds while the others trade nothing."""
        return Cut(self.long[rows], self.short[rows], self.constant)


@dataclass(frozen=True, slots=True)
class Aim:
    """Weights of the three totals to minimise, and the limits that hold, in USD and lots.

    Attributes:
        cost, required, lacking: weights.
        equity: equity before costs less what has to remain above the requirement.
        may_lack: whether the requirement may be missed, at the weight of `lacking`.
        loss_factor: worst loss times this, and the charge times `charge_factor`, is the margin.
        budget: most that may be spent.
        delta: bounds of net delta in lots.
    """

    cost: float
    required: float
    lacking: float
    equity: float
    may_lack: bool
    buffer: float
    loss_factor: float
    charge_factor: float
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
    """Variables: lots bought and sold at each level [n, K], lots long and short [n], totals.

    Trades that are not NaN in `fixed` [n] are made as they stand.
    """

    terms: Terms
    aim: Aim
    rule: Rule
    cuts: tuple[Cut, ...] = ()
    fixed: FloatArray | None = None

    def of(self, rows: IntArray) -> Programme:
        """Return the same over some listings, while the others, of which none is held, stand."""
        cuts = tuple(cut.of(rows) for cut in self.cuts)
        return Programme(self.terms.of(rows), self.aim, self.rule, cuts)

    def relaxed(self) -> Solution | None:
        """Return the optimum in fractions of lots, or None where there is no feasible trade."""
        weights, bounds = self._weights(), self._bounds()
        rows, limits = self._limits()
        found: Any = linprog(
            weights,
            A_ub=rows,
            b_ub=limits,
            A_eq=self._balance(),
            b_eq=self.terms.held,
            bounds=np.stack(bounds, axis=1),
            method="highs-ds",
        )
        if found.status != 0:
            return None
        n, levels = self.terms.size.shape
        marginals: FloatArray = np.asarray(found.lower.marginals)[: 2 * n * levels]
        reduced = np.abs(marginals).reshape(2, n, levels).min(axis=(0, 2))
        return Solution(self._trades(np.asarray(found.x)), float(found.fun), reduced)

    def risk(self) -> FloatArray:
        """Return the largest move of a lot in any scenario [n]."""
        return np.abs(self.terms.pnl).max(axis=1, initial=0.0)

    def _width(self) -> int:
        n, levels = self.terms.size.shape
        return 2 * n * levels + 2 * n + 3

    def _sides(self) -> slice:
        """Return the columns of lots long and short, in this order."""
        n, levels = self.terms.size.shape
        return slice(2 * n * levels, 2 * n * levels + 2 * n)

    def _trades(self, x: FloatArray) -> FloatArray:
        long, short = x[self._sides()].reshape(2, -1)
        return long - short - self.terms.held

    def _costs(self) -> FloatArray:
        return np.concatenate([self.terms.buy_cost.ravel(), self.terms.sell_cost.ravel()])

    def _weights(self) -> FloatArray:
        sides = np.zeros(2 * len(self.terms.held))
        totals = [0.0, self.aim.required, self.aim.lacking]
        return np.concatenate([self.aim.cost * self._costs(), sides, totals])

    def _bounds(self) -> tuple[FloatArray, FloatArray]:
        terms = self.terms
        buy = _at_levels(terms.size, terms.most_bought)
        sell = _at_levels(terms.size, terms.most_sold)
        long = np.maximum(terms.held + terms.most_bought, 0.0)
        short = np.maximum(terms.most_sold - terms.held, 0.0)
        lacking = np.inf if self.aim.may_lack else 0.0
        high = np.concatenate([buy.ravel(), sell.ravel(), long, short, [np.inf, np.inf, lacking]])
        low = np.zeros(self._width())
        if self.fixed is not None:
            after = terms.held + self.fixed
            both = np.concatenate([np.maximum(after, 0.0), np.maximum(-after, 0.0)])
            at = self._sides().start + np.flatnonzero(~np.isnan(both))
            low[at] = high[at] = both[~np.isnan(both)]
        return low, high

    def _balance(self) -> sparse.csr_array:
        """Return the rows `long - short - bought + sold = held` [n]."""
        n, levels = self.terms.size.shape
        one = sparse.eye_array(n)
        each = sparse.kron(one, np.ones((1, levels)))
        return sparse.csr_array(
            sparse.hstack([-each, each, one, -one, sparse.csr_array((n, 3))], format="csr")
        )

    def _limits(self) -> tuple[sparse.csr_array, FloatArray]:
        """Return the rows `row . x <= limit`."""
        aim, costs = self.aim, self._costs()
        rows: list[FloatArray] = []
        limits: list[float] = []

        def add(
            long: FloatArray | float = 0.0,
            short: FloatArray | float = 0.0,
            *,
            cost: float = 0.0,
            totals: tuple[float, float, float] = (0.0, 0.0, 0.0),
            limit: float = 0.0,
        ) -> None:
            n = len(self.terms.held)
            sides = np.concatenate([np.broadcast_to(long, n), np.broadcast_to(short, n)])
            rows.append(np.concatenate([cost * costs, sides, totals]))
            limits.append(limit)

        self._requirement(add)
        for cut in self.cuts:
            add(cut.long, cut.short, totals=(0.0, -1.0, 0.0), limit=-cut.constant)
        add(cost=1.0, totals=(0.0, aim.buffer, -1.0), limit=aim.equity)
        if np.isfinite(aim.budget):
            add(cost=1.0, limit=aim.budget)
        if aim.delta is not None:
            lowest, highest = aim.delta
            add(self.terms.delta, -self.terms.delta, limit=highest)
            add(-self.terms.delta, self.terms.delta, limit=-lowest)
        return sparse.csr_array(np.array(rows)), np.array(limits)

    def _requirement(self, add: Any) -> None:  # noqa: ANN401 - the function above
        """Add what bounds the requirement from below under this rule."""
        terms, aim = self.terms, self.aim
        if self.rule is Rule.STANDARD:
            add(terms.margin_long, terms.margin_short, totals=(0.0, -1.0, 0.0))
            return
        for gains in terms.pnl.T:
            add(-aim.loss_factor * gains, aim.loss_factor * gains, totals=(-1.0, 0.0, 0.0))
        add(
            aim.charge_factor * terms.charge_long,
            aim.charge_factor * terms.charge_short,
            totals=(-1.0, 0.0, 0.0),
        )
        add(terms.margin_long, terms.margin_short, totals=(1.0, -1.0, 0.0))


def _at_levels(size: FloatArray, most: FloatArray) -> FloatArray:
    """Return the lots that may trade at each level [n, K] when `most` [n] may in all."""
    start = np.cumsum(size, axis=1) - size
    return np.clip(most[:, None] - start, 0.0, size)
