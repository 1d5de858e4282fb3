"""The tables of a snapshot, column by column, exactly as docs/encodings.md lists them.

The order of the fields is the order of the columns on the wire; each annotation gives both the
numpy type in memory and the big-endian type in the body. The codec reads this page and holds no
second copy of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Self, TypeAlias, get_type_hints

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError

SETTLEMENT_WINDOW_SECONDS: Final = 1800
"""Before expiry; options and futures settle by the average of spot over it."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How one column is written: `items` big-endian numbers of type `code` a row."""

    code: str
    items: int = 1

    @property
    def native(self) -> np.dtype[Any]:
        """The type in memory."""
        return np.dtype(self.code).newbyteorder("=")

    @property
    def row_bytes(self) -> int:
        """Bytes a row."""
        return np.dtype(self.code).itemsize * self.items

    def shape(self, rows: int) -> tuple[int, ...]:
        """The shape in memory."""
        return (rows,) if self.items == 1 else (rows, self.items)


U8: TypeAlias = Annotated[NDArray[np.uint8], Wire(">u1")]
U16: TypeAlias = Annotated[NDArray[np.uint16], Wire(">u2")]
U32: TypeAlias = Annotated[NDArray[np.uint32], Wire(">u4")]
U64: TypeAlias = Annotated[NDArray[np.uint64], Wire(">u8")]
I64: TypeAlias = Annotated[NDArray[np.int64], Wire(">i8")]
U128: TypeAlias = Annotated[NDArray[np.uint64], Wire(">u8", 2)]  # [rows, 2]: high, low
B32: TypeAlias = Annotated[NDArray[np.uint8], Wire(">u1", 32)]  # [rows, 32]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Equally long columns. Construction raises InputError for a wrong type or length."""

    TAG: ClassVar[bytes]

    def __post_init__(self) -> None:
        for name, wire in self.columns().items():
            column: NDArray[Any] = getattr(self, name)
            if column.dtype != wire.native or column.shape != wire.shape(len(self)):
                raise InputError(
                    f"{self.TAG.decode()}.{name} is {column.dtype}{list(column.shape)}: "
                    f"expected {wire.native}{list(wire.shape(len(self)))}"
                )

    def __len__(self) -> int:
        first = next(iter(self.columns()))
        return len(getattr(self, first))

    @classmethod
    def columns(cls) -> dict[str, Wire]:
        """Return the columns in wire order."""
        return _columns(cls)

    @classmethod
    def of_rows(cls, rows: list[tuple[Any, ...]]) -> Self:
        """Build from row tuples in column order; a multi-item cell is a sequence of its items."""
        cells = zip(*rows, strict=True) if rows else ((),) * len(cls.columns())
        try:
            return cls(
                *(
                    np.array(column, dtype=wire.native).reshape(wire.shape(len(rows)))
                    for column, wire in zip(cells, cls.columns().values(), strict=True)
                )
            )
        except (OverflowError, ValueError) as error:
            raise InputError(
                f"{cls.TAG.decode()}: a value does not fit its column: {error}"
            ) from error


@cache
def _columns(table: type[Table]) -> dict[str, Wire]:
    hints = get_type_hints(table, include_extras=True)
    return {
        name: hint.__metadata__[0] for name, hint in hints.items() if hasattr(hint, "__metadata__")
    }


@dataclass(frozen=True, slots=True, eq=False)
class Underlyings(Table):
    """Ascending by underlying."""

    TAG: ClassVar[bytes] = b"UNDL"
    underlying: U16
    lot_wad: U64
    spot_e8: U64
    spot_time: U64
    scan_range_wad: U64


@dataclass(frozen=True, slots=True, eq=False)
class Forwards(Table):
    """Ratio to spot and smile of each live expiry (0: the perpetual); ascending by both keys."""

    TAG: ClassVar[bytes] = b"FWDS"
    underlying: U16
    expiry: U64
    ratio_wad: U64
    a: I64
    b: I64
    rho: I64
    m: I64
    sigma: I64
    confidence_wad: U64
    time: U64


@dataclass(frozen=True, slots=True, eq=False)
class SecondMarks(Forwards):
    """Pending marks of a second world; empty until feeds have worlds."""

    TAG: ClassVar[bytes] = b"MRK2"


@dataclass(frozen=True, slots=True, eq=False)
class Observations(Table):
    """Daily prices of the ring of the feeds, ascending by both keys."""

    TAG: ClassVar[bytes] = b"OBSR"
    underlying: U16
    day: U32
    price_e8: U64


@dataclass(frozen=True, slots=True, eq=False)
class Listings(Table):
    """Ascending by instrument."""

    TAG: ClassVar[bytes] = b"LIST"
    instrument: U128
    open_interest: U64
    settlement_e8: U64


@dataclass(frozen=True, slots=True, eq=False)
class Tokens(Table):
    """Collateral tokens, ascending; 0 is the settlement coin. Empty where a chain has none."""

    TAG: ClassVar[bytes] = b"TOKN"
    token: U16
    decimals: U8
    price_e8: U64
    haircut_wad: U64


@dataclass(frozen=True, slots=True, eq=False)
class Accounts(Table):
    """Ascending by account; `legs` is the number of rows of this account in Legs."""

    TAG: ClassVar[bytes] = b"ACCT"
    account: B32
    mode: U8
    flags: U8
    cash_usd6: I64
    reserve_usd6: U64
    legs: U32


@dataclass(frozen=True, slots=True, eq=False)
class Legs(Table):
    """Open positions, grouped by account, ascending by listing within each."""

    TAG: ClassVar[bytes] = b"LEGS"
    listing: U32
    lots: I64
    cost_usd6: I64


@dataclass(frozen=True, slots=True, eq=False)
class Balances(Table):
    """Collateral balances in base units, ascending by account and token."""

    TAG: ClassVar[bytes] = b"COLL"
    account: U32
    token: U16
    amount: U128


@dataclass(frozen=True, slots=True, eq=False)
class Accruals(Table):
    """Settlement averages that come about, ascending by both keys: price times seconds `until`.

    A body without rows has no such table at all.
    """

    TAG: ClassVar[bytes] = b"ACCR"
    underlying: U16
    expiry: U64
    until: U64
    sum_e8: U128
