"""A market at other spots: the marks that the chain would have, were a spot alone to move.

Forwards follow their spot by their ratio, smiles stand still in log-moneyness, scan ranges and time
stand still. What `listing_market` does for one snapshot is done here for many spots in one pass; a
property test holds the two to each other, column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from keeper.margin.accrual import NOTHING, accruals_of, of_moving
from keeper.margin.market import CELL_CAP_USD6, ListingMarket, Standing, listing_market
from keeper.pricing.log import log
from keeper.pricing.svi import raw_variance
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import Snapshot
from keeper.state.tables import SETTLEMENT_WINDOW_SECONDS
from keeper.units import E8, USD6, WAD, BoolArray, FloatArray, IntArray

_SMILE: Final = ("a", "b", "rho", "m", "sigma")
_HIGHEST_PER_LOT: Final = CELL_CAP_USD6 * E8 * WAD // USD6  # of a price in 1e-8 USD times lot_wad


@dataclass(frozen=True, slots=True, eq=False)
class MovableMarket:
    """Listings [L] that can be valued at any spot.

    `today` is their market as it stands. Prices are columns of Python's integers, of which no
    product overflows, and hold also where a listing has no price today: `ratio_wad` is what the
    reference is of the spot (1 for SPOT and expired listings, 0 where no forward is known or a
    settlement price is fixed), `settlement_e8` that price or 0. `accrued_e8` and `open_seconds` are
    those of a settlement average that comes about (0 and the whole window elsewhere). `smile`
    float64 [5, L] counts where `has_smile` [L].
    """

    today: ListingMarket
    ratio_wad: NDArray[np.object_]
    settlement_e8: NDArray[np.object_]
    accrued_e8: NDArray[np.object_]
    open_seconds: NDArray[np.object_]
    strike_e8: NDArray[np.object_]
    lot_wad: NDArray[np.object_]
    scan_range_wad: NDArray[np.object_]
    smile: FloatArray
    has_smile: BoolArray

    @classmethod
    def of(cls, snapshot: Snapshot) -> MovableMarket:
        """Read the listings; raise MarketDataError as `listing_market` does."""
        today, spots = listing_market(snapshot), snapshot.underlyings
        ids: list[list[int]] = snapshot.listings.instrument.tolist()
        listed = [Instrument.unpack(high << 64 | low) for high, low in ids]
        on_forward = [_on_forward(i, snapshot.head.ref_time) for i in listed]
        settled: list[bool] = today.settled.tolist()
        forward = _forward_rows(snapshot, listed, on_forward)
        known = np.maximum(forward, 0) if len(snapshot.forwards) else forward[:0]
        ratios: list[int] = [
            0 if s or (f < 0 and on) else int(snapshot.forwards.ratio_wad[f]) if on else WAD
            for s, f, on in zip(settled, forward.tolist(), on_forward, strict=True)
        ]
        accruals = accruals_of(snapshot.accruals)
        accrued = [
            NOTHING if fixed else accruals.get((i.underlying, i.expiry), NOTHING)
            for i, fixed in zip(listed, settled, strict=True)
        ]
        own = np.searchsorted(spots.underlying, today.underlying)
        smile = [getattr(snapshot.forwards, name)[known] / WAD for name in _SMILE]
        return cls(
            today=today,
            ratio_wad=np.array(ratios, dtype=object),
            settlement_e8=np.where(settled, snapshot.listings.settlement_e8.astype(object), 0),
            accrued_e8=np.array([a.sum_e8 for a in accrued], dtype=object),
            open_seconds=np.array([a.open_seconds for a in accrued], dtype=object),
            strike_e8=np.array([i.strike_e8 for i in listed], dtype=object),
            lot_wad=spots.lot_wad[own].astype(object),
            scan_range_wad=spots.scan_range_wad[own].astype(object),
            smile=np.array(smile) if len(known) else np.zeros((len(_SMILE), len(listed))),
            has_smile=(forward >= 0) & today.is_option,
        )

    def follows_spot(self) -> BoolArray:
        """Return where a listing's reference moves with the spot [L]."""
        return ((self.ratio_wad > 0) & (self.open_seconds > 0)).astype(np.bool_)

    def at(self, rows: IntArray, spot_e8: Sequence[int]) -> ListingMarket:
        """Return the market of listings `rows` [R], each at a spot of its underlying [R].

        `standing` tells whether there is a price, and nothing about faults: those of today last.
        """
        spot: NDArray[Any] = np.array(spot_e8, dtype=object)
        strike: NDArray[Any] = self.strike_e8[rows]
        lot: NDArray[Any] = self.lot_wad[rows]
        plain: NDArray[Any] = spot * self.ratio_wad[rows] // WAD + self.settlement_e8[rows]
        accrued: NDArray[Any] = np.where(plain > 0, self.accrued_e8[rows], 0)
        reference: NDArray[Any] = (
            accrued + self.open_seconds[rows] * plain
        ) // SETTLEMENT_WINDOW_SECONDS
        highest: NDArray[Any] = np.maximum(np.maximum(spot, reference), strike)
        within = (highest * lot < _HIGHEST_PER_LOT) & (highest < 2**63)
        priced = ((reference > 0) & within).astype(np.bool_)

        def kept(values: NDArray[Any]) -> IntArray:
            return np.where(priced, values, 0).astype(np.int64)

        reference_e8, strike_e8 = kept(reference), kept(strike)
        fixed_e8 = kept(accrued // SETTLEMENT_WINDOW_SECONDS)
        live = self.has_smile[rows] & (reference_e8 > 0)
        ratio = np.where(live, strike_e8 / E8, 1.0) / np.where(live, reference_e8 / E8, 1.0)
        variance = raw_variance(log(ratio), *self.smile[:, rows])
        return ListingMarket(
            kind=self.today.kind[rows],
            underlying=self.today.underlying[rows],
            expiry=self.today.expiry[rows],
            lot_wad=kept(lot),
            scan_range_wad=kept(self.scan_range_wad[rows]),
            spot_e8=kept(spot),
            reference_e8=reference_e8,
            fixed_e8=fixed_e8,
            strike_e8=strike_e8,
            seconds=self.today.seconds[rows],
            variance=np.where(live, of_moving(variance, reference_e8, fixed_e8), 0.0),
            confidence_wad=self.today.confidence_wad[rows],
            open_interest=self.today.open_interest[rows],
            settled=self.today.settled[rows],
            standing=np.where(priced, Standing.SOUND, Standing.UNPRICED).astype(np.uint8),
        )


def _on_forward(instrument: Instrument, now: int) -> bool:
    """Return whether a forward gives the reference, rather than spot or settlement."""
    expired = instrument.kind.expires and instrument.expiry <= now
    return instrument.kind is not Kind.SPOT and not expired


def _forward_rows(
    snapshot: Snapshot, listed: Sequence[Instrument], on_forward: Sequence[bool]
) -> IntArray:
    """Return the row of FWDS of each listing [L], -1 where none was published or none is needed."""
    table = snapshot.forwards
    keys = zip(table.underlying.tolist(), table.expiry.tolist(), table.time.tolist(), strict=True)
    row_of = {(u, expiry): row for row, (u, expiry, time) in enumerate(keys) if time}
    rows = [
        row_of.get((i.underlying, i.expiry), -1) if on else -1
        for i, on in zip(listed, on_forward, strict=True)
    ]
    return np.array(rows, dtype=np.int64)
