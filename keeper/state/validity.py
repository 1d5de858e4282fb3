"""What makes a snapshot canonical: strict orders, references inside their tables, known ids.

Each check raises InputError naming table, row and fix. All are vectorised: ten million legs take
well under a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.state.accounts import Mode
from keeper.state.instruments import Instrument
from keeper.state.tables import Accounts, Balances, Forwards, Legs, Listings, Table, Underlyings
from keeper.units import BoolArray


def require_ascending(table: Table, *keys: NDArray[Any]) -> None:
    """Refuse rows that are not strictly ascending by `keys`, the most significant first."""
    unordered = ~_ascends(*keys)
    _require(
        table, ~np.append(False, unordered), "is not above the row before it: sort, no repeats"
    )


def require_underlyings(underlyings: Underlyings) -> None:
    """Refuse unordered underlyings and underlying 0."""
    require_ascending(underlyings, underlyings.underlying)
    _require(underlyings, underlyings.underlying > 0, "has underlying 0: indices start at 1")


def require_forwards(forwards: Forwards, underlyings: Underlyings) -> None:
    """Refuse unordered forwards and those of an underlying that is not in the body."""
    require_ascending(forwards, forwards.underlying, forwards.expiry)
    known = np.isin(forwards.underlying, underlyings.underlying)
    _require(forwards, known, "has an underlying that UNDL lacks")


def require_listings(listings: Listings, underlyings: Underlyings) -> None:
    """Refuse unordered listings, ids that are not canonical and unknown underlyings."""
    require_ascending(listings, listings.instrument[:, 0], listings.instrument[:, 1])
    known = set(underlyings.underlying.tolist())
    for high, low in listings.instrument.tolist():
        instrument = Instrument.unpack(high << 64 | low)
        if instrument.underlying not in known:
            raise InputError(
                f"LIST: instrument {instrument.pack():#x} has an underlying that UNDL lacks"
            )


def require_accounts(accounts: Accounts, legs: Legs) -> None:
    """Refuse unordered accounts, unknown modes and leg counts that do not add up."""
    require_ascending(accounts, *np.ascontiguousarray(accounts.account).view(">u8").T)
    _require(accounts, accounts.mode <= max(Mode), "has an unknown mode: use 0, 1 or 2")
    counted = int(accounts.legs.sum(dtype=np.uint64))
    if counted != len(legs):
        raise InputError(f"ACCT.legs add up to {counted}, but LEGS has {len(legs)} rows")


def require_legs(legs: Legs, accounts: Accounts, listings: Listings) -> None:
    """Refuse legs out of order within their account, of no listing, or of zero lots."""
    _require(legs, legs.listing < len(listings), "names a listing beyond LIST")
    _require(legs, legs.lots != 0, "holds zero lots: leave closed legs out")
    owner = np.repeat(np.arange(len(accounts)), accounts.legs)
    ordered = _ascends(legs.listing) | (owner[1:] != owner[:-1])
    _require(legs, np.append(True, ordered), "is not above the leg before it: sort, no repeats")


def require_balances(balances: Balances, accounts: Accounts, tokens: NDArray[np.uint16]) -> None:
    """Refuse unordered balances, and those of an account or token that is not in the body."""
    require_ascending(balances, balances.account, balances.token)
    _require(balances, balances.account < len(accounts), "names an account beyond ACCT")
    _require(balances, np.isin(balances.token, tokens), "names a token that TOKN lacks")


def _ascends(*keys: NDArray[Any]) -> BoolArray:
    """Return, for every row but the first, whether it is above the one before it."""
    above = np.zeros(max(len(keys[0]) - 1, 0), dtype=np.bool_)
    for key in reversed(keys):
        above = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & above)
    return above


def _require(table: Table, good: BoolArray, problem: str) -> None:
    if not good[: len(table)].all():
        raise InputError(f"{table.TAG.decode()}: row {int(np.argmin(good))} {problem}")
