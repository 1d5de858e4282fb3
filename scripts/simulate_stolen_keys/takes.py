"""What thieves take from one exchange: by margins that are too low, by marks that are not true.

Nothing is charged for fees, bounties or what others bid, nobody is liquidated in between, and books
are closed at honest marks: upper bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.margin.holdings import Holdings
from keeper.margin.losses import worst_losses
from keeper.margin.market import listing_market
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import Model
from keeper.state.instruments import Instrument
from keeper.state.snapshot import Snapshot
from keeper.units import BPS, BoolArray, FloatArray, IntArray
from scripts.simulate_stolen_keys.moves import Window, after, signed


@dataclass(frozen=True, slots=True)
class Books:
    """Accounts whose figures hold, what their books ask, and what no leaf can go below [A]."""

    snapshot: Snapshot
    margins: MarginBook
    known: BoolArray
    floor_usd6: IntArray

    @classmethod
    def of(cls, snapshot: Snapshot, model: Model) -> Books:
        """Measure a snapshot: FL_im of the ten stated scenarios, and SM_im."""
        margins = margin_book(snapshot, model)
        floors = [n for n, scenario in enumerate(model.scenarios) if scenario.floor]
        arrays = risk_arrays(snapshot, model)
        holdings = Holdings.of(snapshot, listing_market(snapshot))
        loss, _ = worst_losses(arrays.pnl[:, floors], holdings.book)
        factors = model.factors
        stressed = -(-loss * factors.initial_bps // BPS)
        share = -(-margins.gross_usd6 * factors.floor_gross_bps // BPS)
        floor = np.maximum(stressed, share) + margins.add_ons_usd6
        floor = np.minimum(floor, margins.standard_initial_usd6)
        return cls(snapshot, margins, margins.measured & ~margins.fault, floor)

    def gains(self, moved: Snapshot, model: Model) -> Gains:
        """Return what the accounts gain when the market is as `moved`."""
        market = listing_market(moved)
        book = Holdings.of(moved, market).book
        marks = risk_arrays(moved, model).marks
        gain = book.lots * (marks - risk_arrays(self.snapshot, model).marks)[book.listing]
        option = _is_option(moved)[book.listing]
        return Gains(
            all_usd6=book.sum_by_account(gain),
            linear_usd6=book.sum_by_account(np.where(option, 0, gain)),
            options_usd6=book.sum_by_account(np.where(option, book.lots * marks[book.listing], 0)),
        )


@dataclass(frozen=True, slots=True)
class Gains:
    """Micro-dollars [A]: all that is gained, of it by linear legs, and what options are worth."""

    all_usd6: IntArray
    linear_usd6: IntArray
    options_usd6: IntArray


def _is_option(snapshot: Snapshot) -> BoolArray:
    ids = snapshot.listings.instrument.tolist()
    return np.array([Instrument.unpack(high << 64 | low).kind.is_option for high, low in ids])


@dataclass(frozen=True, slots=True)
class MarginTake:
    """Shares of the budget that stolen margin keys turn into money in one window.

    `best` is that of the best book for it, `mean` that of all books together; both sides of a book
    are the thief's, and the one that loses lives on the leaf.
    """

    hour: int
    best: float
    mean: float


def by_margin_keys(books: Books, window: Window, model: Model) -> MarginTake:
    """Return what is lost below the floor and above what SM_im would have left, per discount."""
    gain = books.gains(after(books.snapshot, window), model).all_usd6
    loss, floor = np.abs(gain), books.floor_usd6
    standard = books.margins.standard_initial_usd6
    discount = standard - floor
    extra = np.maximum(loss - floor, 0) - np.maximum(loss - standard, 0)
    used = books.known & (discount > 0)
    if not used.any():
        return MarginTake(window.hour, 0.0, 0.0)
    shares: FloatArray = extra[used] / discount[used]
    return MarginTake(
        window.hour, float(shares.max()), float(extra[used].sum() / discount[used].sum())
    )


@dataclass(frozen=True, slots=True)
class FeedTake:
    """What marks that moved by whole shocks are worth to thieves, every account at its IM.

    `flaggable` is the share of accounts that can be flagged, `from_others` what they lose if they
    are sold whole at these marks, as a share of all equity. `own` is the most that a thief's own
    book leaves others with when he takes out what these marks let him, as a share of its gross.
    """

    shocks: int
    marks: str
    flaggable: float
    from_others: float
    own: float


def by_feed_keys(books: Books, model: Model, shocks: int) -> list[FeedTake]:
    """Return one row for each way to move all marks."""
    return [
        _feed_take(books, name, moved, model, shocks)
        for name, moved in signed(books.snapshot, model, shocks)
    ]


def _feed_take(books: Books, name: str, moved: Snapshot, model: Model, shocks: int) -> FeedTake:
    there = margin_book(moved, model)
    known = books.known & there.measured & (books.margins.gross_usd6 > 0)
    equity = books.margins.initial_required_usd6[known]
    gains = books.gains(moved, model)
    gain = gains.all_usd6[known]
    required = there.initial_required_usd6[known]
    flagged = equity + gain < there.required_usd6[known]
    lost = np.where(flagged, np.maximum(-gain, 0), 0)
    # He leaves the initial margin, and what may not leave as cash: option value, profit by a ratio.
    stays = np.maximum(gains.options_usd6[known], 0) + np.maximum(gains.linear_usd6[known], 0)
    # At honest marks the gain is gone.
    own = np.maximum(gain - np.maximum(required, stays), 0)
    return FeedTake(
        shocks,
        name,
        float(flagged.mean()),
        float(lost.sum() / equity.sum()),
        float((own / books.margins.gross_usd6[known]).max()),
    )
