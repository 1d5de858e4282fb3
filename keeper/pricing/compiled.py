"""The loops over arrays of options; see `scalars` for what happens to each.

All arguments are one-dimensional and contiguous, of one length: float64, `is_call` bool. Results go
into the last ones. Serial, and without the interpreter lock: callers may split the arrays between
threads.
"""

from __future__ import annotations

from keeper.pricing.jit import kernel
from keeper.pricing.scalars import deviation1, price1, price_and_greeks1
from keeper.units import BoolArray, FloatArray


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
    for n in range(out.size):
        out[n] = price1(forward[n], strike[n], deviation1(vol[n], years[n]), is_call[n])


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
    for n in range(price.size):
        price[n], delta[n], gamma[n], vega[n], theta[n] = price_and_greeks1(
            forward[n], strike[n], vol[n], years[n], is_call[n]
        )
