"""Kinds of book for the accounts of one exchange, and markets to hold them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import Snapshot
from keeper.state.tables import Legs
from keeper.units import BoolArray, IntArray

_UNIT_LOTS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stress:
    """A market: tenths of the scan ranges and of the vols that were drawn."""

    name: str
    range_tenths: int
    vol_tenths: int


def stressed(snapshot: Snapshot, stress: Stress, cap_wad: int) -> Snapshot:
    """Return the snapshot of a chain with these scan ranges, at most the cap, and these vols.

    A smile widens as its vols grow: a vol so many standard deviations away is scaled as any other.
    """
    spots, curves, tenths = snapshot.underlyings, snapshot.forwards, stress.vol_tenths
    ranges = spots.scan_range_wad * np.uint64(stress.range_tenths) // np.uint64(10)
    found = replace(
        snapshot,
        underlyings=replace(spots, scan_range_wad=np.minimum(ranges, np.uint64(cap_wad))),
        forwards=replace(
            curves,
            a=curves.a * tenths // 10 * tenths // 10,
            b=curves.b * tenths // 10,
            m=curves.m * tenths // 10,
            sigma=curves.sigma * tenths // 10,
        ),
    )
    found.validate()
    return found


def kinds_of_book(drawn: Snapshot) -> dict[str, Snapshot]:
    """Return the exchange with each kind of book in the hands of its accounts, by name.

    `one leg` goes through every listing and side, as often as there are accounts for it. Cash and
    open interest stay as drawn: neither MM nor SM depends on them.
    """
    ids = drawn.listings.instrument.tolist()
    listed = [Instrument.unpack(high << 64 | low) for high, low in ids]
    kind = np.array([instrument.kind for instrument in listed])
    everyone = np.arange(len(drawn.accounts))
    each, turn = everyone % len(listed), everyone // len(listed)
    is_long = (turn % 2 == 0) | (kind[each] == Kind.SPOT)
    owner, listing = np.repeat(everyone, drawn.accounts.legs), drawn.legs.listing.astype(np.int64)
    lots, is_option = drawn.legs.lots, kind[listing] >= Kind.CALL

    def those(wanted: BoolArray, lots: IntArray, against: IntArray | None = None) -> Snapshot:
        """Keep some positions, each against as many lots of another listing if one is given."""
        held = (owner[wanted], listing[wanted], lots[wanted])
        if against is None:
            return _holding(drawn, *held)
        other = (held[0], against[held[1]], -held[2])
        return _holding(drawn, *(np.concatenate(both) for both in zip(held, other, strict=True)))

    return {
        "one leg": _holding(drawn, everyone, each, np.where(is_long, _UNIT_LOTS, -_UNIT_LOTS)),
        "mixed": drawn,
        "linear": those(~is_option, lots),
        "long options": those(is_option, np.abs(lots)),
        "short options": those(is_option, -np.abs(lots)),
        "covered calls": those(kind[listing] == Kind.CALL, -np.abs(lots), _futures(listed)),
        "calendars": those(is_option, lots, _neighbours(listed)),
    }


def _holding(drawn: Snapshot, owner: IntArray, listing: IntArray, lots: IntArray) -> Snapshot:
    """Return the exchange with these positions alone; an account's in one listing add up."""
    keys, place = np.unique(owner * len(drawn.listings) + listing, return_inverse=True)
    total = np.zeros(len(keys), dtype=np.int64)
    np.add.at(total, place, lots)
    owners, rows = np.divmod(keys[total != 0], len(drawn.listings))
    counts = np.bincount(owners, minlength=len(drawn.accounts)).astype(np.uint32)
    return replace(
        drawn,
        accounts=replace(drawn.accounts, legs=counts),
        legs=Legs(rows.astype(np.uint32), total[total != 0], np.zeros_like(rows)),
    )


def _futures(listed: Sequence[Instrument]) -> IntArray:
    """Return the row of the future that expires with each option; of what is none, its own."""
    row = {(i.underlying, i.expiry): n for n, i in enumerate(listed) if i.kind is Kind.FUTURE}
    return np.array(
        [row[i.underlying, i.expiry] if i.kind.is_option else n for n, i in enumerate(listed)]
    )


def _neighbours(listed: Sequence[Instrument]) -> IntArray:
    """Return the row of the same kind nearest in expiry, then strike; where none is, its own."""

    def neighbour(own: int, mine: Instrument) -> int:
        others = (
            (abs(other.expiry - mine.expiry), abs(other.strike_e8 - mine.strike_e8), row)
            for row, other in enumerate(listed)
            if (other.underlying, other.kind) == (mine.underlying, mine.kind)
            and other.expiry != mine.expiry
        )
        return min(others, default=(0, 0, own))[2]

    return np.array([neighbour(own, mine) for own, mine in enumerate(listed)])
