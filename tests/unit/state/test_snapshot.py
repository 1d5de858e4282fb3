"""Building snapshots: canonical order, and refusals that name the row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from keeper.errors import InputError
from keeper.state.snapshot import ForwardRow, Head, LegRow, ListingRow, UnderlyingRow
from keeper.state.tables import Legs, Listings, Observations, Underlyings
from tests.books import (
    ETH,
    FORWARDS,
    LISTED,
    NEAR,
    UNDERLYINGS,
    account,
    call,
    exchange,
    future,
    perpetual,
    spot,
)


def test_build__rows_in_any_order__sorted_and_resolved():
    holders = [account(9, {call(3_300): -2, spot(): 4}), account(3, {future(): 1})]
    snapshot = exchange(holders)
    ids = [high << 64 | low for high, low in snapshot.listings.instrument.tolist()]
    assert ids == sorted(LISTED)
    assert [row.tobytes() for row in snapshot.accounts.account] == [
        holders[1].account,
        holders[0].account,
    ]
    assert snapshot.accounts.legs.tolist() == [1, 2]
    assert [ids[n] for n in snapshot.legs.listing.tolist()] == [future(), spot(), call(3_300)]
    assert snapshot.legs.lots.tolist() == [1, 4, -2]
    assert snapshot.forwards.expiry.dtype == np.uint64


def test_build__unlisted_leg__names_account_and_instrument():
    holder = account(0xABC, {call(123): 1})
    with pytest.raises(InputError) as refusal:
        exchange([holder])
    assert holder.account.hex() in str(refusal.value)
    assert f"{call(123):#x}" in str(refusal.value)


@pytest.mark.parametrize(
    ("tables", "problem"),
    [
        ({"underlyings": [*UNDERLYINGS, UNDERLYINGS[0]]}, "UNDL: row 1"),
        (
            {"underlyings": [*UNDERLYINGS, replace(UNDERLYINGS[0], underlying=0)]},
            r"UNDL: row 0 \(underlying 0\)",
        ),
        ({"forwards": [*FORWARDS, FORWARDS[2]]}, "FWDS: row 3"),
        ({"forwards": [replace(FORWARDS[0], underlying=3)]}, "FWDS: row 0 .* UNDL lacks"),
        ({"listings": [ListingRow(spot(), 0, 0)] * 2}, rf"LIST: row 1 \(instrument {spot():#x}\)"),
        (
            {"listings": [ListingRow(7 << 112 | 1 << 64, 0, 0)]},
            r"LIST: row 0 \(instrument 0x7.* lacks: add",
        ),
        ({"listings": [ListingRow(1 << 112, 0, 0)]}, r"LIST: row 0 \(instrument 0x10+\) .* kind 0"),
        ({"underlyings": [replace(UNDERLYINGS[0], spot_e8=-1), UNDERLYINGS[1]]}, "UNDL: a value"),
        (
            {"underlyings": [replace(UNDERLYINGS[0], spot_e8=2**64), UNDERLYINGS[1]]},
            "UNDL: a value",
        ),
        ({"forwards": [replace(FORWARDS[0], rho=2**63)]}, "FWDS: a value"),
    ],
)
def test_build__bad_table__refused_and_named(tables, problem):
    with pytest.raises(InputError, match=problem):
        exchange(**tables)


@pytest.mark.parametrize(
    ("holders", "problem"),
    [
        (
            [account(1, {spot(): 1}), account(1, {})],
            r"ACCT: row 1 \(account 0x0+10+\) is not above",
        ),
        (
            [account(1, {spot(): 0})],
            r"LEGS: row 0 \(account 0x.*, instrument 0x.*\) holds zero lots",
        ),
        (
            [account(1, {spot(): 1}, mode=3)],
            r"ACCT: row 0 \(account 0x0+10+, mode 3\) has an unknown mode",
        ),
        ([replace(account(1, {}), account=b"short")], "5 bytes"),
        ([replace(account(1, {}), reserve_usd6=-1)], "ACCT: a value"),
        (
            [replace(account(1, {}), legs=(LegRow(spot(), 1, 0), LegRow(spot(), 2, 0)))],
            rf"LEGS: row 1 \(account 0x0+10+, instrument {spot():#x}\) is not above",
        ),
        ([replace(account(1, {}), legs=(LegRow(perpetual(), 1, 2**63),))], "LEGS: a value"),
    ],
)
def test_build__bad_account__refused_and_named(holders, problem):
    with pytest.raises(InputError, match=problem):
        exchange(holders)


@pytest.mark.parametrize(
    "head", [(-1, 0, 0, bytes(32)), (0, 2**64, 0, bytes(32)), (0, 0, 0, bytes(31))]
)
def test_head__values_that_do_not_fit__refused(head):
    with pytest.raises(InputError, match="HEAD"):
        Head(*head)


def test_head__time_beyond_an_expiry__refused_with_the_fix():
    assert Head(2**64 - 1, 2**64 - 1, 2**40 - 1, bytes(32)).ref_time == 2**40 - 1
    for time in (2**40, 2**63):
        with pytest.raises(
            InputError, match=rf"HEAD.ref_time {time} is beyond 2\*\*40: write Unix"
        ):
            Head(0, 0, time, bytes(32))


def test_table__wrong_type__refused():
    with pytest.raises(InputError, match=r"LEGS\.lots is int32\[1\]: expected int64\[1\]"):
        Legs(np.zeros(1, np.uint32), np.zeros(1, np.int32), np.zeros(1, np.int64))


def test_table__columns_of_different_length__refused():
    with pytest.raises(InputError, match=r"LEGS\.cost_usd6"):
        Legs(np.zeros(2, np.uint32), np.ones(2, np.int64), np.zeros(1, np.int64))


def test_table__wide_column__has_two_halves_a_row():
    with pytest.raises(InputError, match=r"LIST\.instrument"):
        Listings(np.zeros(2, np.uint64), np.zeros(2, np.uint64), np.zeros(2, np.uint64))


def test_table__columns__in_the_order_of_the_page():
    assert list(Underlyings.columns()) == [
        "underlying",
        "lot_wad",
        "spot_e8",
        "spot_time",
        "scan_range_wad",
    ]
    assert [w.row_bytes for w in Observations.columns().values()] == [2, 4, 8]


def test_rows__have_the_columns_of_their_table():
    assert tuple(UnderlyingRow.__slots__) == tuple(Underlyings.columns())
    assert tuple(ForwardRow.__slots__) == tuple(exchange().forwards.columns())


def test_build__second_smile_of_an_underlying__sorted_by_expiry():
    snapshot = exchange(forwards=list(reversed(FORWARDS)))
    rows = list(
        zip(snapshot.forwards.underlying.tolist(), snapshot.forwards.expiry.tolist(), strict=True)
    )
    assert rows == sorted(rows)
    assert (ETH, NEAR) in rows
