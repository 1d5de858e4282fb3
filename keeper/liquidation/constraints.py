"""The rows of a restoration's programme: docs/restore.md, Formulation."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from keeper.liquidation.aim import Aim
from keeper.liquidation.columns import Columns
from keeper.liquidation.terms import Cut, Terms
from keeper.units import FloatArray, IntArray


class _Limits:
    """Rows `row . x <= limit`, written one after another."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[FloatArray] = []
        self._limits: list[float] = []

    def add(self, *entries: tuple[int | IntArray, float | FloatArray], limit: float = 0.0) -> None:
        """Add a row with the values given at the columns given."""
        row = np.zeros(self._width)
        for columns, values in entries:
            row[columns] = values
        self._rows.append(row)
        self._limits.append(limit)

    def all(self) -> tuple[sparse.csr_array, FloatArray]:
        """Return them."""
        return sparse.csr_array(np.array(self._rows)), np.array(self._limits)


def balances(terms: Terms, netting: FloatArray, at: Columns) -> tuple[sparse.coo_array, FloatArray]:
    """Return the rows `long - short - bought + sold = held` [n], and below them
    `above - below - cells . (long - short) = 0` [M], as matrix and right-hand side.
    """
    n, levels = terms.size.shape
    count, (term, cell) = len(netting), np.nonzero(netting)
    listing, add_on, level = np.arange(n), np.arange(count), np.arange(n * levels) // levels
    entries: list[tuple[IntArray, IntArray, float | FloatArray]] = [
        (level, at.bought.ravel(), -1.0),
        (level, at.sold.ravel(), 1.0),
        (listing, at.long, 1.0),
        (listing, at.short, -1.0),
        (n + term, at.long[cell], -netting[term, cell]),
        (n + term, at.short[cell], netting[term, cell]),
        (n + add_on, at.above, 1.0),
        (n + add_on, at.below, -1.0),
    ]
    rows, columns = (np.concatenate([entry[k] for entry in entries]) for k in (0, 1))
    values = np.concatenate([np.broadcast_to(entry[2], len(entry[0])) for entry in entries])
    matrix = sparse.coo_array((values, (rows, columns)), shape=(n + count, at.width))
    return matrix, np.concatenate([terms.held, np.zeros(count)])


def limits(
    terms: Terms, aim: Aim, cuts: tuple[Cut, ...], at: Columns
) -> tuple[sparse.csr_array, FloatArray]:
    """Return the rows `row . x <= limit`, as matrix and limits."""
    rows = _Limits(at.width)
    _add_margin(rows, terms, cuts, at)
    _add_aim(rows, terms, aim, at)
    return rows.all()


def _add_margin(rows: _Limits, terms: Terms, cuts: tuple[Cut, ...], at: Columns) -> None:
    margin = terms.margin
    for worst, members in zip(at.worst.tolist(), margin.pools(), strict=True):
        for loss in margin.loss[members].T:
            rows.add((at.long[members], loss), (at.short[members], -loss), (worst, -1.0))
    rows.add((at.worst, 1.0), (at.at_risk, -1.0))
    rows.add((at.long, margin.charge_long), (at.short, margin.charge_short), (at.at_risk, -1.0))
    for cut in cuts:
        rows.add((at.long, cut.long), (at.short, cut.short), (at.at_risk, -1.0),
                 limit=-cut.constant)  # fmt: skip
    rows.add(
        (at.long, margin.margin_long),
        (at.short, margin.margin_short),
        (at.above, 1.0),
        (at.below, 1.0),
        (at.at_risk, 1.0),
        (at.required, -1.0),
    )


def _add_aim(rows: _Limits, terms: Terms, aim: Aim, at: Columns) -> None:
    costs = (at.bought, terms.buy_cost), (at.sold, terms.sell_cost)
    rows.add(
        *costs,
        (at.required, aim.buffer),
        (at.lacking, -1.0),
        limit=aim.equity,
    )
    if np.isfinite(aim.budget):
        rows.add(*costs, limit=aim.budget)
    if aim.delta is not None:
        lowest, highest = aim.delta
        rows.add((at.long, terms.delta), (at.short, -terms.delta), limit=highest)
        rows.add((at.long, -terms.delta), (at.short, terms.delta), limit=-lowest)
