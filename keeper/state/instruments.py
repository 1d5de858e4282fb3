"""Instrument ids: one `uint128` holds all that pricing needs to know (docs/encodings.md).

`underlying << 112 | expiry << 72 | kind << 64 | strike`, so that ascending ids group a book by
underlying, then by expiry.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from keeper.errors import InputError
from keeper.units import E8

_UNDERLYING_BITS, _EXPIRY_BITS, _KIND_BITS, _STRIKE_BITS = 16, 40, 8, 64
_LAST_CALENDAR_SECOND = 253_402_300_799  # end of the year 9999, where calendars stop


class Kind(IntEnum):
    """What an instrument is."""

    SPOT = 1
    PERPETUAL = 2
    FUTURE = 3
    CALL = 4
    PUT = 5

    @property
    def expires(self) -> bool:
        """Whether ids of this kind carry an expiry."""
        return self >= Kind.FUTURE

    @property
    def is_option(self) -> bool:
        """Whether ids of this kind carry a strike."""
        return self >= Kind.CALL

    @property
    def is_linear(self) -> bool:
        """Whether positions of this kind carry an entry cost instead of being paid for."""
        return self in (Kind.PERPETUAL, Kind.FUTURE)


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """One canonical instrument; construction raises InputError for any other.

    `underlying` is the 1-based index in MarketFeeds, `expiry` Unix seconds (0 for SPOT and
    PERPETUAL), `strike_e8` is 1e-8 USD (0 unless an option).
    """

    underlying: int
    expiry: int
    kind: Kind
    strike_e8: int

    def __post_init__(self) -> None:
        if self.kind not in tuple(Kind):
            raise InputError(f"instrument kind {self.kind} is unknown: use 1 to 5")
        object.__setattr__(self, "kind", Kind(self.kind))
        _require_field("underlying", self.underlying, _UNDERLYING_BITS, used=True)
        _require_field("expiry", self.expiry, _EXPIRY_BITS, used=self.kind.expires)
        _require_field("strike_e8", self.strike_e8, _STRIKE_BITS, used=self.kind.is_option)

    @classmethod
    def unpack(cls, instrument: int) -> Instrument:
        """Read an id; raise InputError unless it is canonical."""
        if not 0 <= instrument < 1 << 128:
            raise InputError(f"instrument id {instrument} is not a uint128")
        kind = instrument >> _STRIKE_BITS & _mask(_KIND_BITS)
        if kind not in tuple(Kind):
            raise InputError(f"instrument id {instrument:#x} has kind {kind}: use 1 to 5")
        return cls(
            underlying=instrument >> 112,
            expiry=instrument >> 72 & _mask(_EXPIRY_BITS),
            kind=Kind(kind),
            strike_e8=instrument & _mask(_STRIKE_BITS),
        )

    def pack(self) -> int:
        """Return the id."""
        return self.underlying << 112 | self.expiry << 72 | self.kind << 64 | self.strike_e8

    def name(self, symbols: Mapping[int, str]) -> str:
        """Return the name for people: ETH-20330520-180-C, ETH-20330520-F, ETH-PERP, ETH-SPOT.

        `symbols` maps underlyings to tickers; InputError where it lacks this one. Only the id is
        unique: the hour is left out.
        """
        if self.underlying not in symbols:
            raise InputError(f"underlying {self.underlying} has no symbol: add it to the model")
        symbol = symbols[self.underlying]
        if self.kind is Kind.SPOT:
            return f"{symbol}-SPOT"
        if self.kind is Kind.PERPETUAL:
            return f"{symbol}-PERP"
        dated = f"{symbol}-{_day(self.expiry)}"
        if self.kind is Kind.FUTURE:
            return f"{dated}-F"
        return f"{dated}-{_trimmed(self.strike_e8)}-{self.kind.name[0]}"


def _mask(bits: int) -> int:
    return (1 << bits) - 1


def _require_field(name: str, value: int, bits: int, *, used: bool) -> None:
    if not 0 <= value < 1 << bits:
        raise InputError(f"{name} {value} does not fit into {bits} bits")
    if used and value == 0:
        raise InputError(f"{name} is 0: this kind of instrument needs it")
    if not used and value != 0:
        raise InputError(f"{name} is {value}: this kind of instrument has none, set it to 0")


def _day(expiry: int) -> str:
    if expiry > _LAST_CALENDAR_SECOND:
        return f"{expiry}s"
    return datetime.fromtimestamp(expiry, tz=UTC).strftime("%Y%m%d")


def _trimmed(price_e8: int) -> str:
    whole, fraction = divmod(price_e8, E8)
    return f"{whole}.{fraction:08}".rstrip("0").rstrip(".")
