"""Add-ons of the initial margin of random books, by the engine; contracts agree within roundings.

Confidences are spread around their threshold and the settlement coin is below its own, so that
every add-on has something to ask. The nearest expiry is ten minutes ahead, its average under way.
"""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np

from keeper.chain.model_file import read_model
from keeper.margin.add_on_cells import add_ons_per_lot
from keeper.margin.add_ons import AddOns, add_ons
from keeper.margin.losses import Book
from keeper.margin.market import listing_market
from keeper.state.snapshot import Snapshot
from keeper.state.tables import SETTLEMENT_WINDOW_SECONDS, Accruals
from keeper.testing.random_book import random_book
from keeper.units import WAD
from scripts.vectors.columns import Columns
from scripts.vectors.model import MODEL

ACCOUNTS, LEGS_AN_ACCOUNT, LISTINGS, SEED = 40, 8, 300, 5
COIN_E8 = 95_000_000
LEFT_SECONDS, UNKNOWN_SECONDS = 600, 20
_FORWARD_COLUMNS = (
    "underlying",
    "expiry",
    "ratio_wad",
    "a",
    "b",
    "rho",
    "m",
    "sigma",
    "confidence_wad",
)


def all_vectors() -> dict[str, Columns]:
    """Return the content of `add_ons.json`: the market, books as rows of lists, six sums each."""
    model = read_model(MODEL)
    book = random_book(model, ACCOUNTS, ACCOUNTS * LEGS_AN_ACCOUNT, SEED, LISTINGS)
    snapshot = _settling(_unsure(book))
    counts = snapshot.accounts.legs.astype(np.int64)
    starts = np.cumsum(counts) - counts
    book = Book(snapshot.legs.listing.astype(np.int64), snapshot.legs.lots, starts)
    found = add_ons(add_ons_per_lot(listing_market(snapshot), model.add_ons, COIN_E8), book)
    ids = [str(high << 64 | low) for high, low in snapshot.listings.instrument.tolist()]
    ends, listing, lots = np.cumsum(counts), snapshot.legs.listing, snapshot.legs.lots
    rows = [slice(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]
    columns = {
        "now": str(snapshot.head.ref_time),
        "coin_e8": str(COIN_E8),
        "underlying": [str(u) for u in snapshot.underlyings.underlying.tolist()],
        "spot_e8": [str(price) for price in snapshot.underlyings.spot_e8.tolist()],
        "lot_wad": [str(lot) for lot in snapshot.underlyings.lot_wad.tolist()],
        "instrument": ids,
        "open_interest": [str(n) for n in snapshot.listings.open_interest.tolist()],
        "legs": [[ids[row] for row in listing[part].tolist()] for part in rows],
        "lots": [[str(n) for n in lots[part].tolist()] for part in rows],
    }
    accruals = snapshot.accruals
    for name in ("underlying", "expiry", "until"):
        columns[f"accrued_{name}"] = [str(n) for n in getattr(accruals, name).tolist()]
    sums = accruals.sum_e8.tolist()
    columns["accrued_sum_e8"] = [str(high << 64 | low) for high, low in sums]
    for name in _FORWARD_COLUMNS:
        values = getattr(snapshot.forwards, name).tolist()
        columns[f"forward_{name}"] = [str(value) for value in values]
    for field in fields(AddOns):
        values = getattr(found, field.name).tolist()
        columns[field.name] = [str(value) for value in values]
    return {"add_ons": columns}  # pyright: ignore[reportReturnType] - rows of rows


def _unsure(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with confidences from 0 to 1 %, expiry by expiry."""
    forwards = snapshot.forwards
    steps = np.arange(len(forwards), dtype=np.uint64) % np.uint64(11)
    return replace(
        snapshot, forwards=replace(forwards, confidence_wad=steps * np.uint64(WAD // 1000))
    )


def _settling(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot shortly before its nearest expiry, spot having been 1 % lower."""
    live = snapshot.forwards.expiry[snapshot.forwards.expiry > 0]
    expiry = int(live.min())
    now = expiry - LEFT_SECONDS
    until = now - UNKNOWN_SECONDS
    known = SETTLEMENT_WINDOW_SECONDS - (expiry - until)
    table = snapshot.underlyings
    spots = zip(table.underlying.tolist(), table.spot_e8.tolist(), strict=True)
    rows = [(u, expiry, until, divmod(spot * 99 // 100 * known, 2**64)) for u, spot in spots]
    return replace(
        snapshot, head=replace(snapshot.head, ref_time=now), accruals=Accruals.of_rows(rows)
    )
