"""Ids of what books hold, as the engine packs them."""

from __future__ import annotations

from keeper.state.instruments import Instrument, Kind
from keeper.state.option_chain import OptionChain


def perpetual_id(underlying: int) -> int:
    """Return the id of a perpetual."""
    return Instrument(underlying, 0, Kind.PERPETUAL, 0).pack()


def future_id(underlying: int, expiry: int) -> int:
    """Return the id of a future."""
    return Instrument(underlying, expiry, Kind.FUTURE, 0).pack()


def option_ids(chain: OptionChain) -> list[int]:
    """Return the id of each row of a chain."""
    return [
        Instrument(underlying, expiry, Kind.CALL if call else Kind.PUT, strike).pack()
        for underlying, expiry, strike, call in zip(
            chain.underlying.tolist(),
            chain.expiry.tolist(),
            chain.strike_e8.tolist(),
            chain.is_call.tolist(),
            strict=True,
        )
    ]
