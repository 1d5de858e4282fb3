"""Results of every scenario for a handful of legs, by mpmath at 30 digits, from docs/model.md.

The rows are the committed table's, then extra ones that use all columns at once and pass every
clamp. Two expiries settle by an average that has begun: one ahead, one past without a price.
Nothing of `keeper/margin` computes here: the vectors judge both it and the contracts.
"""

from __future__ import annotations

from dataclasses import asdict, replace

import mpmath as mp

from keeper.chain.model_file import read_model
from keeper.margin.scenarios import Scenario, UnderlyingRisk
from keeper.state.instruments import Instrument, Kind
from scripts.vectors.columns import Columns, transposed
from scripts.vectors.model import MODEL

NOW = 1_900_000_000
HOUR, DAY, YEAR = 3_600, 86_400, 365 * 86_400
LOTS = 1_000_000
SPOT_E8 = {1: 91_234_56789012, 2: 3_011_23456789}
RATIO_WAD = 1_002 * 10**15
SMILE = {"a": 250, "b": 180, "rho": -220, "m": 30, "sigma": 150}  # thousandths

_STRIKES = {1: (70_000, 91_000, 110_000), 2: (2_400, 3_000, 4_000)}
# Seconds to expiry and to where the average has come, and what spot has been over it, in percent.
WINDOW = 1_800
AVERAGED = {1_000: (-30, 101), -45: (-75, 97)}
_TERMS = (20 * HOUR, 28 * HOUR, 3 * DAY, 4 * DAY, 31 * DAY, 400 * DAY)
LEGS = [
    *(Instrument(u, 0, kind, 0) for u in (1, 2) for kind in (Kind.SPOT, Kind.PERPETUAL)),
    *(Instrument(u, NOW + t, Kind.FUTURE, 0) for u in (1, 2) for t in _TERMS[1:5:3]),
    *(
        Instrument(u, NOW + t, kind, strike * 10**8)
        for u in (1, 2)
        for n, t in enumerate(_TERMS)
        for kind, strike in (
            (Kind.CALL, _STRIKES[u][n % 3]),
            (Kind.PUT, _STRIKES[u][(n + 1) % 3]),
        )
    ),
    *(
        Instrument(u, NOW + t, kind, strike * 10**8)
        for u in (1, 2)
        for t in AVERAGED
        for kind, strike in (
            (Kind.FUTURE, 0),
            (Kind.CALL, _STRIKES[u][1]),
            (Kind.PUT, _STRIKES[u][1]),
            (Kind.PUT, _STRIKES[u][2]),
        )
    ),
]

_MIXED = Scenario(
    "mixed", 4_000, -3_000, 7_000, -2_000, 3_000, -2_500, 1_700, 600, -300, 9_000, 40_000, 1,
    rolls=True, floor=False,
)  # fmt: skip
_CALM = Scenario("calm", 0, 0, 0, 0, 0, 0, 0, 0, 0, 10_000, 0, 0, rolls=False, floor=False)
EXTRA = (
    _MIXED,
    replace(_MIXED, name="mixed for the other", focus=2, twist_bps=-2_000, rolls=False),
    replace(_CALM, name="curvature up", curvature_bps=300),
    replace(_CALM, name="curvature down a day later", curvature_bps=-300, clock_seconds=DAY),
    replace(_CALM, name="clamped up", spot_bps=60_000, vol_bps=60_000, skew_bps=30_000),
    replace(_CALM, name="clamped down", spot_bps=-60_000, vol_bps=-60_000, front_bps=-30_000),
    replace(_CALM, name="a month later", clock_seconds=30 * DAY, flat_bps=-9_000),
)


def all_vectors() -> dict[str, Columns]:
    """Return the content of `scenarios.json`."""
    model = read_model(MODEL)
    risks = {risk.underlying: risk for risk in model.underlyings}
    with mp.workdps(30):
        pnl = [
            [str(_pnl(leg, row, risks[leg.underlying])) for leg in LEGS]
            for row in (*model.scenarios, *EXTRA)
        ]
    columns: Columns = {
        "now": str(NOW),
        "lots": str(LOTS),
        "spot_e8": [str(spot) for spot in SPOT_E8.values()],
        "ratio_wad": str(RATIO_WAD),
        **{name: str(value * 10**15) for name, value in SMILE.items()},
        "accrued_expiry": [str(NOW + term) for term in AVERAGED for _ in SPOT_E8],
        "accrued_underlying": [str(u) for _ in AVERAGED for u in SPOT_E8],
        "accrued_until": [str(NOW + until) for until, _ in AVERAGED.values() for _ in SPOT_E8],
        "accrued_sum_e8": [str(_accrued_e8(u, NOW + t)) for t in AVERAGED for u in SPOT_E8],
        "instrument": [str(leg.pack()) for leg in LEGS],
        "pnl_usd6": pnl,  # pyright: ignore[reportAssignmentType] - a row a scenario
    }
    return {"scenarios": columns | transposed([_cells(row) for row in EXTRA], "extra_")}


def _cells(row: Scenario) -> dict[str, str | bool]:
    return {k: v if isinstance(v, bool) else str(v) for k, v in asdict(row).items()}


def _pnl(leg: Instrument, row: Scenario, risk: UnderlyingRisk) -> int:
    """Result of LOTS lots in micro-dollars, rounded to nearest."""
    forward, fixed = _forward(leg), _fixed(leg)
    before = _value(leg, forward, _vol(leg), max(leg.expiry - NOW, 0))
    left = max(leg.expiry - NOW - row.clock_seconds, 0)
    moved = fixed + (forward - fixed) * (1 + _move(leg, row, risk))
    after = _value(leg, moved, _shocked(leg, row, risk), left)
    units = LOTS * mp.mpf(risk.lot) / 10**18
    return int(mp.nint(units * mp.mpf(row.weight_bps) / 10**4 * (after - before) * 10**6).real)


def _forward(leg: Instrument) -> mp.mpf:
    spot, term = SPOT_E8[leg.underlying], leg.expiry - NOW
    plain = leg.kind is Kind.SPOT or (leg.expiry and term <= 0)
    price = spot if plain else spot * RATIO_WAD // 10**18
    if term in AVERAGED:
        rest = term - AVERAGED[term][0]
        price = (_accrued_e8(leg.underlying, leg.expiry) + rest * price) // WINDOW
    return mp.mpf(price) / 10**8


def _fixed(leg: Instrument) -> mp.mpf:
    """What of the forward has been averaged already."""
    if leg.expiry - NOW not in AVERAGED:
        return mp.mpf(0)
    return mp.mpf(_accrued_e8(leg.underlying, leg.expiry) // WINDOW) / 10**8


def _accrued_e8(underlying: int, expiry: int) -> int:
    until, percent = AVERAGED[expiry - NOW]
    return SPOT_E8[underlying] * percent // 100 * (NOW + until - (expiry - WINDOW))


def _strike(leg: Instrument) -> mp.mpf:
    return mp.mpf(leg.strike_e8) / 10**8


def _vol(leg: Instrument) -> mp.mpf:
    if not leg.strike_e8:
        return mp.mpf(0)
    a, b, rho, m, sigma = (mp.mpf(value) / 1000 for value in SMILE.values())
    x = mp.log(_strike(leg) / _forward(leg)) - m
    vol = mp.sqrt(a + b * (rho * x + mp.sqrt(x * x + sigma * sigma)))
    return vol * (1 - _fixed(leg) / _forward(leg))


def _value(leg: Instrument, forward: mp.mpf, vol: mp.mpf, seconds: int) -> mp.mpf:
    if not leg.strike_e8:
        return forward
    strike, sign = _strike(leg), mp.mpf(1 if leg.kind is Kind.CALL else -1)
    deviation = vol * mp.sqrt(mp.mpf(seconds) / YEAR)
    if deviation == 0:
        return _within(sign * (forward - strike), 0, mp.inf)
    d1 = mp.log(forward / strike) / deviation + deviation / 2
    return sign * (forward * mp.ncdf(sign * d1) - strike * mp.ncdf(sign * (d1 - deviation)))


def _move(leg: Instrument, row: Scenario, risk: UnderlyingRisk) -> mp.mpf:
    meant = row.focus in (0, leg.underlying)
    share = mp.mpf(row.spot_bps if meant else row.others_spot_bps) / 10**4
    left = mp.mpf(leg.expiry - NOW) if leg.expiry else mp.mpf(0)
    reach = 1 + mp.sqrt(_within(left / YEAR, 0, 1)) / 10 if row.rolls else mp.mpf(1)
    move = _within(share * mp.mpf(risk.scan_range) / 10**18 * reach, mp.mpf(-9) / 10, 5)
    if row.rolls and leg.expiry:
        move *= 1 - _within((30 * HOUR - left) / (6 * HOUR), 0, 1)
    return move


def _shocked(leg: Instrument, row: Scenario, risk: UnderlyingRisk) -> mp.mpf:
    """Vol at the strike after the scenario."""
    vol = _vol(leg)
    if not leg.strike_e8:
        return vol
    seconds = mp.mpf(leg.expiry - NOW)
    ratio = 30 * DAY / max(seconds - row.clock_seconds, mp.mpf(8) / 10 * DAY)
    meant = row.focus in (0, leg.underlying)
    parallel, flat, front, twist, skew, curvature = (
        mp.mpf(bps) / 10**4
        for bps in (
            row.vol_bps if meant else row.others_vol_bps,
            row.flat_bps, row.front_bps, row.twist_bps, row.skew_bps, row.curvature_bps,
        )
    )  # fmt: skip
    up, down = mp.mpf(risk.vol_up) / 10**18, mp.mpf(risk.vol_down) / 10**18
    g = _within(-mp.log(ratio) / mp.log(30), -1, 1)
    if seconds <= 0:
        return vol
    z = mp.log(_strike(leg) / _forward(leg)) / (vol * mp.sqrt(seconds / YEAR))
    z = _within(z, -mp.mpf(5) / 2, mp.mpf(5) / 2)
    shift = (
        parallel * (up if parallel > 0 else down) * mp.sqrt(ratio)
        + flat * (up if flat > 0 else down) * mp.power(ratio, mp.mpf(1) / 5)
        + front * _within((5 * DAY - seconds) / (3 * DAY), 0, 1)
        - twist * g * (mp.power(ratio, mp.mpf(2) / 5) if g < 0 else 1)
        + (skew * z + curvature * abs(z)) * _within(mp.power(ratio, mp.mpf(1) / 2), 0, 3)
    )
    return vol * mp.exp(_within(shift, -mp.mpf(12) / 10, mp.mpf(12) / 10))


def _within(x: mp.mpf, low: mp.mpf | float, high: mp.mpf | float) -> mp.mpf:
    return mp.mpf(min(max(x, low), high))
