"""Account ids and commitments to books."""

from __future__ import annotations

from keeper.state.accounts import account_id, positions_hash
from scripts.vectors.columns import Columns, transposed
from scripts.vectors.instruments import INSTRUMENTS

IDS = (
    ("0x0000000000000000000000000000000000000001", 0),
    ("0x0000000000000000000000000000000000000001", 1),
    ("0x70997970c51812dc3a010c7d01b50e0d17dc79c8", 7),
    ("0xffffffffffffffffffffffffffffffffffffffff", 2**96 - 1),
)

LOTS = (1, -1, 1_000, -2_500, 2**24 - 1, -(2**24) + 1, 2**63 - 1, -(2**63), 42)

# (mode, number of legs taken from the start of INSTRUMENTS)
BOOKS = ((2, 0), (2, 1), (2, 2), (0, 2), (1, 5), (2, len(INSTRUMENTS)))


def all_vectors() -> dict[str, Columns]:
    """Return the content of `accounts.json`.

    The legs of all books stand in `leg_*`, `book_legs` of them to each book in turn, from
    `book_start`.
    """
    ids = [
        {
            "owner": owner,
            "sub_account": str(sub_account),
            "account": "0x" + account_id(owner, sub_account).hex(),
        }
        for owner, sub_account in IDS
    ]
    books: list[dict[str, str]] = []
    legs: list[dict[str, str]] = []
    for mode, count in BOOKS:
        held = [(i.pack(), lots) for i, lots in zip(INSTRUMENTS, LOTS, strict=True)][:count]
        books.append(
            {
                "mode": str(mode),
                "start": str(len(legs)),
                "legs": str(count),
                "positions_hash": "0x" + positions_hash(mode, held).hex(),
            }
        )
        legs += [{"instrument": str(instrument), "lots": str(lots)} for instrument, lots in held]
    columns = transposed(ids) | transposed(books, "book_") | transposed(legs, "leg_")
    return {"accounts": columns}
