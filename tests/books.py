"""Small exchanges to test with: two underlyings, three expiries, and accounts built in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from keeper.margin.model_text import parse_model
from keeper.margin.scenarios import Model, Scenario, model_hash
from keeper.state.accounts import account_id, bounty_reserve_usd6
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import (
    AccountRow,
    AccrualRow,
    BalanceRow,
    ForwardRow,
    Head,
    LegRow,
    ListingRow,
    Snapshot,
    TokenRow,
    UnderlyingRow,
    build_snapshot,
)

CONFIG = Path(__file__).parents[1] / "config"
MODEL_TEXT = (CONFIG / "model.toml").read_text("utf-8")
HISTORY_TEXT = (CONFIG / "history.csv").read_text("utf-8")
MODEL = parse_model(MODEL_TEXT, HISTORY_TEXT)
STILL = Scenario(
    "one",
    spot_bps=0,
    others_spot_bps=0,
    vol_bps=0,
    others_vol_bps=0,
    flat_bps=0,
    front_bps=0,
    twist_bps=0,
    skew_bps=0,
    curvature_bps=0,
    weight_bps=10_000,
    clock_seconds=0,
    focus=0,
    rolls=False,
    floor=False,
)

NOW = 1_900_000_000
BTC, ETH = 1, 2
NEAR, FAR, PAST = NOW + 7 * 86400, NOW + 90 * 86400, NOW - 3600
MILLI = 10**15

UNDERLYINGS = (
    UnderlyingRow(BTC, MILLI, 91_234_56789012, NOW - 30, 92 * MILLI),
    UnderlyingRow(ETH, MILLI, 3_011_23456789, NOW - 40, 122 * MILLI),
)


def forward(
    underlying: int, expiry: int, ratio_wad: int = 1_002 * MILLI, time: int = NOW - 60
) -> ForwardRow:
    """A published expiry with a skewed smile; the perpetual's smile is zero."""
    if expiry == 0:
        return ForwardRow(underlying, 0, ratio_wad, 0, 0, 0, 0, 0, MILLI, time)
    return ForwardRow(
        underlying, expiry, ratio_wad, 250 * MILLI, 180 * MILLI, -220 * MILLI, 30 * MILLI,
        150 * MILLI, MILLI, time,
    )  # fmt: skip


FORWARDS = tuple(
    forward(underlying, expiry, ratio)
    for underlying in (BTC, ETH)
    for expiry, ratio in ((0, 1_000_500 * 10**12), (NEAR, 1_002 * MILLI), (FAR, 1_015 * MILLI))
)


def spot(underlying: int = ETH) -> int:
    return Instrument(underlying, 0, Kind.SPOT, 0).pack()


def perpetual(underlying: int = ETH) -> int:
    return Instrument(underlying, 0, Kind.PERPETUAL, 0).pack()


def future(expiry: int = NEAR, underlying: int = ETH) -> int:
    return Instrument(underlying, expiry, Kind.FUTURE, 0).pack()


def call(strike_usd: int, expiry: int = NEAR, underlying: int = ETH) -> int:
    return Instrument(underlying, expiry, Kind.CALL, strike_usd * 10**8).pack()


def put(strike_usd: int, expiry: int = NEAR, underlying: int = ETH) -> int:
    return Instrument(underlying, expiry, Kind.PUT, strike_usd * 10**8).pack()


STRIKES = {BTC: (70_000, 91_000, 110_000), ETH: (2_400, 2_700, 3_000, 3_300, 4_000)}

LISTED = tuple(
    [spot(u) for u in (BTC, ETH)]
    + [perpetual(u) for u in (BTC, ETH)]
    + [future(expiry, u) for u in (BTC, ETH) for expiry in (NEAR, FAR)]
    + [
        option(strike, expiry, u)
        for option in (call, put)
        for u in (BTC, ETH)
        for expiry in (NEAR, FAR)
        for strike in STRIKES[u]
    ]
)


def account(
    number: int,
    lots: Mapping[int, int],
    *,
    cash_usd6: int = 0,
    costs: Mapping[int, int] | None = None,
    mode: int = 2,
) -> AccountRow:
    """An account that holds `lots` by instrument, at entry `costs` by instrument."""
    costs = costs or {}
    legs = tuple(LegRow(i, size, costs.get(i, 0)) for i, size in lots.items())
    return AccountRow(
        account_id(number.to_bytes(20, "big"), 0),
        mode,
        0,
        cash_usd6,
        bounty_reserve_usd6(len(legs)) or 50 * 10**6,
        legs,
    )


def exchange(
    accounts: Iterable[AccountRow] = (),
    *,
    underlyings: Sequence[UnderlyingRow] = UNDERLYINGS,
    forwards: Sequence[ForwardRow] = FORWARDS,
    listings: Sequence[ListingRow] | None = None,
    model: Model = MODEL,
    now: int = NOW,
    tokens: Iterable[TokenRow] = (),
    balances: Iterable[BalanceRow] = (),
    accruals: Iterable[AccrualRow] = (),
) -> Snapshot:
    """A snapshot of the exchange above, with any table replaced."""
    if listings is None:
        listings = [ListingRow(instrument, 1_000_000, 0) for instrument in LISTED]
    head = Head(epoch=7, ref_block=224, ref_time=now, model_hash=model_hash(model))
    return build_snapshot(
        head, underlyings, forwards, listings, accounts, tokens, balances, accruals=accruals
    )
