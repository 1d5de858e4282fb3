"""An account after a hypothetical trade: the same breakdown, and what changes.

The trade is booked as the Clearinghouse books it: options are paid at once, perpetuals and futures
keep the notional as entry cost and realise their share of it when they shrink, SPOT is pledged or
withdrawn and costs nothing, and the first position locks the bounty reserve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.entry import entered, towards_zero
from keeper.margin.explain import explain_row
from keeper.margin.explanation import Explanation
from keeper.margin.market import listing_market
from keeper.margin.one_account import account_index, account_row, listing_index, versions
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS
from keeper.margin.risk_arrays import price_listings
from keeper.margin.scenarios import Model
from keeper.state.accounts import bounty_reserve_usd6
from keeper.state.instruments import Instrument, Kind, parse_name
from keeper.state.snapshot import AccountRow, LegRow, Snapshot
from keeper.units import E8, USD6, WAD

_NOTIONAL_UNIT: Final = E8 * WAD // USD6
_PRICE_END: Final = 2**64


@dataclass(frozen=True, slots=True)
class Trade:
    """Buy `lots` (negative: sell) of an instrument id, at 1e-8 USD a unit or at the mark (None)."""

    instrument: int
    lots: int
    price_e8: int | None = None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The account after the trades; `difference_usd6` is after less before, None where unknown."""

    trades: tuple[Trade, ...]
    after: Explanation
    difference_usd6: dict[str, int | None]


def what_if(snapshot: Snapshot, model: Model, account: bytes, trades: Sequence[Trade]) -> WhatIf:
    """Break down an account (32 bytes) before and after trades, booked in their order.

    Raises InputError for an account or instrument that the snapshot lacks, zero lots, lots or legs
    beyond the caps, an expired instrument, a price where none can be or a missing one, and less
    cash than the bounty reserve of a first position.
    """
    index = account_index(snapshot, account)
    before = account_row(snapshot, index)
    after = before
    for trade in trades:
        after = _traded(snapshot, model, index, after, trade)
    if len(after.legs) > MAX_LEGS:
        raise InputError(
            f"the account would hold {len(after.legs)} legs: at most {MAX_LEGS}, close some"
        )
    after = _with_reserve(after)
    shown = explain_row(snapshot, model, index, before), explain_row(snapshot, model, index, after)
    return WhatIf(tuple(trades), shown[1], _differences(*shown))


def listed_instrument(snapshot: Snapshot, model: Model, text: str) -> int:
    """Return the id of a listed instrument given by name or as 0x hex.

    Raises InputError where none or several listed instruments are meant.
    """
    if text.startswith("0x"):
        try:
            instrument = Instrument.unpack(int(text, 16))
        except ValueError:
            raise InputError(f"instrument {text!r} is not hexadecimal") from None
        listing_index(snapshot, instrument.pack())
        return instrument.pack()
    name = parse_name(text, model.symbols())
    found = _meant(snapshot, name.underlying, name.kind, name.strike_e8)
    ids = [instrument.pack() for instrument in found if name.means(instrument)]
    if not ids:
        raise InputError(
            f"instrument {text!r} is not listed at block {snapshot.head.ref_block}: choose one "
            "that is"
        )
    if len(ids) > 1:
        choice = ", ".join(f"{instrument:#034x}" for instrument in ids)
        raise InputError(f"instrument {text!r} is listed {len(ids)} times: write the id, {choice}")
    return ids[0]


def _meant(snapshot: Snapshot, underlying: int, kind: Kind, strike_e8: int) -> list[Instrument]:
    """Return the listed instruments of any expiry with these fields."""
    high, low = snapshot.listings.instrument.T
    wanted = (
        (high >> np.uint64(48) == np.uint64(underlying))
        & (high & np.uint64(255) == np.uint64(kind))
        & (low == np.uint64(min(strike_e8, 2**64 - 1)))
    )
    rows: list[list[int]] = snapshot.listings.instrument[wanted].tolist()
    return [Instrument.unpack(high << 64 | low) for high, low in rows]


def _traded(
    snapshot: Snapshot, model: Model, index: int, row: AccountRow, trade: Trade
) -> AccountRow:
    """Return the account after one trade."""
    instrument = Instrument.unpack(trade.instrument)
    name = instrument.name(model.symbols())
    listing_index(snapshot, trade.instrument)
    held = {leg.instrument: leg for leg in row.legs}
    old = held.get(trade.instrument, LegRow(trade.instrument, 0, 0))
    lots = old.lots + trade.lots
    _require_tradable(instrument, name, trade, lots, snapshot.head.ref_time)
    notional = 0
    if instrument.kind is not Kind.SPOT:
        notional = _notional_usd6(snapshot, model, index, row, trade, name)
    cash_flow, cost = -notional, 0
    if instrument.kind.is_linear:
        cash_flow, cost = entered(old.lots, old.cost_usd6, trade.lots, notional)
    legs = {**held, trade.instrument: LegRow(trade.instrument, lots, cost)}
    if lots == 0:
        del legs[trade.instrument]
    kept = tuple(legs[key] for key in sorted(legs))
    return replace(row, cash_usd6=row.cash_usd6 + cash_flow, legs=kept)


def _require_tradable(instrument: Instrument, name: str, trade: Trade, lots: int, now: int) -> None:
    if trade.lots == 0:
        raise InputError(f"{name}: lots are 0, write how many to buy or, negative, to sell")
    if abs(lots) >= LOTS_CAP or abs(trade.lots) >= LOTS_CAP:
        raise InputError(f"{name}: {trade.lots} lots would make {lots}, at most {LOTS_CAP - 1}")
    if instrument.kind.expires and instrument.expiry <= now:
        raise InputError(f"{name} expired at {instrument.expiry}: it is settled, not traded")
    if trade.price_e8 is not None and not 0 <= trade.price_e8 < _PRICE_END:
        raise InputError(f"{name}: price_e8 {trade.price_e8} is not a uint64")
    if instrument.kind is Kind.SPOT and trade.price_e8 is not None:
        raise InputError(f"{name} is pledged or withdrawn, not paid for: leave the price out")
    if instrument.kind is Kind.SPOT and lots < 0:
        raise InputError(f"{name}: {lots} lots after, but spot cannot be held short")


def _notional_usd6(
    snapshot: Snapshot, model: Model, index: int, row: AccountRow, trade: Trade, name: str
) -> int:
    """Return what the trade pays, negative where it receives, towards zero; exactly at the mark."""
    if trade.price_e8 is not None:
        table = snapshot.underlyings
        at = int(np.searchsorted(table.underlying, trade.instrument >> 112))
        size = trade.lots * int(table.lot_wad[at])
        return towards_zero(size * trade.price_e8, _NOTIONAL_UNIT)
    probe = replace(row, legs=(LegRow(trade.instrument, trade.lots, 0),))
    arrays = price_listings(listing_market(versions(snapshot, index, [probe])), model)
    if not arrays.priced[0]:
        raise InputError(f"{name} has no mark: give the price of the trade")
    return trade.lots * int(arrays.marks[0])


def _with_reserve(row: AccountRow) -> AccountRow:
    """Lock the bounty reserve of a book, or give that of an empty one back."""
    if not row.legs and not row.flags:
        return replace(row, cash_usd6=row.cash_usd6 + row.reserve_usd6, reserve_usd6=0)
    missing = bounty_reserve_usd6(len(row.legs)) - row.reserve_usd6
    if missing <= 0 or row.flags:
        return row
    if row.cash_usd6 < missing:
        raise InputError(
            f"cash would be {row.cash_usd6} micro-dollars: {len(row.legs)} legs lock "
            f"{missing} more as bounty reserve, pay in more"
        )
    cash, reserve = row.cash_usd6 - missing, row.reserve_usd6 + missing
    return replace(row, cash_usd6=cash, reserve_usd6=reserve)


def _differences(before: Explanation, after: Explanation) -> dict[str, int | None]:
    """Return what changes of every amount that both have."""
    amounts = (
        "cash_usd6",
        "equity_usd6",
        "requirement_usd6",
        "headroom_usd6",
        "initial_requirement_usd6",
    )
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in amounts}
    pairs |= {name: (old, after.components[name]) for name, old in before.components.items()}
    return {
        name: None if old is None or new is None else new - old
        for name, (old, new) in pairs.items()
    }
