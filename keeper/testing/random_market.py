"""A market to hold positions in: spots, a curve of forwards, smiles and listings, from a seed.

Integers alone, so that the same seed gives the same market everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice
from math import isqrt
from typing import Final

import numpy as np

from keeper.draws import Draws
from keeper.errors import InputError
from keeper.margin.scenarios import Model, UnderlyingRisk
from keeper.state.instruments import Instrument, Kind
from keeper.state.snapshot import ForwardRow, UnderlyingRow
from keeper.units import E8, USD6, WAD, YEAR_SECONDS, IntArray

NOW: Final = 1_900_000_000
MAX_LISTINGS: Final = 100_000
EXPIRY_HOURS: Final = (6, 24, 48, 72, 168, 336, 720, 1440, 2160, 4320, 6480, 8760)

_SPOT_USD: Final = {"BTC": 90_000, "ETH": 3_000}
_OTHER_SPOT_USD: Final = 100
_LARGEST_LOT_USD: Final = 1_000
_MILLI: Final = WAD // 1000
_LEAST_SMILE_WIDTH: Final = 50 * _MILLI


@dataclass(frozen=True, slots=True, eq=False)
class RandomMarket:
    """Rows of a market in canonical order.

    Attributes:
        instruments: listed instruments, ascending by id.
        popular: int64 [L], rows of `instruments`, the most traded first.
        lot_usd6: int64 [L], worth of a lot of what each listing hangs on (spot or forward).
        spot_lot_usd6: int64 [L], the same at spot.
    """

    underlyings: tuple[UnderlyingRow, ...]
    forwards: tuple[ForwardRow, ...]
    instruments: tuple[Instrument, ...]
    popular: IntArray
    lot_usd6: IntArray
    spot_lot_usd6: IntArray


def random_market(model: Model, listings: int, draws: Draws) -> RandomMarket:
    """Return a market of `listings` listings on the underlyings of a model.

    Spots and perpetuals come first, then futures, then calls and puts from the money outwards on
    twelve expiries from six hours to a year. Raises InputError unless 1 <= listings <= 100,000,
    and for a model without underlyings.
    """
    if not 1 <= listings <= MAX_LISTINGS:
        raise InputError(f"listings {listings}: choose 1 to {MAX_LISTINGS:,}")
    if not model.underlyings:
        raise InputError("the model has no underlyings: a market needs one")
    underlyings = tuple(_underlying(risk, draws) for risk in model.underlyings)
    forwards = tuple(row for spot in underlyings for row in _curve(spot, draws))
    by_popularity = _listed(underlyings, forwards, listings)
    instruments = tuple(sorted(by_popularity, key=Instrument.pack))
    row = {instrument: index for index, instrument in enumerate(instruments)}
    lots = {spot.underlying: spot.spot_e8 * spot.lot_wad for spot in underlyings}
    ratios = {(curve.underlying, curve.expiry): curve.ratio_wad for curve in forwards}
    at_spot = [lots[i.underlying] * USD6 // (E8 * WAD) for i in instruments]
    at_forward = [
        lot if i.kind is Kind.SPOT else lot * ratios[i.underlying, i.expiry] // WAD
        for i, lot in zip(instruments, at_spot, strict=True)
    ]
    return RandomMarket(
        underlyings=underlyings,
        forwards=forwards,
        instruments=instruments,
        popular=np.array([row[instrument] for instrument in by_popularity], dtype=np.int64),
        lot_usd6=np.array(at_forward, dtype=np.int64),
        spot_lot_usd6=np.array(at_spot, dtype=np.int64),
    )


def _underlying(risk: UnderlyingRisk, draws: Draws) -> UnderlyingRow:
    """Return an underlying within 10 % of its usual price, its lot worth at most 1,000 USD."""
    usual_e8 = _SPOT_USD.get(risk.symbol, _OTHER_SPOT_USD) * E8
    usual_e8 = min(usual_e8, _LARGEST_LOT_USD * E8 * WAD // risk.lot)
    spot_e8 = usual_e8 * draws.one(f"spot {risk.symbol}", 900_000, 1_100_000) // 10**6
    return UnderlyingRow(risk.underlying, risk.lot, spot_e8, NOW - 30, risk.scan_range)


def _curve(spot: UnderlyingRow, draws: Draws) -> list[ForwardRow]:
    """Return the perpetual and each expiry: carry of 2 to 8 % a year, a smile skewed down."""
    name = f"curve {spot.underlying}"
    carry = draws.one(f"{name} carry", 20, 80) * _MILLI
    near_vol = draws.one(f"{name} near vol", 450, 800) * _MILLI
    far_vol = draws.one(f"{name} far vol", 450, 650) * _MILLI
    rho = -draws.one(f"{name} rho", 100, 400) * _MILLI
    basis = WAD + draws.one(f"{name} basis", -500, 500) * _MILLI // 1000
    rows = [ForwardRow(spot.underlying, 0, basis, 0, 0, 0, 0, 0, _MILLI, NOW - 60)]
    for hours in EXPIRY_HOURS:
        seconds = hours * 3600
        root_years = isqrt(seconds * WAD * WAD // YEAR_SECONDS)
        vol = near_vol + (far_vol - near_vol) * root_years // WAD
        variance = vol * vol // WAD
        width = max(vol * root_years // WAD, _LEAST_SMILE_WIDTH)
        rows.append(
            ForwardRow(
                underlying=spot.underlying,
                expiry=NOW + seconds,
                ratio_wad=WAD + carry * seconds // YEAR_SECONDS,
                a=variance * 7 // 10,
                b=variance * 3 // 10 * WAD // width,
                rho=rho,
                m=width // 10,
                sigma=width,
                confidence_wad=_MILLI,
                time=NOW - 60,
            )
        )
    return rows


def _listed(
    underlyings: tuple[UnderlyingRow, ...], forwards: tuple[ForwardRow, ...], wanted: int
) -> tuple[Instrument, ...]:
    """Return the first `wanted` instruments, the most traded first."""
    dated = sorted((row for row in forwards if row.expiry), key=lambda row: row.expiry)
    listed = [Instrument(u.underlying, 0, Kind.SPOT, 0) for u in underlyings]
    listed += [Instrument(u.underlying, 0, Kind.PERPETUAL, 0) for u in underlyings]
    listed += [Instrument(row.underlying, row.expiry, Kind.FUTURE, 0) for row in dated]
    rungs = max(-(-(wanted - len(listed)) // (2 * len(dated))), 0)
    spots = {row.underlying: row.spot_e8 for row in underlyings}
    ladders = [_strikes(spots[row.underlying], row, rungs) for row in dated]
    listed += [
        Instrument(row.underlying, row.expiry, kind, ladder[rung])
        for rung in range(rungs)
        for row, ladder in zip(dated, ladders, strict=True)
        for kind in (Kind.CALL, Kind.PUT)
    ]
    return tuple(listed[:wanted])


def _strikes(spot_e8: int, row: ForwardRow, rungs: int) -> list[int]:
    """Return `rungs` strikes from the forward outwards, over about three deviations each way."""
    forward = spot_e8 * row.ratio_wad // WAD
    # At the money the variance a year is about a + b sigma.
    vol = isqrt((row.a + row.b * row.sigma // WAD) * WAD)
    deviation = vol * isqrt((row.expiry - NOW) * WAD * WAD // YEAR_SECONDS) // WAD
    step = _round_number(max(forward * deviation // WAD * 6 // max(rungs, 1), 1))
    centre = (forward + step // 2) // step * step
    outwards = (centre + side * n * step for n in count() for side in ((1, -1) if n else (1,)))
    return list(islice((strike for strike in outwards if strike > 0), rungs))


def _round_number(x: int) -> int:
    """Return the largest of 1, 2, 5, 10, 20, ... that is not above `x`."""
    power = 10 ** (len(str(x)) - 1)
    return next(digit * power for digit in (5, 2, 1) if digit * power <= x)
