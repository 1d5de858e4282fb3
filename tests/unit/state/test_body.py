"""The canonical body: golden bytes, exact round trip, and every refusal of docs/encodings.md."""

from __future__ import annotations

import struct
import time
from dataclasses import fields, replace

import numpy as np
import pytest
from eth_hash.auto import keccak

from keeper.errors import InputError
from keeper.state.body import bundle_hash, decode, encode
from keeper.state.snapshot import AccrualRow, Head, ListingRow, Snapshot, UnderlyingRow
from keeper.state.tables import (
    Accounts,
    Accruals,
    Balances,
    Legs,
    Observations,
    SecondMarks,
    Tokens,
)
from tests.books import MILLI, NOW, account, call, exchange, forward, future, perpetual, spot

ETH_ONLY = UnderlyingRow(2, MILLI, 3_000 * 10**8, NOW - 5, 122 * MILLI)


def tiny():
    """One underlying, one forward, two listings, two accounts, two legs."""
    snapshot = exchange(
        [
            account(1, {}, cash_usd6=-5),
            account(2, {perpetual(): -3, spot(): 7}, costs={perpetual(): -9}),
        ],
        underlyings=[ETH_ONLY],
        forwards=[forward(2, 0)],
        listings=[ListingRow(perpetual(), 11, 0), ListingRow(spot(), 12, 13)],
    )
    return replace(snapshot, head=Head(7, 224, NOW, bytes(range(32))))


def full():
    """Rows in every table."""
    snapshot = exchange([account(n, {call(3_000): n, future(): -n, spot(): 1}) for n in (1, 2, 3)])
    marks = SecondMarks(*(getattr(snapshot.forwards, name) for name in snapshot.forwards.columns()))
    return replace(
        snapshot,
        second_marks=marks,
        observations=Observations.of_rows([(1, 20_000, 5), (1, 20_001, 6), (2, 1, 7)]),
        tokens=Tokens.of_rows([(1, 6, 10**8, 0), (4, 18, 3 * 10**8, 10**17)]),
        balances=Balances.of_rows([(0, 1, (0, 5)), (0, 4, (2**64 - 1, 2**64 - 1)), (2, 1, (0, 1))]),
        accruals=Accruals.of_rows([(1, NOW, NOW - 9, (2**7, 5)), (2, NOW, NOW, (0, 1))]),
    )


def by_hand():
    """The bytes of `tiny`, written from docs/encodings.md with struct alone."""

    def table(tag, rows, *columns):
        return (
            tag + struct.pack(">Q", rows) + b"".join(struct.pack(">" + f, *v) for f, v in columns)
        )

    owner = [(n << 96).to_bytes(32, "big") for n in (1, 2)]
    zeros = ("q", [0])
    return b"".join(
        [
            b"PMKBODY1",
            table(b"HEAD", 1, ("QQQ", [7, 224, NOW]), ("32s", [bytes(range(32))])),
            table(
                b"UNDL", 1,
                ("H", [2]), ("Q", [MILLI]), ("Q", [3_000 * 10**8]), ("Q", [NOW - 5]),
                ("Q", [122 * MILLI]),
            ),
            table(
                b"FWDS", 1,
                ("H", [2]), ("Q", [0]), ("Q", [1_002 * MILLI]), zeros, zeros, zeros, zeros, zeros,
                ("Q", [MILLI]), ("Q", [NOW - 60]),
            ),
            table(b"MRK2", 0),
            table(b"OBSR", 0),
            table(
                b"LIST", 2,
                ("QQQQ", [2 << 48 | 1, 0, 2 << 48 | 2, 0]), ("QQ", [12, 11]), ("QQ", [13, 0]),
            ),
            table(b"TOKN", 0),
            table(
                b"ACCT", 2,
                ("32s32s", owner), ("BB", [2, 2]), ("BB", [0, 0]), ("qq", [-5, 0]),
                ("QQ", [50 * 10**6, 53 * 10**6]), ("II", [0, 2]),
            ),
            table(b"LEGS", 2, ("II", [0, 1]), ("qq", [7, -3]), ("qq", [0, -9])),
            table(b"COLL", 0),
        ]
    )  # fmt: skip


def same(left: Snapshot, right: Snapshot) -> bool:
    tables = [f.name for f in fields(Snapshot) if f.name != "head"]
    return left.head == right.head and all(
        np.array_equal(getattr(getattr(left, t), c), getattr(getattr(right, t), c))
        for t in tables
        for c in getattr(left, t).columns()
    )


def test_encode__tiny_snapshot__the_bytes_by_hand():
    assert encode(tiny()) == by_hand()


def test_bundle_hash__tiny_snapshot__golden():
    assert (
        bundle_hash(encode(tiny())).hex()
        == "cdc7ac88b2f1470cc02bdbd1e74bdbc995f0afbb8e4ffc7ad9c6319c2eeba4f4"
    )
    assert bundle_hash(b"x") == keccak(b"x")


@pytest.mark.parametrize(
    "snapshot", [tiny(), full(), exchange()], ids=["tiny", "full", "no accounts"]
)
def test_decode__encoded__the_same_snapshot(snapshot):
    body = encode(snapshot)
    assert same(decode(body), snapshot)
    assert encode(decode(body)) == body


def test_decode__every_byte_flipped__refused_or_another_snapshot():
    # What is accepted re-encodes to itself: no two bodies are one state.
    body = encode(tiny())
    refused = 0
    for at in range(len(body)):
        flipped = body[:at] + bytes([body[at] ^ 1 << at % 8]) + body[at + 1 :]
        try:
            assert encode(decode(flipped)) == flipped
        except InputError:
            refused += 1
    assert 150 < refused < len(body)


def test_decode__every_prefix__refused():
    body = encode(tiny())
    for end in range(len(body)):
        with pytest.raises(InputError):
            decode(body[:end])


@pytest.mark.parametrize(
    "tag",
    [b"HEAD", b"UNDL", b"FWDS", b"MRK2", b"OBSR", b"LIST", b"TOKN", b"ACCT", b"LEGS", b"COLL"],
)
def test_decode__wrong_tag__refused(tag):
    with pytest.raises(InputError, match="expected b'" + tag.decode()):
        decode(by_hand().replace(tag, tag.lower()))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"PMKBODY1", b"PMKBODY2", "this keeper reads b'PMKBODY1'"),
        (b"HEAD" + bytes(7) + b"\x01", b"HEAD" + bytes(7) + b"\x02", "HEAD has 2 rows"),
        (b"HEAD" + bytes(7) + b"\x01", b"HEAD" + bytes(8), "HEAD has 0 rows"),
        (b"LEGS" + bytes(7) + b"\x02", b"LEGS" + b"\xff" * 8, "ends inside LEGS"),
        (
            struct.pack(">II", 0, 2) + b"LEGS",
            struct.pack(">II", 0, 1) + b"LEGS",
            "ACCT.legs add up to 1, but LEGS has 2",
        ),
        (
            struct.pack(">II", 0, 2) + b"LEGS",
            struct.pack(">II", 2**32 - 1, 3) + b"LEGS",
            "ACCT.legs add up to 4294967298",
        ),
    ],
)
def test_decode__malformed__refused_and_named(old, new, problem):
    body = by_hand()
    assert body.count(old) == 1
    with pytest.raises(InputError, match=problem):
        decode(body.replace(old, new))


def test_encode__settlement_average__one_more_table_by_hand():
    row = AccrualRow(2, NOW + 60, NOW - 30, 5 << 64 | 7)
    accruals = exchange(underlyings=[ETH_ONLY], forwards=[], listings=[], accruals=[row]).accruals
    added = b"ACCR" + struct.pack(">QHQQQQ", 1, 2, NOW + 60, NOW - 30, 5, 7)
    assert encode(replace(tiny(), accruals=accruals)) == by_hand() + added
    assert encode(decode(by_hand() + added)) == by_hand() + added


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        (b"\0", "1 bytes after its last table"),
        (b"ACCR\0", "ends inside ACCR"),
        (b"ACCR" + bytes(8), "ACCR has no rows: leave the table out"),
        (b"ACCR" + struct.pack(">QHQQQQ", 1, 2, NOW, NOW, 0, 7) + b"\0", "1 bytes after its last"),
    ],
)
def test_decode__bytes_after_the_last_table__refused(rest, problem):
    with pytest.raises(InputError, match=problem):
        decode(by_hand() + rest)


def owner(number):
    """How errors name the account that `account(number, ...)` makes."""
    return f"account 0x{account(number, {}).account.hex()}"


def first_rows_swapped(table, *columns):
    swapped = {}
    for name in columns or table.columns():
        column = getattr(table, name).copy()
        column[[0, 1]] = column[[1, 0]]
        swapped[name] = column
    return replace(table, **swapped)


@pytest.mark.parametrize("name", [f.name for f in fields(Snapshot) if f.name != "head"])
def test_encode__rows_out_of_order__refused(name):
    snapshot = full()
    table = getattr(snapshot, name)
    with pytest.raises(InputError, match=f"{table.TAG.decode()}: row 1"):
        encode(replace(snapshot, **{name: first_rows_swapped(table)}))


@pytest.mark.parametrize(
    ("name", "column", "row", "value", "problem"),
    [
        (
            "legs", "listing", 2, 40,
            rf"LEGS: row 2 \({owner(1)}, listing 40\) names a listing beyond LIST: add",
        ),
        (
            "legs", "lots", 4, 0,
            rf"LEGS: row 4 \({owner(2)}, instrument {future():#x}\) holds zero lots: leave",
        ),
        (
            "legs", "listing", 5, 0,
            rf"LEGS: row 5 \({owner(2)}, instrument {spot(1):#x}\) is not above .*: sort",
        ),
        (
            "balances", "account", 2, 3,
            r"COLL: row 2 \(account row 3, token 1\) names an account beyond ACCT: add",
        ),
        (
            "balances", "token", 1, 5,
            rf"COLL: row 1 \({owner(1)}, token 5\) names a token that TOKN lacks: add",
        ),
        ("accounts", "mode", 1, 3, rf"ACCT: row 1 \({owner(2)}, mode 3\) has an unknown mode: use"),
        (
            "second_marks", "underlying", 5, 3,
            r"MRK2: row 5 \(underlying 3, expiry \d+\) has an underlying that UNDL lacks: add",
        ),
        (
            "accruals", "underlying", 1, 3,
            rf"ACCR: row 1 \(underlying 3, expiry {NOW}, until {NOW}\) has an underlying that UNDL",
        ),
        ("accruals", "until", 1, NOW + 1, r"ACCR: row 1 \(.*\) is not within the 1800 s before"),
        ("accruals", "until", 0, NOW - 1_800, r"ACCR: row 0 \(.*\) is not within the 1800 s"),
        ("accruals", "until", 0, 2**64 - 1, r"ACCR: row 0 \(.*\) is not within the 1800 s before"),
        ("accruals", "expiry", 1, 2**40, r"ACCR: row 1 \(.*\) is not within the 1800 s before"),
        ("tokens", "token", 1, 1, r"TOKN: row 1 \(token 1\) is not above .*: sort, no repeats"),
        ("observations", "day", 1, 20_000, r"OBSR: row 1 \(underlying 1, day 20000\) is not above"),
    ],
)  # fmt: skip
def test_encode__row_at_fault__refused_naming_whose_it_is_and_the_fix(
    name, column, row, value, problem
):
    snapshot = full()
    table = getattr(snapshot, name)
    cells = getattr(table, column).copy()
    cells[row] = value
    with pytest.raises(InputError, match=problem):
        encode(replace(snapshot, **{name: replace(table, **{column: cells})}))


def test_codec__two_hundred_thousand_accounts__round_trip_in_moments():
    count, each = 200_000, 10
    base = exchange()
    keys = np.zeros((count, 32), np.uint8)
    keys[:, 28:] = np.arange(count, dtype=">u4").view(np.uint8).reshape(-1, 4)
    ones = np.ones(count * each, np.int64)
    snapshot = replace(
        base,
        accounts=Accounts(
            keys, np.full(count, 2, np.uint8), np.zeros(count, np.uint8), np.zeros(count, np.int64),
            np.zeros(count, np.uint64), np.full(count, each, np.uint32),
        ),
        legs=Legs(np.tile(np.arange(each, dtype=np.uint32), count), ones, ones),
    )  # fmt: skip
    start = time.perf_counter()
    assert same(decode(encode(snapshot)), snapshot)
    assert time.perf_counter() - start < 5  # a loop over legs would take far longer
