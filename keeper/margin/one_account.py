"""One account out of a snapshot, and snapshots that hold nothing but versions of it.

The engine then values a book with and without a leg, or before and after a trade, as accounts that
stand side by side, and only the listings that they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keeper.errors import InputError
from keeper.state.snapshot import AccountRow, LegRow, Snapshot
from keeper.state.tables import Accounts, Balances, Legs, Listings
from keeper.units import IntArray


def account_index(snapshot: Snapshot, account: bytes) -> int:
    """Return the row of an account (32 bytes); raise InputError where the snapshot lacks it."""
    wanted = np.frombuffer(account, dtype=np.uint8)
    found = np.flatnonzero((snapshot.accounts.account == wanted).all(axis=1))
    if not len(found):
        raise InputError(
            f"account 0x{account.hex()} has held no position up to block "
            f"{snapshot.head.ref_block}, so it has no margin"
        )
    return int(found[0])


def legs_at(snapshot: Snapshot, index: int) -> slice:
    """Return the rows of LEGS of the account at `index`."""
    counts = snapshot.accounts.legs
    start = int(counts[:index].sum(dtype=np.int64))
    return slice(start, start + int(counts[index]))


def account_row(snapshot: Snapshot, index: int) -> AccountRow:
    """Return one account with its legs, as rows."""
    table, held = snapshot.accounts, legs_at(snapshot, index)
    ids: list[list[int]] = snapshot.listings.instrument[snapshot.legs.listing[held]].tolist()
    legs = zip(
        ids, snapshot.legs.lots[held].tolist(), snapshot.legs.cost_usd6[held].tolist(), strict=True
    )
    return AccountRow(
        account=table.account[index].tobytes(),
        mode=int(table.mode[index]),
        flags=int(table.flags[index]),
        cash_usd6=int(table.cash_usd6[index]),
        reserve_usd6=int(table.reserve_usd6[index]),
        legs=tuple(LegRow(high << 64 | low, lots, cost) for (high, low), lots, cost in legs),
    )


def listing_index(snapshot: Snapshot, instrument: int) -> int:
    """Return the row of a listed id; raise InputError where it is not listed."""
    high, low = np.uint64(instrument >> 64), np.uint64(instrument & 2**64 - 1)
    table = snapshot.listings.instrument
    found = np.flatnonzero((table[:, 0] == high) & (table[:, 1] == low))
    if not len(found):
        raise InputError(
            f"instrument {instrument:#034x} is not listed at block {snapshot.head.ref_block}: "
            "choose one that is"
        )
    return int(found[0])


def versions(snapshot: Snapshot, index: int, rows: Sequence[AccountRow]) -> Snapshot:
    """Return a snapshot of these rows alone, all versions of the account at `index`.

    It holds the listings that some version has a leg in; row `n` of its accounts is `rows[n]`, with
    the collateral of the account. Ids repeat, so it has no body, but every margin.

    Raises InputError for a leg in what is not listed.
    """
    held = sorted({leg.instrument for row in rows for leg in row.legs})
    kept = np.array([listing_index(snapshot, instrument) for instrument in held], dtype=np.int64)
    place = {instrument: row for row, instrument in enumerate(held)}
    return replace(
        snapshot,
        listings=listings_at(snapshot.listings, kept),
        accounts=Accounts.of_rows([_cells(row) for row in rows]),
        legs=Legs.of_rows([cells for row in rows for cells in _leg_cells(row, place)]),
        balances=balances_of(snapshot.balances, index, len(rows)),
    )


def listings_at(table: Listings, kept: IntArray) -> Listings:
    """Return some rows of the table, in the order of `kept` int64."""
    return Listings(**{name: getattr(table, name)[kept] for name in table.columns()})


def balances_of(table: Balances, index: int, times: int) -> Balances:
    """Return the collateral of the account at `index` once for each of `times` versions of it."""
    own = np.flatnonzero(table.account == index)
    repeated = np.tile(own, times)
    return Balances(
        account=np.repeat(np.arange(times, dtype=np.uint32), len(own)),
        token=table.token[repeated],
        amount=table.amount[repeated],
    )


def _cells(row: AccountRow) -> tuple[object, ...]:
    key = tuple(row.account)
    return key, row.mode, row.flags, row.cash_usd6, row.reserve_usd6, len(row.legs)


def _leg_cells(row: AccountRow, place: dict[int, int]) -> list[tuple[int, int, int]]:
    return sorted((place[leg.instrument], leg.lots, leg.cost_usd6) for leg in row.legs)
