"""The loops over arrays of options; see `scalars` for what happens to each.

All arguments are one-dimensional and contiguous, of one length: float64, `is_call` bool. Results go
into the last ones. Serial, and without the interpreter lock: callers may split the arrays between
threads.

Each loop is cut in two, over blocks that stay in the nearest cache: a processor looks some 250
instructions ahead, less than one option takes, and of the shorter chains it overlaps several.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from keeper.pricing.jit import kernel
from keeper.pricing.scalars import deviation1, price1, price_and_greeks1, standardised1
from keeper.units import BoolArray, FloatArray

_BLOCK: Final = 512


@kernel
def price(
    forward: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    years: FloatArray,
    is_call: BoolArray,
    out: FloatArray,
) -> None:
    """Write the undiscounted values."""
    deviation, d1 = np.empty(_BLOCK), np.empty(_BLOCK)
    d2, ratio = np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(0, out.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        f, k, v, t, call = forward[block], strike[block], vol[block], years[block], is_call[block]
        p = out[block]
        for n in range(p.size):
            deviation[n] = deviation1(v[n], t[n])
            d1[n], d2[n], ratio[n] = standardised1(f[n], k[n], deviation[n])
        for n in range(p.size):
            p[n] = price1(f[n], k[n], call[n], deviation[n], d1[n], d2[n], ratio[n])


@kernel
def price_and_greeks(
    forward: FloatArray,
    strike: FloatArray,
    vol: FloatArray,
    years: FloatArray,
    is_call: BoolArray,
    price: FloatArray,
    delta: FloatArray,
    gamma: FloatArray,
    vega: FloatArray,
    theta: FloatArray,
) -> None:
    """Write values and Greeks."""
    d1, d2, ratio = np.empty(_BLOCK), np.empty(_BLOCK), np.empty(_BLOCK)
    for first in range(0, price.size, _BLOCK):
        block = slice(first, first + _BLOCK)
        f, k, v, t, call = forward[block], strike[block], vol[block], years[block], is_call[block]
        p, d, g, ve, th = price[block], delta[block], gamma[block], vega[block], theta[block]
        for n in range(p.size):
            d1[n], d2[n], ratio[n] = standardised1(f[n], k[n], deviation1(v[n], t[n]))
        for n in range(p.size):
            p[n], d[n], g[n], ve[n], th[n] = price_and_greeks1(
                f[n], k[n], v[n], t[n], call[n], d1[n], d2[n], ratio[n]
            )
