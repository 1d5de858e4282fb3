"""Every listing in every scenario: from float64 prices to int64 micro-dollars a long lot.

The float zone ends here. Compiled loops (`compiled`) or numpy answer, with the same bits:
the same operations in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from keeper.margin.market import CELL_CAP_USD6, ListingMarket
from keeper.margin.shocks import Shocks, clamp
from keeper.margin.workers import SERIAL, Workers
from keeper.pricing import backend, black76
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.units import E8, USD6, WAD, YEAR_SECONDS, BoolArray, FloatArray, IntArray

SHIFT_LIMIT: Final = 1.2  # of ln vol, all families together
MONEYNESS_LIMIT: Final = 2.5  # standard deviations
# Beyond the cell cap only "too large" matters; the limit keeps the conversion to integers exact.
CELL_LIMIT: Final = 2.0 * CELL_CAP_USD6
_PART_LISTINGS: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class ListingFloats:
    """The float64 view of the listings [L]: prices in USD, vol a fraction a year.

    `moneyness` is ln(K / F) in standard deviations to expiry, at most 2.5 either way; zero where
    there is neither vol nor time. `mark` is the value of a unit now. Of the reference, moves change
    all but `fixed`.
    """

    is_option: BoolArray
    is_call: BoolArray
    settled: BoolArray
    reference: FloatArray
    fixed: FloatArray
    strike: FloatArray
    vol: FloatArray
    moneyness: FloatArray
    micro_per_lot: FloatArray
    mark: FloatArray

    @classmethod
    def of(cls, market: ListingMarket) -> ListingFloats:
        reference, strike = market.reference_e8 / E8, market.strike_e8 / E8
        years, vol = market.seconds / float(YEAR_SECONDS), np.sqrt(market.variance)
        option = black76.price(reference, strike, vol, years, market.is_call)
        return cls(
            is_option=market.is_option,
            is_call=market.is_call,
            settled=market.settled,
            reference=reference,
            fixed=market.fixed_e8 / E8,
            strike=strike,
            vol=vol,
            moneyness=_moneyness(reference, strike, market.variance * years),
            micro_per_lot=market.lot_wad / (WAD // USD6),
            mark=np.where(market.is_option, option, reference),
        )

    def part(self, span: slice) -> ListingFloats:
        """Return some of the listings."""
        return ListingFloats(*(getattr(self, field.name)[span] for field in fields(self)))


def marks(floats: ListingFloats) -> IntArray:
    """Return the marks [L], micro-dollars a lot, to nearest (half to even)."""
    return _integers(floats.mark * floats.micro_per_lot)


def scenario_cells(floats: ListingFloats, shocked: Shocks, workers: Workers = SERIAL) -> IntArray:
    """Return the gains int64 [L, S] of a long lot in each scenario, micro-dollars, to nearest.

    A cell beyond the cap comes out as some number beyond the cap.
    """
    listings = len(floats.mark)
    spans = [slice(n, n + _PART_LISTINGS) for n in range(0, listings, _PART_LISTINGS)]
    parts = [(floats.part(span), shocked.term[span]) for span in spans]
    cells = workers.map(_cells_of_part, shocked, parts)
    return np.concatenate([np.empty((0, len(shocked.weight)), dtype=np.int64), *cells])


def _cells_of_part(shocked: Shocks, part: tuple[ListingFloats, IntArray]) -> IntArray:
    """Return the cells of some listings, of which the terms are given as well."""
    floats, term = part
    if backend.COMPILED:
        from keeper.margin import compiled

        cells = np.empty((len(term), len(shocked.weight)), dtype=np.int64)
        compiled.scenario_cells(
            floats.reference,
            floats.fixed,
            floats.strike,
            floats.vol,
            floats.moneyness,
            floats.mark,
            floats.micro_per_lot,
            floats.is_option,
            floats.is_call,
            floats.settled,
            term,
            shocked.move,
            np.sqrt(shocked.years),
            shocked.shift,
            shocked.skew,
            shocked.curvature,
            shocked.weight,
            cells,
        )
        return cells
    now, micro_per_lot = floats.mark[:, None], floats.micro_per_lot[:, None]
    weighted = shocked.weight * (_values(floats, shocked, term) - now)
    return _integers(weighted * micro_per_lot)


def _values(floats: ListingFloats, shocked: Shocks, term: IntArray) -> FloatArray:
    """Return each listing's value per unit after each scenario [L, S], before the weights."""
    moneyness, reference = floats.moneyness[:, None], floats.reference[:, None]
    fixed = floats.fixed[:, None]
    tilt = shocked.skew[term] * moneyness + shocked.curvature[term] * np.abs(moneyness)
    shift = clamp(shocked.shift[term] + tilt, -SHIFT_LIMIT, SHIFT_LIMIT)
    move = np.where(floats.settled[:, None], 0.0, shocked.move[term])
    moved = fixed + (reference - fixed) * (1.0 + move)
    vol, is_call = floats.vol[:, None] * exp(shift), floats.is_call[:, None]
    option = black76.price(moved, floats.strike[:, None], vol, shocked.years[term], is_call)
    return np.where(floats.is_option[:, None], option, moved)


def _integers(amounts: FloatArray) -> IntArray:
    return np.rint(clamp(amounts, -CELL_LIMIT, CELL_LIMIT)).astype(np.int64)


def _moneyness(reference: FloatArray, strike: FloatArray, variance: FloatArray) -> FloatArray:
    """Return clamp(ln(K / F) / sqrt(total variance)); zero without variance."""
    live = variance > 0.0  # which only a live option has: then K and F are positive too
    ratio = np.where(live, strike, 1.0) / np.where(live, reference, 1.0)
    standardised = log(ratio) / np.sqrt(np.where(live, variance, 1.0))
    return np.where(live, clamp(standardised, -MONEYNESS_LIMIT, MONEYNESS_LIMIT), 0.0)
