"""Instrument ids: their fields, and ids that are refused."""

from __future__ import annotations

from keeper.state.instruments import Instrument, Kind
from scripts.vectors.columns import Columns, transposed

SYMBOLS = {1: "BTC", 2: "ETH", 65535: "LAST"}

INSTRUMENTS = (
    Instrument(1, 0, Kind.SPOT, 0),
    Instrument(1, 0, Kind.PERPETUAL, 0),
    Instrument(1, 1_798_790_400, Kind.FUTURE, 0),
    Instrument(1, 1_798_790_400, Kind.CALL, 90_000 * 10**8),
    Instrument(1, 1_798_790_400, Kind.PUT, 90_000 * 10**8),
    Instrument(2, 2_000_188_800, Kind.CALL, 180 * 10**8),
    Instrument(2, 2_000_188_800, Kind.PUT, 1),
    Instrument(2, 2_000_188_800, Kind.CALL, 3_000_50000000),
    Instrument(65535, 2**40 - 1, Kind.PUT, 2**64 - 1),
)

REFUSED = (
    0,
    1 << 64,  # no underlying
    1 << 112,  # no kind
    1 << 112 | 6 << 64,  # unknown kind
    1 << 112 | 1 << 64 | 1,  # SPOT with a strike
    1 << 112 | 7 << 72 | 1 << 64,  # SPOT with an expiry
    1 << 112 | 7 << 72 | 2 << 64,  # PERPETUAL with an expiry
    1 << 112 | 3 << 64,  # FUTURE without an expiry
    1 << 112 | 7 << 72 | 3 << 64 | 1,  # FUTURE with a strike
    1 << 112 | 4 << 64 | 1,  # CALL without an expiry
    1 << 112 | 7 << 72 | 4 << 64,  # CALL without a strike
    1 << 112 | 7 << 72 | 5 << 64,  # PUT without a strike
)


def all_vectors() -> dict[str, Columns]:
    """Return the content of `instruments.json`."""
    rows = [
        {
            "underlying": str(i.underlying),
            "expiry": str(i.expiry),
            "kind": str(int(i.kind)),
            "strike_e8": str(i.strike_e8),
            "id": str(i.pack()),
            "name": i.name(SYMBOLS),
        }
        for i in INSTRUMENTS
    ]
    return {"instruments": {**transposed(rows), "refused": [str(i) for i in REFUSED]}}
