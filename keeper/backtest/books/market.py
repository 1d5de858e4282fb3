"""What a book may be made of: the options of one chain with their Greeks, and how to choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.instrument_ids import option_ids
from keeper.backtest.moment import Moment
from keeper.pricing import black76
from keeper.state.option_chain import OptionChain
from keeper.units import E8, YEAR_SECONDS, BoolArray, FloatArray, IntArray

DAY: Final = 86_400
# Terms of a book in days, the first included: short, middle and long.
BUCKETS: Final = {"s": (0.15, 3.2), "m": (3.2, 35.0), "l": (35.0, 400.0)}


@dataclass(frozen=True, slots=True, eq=False)
class BookMarket:
    """Options [Q] worth something and with a smile; `delta` and `vega` are a coin's, `days` to
    expiry. `expiries` are those with a smile, by underlying, ascending; `row_of` gives the row of
    an id and `rows_of` those of an underlying, expiry and right.
    """

    moment: Moment
    instrument: tuple[int, ...]
    underlying: IntArray
    expiry: IntArray
    strike_e8: IntArray
    is_call: BoolArray
    iv: FloatArray
    days: FloatArray
    delta: FloatArray
    vega: FloatArray
    expiries: dict[int, list[int]]
    row_of: dict[int, int]
    rows_of: dict[tuple[int, int, bool], IntArray]

    @property
    def underlyings(self) -> list[int]:
        """The underlyings that have an expiry with a smile."""
        return [underlying for underlying, expiries in self.expiries.items() if expiries]

    def terms(self, underlying: int, bucket: str) -> list[int]:
        """Return the expiries within a bucket."""
        low, high = BUCKETS[bucket]
        return [
            expiry
            for expiry in self.expiries.get(underlying, [])
            if low <= (expiry - self.moment.time) / DAY < high
        ]

    def at_delta(self, underlying: int, expiry: int, is_call: bool, delta: float) -> int | None:
        """Return the row of the option whose delta is nearest in size, if the expiry has one."""
        rows = self.rows_of.get((underlying, expiry, is_call))
        if rows is None:
            return None
        return int(rows[np.argmin(np.abs(np.abs(self.delta[rows]) - delta))])

    def at_strike(self, underlying: int, expiry: int, is_call: bool, strike_e8: int) -> int | None:
        """Return the row of the option whose strike is nearest, if the expiry has one."""
        rows = self.rows_of.get((underlying, expiry, is_call))
        if rows is None:
            return None
        return int(rows[np.argmin(np.abs(self.strike_e8[rows] - strike_e8))])

    def between(
        self, underlyings: Iterable[int], deltas: tuple[float, float], days: tuple[float, float]
    ) -> Sequence[int]:
        """Return the rows with deltas of this size and this long to go."""
        size = np.abs(self.delta)
        wanted = np.isin(self.underlying, list(underlyings))
        wanted &= (size > deltas[0]) & (size < deltas[1])
        wanted &= (self.days > days[0]) & (self.days < days[1])
        rows: list[int] = np.flatnonzero(wanted).tolist()
        return rows


def book_market(
    chain: OptionChain, moment: Moment, smiled: Iterable[tuple[int, int]]
) -> BookMarket:
    """Return the options of a chain on expiries with a smile: `smiled` (underlying, expiry)."""
    with_smile = sorted(set(smiled))
    codes = {key: place for place, key in enumerate(with_smile)}
    keys = zip(chain.underlying.tolist(), chain.expiry.tolist(), strict=True)
    has_smile = np.array([key in codes for key in keys], dtype=np.bool_)
    kept = has_smile & (chain.mark_coin > 0.0) & (chain.iv > 0.0)
    rows: list[int] = np.flatnonzero(kept).tolist()
    ids = option_ids(chain)
    instrument = tuple(ids[row] for row in rows)
    underlying, expiry = chain.underlying[kept].astype(np.int64), chain.expiry[kept]
    forward = np.array(
        [moment.forward[key] for key in zip(underlying.tolist(), expiry.tolist(), strict=True)]
    )
    years = (expiry - chain.time) / YEAR_SECONDS
    strike, iv, is_call = chain.strike_e8[kept] / E8, chain.iv[kept], chain.is_call[kept]
    held: dict[tuple[int, int, bool], list[int]] = {}
    terms = zip(underlying.tolist(), expiry.tolist(), is_call.tolist(), strict=True)
    for row, key in enumerate(terms):
        held.setdefault(key, []).append(row)
    expiries: dict[int, list[int]] = {number: [] for number in moment.spot}
    for number, term in with_smile:
        expiries[number].append(term)
    return BookMarket(
        moment=moment,
        instrument=instrument,
        underlying=underlying,
        expiry=expiry,
        strike_e8=chain.strike_e8[kept],
        is_call=is_call,
        iv=iv,
        days=(expiry - chain.time) / DAY,
        delta=black76.delta(forward, strike, iv, years, is_call),
        vega=black76.vega(forward, strike, iv, years),
        expiries=expiries,
        row_of={held_id: row for row, held_id in enumerate(instrument)},
        rows_of={key: np.array(at, dtype=np.int64) for key, at in held.items()},
    )
