"""Units of the exact zone, and the few integer operations that every package shares.

Money is micro-dollars (`_usd6`), prices are 1e-8 USD (`_e8`), fractions are 1e-18 (`_wad`) or basis
points (`_bps`). The rounding direction is in the name. All functions are exact, for `int` and for
numpy `int64` alike.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError

USD6 = 10**6
E8 = 10**8
WAD = 10**18
BPS = 10**4
YEAR_SECONDS = 365 * 86400

BoolArray: TypeAlias = NDArray[np.bool_]
FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]

_LONGEST_DECIMAL = 100  # characters; more than any quantity has
_DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


@overload
def ceil_div(x: int, divisor: int) -> int: ...
@overload
def ceil_div(x: IntArray, divisor: int) -> IntArray: ...
def ceil_div(x: int | IntArray, divisor: int) -> int | IntArray:
    """Return `x / divisor` rounded towards plus infinity; `divisor` is positive."""
    return -(-x // divisor)


@overload
def mul_bps_up(x: int, bps: int) -> int: ...
@overload
def mul_bps_up(x: IntArray, bps: int) -> IntArray: ...
def mul_bps_up(x: int | IntArray, bps: int) -> int | IntArray:
    """Return `x * bps / 10**4` rounded up.

    `x` is split by 10**4 first, so that no intermediate exceeds the result: `int64` is exact
    whenever the result fits.
    """
    return x // BPS * bps + ceil_div(x % BPS * bps, BPS)


def wad(text: str) -> int:
    """Parse plain decimal text such as `"0.122"` into 1e-18 units, exactly.

    Raises InputError for any other notation, for more than 18 decimals and for endless text.
    """
    if len(text) > _LONGEST_DECIMAL:
        raise InputError(
            f"'{text[:8]}...' has {len(text)} characters: write at most {_LONGEST_DECIMAL}"
        )
    if not _DECIMAL.fullmatch(text):
        raise InputError(f"{text!r} is not a decimal: write digits and at most one point, as 0.122")
    scaled = Fraction(Decimal(text)) * WAD
    if scaled.denominator != 1:
        raise InputError(f"{text!r} has more than 18 decimals: round it to 1e-18")
    return scaled.numerator


def usd(usd6: int) -> str:
    """Format micro-dollars for people, `1_234_560_000 -> "1,234.56"`, to the nearest cent."""
    cents = (abs(usd6) + 5_000) // 10_000
    sign = "-" if usd6 < 0 and cents else ""
    return f"{sign}{cents // 100:,}.{cents % 100:02}"
