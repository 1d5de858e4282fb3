"""Instrument ids: one `uint128` holds all that pricing needs to know (docs/encodings.md).

`underlying << 112 | expiry << 72 | kind << 64 | strike`, so that ascending ids group a book by
underlying, then by expiry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum

from keeper.errors import InputError
from keeper.units import E8

_UNDERLYING_BITS, _EXPIRY_BITS, _KIND_BITS, _STRIKE_BITS = 16, 40, 8, 64
_MONTHS = {
    name: f"{number:02}"
    for number, name in enumerate(
        ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"), 1
    )
}
_DATED = re.compile(
    rf"(?P<day>[0-9]{{8}}|[0-9]{{1,2}}(?:{'|'.join(_MONTHS)})[0-9]{{2}}|[0-9]{{1,13}}s)-"
    r"(?:(?P<future>F)|(?P<whole>[0-9]{1,12})(?:\.(?P<fraction>[0-9]{1,8}))?-(?P<right>[CP]))",
    re.ASCII,
)
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


@dataclass(frozen=True, slots=True)
class InstrumentName:
    """What a name says: an id but for the hour of the expiry, `first` <= expiry <= `last`."""

    underlying: int
    kind: Kind
    first_expiry: int
    last_expiry: int
    strike_e8: int

    def means(self, instrument: Instrument) -> bool:
        """Return whether an instrument bears the name."""
        return (
            instrument.underlying == self.underlying
            and instrument.kind is self.kind
            and instrument.strike_e8 == self.strike_e8
            and self.first_expiry <= instrument.expiry <= self.last_expiry
        )


def parse_name(text: str, symbols: Mapping[int, str]) -> InstrumentName:
    """Read what `Instrument.name` writes; days also as exchanges write them, ETH-26JUN26-3000-C.

    `symbols` maps underlyings to tickers. Raises InputError for an unknown ticker, day or form.
    """
    symbol, _, rest = text.partition("-")
    underlying = next((u for u, known in symbols.items() if known == symbol), None)
    if underlying is None:
        raise InputError(
            f"instrument {text!r}: {symbol!r} is no ticker of this model, use one of "
            f"{', '.join(sorted(symbols.values()))}"
        )
    if rest in ("SPOT", "PERP"):
        kind = Kind.SPOT if rest == "SPOT" else Kind.PERPETUAL
        return InstrumentName(underlying, kind, 0, 0, 0)
    form = _DATED.fullmatch(rest)
    if form is None:
        raise InputError(
            f"instrument {text!r} is no name: write {symbol}-SPOT, {symbol}-PERP, "
            f"{symbol}-20260626-F or {symbol}-20260626-3000-C (P for a put)"
        )
    first, last = _expiries(text, form["day"])
    if form["future"]:
        return InstrumentName(underlying, Kind.FUTURE, first, last, 0)
    kind = Kind.CALL if form["right"] == "C" else Kind.PUT
    fraction = form["fraction"] or ""
    strike_e8 = int(form["whole"]) * E8 + int(f"{fraction:0<8}")
    return InstrumentName(underlying, kind, first, last, strike_e8)


def _expiries(text: str, day: str) -> tuple[int, int]:
    """Return the first and last second of a day, or one second for `1099511627775s`."""
    if day.endswith("s"):
        return int(day[:-1]), int(day[:-1])
    if not day.isdecimal():
        month = _MONTHS.get(day[-5:-2])
        day = f"20{day[-2:]}{month}{day[:-5]:0>2}"
    try:
        midnight = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
    except ValueError:
        raise InputError(f"instrument {text!r}: {day} is no day, write YYYYMMDD") from None
    first = int(midnight.timestamp())
    return first, first + 86_399


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
