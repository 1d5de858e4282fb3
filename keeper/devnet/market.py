"""The price path of the demo: a crash in the shape of 11 to 13 March 2020, in a few points of ours.

The closes of the eve and of the day after are the public record (ETH 194.61 and 107.82 USD, BTC
about 7,940 and 4,860). Every figure between them is our own and round: a slow slide, one hour that
loses a fifth, a false calm, a second leg down, a partial recovery. Vols and bases are ours as well.
Hour 0 is the eve's close. All in integers, so that each chain is told the same words.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from keeper.attestation.typed_data import ExpiryQuote
from keeper.units import BPS, E8, WAD

BTC: Final = 1
ETH: Final = 2
SYMBOLS: Final = {BTC: "BTC", ETH: "ETH"}
UNDERLYINGS: Final = (BTC, ETH)

HOUR: Final = 3_600
DAY: Final = 86_400

# The hours at which the demo makes a step: closer together where the market breaks.
STEP_HOURS: Final = (
    *(0, 2, 4, 6, 8, 10, 11, 12, 13, 15),
    *(17, 19, 21, 22, 23, 24, 25, 26, 27, 28),
)

# 08:00 UTC, the usual hour of expiries, and so far ahead that no node's clock has passed it.
START: Final = 2_000_016_000

EXPIRY_DAY: Final = START + DAY
EXPIRY_FORTNIGHT: Final = START + 14 * DAY
EXPIRY_QUARTER: Final = START + 91 * DAY
EXPIRIES: Final = (EXPIRY_DAY, EXPIRY_FORTNIGHT, EXPIRY_QUARTER)
PERPETUAL_EXPIRY: Final = 0


@dataclass(frozen=True, slots=True)
class Anchor:
    """One point of the path: vols at the money in two weeks, the basis of three months."""

    hour: int
    eth_cents: int
    btc_cents: int
    eth_vol_bps: int
    btc_vol_bps: int
    basis_bps: int


ANCHORS: Final = (
    Anchor(0, 194_61, 7_940_00, 8_000, 6_000, 60),
    Anchor(6, 182_00, 7_600_00, 9_000, 7_000, 20),
    Anchor(10, 168_00, 7_250_00, 11_000, 8_500, -50),
    Anchor(11, 134_00, 5_950_00, 19_000, 14_500, -250),
    Anchor(17, 141_00, 6_200_00, 17_500, 13_500, -180),
    Anchor(23, 127_00, 5_700_00, 20_000, 15_500, -240),
    Anchor(24, 107_82, 4_860_00, 25_000, 18_500, -350),
    Anchor(26, 112_00, 5_050_00, 23_000, 17_000, -300),
    Anchor(28, 126_00, 5_500_00, 19_500, 14_500, -180),
)

# The share of the two-week vol's rise, and of the three-month basis, that an expiry takes part in.
_VOL_SHARE_BPS: Final = {EXPIRY_DAY: 12_000, EXPIRY_FORTNIGHT: 10_000, EXPIRY_QUARTER: 5_000}
_BASIS_SHARE_BPS: Final = {
    PERPETUAL_EXPIRY: 800,
    EXPIRY_DAY: 500,
    EXPIRY_FORTNIGHT: 4_000,
    EXPIRY_QUARTER: 10_000,
}
_SKEW_WAD: Final = -WAD // 4
_SMILE_WIDTH_WAD: Final = WAD // 5
_CONFIDENCE_WAD: Final = WAD // 1_000


def spot_e8(underlying: int, hour: int) -> int:
    """Return the spot at an hour of the path."""
    low, high = _around(hour)
    if underlying == ETH:
        return _between(low, high, hour, low.eth_cents, high.eth_cents, E8 // 100)
    return _between(low, high, hour, low.btc_cents, high.btc_cents, E8 // 100)


def spot_before_e8(underlying: int, hour: int, seconds: int) -> int:
    """Return the spot so long before an hour of the path, on the line from the hour before."""
    before, then = spot_e8(underlying, hour - 1), spot_e8(underlying, hour)
    return (before * seconds + then * (HOUR - seconds)) // HOUR


def surface(underlying: int, hour: int, now: int) -> tuple[ExpiryQuote, ...]:
    """Return the quotes of the perpetual and of every expiry that is still ahead at `now`."""
    live = [expiry for expiry in EXPIRIES if expiry > now]
    return tuple(_quote(underlying, hour, expiry) for expiry in (PERPETUAL_EXPIRY, *live))


def _quote(underlying: int, hour: int, expiry: int) -> ExpiryQuote:
    low, high = _around(hour)
    basis = _between(low, high, hour, low.basis_bps, high.basis_bps, WAD // BPS)
    ratio = WAD + basis * _BASIS_SHARE_BPS[expiry] // BPS
    if expiry == PERPETUAL_EXPIRY:
        return ExpiryQuote(expiry, ratio, _CONFIDENCE_WAD, 0, 0, 0, 0, 0)
    vol = _vol_wad(underlying, hour, expiry)
    variance = vol * vol // WAD
    # Wings grow with the variance but flatten in a crash, as they do: 1.2 v / (1 + v).
    slope = 12 * variance * WAD // (10 * (WAD + variance))
    level = variance - slope * _SMILE_WIDTH_WAD // WAD
    return ExpiryQuote(expiry, ratio, _CONFIDENCE_WAD, level, slope, _SKEW_WAD, 0, _SMILE_WIDTH_WAD)


def _vol_wad(underlying: int, hour: int, expiry: int) -> int:
    low, high = _around(hour)
    if underlying == ETH:
        calm, vol = (
            ANCHORS[0].eth_vol_bps,
            _between(low, high, hour, low.eth_vol_bps, high.eth_vol_bps, WAD // BPS),
        )
    else:
        calm, vol = (
            ANCHORS[0].btc_vol_bps,
            _between(low, high, hour, low.btc_vol_bps, high.btc_vol_bps, WAD // BPS),
        )
    calm_wad = calm * (WAD // BPS)
    return calm_wad + (vol - calm_wad) * _VOL_SHARE_BPS[expiry] // BPS


def _around(hour: int) -> tuple[Anchor, Anchor]:
    if not 0 <= hour <= ANCHORS[-1].hour:
        raise ValueError(f"hour {hour} is outside of the path, 0 to {ANCHORS[-1].hour}")
    for low, high in pairwise(ANCHORS):
        if low.hour <= hour <= high.hour:
            return low, high
    raise AssertionError("the anchors cover every hour between the first and the last")


def _between(low: Anchor, high: Anchor, hour: int, at_low: int, at_high: int, scale: int) -> int:
    """Interpolate on a line, rounded down after scaling."""
    span = high.hour - low.hour
    return (at_low * (high.hour - hour) + at_high * (hour - low.hour)) * scale // span
