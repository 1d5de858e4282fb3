"""Black-76 marks and smile variances by mpmath at 30 digits, from the formulas alone.

Nothing of `keeper/pricing` is called here: the vectors judge both it and the contracts.
"""

from __future__ import annotations

from itertools import product

import mpmath as mp

from scripts.vectors.columns import Columns, transposed

WAD = 10**18
YEAR_SECONDS = 365 * 86400
DAY = 86400

# (forward, strike) in whole USD, variance a year in wad, seconds.
_LEVELS = ((3_000, (1_500, 2_700, 3_000, 3_300, 6_000)), (90_000, (60_000, 90_000, 120_000)))
_TERMS = ((90_000_000_000_000_000, 7 * DAY), (640_000_000_000_000_000, 90 * DAY))
_LIMITS = (
    (3_000, 2_000, 0, 7 * DAY),  # no variance: intrinsic
    (3_000, 4_000, 0, 7 * DAY),
    (3_000, 2_000, 10**17, 0),  # no time: intrinsic
    (3_000, 4_000, 10**17, 0),
    (3_000, 3_000, 10**17, 0),  # at the money at expiry: zero
    (3_000, 3_000, 10**14, 1),  # the least variance for one second
    (3_000, 1, 25 * WAD, 365 * DAY),  # far strikes at the highest variance
    (1, 3_000, 25 * WAD, 365 * DAY),
    (3_000, 3_000, 25 * WAD, 10 * 365 * DAY),  # the call is nearly the forward
    (3_000, 30_000, 10**17, DAY),  # worth nothing
    (30_000, 3_000, 10**17, DAY),
    (100, 100, 4 * 10**16, 365 * DAY),
)

# a, b, rho, m, sigma in wad.
_SMILES = (
    (0, 0, 0, 0, 0),  # clamped from below
    (40_000_000_000_000_000, 0, 0, 0, 10**17),
    (10**17, 10**17, -2 * 10**17, 0, 2 * 10**17),
    (20_000_000_000_000_000, 4 * 10**17, -7 * 10**17, 5 * 10**16, 10**17),
    (-(10**16), 3 * 10**17, 5 * 10**17, -(10**17), 5 * 10**16),
    (9 * WAD, 9 * WAD, 9 * 10**17, 0, WAD),  # clamped from above
)
_LOG_MONEYNESS = (-2 * WAD, -5 * 10**17, -(10**17), 0, 10**17, 5 * 10**17, 2 * WAD)
_LOWEST_VARIANCE, _HIGHEST_VARIANCE = 10**14, 25 * WAD


def all_vectors() -> dict[str, Columns]:
    """Return the contents of `pricing.json` and `smile.json`."""
    cases = [
        (forward, strike, variance, seconds)
        for forward, strikes in _LEVELS
        for strike, (variance, seconds) in product(strikes, _TERMS)
    ]
    with mp.workdps(30):
        return {
            "pricing": transposed(
                [
                    _mark(*case, is_call)
                    for case, is_call in product([*cases, *_LIMITS], (True, False))
                ]
            ),
            "smile": transposed([_variance(k, *s) for s, k in product(_SMILES, _LOG_MONEYNESS)]),
        }


def _mark(
    forward: int, strike: int, variance_wad: int, seconds: int, is_call: bool
) -> dict[str, str | bool]:
    f, k = mp.mpf(forward), mp.mpf(strike)
    deviation = mp.sqrt(mp.mpf(variance_wad) / WAD * seconds / YEAR_SECONDS)
    sign = 1 if is_call else -1
    if deviation == 0:
        value = max(sign * (f - k), mp.mpf(0))
    else:
        d1 = mp.log(f / k) / deviation + deviation / 2
        value = sign * (f * mp.ncdf(sign * d1) - k * mp.ncdf(sign * (d1 - deviation)))
    return {
        "forward_wad": str(forward * WAD),
        "strike_wad": str(strike * WAD),
        "variance_per_year_wad": str(variance_wad),
        "seconds": str(seconds),
        "is_call": is_call,
        "price_wad": str(int(mp.nint(value * WAD).real)),
    }


def _variance(k: int, a: int, b: int, rho: int, m: int, sigma: int) -> dict[str, str]:
    distance = mp.mpf(k - m) / WAD
    root = mp.sqrt(distance**2 + (mp.mpf(sigma) / WAD) ** 2)
    variance = a + mp.mpf(b) * (mp.mpf(rho) / WAD * distance + root)
    clamped = min(max(int(mp.nint(variance)), _LOWEST_VARIANCE), _HIGHEST_VARIANCE)
    inputs = {"k_wad": k, "a": a, "b": b, "rho": rho, "m": m, "sigma": sigma}
    return {name: str(value) for name, value in inputs.items()} | {"variance_wad": str(clamped)}
