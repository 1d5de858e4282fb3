"""All archetypes, and the books that they make of one chain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from keeper.backtest.books.archetype import Archetype, Bench, NoSuchBook
from keeper.backtest.books.covered import COVERED
from keeper.backtest.books.linear import LINEAR
from keeper.backtest.books.many_legs import MANY_LEGS
from keeper.backtest.books.market import BookMarket
from keeper.backtest.books.outright import OUTRIGHT
from keeper.backtest.books.spreads import SPREADS
from keeper.backtest.chance import Chance
from keeper.draws import Draws
from keeper.margin.portfolio import LOTS_CAP
from keeper.margin.scenarios import Model
from keeper.units import WAD

ARCHETYPES: Final = (*LINEAR, *OUTRIGHT, *SPREADS, *COVERED, *MANY_LEGS)
COPIES: Final = 4  # books of a type and underlying at one moment

_MOST_DRAWS: Final = 96  # of one book


@dataclass(frozen=True, slots=True)
class BookType:
    """One of the types: an archetype at a term."""

    name: str
    group: str
    bucket: str
    archetype: Archetype


TYPES: Final = tuple(
    BookType(*names, archetype) for archetype in ARCHETYPES for names in archetype.types()
)
GROUPS: Final = tuple(dict.fromkeys(kind.group for kind in TYPES))


@dataclass(frozen=True, slots=True)
class MadeBook:
    """A book: the index of its type, and signed lots by instrument id, ascending."""

    kind: int
    legs: tuple[tuple[int, int], ...]


def made_books(
    market: BookMarket, model: Model, draws: Draws, copies: int = COPIES
) -> list[MadeBook]:
    """Return the books of all types that the market has legs for, in a stated order.

    A hedge by options that hardly move would be larger than the engine takes: no such book.
    Chance depends on the seed, the time and the place of a book alone.
    """
    lots = {risk.underlying: risk.lot for risk in model.underlyings}
    wanted = list(_wanted(market, copies))
    numbers = draws.fractions(f"books {market.moment.time}", len(wanted) * _MOST_DRAWS)
    table = numbers.reshape(-1, _MOST_DRAWS)
    books: list[MadeBook] = []
    for place, (kind, underlying) in enumerate(wanted):
        chance = Chance(table[place].tolist())
        bench = Bench(market, chance, underlying, TYPES[kind].bucket)
        try:
            TYPES[kind].archetype.build(bench)
        except NoSuchBook:
            continue
        legs = _legs(bench.coins, lots)
        if legs and max(abs(count) for _, count in legs) < LOTS_CAP:
            books.append(MadeBook(kind, legs))
    return books


def _wanted(market: BookMarket, copies: int) -> Iterator[tuple[int, int]]:
    """Yield type and underlying of each book; books across underlyings begin with each in turn."""
    for kind in range(len(TYPES)):
        for underlying in market.underlyings:
            for _ in range(copies):
                yield kind, underlying


def _legs(coins: dict[int, float], lots: dict[int, int]) -> tuple[tuple[int, int], ...]:
    """Return whole lots; what rounds to none is left out."""
    whole = {
        instrument: round(amount * WAD / lots[instrument >> 112])
        for instrument, amount in coins.items()
    }
    return tuple(sorted((instrument, count) for instrument, count in whole.items() if count))
