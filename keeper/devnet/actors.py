"""The people of the demo and the books that they trade themselves into, against two dealers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from keeper.devnet.instruments import call, perpetual, put, spot
from keeper.devnet.market import BTC, ETH, EXPIRY_DAY, EXPIRY_FORTNIGHT, EXPIRY_QUARTER
from keeper.state.instruments import Instrument

# One coin: every instrument of the demo is traded in lots of a thousandth.
COIN: Final = 1_000


@dataclass(frozen=True, slots=True)
class Actor:
    """One account: what it pays in and the book that it trades itself into.

    `legs` are lots to trade, in this order; `spot_coins` are tokens to pledge, by underlying. The
    name is also the label of its key.
    """

    name: str
    cash_usd: int
    legs: tuple[tuple[Instrument, int], ...] = ()
    spot_coins: dict[int, int] = field(default_factory=dict[int, int])


def _coins(*legs: tuple[Instrument, int]) -> tuple[tuple[Instrument, int], ...]:
    return tuple((instrument, coins * COIN) for instrument, coins in legs)


_FIRST_DEALER: Final = Actor("dealer one", 20_000_000)
_SECOND_DEALER: Final = Actor("dealer two", 20_000_000)
DEALERS: Final = (_FIRST_DEALER, _SECOND_DEALER)


def dealer_of(instrument: Instrument) -> Actor:
    """Return who makes a market in it: one dealer in two-week options, the other in the rest."""
    return _FIRST_DEALER if instrument.expiry == EXPIRY_FORTNIGHT else _SECOND_DEALER


_F, _Q, _D = EXPIRY_FORTNIGHT, EXPIRY_QUARTER, EXPIRY_DAY

OVER_LEVERED: Final = Actor("over-levered long", 10_200, _coins((perpetual(ETH), 200)))
SLOW_LONG: Final = Actor("perpetual long", 16_000, _coins((perpetual(ETH), 200)))
# Saved by its owner, who pays in when the gap takes it below maintenance.
HEDGED_STRADDLE: Final = Actor(
    "hedged straddle",
    3_600,
    _coins((perpetual(ETH), 4), (call(ETH, _F, 190), -50), (put(ETH, _F, 190), -50)),
)
# Twice offsetting: standard margin would ask 27,600 USD where the joint scenarios lose 1,300.
RELATIVE_VALUE: Final = Actor(
    "BTC against ETH", 15_000, _coins((perpetual(BTC), 8), (perpetual(ETH), -300))
)

ACTORS: Final = (
    SLOW_LONG,
    OVER_LEVERED,
    Actor("short put", 5_200, _coins((put(ETH, _F, 170), -100))),
    Actor("short call", 6_000, _coins((call(ETH, _F, 220), -100))),
    Actor("covered call", 500, _coins((call(ETH, _F, 220), -50)), {ETH: 50}),
    Actor("put spread", 3_700, _coins((put(ETH, _F, 180), 100), (put(ETH, _F, 150), -100))),
    HEDGED_STRADDLE,
    Actor(
        "conversion",
        2_500,
        _coins((put(ETH, _F, 190), 100), (perpetual(ETH), 100), (call(ETH, _F, 190), -100)),
    ),
    Actor("calendar", 7_000, _coins((put(ETH, _Q, 180), 60), (put(ETH, _D, 180), -60))),
    Actor("day puts", 1_500, _coins((put(ETH, _D, 190), 40), (put(BTC, _D, 7_500), 1))),
    RELATIVE_VALUE,
    Actor(
        "collar",
        16_500,
        _coins((perpetual(BTC), 5), (put(BTC, _Q, 6_500), 5), (call(BTC, _Q, 10_000), -5)),
    ),
    Actor(
        "iron condor",
        16_000,
        _coins(
            (put(BTC, _F, 5_500), 10),
            (put(BTC, _F, 7_000), -10),
            (call(BTC, _F, 9_500), 10),
            (call(BTC, _F, 8_500), -10),
        ),
    ),
    Actor(
        "market maker",
        25_000,
        _coins(
            (put(ETH, _F, 130), 40),
            (put(ETH, _F, 150), 60),
            (put(ETH, _F, 160), -50),
            (put(ETH, _F, 180), -60),
            (put(ETH, _F, 200), 30),
            (call(ETH, _F, 180), -20),
            (call(ETH, _F, 200), 50),
            (call(ETH, _F, 210), -60),
            (call(ETH, _F, 240), 40),
            (put(ETH, _D, 160), 50),
            (put(ETH, _D, 180), -20),
            (call(ETH, _D, 200), -30),
            (call(ETH, _D, 210), 50),
            (put(ETH, _Q, 120), -30),
            (put(ETH, _Q, 150), 40),
            (put(ETH, _Q, 180), -15),
            (call(ETH, _Q, 200), 30),
            (call(ETH, _Q, 230), -40),
            (call(ETH, _Q, 280), 30),
            (perpetual(ETH), -20),
        ),
    ),
)


def listed() -> tuple[Instrument, ...]:
    """Return what somebody of the demo holds, ascending by id."""
    traded = {instrument for actor in ACTORS for instrument, _ in actor.legs}
    pledged = {spot(underlying) for actor in ACTORS for underlying in actor.spot_coins}
    return tuple(sorted(traded | pledged, key=Instrument.pack))
