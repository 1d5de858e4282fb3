"""What an archetype is, and the bench on which its books are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from keeper.backtest.books.market import BUCKETS, BookMarket
from keeper.backtest.chance import Chance
from keeper.backtest.instrument_ids import future_id, perpetual_id

CALL: Final = True
PUT: Final = False
# One unit of a book in USD of spot: about a coin of BTC.
UNIT_USD: Final = 90_000.0


class NoSuchBook(Exception):
    """The chain lacks what the book is made of; another moment may have it."""


@dataclass(slots=True)
class Bench:
    """One book in the making: coins by instrument, positive when bought.

    `underlying` is the book's, or the first of a book across underlyings; `bucket` its term.
    """

    market: BookMarket
    chance: Chance
    underlying: int
    bucket: str
    coins: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def unit(self) -> float:
        """Return the coins of a unit of this book's underlying."""
        return self.unit_of(self.underlying)

    def unit_of(self, underlying: int) -> float:
        """Return the coins of a unit."""
        return UNIT_USD / self.market.moment.spot[underlying]

    def expiry(self, bucket: str | None = None, underlying: int | None = None) -> int:
        """Return one of the expiries of a term, by default the book's."""
        terms = self.market.terms(underlying or self.underlying, bucket or self.bucket)
        if not terms:
            raise NoSuchBook
        return self.chance.one(terms)

    def at_delta(
        self, expiry: int, is_call: bool, delta: float, underlying: int | None = None
    ) -> int:
        """Return the row of the option nearest to a delta."""
        return _found(self.market.at_delta(underlying or self.underlying, expiry, is_call, delta))

    def at_strike(self, row: int, is_call: bool, expiry: int | None = None) -> int:
        """Return the row of the option nearest to the strike of another, on its expiry or one
        given.
        """
        market = self.market
        underlying, same = int(market.underlying[row]), int(market.expiry[row])
        strike = int(market.strike_e8[row])
        return _found(market.at_strike(underlying, expiry or same, is_call, strike))

    def option(self, row: int, coins: float) -> None:
        """Buy coins of the option of a row; sell where negative."""
        self._add(self.market.instrument[row], coins)

    def perpetual(self, coins: float, underlying: int | None = None) -> None:
        """Buy coins of the perpetual."""
        self._add(perpetual_id(underlying or self.underlying), coins)

    def future(self, expiry: int, coins: float) -> None:
        """Buy coins of a future."""
        self._add(future_id(self.underlying, expiry), coins)

    def hedge(self) -> None:
        """Sell the delta of the options by perpetuals, underlying by underlying."""
        deltas: dict[int, float] = {}
        for instrument, coins in self.coins.items():
            row = self.market.row_of.get(instrument)
            if row is not None:
                number = int(self.market.underlying[row])
                deltas[number] = deltas.get(number, 0.0) + coins * float(self.market.delta[row])
        for number, delta in deltas.items():
            self.perpetual(-delta, number)

    def _add(self, instrument: int, coins: float) -> None:
        self.coins[instrument] = self.coins.get(instrument, 0.0) + coins


Build: TypeAlias = Callable[[Bench], None]


@dataclass(frozen=True, slots=True)
class Archetype:
    """A kind of book. With `buckets` there is one type a term, `name/s`; a `grouped` one has a
    group a term as well. `across` books hold several underlyings.
    """

    name: str
    group: str
    build: Build
    buckets: tuple[str, ...] = ()
    grouped: bool = True
    across: bool = False

    def types(self) -> list[tuple[str, str, str]]:
        """Return the name, group and bucket of each type."""
        if not self.buckets:
            return [(self.name, self.group, "")]
        return [
            (
                f"{self.name}/{bucket}",
                f"{self.group} {bucket}" if self.grouped else self.group,
                bucket,
            )
            for bucket in self.buckets
        ]


def by_term(name: str, group: str, build: Build, *, grouped: bool = True) -> Archetype:
    """Return an archetype with a type for each of the three terms."""
    return Archetype(name, group, build, tuple(BUCKETS), grouped)


def different(*rows: int) -> None:
    """Raise NoSuchBook where two legs are the same option."""
    if len(set(rows)) < len(rows):
        raise NoSuchBook


def _found(row: int | None) -> int:
    if row is None:
        raise NoSuchBook
    return row
