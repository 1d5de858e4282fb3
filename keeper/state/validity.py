"""What makes a snapshot canonical: strict orders, references inside their tables, known ids.

Each check raises InputError naming table, row, whose it is and fix. All are vectorised: ten million
legs take well under a second, and only the first row at fault is put into words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.state.accounts import Mode
from keeper.state.instruments import Instrument
from keeper.state.tables import (
    SETTLEMENT_WINDOW_SECONDS,
    Accounts,
    Accruals,
    Balances,
    Forwards,
    Legs,
    Listings,
    Table,
    Underlyings,
)
from keeper.units import BoolArray

_UNSORTED: Final = "is not above the row before it: sort, no repeats"
_TIME_END: Final = 1 << 40  # an expiry is a uint40
_NOT_IN_UNDL: Final = "has an underlying that UNDL lacks: add it there"

_Whose: TypeAlias = Callable[[int], str]  # puts into words whose a row is


def require_ascending(table: Table, *names: str) -> None:
    """Refuse rows that are not strictly ascending by these columns, most significant first."""
    keys = [key for name in names for key in _keys(getattr(table, name))]
    _require(table, np.append(True, _ascends(*keys)), _UNSORTED, _cells(table, *names))


def require_underlyings(underlyings: Underlyings) -> None:
    """Refuse unordered underlyings and underlying 0."""
    require_ascending(underlyings, "underlying")
    whose = _cells(underlyings, "underlying")
    _require(underlyings, underlyings.underlying > 0, "is not allowed: indices start at 1", whose)


def require_forwards(forwards: Forwards, underlyings: Underlyings) -> None:
    """Refuse unordered forwards and those of an underlying that is not in the body."""
    require_ascending(forwards, "underlying", "expiry")
    known = np.isin(forwards.underlying, underlyings.underlying)
    _require(forwards, known, _NOT_IN_UNDL, _cells(forwards, "underlying", "expiry"))


def require_listings(listings: Listings, underlyings: Underlyings) -> None:
    """Refuse unordered listings, ids that are not canonical and unknown underlyings."""
    require_ascending(listings, "instrument")
    known, whose = set(underlyings.underlying.tolist()), _cells(listings, "instrument")
    for row, (high, low) in enumerate(listings.instrument.tolist()):
        try:
            underlying = Instrument.unpack(high << 64 | low).underlying
        except InputError as error:
            raise _error(listings, row, f"is not canonical: {error}", whose) from error
        if underlying not in known:
            raise _error(listings, row, _NOT_IN_UNDL, whose)


def require_accounts(accounts: Accounts, legs: Legs) -> None:
    """Refuse unordered accounts, unknown modes and leg counts that do not add up."""
    require_ascending(accounts, "account")
    known, whose = accounts.mode <= max(Mode), _cells(accounts, "account", "mode")
    _require(accounts, known, "has an unknown mode: use 0, 1 or 2", whose)
    counted = int(accounts.legs.sum(dtype=np.uint64))
    if counted != len(legs):
        raise InputError(
            f"ACCT.legs add up to {counted}, but LEGS has {len(legs)} rows: count them anew"
        )


def require_legs(legs: Legs, accounts: Accounts, listings: Listings) -> None:
    """Refuse legs out of order within their account, of no listing, or of zero lots."""

    def whose(row: int) -> str:
        owner = int(np.searchsorted(np.cumsum(accounts.legs, dtype=np.int64), row, side="right"))
        listing = int(legs.listing[row])
        listed = listing < len(listings)
        held = _cells(listings, "instrument")(listing) if listed else f"listing {listing}"
        return f"{_cells(accounts, 'account')(owner)}, {held}"

    inside = legs.listing < len(listings)
    _require(legs, inside, "names a listing beyond LIST: add its instrument there", whose)
    _require(legs, legs.lots != 0, "holds zero lots: leave closed legs out", whose)
    owner = np.repeat(np.arange(len(accounts)), accounts.legs)
    ordered = _ascends(legs.listing) | (owner[1:] != owner[:-1])
    _require(legs, np.append(True, ordered), _UNSORTED, whose)


def require_balances(balances: Balances, accounts: Accounts, tokens: NDArray[np.uint16]) -> None:
    """Refuse unordered balances, and those of an account or token that is not in the body."""

    def whose(row: int) -> str:
        account = int(balances.account[row])
        held = account < len(accounts)
        owner = _cells(accounts, "account")(account) if held else f"account row {account}"
        return f"{owner}, {_cells(balances, 'token')(row)}"

    inside = balances.account < len(accounts)
    _require(balances, inside, "names an account beyond ACCT: add it there", whose)
    known = np.isin(balances.token, tokens)
    _require(balances, known, "names a token that TOKN lacks: add it there", whose)
    ordered = _ascends(balances.account, balances.token)
    _require(balances, np.append(True, ordered), _UNSORTED, whose)


def require_accruals(accruals: Accruals, underlyings: Underlyings) -> None:
    """Refuse unordered accruals, of an unknown underlying, or up to a time outside the window."""
    require_ascending(accruals, "underlying", "expiry")
    whose = _cells(accruals, "underlying", "expiry", "until")
    known = np.isin(accruals.underlying, underlyings.underlying)
    _require(accruals, known, _NOT_IN_UNDL, whose)
    until, expiry = accruals.until, accruals.expiry
    window = np.uint64(SETTLEMENT_WINDOW_SECONDS)
    # Nowhere a difference: unsigned ones wrap.
    inside = (until <= expiry) & (until + window > expiry) & (expiry < _TIME_END)
    problem = f"is not within the {window} s before its expiry: leave such rows out"
    _require(accruals, inside, problem, whose)


def _keys(column: NDArray[Any]) -> list[NDArray[Any]]:
    """Return a column as plain integers, most significant first; an account has four of them."""
    if column.dtype == np.uint8 and column.ndim == 2:
        column = np.ascontiguousarray(column).view(">u8")
    return list(np.atleast_2d(column.T))


def _ascends(*keys: NDArray[Any]) -> BoolArray:
    """Return, for every row but the first, whether it is above the one before it."""
    above = np.zeros(max(len(keys[0]) - 1, 0), dtype=np.bool_)
    for key in reversed(keys):
        above = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & above)
    return above


def _require(table: Table, good: BoolArray, problem: str, whose: _Whose) -> None:
    """Refuse the first row that is not good."""
    if not good[: len(table)].all():
        raise _error(table, int(np.argmin(good)), problem, whose)


def _error(table: Table, row: int, problem: str, whose: _Whose) -> InputError:
    return InputError(f"{table.TAG.decode()}: row {row} ({whose(row)}) {problem}")


def _cells(table: Table, *names: str) -> _Whose:
    """Return what names a row by these columns: accounts and instruments as hex ids."""
    return lambda row: ", ".join(f"{name} {_cell(getattr(table, name)[row])}" for name in names)


def _cell(value: NDArray[Any]) -> str:
    if value.ndim == 0:
        return str(value)
    if value.dtype == np.uint8:
        return f"0x{value.tobytes().hex()}"
    high, low = value.tolist()
    return f"{high << 64 | low:#x}"
