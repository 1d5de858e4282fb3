"""Instruments by name: `put(ETH, EXPIRY_DAY, 170)`."""

from __future__ import annotations

from keeper.state.instruments import Instrument, Kind
from keeper.units import E8


def spot(underlying: int) -> Instrument:
    """Return the token itself, held as a position."""
    return Instrument(underlying, 0, Kind.SPOT, 0)


def perpetual(underlying: int) -> Instrument:
    """Return the perpetual."""
    return Instrument(underlying, 0, Kind.PERPETUAL, 0)


def call(underlying: int, expiry: int, strike_usd: int) -> Instrument:
    """Return a European call."""
    return Instrument(underlying, expiry, Kind.CALL, strike_usd * E8)


def put(underlying: int, expiry: int, strike_usd: int) -> Instrument:
    """Return a European put."""
    return Instrument(underlying, expiry, Kind.PUT, strike_usd * E8)
