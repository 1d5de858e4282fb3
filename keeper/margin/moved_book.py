"""One account's value and requirement at many spots, and at many vols, in one pass each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from keeper.margin.holdings import EXPOSURE_CAP_USD6
from keeper.margin.losses import Book
from keeper.margin.modes import Pool, by_mode, worst_losses_by_mode
from keeper.margin.moved_spots import MovableMarket
from keeper.margin.portfolio import largest_cells, maintenance
from keeper.margin.risk_arrays import price_shocks
from keeper.margin.scenarios import Model
from keeper.margin.shocks import Shocks, shocks
from keeper.margin.standard import standard_margin, standard_per_lot
from keeper.state.snapshot import Snapshot
from keeper.units import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Point:
    """A place to value a book at: one underlying's spot; the others stay where they are."""

    underlying: int
    spot_e8: int


@dataclass(frozen=True, slots=True, eq=False)
class Moved:
    """A book at points [K], int64 micro-dollars.

    `equity_usd6` and `requirement_usd6` = min(SM, MM) hold where `valued`: where every leg has a
    price, and sums are exact.
    """

    equity_usd6: IntArray
    requirement_usd6: IntArray
    valued: BoolArray

    @property
    def surplus_usd6(self) -> IntArray:
        """What equity exceeds the requirement by; negative where anybody could flag the account."""
        return self.equity_usd6 - self.requirement_usd6


@dataclass(frozen=True, slots=True, eq=False)
class MovableBook:
    """The legs of one account [N] in a movable market, and what it has besides their value."""

    market: MovableMarket
    shocked: Shocks
    model: Model
    listing: IntArray
    lots: IntArray
    beside_usd6: int
    mode: int
    spot_e8: dict[int, int]

    @classmethod
    def of(cls, snapshot: Snapshot, model: Model, equity_usd6: int, value_usd6: int) -> MovableBook:
        """Return the first account of a snapshot that has only listings which it holds.

        `equity_usd6` and `value_usd6` are today's, of the account and of its legs: the difference
        (cash, entry costs) stands still.
        """
        legs = slice(0, int(snapshot.accounts.legs[0]))
        table = snapshot.underlyings
        spots = zip(table.underlying.tolist(), table.spot_e8.tolist(), strict=True)
        market = MovableMarket.of(snapshot)
        return cls(
            market=market,
            shocked=shocks(market.today, model),
            model=model,
            listing=snapshot.legs.listing[legs].astype(np.int64),
            lots=snapshot.legs.lots[legs],
            beside_usd6=equity_usd6 - value_usd6,
            mode=int(snapshot.accounts.mode[0]),
            spot_e8=dict(spots),
        )

    def underlyings(self) -> list[int]:
        """Return the underlyings whose spot moves a leg, ascending."""
        moving = self.listing[self.market.follows_spot()[self.listing]]
        return sorted(set(self.market.today.underlying[moving].tolist()))

    def at(self, points: Sequence[Point], vol_factors: FloatArray | None = None) -> Moved:
        """Value the book at each point; its underlying's vols times the factor, where given.

        `vol_factors` float64 [K]. Listings of other underlyings stand still, priced once for all.
        """
        rows, spots, listing, point = self._rows(points)
        market = self.market.at(rows, spots)
        if vol_factors is not None:
            squared = np.append(vol_factors * vol_factors, 1.0)[point]
            market = replace(market, variance=market.variance * squared)
        arrays = price_shocks(market, replace(self.shocked, term=self.shocked.term[rows]))
        per_lot = standard_per_lot(market, arrays, self.model)
        flat, lots = listing.reshape(-1), np.tile(self.lots, len(points))
        book = Book(flat, lots, np.arange(len(points), dtype=np.int64) * len(self.lots))
        standard = standard_margin(per_lot, flat, lots, book.sum_by_account, self.model.factors)
        mode = np.full(len(points), self.mode, dtype=np.uint8)
        worst, _ = worst_losses_by_mode(arrays.pnl, Pool(book, mode, market.underlying))
        required = maintenance(worst, standard.charge, standard.add_ons, self.model.factors)
        exposure = book.sum_by_account(np.abs(lots) * largest_cells(arrays, per_lot)[flat])
        unpriced = book.sum_by_account((~arrays.priced[flat]).astype(np.int64))
        return Moved(
            equity_usd6=self.beside_usd6 + book.sum_by_account(lots * arrays.marks[flat]),
            requirement_usd6=np.minimum(
                standard.maintenance, by_mode(mode, standard.maintenance, required)
            ),
            valued=(unpriced == 0) & (exposure < EXPOSURE_CAP_USD6),
        )

    def _rows(self, points: Sequence[Point]) -> tuple[IntArray, list[int], IntArray, IntArray]:
        """Return the listings to price [R], their spots [R], the row of each leg at each point
        [K, N], and the point that each row belongs to [R]: -1 for the first rows, which are all
        listings as they stand.
        """
        today = self.market.today
        standing: list[int] = today.underlying.tolist()
        rows: list[IntArray] = [np.arange(len(standing), dtype=np.int64)]
        spots = [self.spot_e8[underlying] for underlying in standing]
        listing = np.tile(self.listing, (len(points), 1))
        owner: list[IntArray] = [np.full(len(standing), -1, dtype=np.int64)]
        used = len(standing)
        for underlying in sorted({point.underlying for point in points}):
            which = [k for k, point in enumerate(points) if point.underlying == underlying]
            legs = np.flatnonzero(today.underlying[self.listing] == underlying)
            fresh = used + np.arange(len(which) * len(legs), dtype=np.int64)
            listing[np.array(which)[:, None], legs] = fresh.reshape(len(which), len(legs))
            rows.append(np.tile(self.listing[legs], len(which)))
            spots += [points[k].spot_e8 for k in which for _ in range(len(legs))]
            owner.append(np.repeat(np.array(which, dtype=np.int64), len(legs)))
            used += len(fresh)
        return np.concatenate(rows), spots, listing, np.concatenate(owner)
