"""What initial margin asks on top of scenarios: parts of risk that no row of the table moves.

Every add-on is positively homogeneous and subadditive in lots, as worst loss is, so a fraction of a
book costs that fraction and a book with a trade at most the two apart (docs/adr/0010). There are
two forms:

* a rate a lot: `sum over legs of abs(lots) * rate` (liquidity, confidence, depeg; pin: shorts only)
* a netted norm: `sum over (underlying, expiry) of abs(sum of lots * cell)` (basis, vega)

The cells are integers (`add_on_cells`), so sums do not depend on their order, and any number of
workers, the compiled loop and its numpy twin give the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from keeper.margin.add_on_cells import AddOnsPerLot
from keeper.margin.losses import PART_LEGS, Book
from keeper.margin.workers import SERIAL, Workers
from keeper.pricing import backend
from keeper.units import IntArray


@dataclass(frozen=True, slots=True, eq=False)
class AddOns:
    """Per account int64 [A], micro-dollars."""

    concentration_usd6: IntArray
    basis_usd6: IntArray
    vega_usd6: IntArray
    confidence_usd6: IntArray
    depeg_usd6: IntArray
    pin_usd6: IntArray

    def total_usd6(self) -> IntArray:
        """Return the sum of all add-ons [A]."""
        return np.sum([getattr(self, field.name) for field in fields(self)], axis=0)


def add_ons(cells: AddOnsPerLot, book: Book, workers: Workers = SERIAL) -> AddOns:
    """Sum the cells over the legs of each account. Sums are exact below the caps of docs/model.md.

    The legs of an account ascend by listing, as those of a snapshot do.
    """
    if not len(book.starts):
        return AddOns(*np.zeros((len(fields(AddOns)), 0), dtype=np.int64))
    parts = workers.map(_sums_of_part, cells, book.split(PART_LEGS))
    return AddOns(*np.concatenate(parts, axis=1))


def _sums_of_part(cells: AddOnsPerLot, book: Book) -> IntArray:
    """Return the sums of each add-on in the order of `AddOns` [6, A]."""
    if not backend.COMPILED:
        return _sums_by_numpy(cells, book)

    from keeper.margin import compiled

    columns = [getattr(cells, field.name) for field in fields(AddOns)]
    sums = np.empty((len(book.starts), len(columns)), dtype=np.int64)
    rows = np.stack(columns, axis=1)
    compiled.add_on_sums(book.listing, book.lots, book.starts, cells.term, rows, sums)
    return sums.T


def _sums_by_numpy(cells: AddOnsPerLot, book: Book) -> IntArray:
    """The numpy twin."""
    size, shorts = np.abs(book.lots), np.maximum(-book.lots, 0)
    runs, first = book.runs(cells.term)

    def summed(lots: IntArray, cell: IntArray) -> IntArray:
        return book.sum_by_account(lots * cell[book.listing])

    def netted(cell: IntArray) -> IntArray:
        of_term = np.abs(runs.sum_by_account(book.lots * cell[book.listing]))
        return np.add.reduceat(of_term, first)

    return np.stack(
        [
            summed(size, cells.concentration_usd6),
            netted(cells.basis_usd6),
            netted(cells.vega_usd6),
            summed(size, cells.confidence_usd6),
            summed(size, cells.depeg_usd6),
            summed(shorts, cells.pin_usd6),
        ]
    )
