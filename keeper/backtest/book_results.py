"""Books of one moment: what was asked of them, and what they lost until later ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from keeper.backtest.books.all_archetypes import MadeBook, made_books
from keeper.backtest.books.market import book_market
from keeper.backtest.chain_snapshot import chain_snapshot, publishable
from keeper.backtest.instrument_ids import option_ids
from keeper.backtest.moment import Moment, moment_of
from keeper.backtest.naive_grid import naive_margin
from keeper.backtest.pmrm2_books import pmrm2_maintenance
from keeper.draws import Draws
from keeper.errors import KeeperError
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import Model
from keeper.pricing.svi_arbitrage import Smile
from keeper.state.instruments import Instrument, Kind
from keeper.state.option_chain import OptionChain
from keeper.state.snapshot import ObservationRow, Snapshot
from keeper.units import E8, USD6, WAD, BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A moment after the books', and the prices at which expiries up to then were settled."""

    moment: Moment
    settled: Mapping[tuple[int, int], float]

    def value(self, instrument: int) -> float:
        """Return what a coin of an instrument is worth then, USD; NaN where nothing says so."""
        held = Instrument.unpack(instrument)
        if not held.kind.expires or held.expiry > self.moment.time:
            return self.moment.value.get(instrument, float("nan"))
        price = self.settled.get((held.underlying, held.expiry), float("nan"))
        if held.kind is Kind.FUTURE:
            return price
        over = price - held.strike_e8 / E8
        return max(over if held.kind is Kind.CALL else -over, 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """All that the books of one moment need; `ring` and `smiles` are of that moment or before.

    `later` has one entry a horizon, None where there is no chain near it.
    """

    chain: OptionChain
    smiles: Mapping[tuple[int, int], Smile]
    ring: Sequence[ObservationRow]
    later: Sequence[Later | None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all moments."""

    model: Model
    seed: int
    copies: int


@dataclass(frozen=True, slots=True, eq=False)
class BookResults:
    """Books [B] of one moment, USD; `kind` is the index of the type.

    `required` is what liquidation asks, the smaller of MM and SM; `maintenance`, `initial` and
    `standard` are MM, IM and SM; `naive` and `pmrm2` the two others' maintenance. `losses` is [H,
    B], from what the book is worth to the engine down to what the exchange's marks make of it
    later; `quoted_losses` from the exchange's marks at both ends. NaN where the horizon has no
    chain or a leg no value there; `unvalued` [H] counts the books of which only a leg is to blame.
    """

    time: int
    kind: IntArray
    gross: FloatArray
    required: FloatArray
    maintenance: FloatArray
    initial: FloatArray
    standard: FloatArray
    naive: FloatArray
    pmrm2: FloatArray
    losses: FloatArray
    quoted_losses: FloatArray
    sentinels: int
    unvalued: tuple[int, ...]


def book_results(rules: Rules, task: Task) -> BookResults:
    """Make the books of a moment, margin them with the engine, and revalue them later."""
    model, moment = rules.model, moment_of(task.chain)
    smiles = {key: smile for key, smile in task.smiles.items() if publishable(smile)}
    market = book_market(task.chain, moment, smiles)
    books = made_books(market, model, Draws(rules.seed), rules.copies)
    snapshot = chain_snapshot(
        moment, smiles, task.ring, _open_interest(task.chain, model), books, model
    )
    return _results(snapshot, books, moment, task.later, model)


def _results(
    snapshot: Snapshot,
    books: Sequence[MadeBook],
    moment: Moment,
    later: Sequence[Later | None],
    model: Model,
) -> BookResults:
    found = margin_book(snapshot, model)
    if len(found) != len(books):
        raise KeeperError(f"{len(books)} books, but {len(found)} margins: a bug of the backtest")
    # A sentinel account is margined at SM; so it is in the statistics, and counted.
    sound = ~found.sentinel
    required = np.where(sound, found.required_usd6, found.standard_usd6)
    market = listing_market(snapshot)
    counts = snapshot.accounts.legs.astype(np.int64)
    book = Book(
        snapshot.legs.listing.astype(np.int64), snapshot.legs.lots, np.cumsum(counts) - counts
    )
    naive = naive_margin(market, book, found.minimum_charge_usd6, model)
    kept = found.measured
    now = _worth(books, moment.value.__getitem__, model)
    after = np.stack([_worth_later(books, end, model) for end in later])
    return BookResults(
        time=moment.time,
        kind=np.array([made.kind for made in books], dtype=np.int64)[kept],
        gross=_usd(found.gross_usd6, kept),
        required=_usd(required, kept),
        maintenance=_usd(found.maintenance_usd6, kept),
        initial=_usd(found.initial_required_usd6, kept),
        standard=_usd(found.standard_usd6, kept),
        naive=_usd(naive, kept),
        pmrm2=pmrm2_maintenance(market, book)[kept],
        losses=found.equity_usd6[kept] / USD6 - after[:, kept],
        quoted_losses=now[kept] - after[:, kept],
        sentinels=int((~sound).sum()),
        unvalued=tuple(
            0 if end is None else int(np.isnan(worth[kept]).sum())
            for end, worth in zip(later, after, strict=True)
        ),
    )


def _worth_later(books: Sequence[MadeBook], later: Later | None, model: Model) -> FloatArray:
    return np.full(len(books), np.nan) if later is None else _worth(books, later.value, model)


def _worth(books: Sequence[MadeBook], value: Callable[[int], float], model: Model) -> FloatArray:
    """Return what each book is worth [B], USD, by the value of a coin of each instrument."""
    coins = {risk.underlying: risk.lot / WAD for risk in model.underlyings}
    held = {instrument for made in books for instrument, _ in made.legs}
    a_lot = {instrument: coins[instrument >> 112] * value(instrument) for instrument in held}
    return np.array([_sum(made, a_lot) for made in books])


def _sum(made: MadeBook, a_lot: Mapping[int, float]) -> float:
    worth = 0.0
    for instrument, lots in made.legs:
        worth += lots * a_lot[instrument]
    return worth


def _usd(amounts: IntArray, kept: BoolArray) -> FloatArray:
    return amounts[kept] / USD6


def _open_interest(chain: OptionChain, model: Model) -> dict[int, int]:
    """Return open interest in lots; the exchange gives it in coins."""
    lots = {risk.underlying: WAD / risk.lot for risk in model.underlyings}
    coins = np.nan_to_num(chain.open_interest)
    return {
        instrument: round(amount * lots[instrument >> 112])
        for instrument, amount in zip(option_ids(chain), coins.tolist(), strict=True)
    }
