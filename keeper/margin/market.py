"""From a snapshot to what pricing needs of each listing, and which listings are at fault.

A fault is local: it gives the accounts that hold the listing a sentinel leaf and stops nobody else.
A missing or stale *spot* is global: no account could be valued, so it is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import MarketDataError
from keeper.margin.accrual import NOTHING, accruals_of, moving_share, of_moving
from keeper.pricing.log import log
from keeper.pricing.svi import raw_variance
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import Snapshot
from keeper.units import E8, USD6, WAD, BoolArray, FloatArray, IntArray

SURFACE_MAX_AGE_SECONDS: Final = 7200
# With lots below 2**24 and at most 32 legs no sum of cells reaches 2**63 (docs/model.md).
CELL_CAP_USD6: Final = 2**34

_SMILE: Final = ("a", "b", "rho", "m", "sigma")


class Standing(IntEnum):
    """How far a mark may be trusted: attested, only the last known, not existing, or at the least
    vol because the smile has no variance above zero at the strike.
    """

    SOUND = 0
    STALE = 1
    UNPRICED = 2
    NO_VARIANCE = 3


@dataclass(frozen=True, slots=True, eq=False)
class ListingMarket:
    """Market inputs, one row a listing [L]; zero wherever `standing` is UNPRICED.

    `reference_e8` is what the mark hangs on: the spot, the forward of the expiry, or after expiry
    the settlement price or spot. While its settlement average comes about, `fixed_e8` of it has
    accrued and moves no more, else 0. `seconds` is the time to expiry, `variance` a year at the
    strike (float64), of what moves; `settled` says that nothing moves it any more. `expiry` is 0
    where a kind has none, `confidence_wad` the half-width of the quote that marks it as a share of
    price, at most 1 and 0 where no quote does; `open_interest` is in lots.
    """

    kind: NDArray[np.uint8]
    underlying: NDArray[np.uint16]
    expiry: IntArray
    lot_wad: IntArray
    scan_range_wad: IntArray
    spot_e8: IntArray
    reference_e8: IntArray
    fixed_e8: IntArray
    strike_e8: IntArray
    seconds: IntArray
    variance: FloatArray
    confidence_wad: IntArray
    open_interest: NDArray[np.uint64]
    settled: BoolArray
    standing: NDArray[np.uint8]

    @property
    def is_option(self) -> BoolArray:
        """Where the listing is a call or a put."""
        return self.kind >= Kind.CALL

    @property
    def is_linear(self) -> BoolArray:
        """Where the listing is a perpetual or a future: positions carry an entry cost."""
        return (self.kind == Kind.PERPETUAL) | (self.kind == Kind.FUTURE)

    @property
    def moving(self) -> FloatArray:
        """The share of the reference that follows the spot: 1 but for settlement averages."""
        return moving_share(self.reference_e8, self.fixed_e8)

    @property
    def is_call(self) -> BoolArray:
        """Where the listing is a call."""
        return self.kind == Kind.CALL


@dataclass(frozen=True, slots=True)
class _Reference:
    """What one listing is marked at, and the row of FWDS that gives it; -1 where none does."""

    price_e8: int
    standing: Standing
    forward_row: int = -1
    settled: bool = False
    fixed_e8: int = 0


def require_fresh_spots(snapshot: Snapshot, max_age_seconds: int) -> None:
    """Raise MarketDataError naming each spot that is zero or older than this at ref_time."""
    table, now = snapshot.underlyings, snapshot.head.ref_time
    rows = zip(
        table.underlying.tolist(), table.spot_e8.tolist(), table.spot_time.tolist(), strict=True
    )
    problems = [
        f"underlying {underlying}: spot_e8 {spot} is {now - time} s old at ref_time {now}"
        for underlying, spot, time in rows
        if spot == 0 or now - time > max_age_seconds
    ]
    if problems:
        raise MarketDataError(
            f"{'; '.join(problems)}: a spot must be positive and at most {max_age_seconds} s old, "
            "check the price feed"
        )


def listing_market(snapshot: Snapshot) -> ListingMarket:
    """Return the market inputs of every listing.

    Raises MarketDataError where a spot, lot or scan range is zero or absurd, or a spot is dated
    ahead, whoever holds what.
    """
    _require_global_inputs(snapshot)
    instruments = [
        Instrument.unpack(high << 64 | low) for high, low in snapshot.listings.instrument.tolist()
    ]
    resolver = _Resolver(snapshot)
    settlements: list[int] = snapshot.listings.settlement_e8.tolist()
    references = [
        resolver.reference(instrument, settlement)
        for instrument, settlement in zip(instruments, settlements, strict=True)
    ]
    return _columns(snapshot, instruments, references)


def _require_global_inputs(snapshot: Snapshot) -> None:
    """Raise MarketDataError where an underlying cannot be valued at all, whatever its age."""
    table, now = snapshot.underlyings, snapshot.head.ref_time
    limits = (
        ("spot_e8", table.spot_e8, 2**64),
        ("lot_wad", table.lot_wad, 2**63),
        ("scan_range_wad", table.scan_range_wad, 5 * WAD + 1),
    )
    for name, column, end in limits:
        for underlying, value in zip(table.underlying.tolist(), column.tolist(), strict=True):
            if not 0 < value < end:
                raise MarketDataError(
                    f"underlying {underlying}: {name} is {value}, check the feed and its parameters"
                )
    for underlying, time in zip(table.underlying.tolist(), table.spot_time.tolist(), strict=True):
        if time > now:
            raise MarketDataError(
                f"underlying {underlying}: spot_time {time} is {time - now} s after ref_time "
                f"{now}: read the spot and the time at the same block"
            )
    accruals = snapshot.accruals
    for expiry, until in zip(accruals.expiry.tolist(), accruals.until.tolist(), strict=True):
        if until > now:
            raise MarketDataError(
                f"expiry {expiry}: its settlement average has come to {until}, {until - now} s "
                f"after ref_time {now}: read both at the same block"
            )


class _Resolver:
    """Looks up the rows of a snapshot by key."""

    def __init__(self, snapshot: Snapshot) -> None:
        spots, forwards = snapshot.underlyings, snapshot.forwards
        self._now = snapshot.head.ref_time
        self._spot = dict(zip(spots.underlying.tolist(), spots.spot_e8.tolist(), strict=True))
        keys = zip(forwards.underlying.tolist(), forwards.expiry.tolist(), strict=True)
        self._row = {key: row for row, key in enumerate(keys)}
        self._ratio: list[int] = forwards.ratio_wad.tolist()
        self._time: list[int] = forwards.time.tolist()
        self._accrued = accruals_of(snapshot.accruals)

    def reference(self, instrument: Instrument, settlement_e8: int) -> _Reference:
        """Decide how one listing is marked."""
        spot = self._spot[instrument.underlying]
        if instrument.kind is Kind.SPOT:
            return _Reference(spot, Standing.SOUND)
        accrued = self._accrued.get((instrument.underlying, instrument.expiry), NOTHING)
        if instrument.kind.expires and instrument.expiry <= self._now:
            if settlement_e8:
                return _Reference(settlement_e8, Standing.SOUND, settled=True)
            price = accrued.expected_e8(spot)
            return _Reference(price, Standing.SOUND, fixed_e8=accrued.fixed_e8)
        row = self._row.get((instrument.underlying, instrument.expiry))
        if row is None or self._time[row] == 0:
            return _Reference(0, Standing.UNPRICED)
        forward = spot * self._ratio[row] // WAD
        if forward == 0:
            return _Reference(0, Standing.UNPRICED)
        fresh = 0 <= self._now - self._time[row] <= SURFACE_MAX_AGE_SECONDS
        return _Reference(
            accrued.expected_e8(forward),
            Standing.SOUND if fresh else Standing.STALE,
            row,
            fixed_e8=accrued.fixed_e8,
        )


def _columns(
    snapshot: Snapshot, instruments: Sequence[Instrument], references: Sequence[_Reference]
) -> ListingMarket:
    table = snapshot.underlyings
    kind = np.array([i.kind for i in instruments], dtype=np.uint8)
    underlying = np.array([i.underlying for i in instruments], dtype=np.uint16)
    expiry = np.array([i.expiry for i in instruments], dtype=np.int64)
    row = np.searchsorted(table.underlying, underlying)
    lots, spots = table.lot_wad[row].tolist(), table.spot_e8[row].tolist()
    standing = [
        _capped(reference.standing, lot, spot, reference.price_e8, instrument.strike_e8)
        for instrument, reference, lot, spot in zip(
            instruments, references, lots, spots, strict=True
        )
    ]
    standings = np.array(standing, dtype=np.uint8)
    priced = standings != Standing.UNPRICED
    reference_e8 = _kept([r.price_e8 for r in references], priced)
    fixed_e8 = _kept([r.fixed_e8 for r in references], priced)
    strike_e8 = _kept([i.strike_e8 for i in instruments], priced)
    live, variance = _variance(snapshot, references, reference_e8, strike_e8)
    bent = live & (variance <= 0.0) & (standings == Standing.SOUND)
    return ListingMarket(
        kind=kind,
        underlying=underlying,
        expiry=expiry,
        lot_wad=_kept(lots, priced),
        scan_range_wad=_kept(table.scan_range_wad[row].tolist(), priced),
        spot_e8=_kept(spots, priced),
        reference_e8=reference_e8,
        fixed_e8=fixed_e8,
        strike_e8=strike_e8,
        seconds=np.where(kind >= Kind.FUTURE, np.maximum(expiry - snapshot.head.ref_time, 0), 0),
        variance=np.where(live, of_moving(variance, reference_e8, fixed_e8), 0.0),
        confidence_wad=_confidence(snapshot, references),
        open_interest=snapshot.listings.open_interest,
        settled=np.array([r.settled for r in references], dtype=np.bool_),
        standing=np.where(bent, np.uint8(Standing.NO_VARIANCE), standings),
    )


def _capped(standing: Standing, lot_wad: int, *prices_e8: int) -> Standing:
    """Return UNPRICED where a lot at any price exceeds the cell cap, or a price its column."""
    highest = max(prices_e8)
    beyond = highest * lot_wad >= CELL_CAP_USD6 * E8 * WAD // USD6 or highest >= 2**63
    return Standing.UNPRICED if beyond else standing


def _kept(values: Sequence[int], priced: BoolArray) -> IntArray:
    """Return the values as int64, zero where unpriced: those may not even fit."""
    return np.array([v if p else 0 for v, p in zip(values, priced, strict=True)], dtype=np.int64)


def _confidence(snapshot: Snapshot, references: Sequence[_Reference]) -> IntArray:
    published: list[int] = snapshot.forwards.confidence_wad.tolist()
    rows = [reference.forward_row for reference in references]
    return np.array([min(published[row], WAD) if row >= 0 else 0 for row in rows], dtype=np.int64)


def _variance(
    snapshot: Snapshot,
    references: Sequence[_Reference],
    reference_e8: IntArray,
    strike_e8: IntArray,
) -> tuple[BoolArray, FloatArray]:
    """Return the live options, and each one's variance a year at its strike as its smile has it."""
    rows = np.array([r.forward_row for r in references], dtype=np.int64)
    live = (rows >= 0) & (reference_e8 > 0) & (strike_e8 > 0)
    strike, forward = strike_e8[live] / E8, reference_e8[live] / E8
    smile = (getattr(snapshot.forwards, name)[rows[live]] / WAD for name in _SMILE)
    variance = np.zeros(len(rows))
    variance[live] = raw_variance(log(strike / forward), *smile)
    return live, variance
