"""Undiscounted Black-76 value and Greeks of European options on a forward.

Black (1976), eq. 16 without the discount factor, which docs/model.md leaves out. The value is
computed as intrinsic plus the out-of-the-money twin: that one never subtracts two large numbers, so
the error stays below 1e-15 of the forward and put-call parity holds by construction. Compiled loops
(`compiled`) or numpy (`black76_numpy`) answer, with the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from keeper.pricing import backend, black76_numpy
from keeper.units import BoolArray, FloatArray

Real: TypeAlias = NDArray[np.float64] | float
Flag: TypeAlias = NDArray[np.bool_] | bool
Element = TypeVar("Element", bound=np.generic)

# Elements that numpy handles at a time: its twenty temporaries then stay in a core's cache.
_BLOCK = 16_384


@dataclass(frozen=True, slots=True)
class Greeks:
    """Values and their derivatives, float64 of one shape, undiscounted.

    `price` is in the units of the forward. `delta` is its change per unit of forward: N(d1) for a
    call, N(d1) - 1 for a put; without vol or time it is the step function with one half at the
    strike. `gamma` is the change of delta per unit of forward, `vega` of price per 1.00 of vol,
    `theta` of price per year that passes, -F phi(d1) vol / (2 sqrt(T)) (Haug 2007, ch. 2, with
    r = b = 0). Without vol or time these three are zero.
    """

    price: FloatArray
    delta: FloatArray
    gamma: FloatArray
    vega: FloatArray
    theta: FloatArray


def price(forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag) -> FloatArray:
    """Return the undiscounted value per unit, in the units of `forward`; all arguments broadcast.

    `forward` and `strike` are finite and not negative, `vol` is a fraction a year. Where `vol <= 0`
    or `years <= 0` the value is intrinsic, exactly. A call lies in [max(F - K, 0), F], a put in
    [max(K - F, 0), K].
    """
    shape, columns = _columns(forward, strike, vol, years, is_call)
    out = np.empty(columns[0].size, dtype=np.float64)
    if backend.COMPILED:
        from keeper.pricing import compiled

        compiled.price(*columns, out)
    else:
        for block in _blocks(out.size):
            f, k, v, t, call = columns
            out[block] = black76_numpy.price(f[block], k[block], v[block], t[block], call[block])
    return out.reshape(shape)[()]


def price_and_greeks(forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag) -> Greeks:
    """Return values and Greeks in one pass; arguments and bits of the value as for `price`."""
    shape, columns = _columns(forward, strike, vol, years, is_call)
    p, d, g, v, t = (np.empty(columns[0].size, dtype=np.float64) for _ in range(5))
    if backend.COMPILED:
        from keeper.pricing import compiled

        compiled.price_and_greeks(*columns, p, d, g, v, t)
    else:
        for n in _blocks(p.size):
            forwards, strikes, vols, times, calls = columns
            p[n], d[n], g[n], v[n], t[n] = black76_numpy.price_and_greeks(
                forwards[n], strikes[n], vols[n], times[n], calls[n]
            )
    p, d, g, v, t = (column.reshape(shape)[()] for column in (p, d, g, v, t))
    return Greeks(price=p, delta=d, gamma=g, vega=v, theta=t)


def delta(forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag) -> FloatArray:
    """Return the change of value per unit of forward; see `Greeks`."""
    return price_and_greeks(forward, strike, vol, years, is_call).delta


def gamma(forward: Real, strike: Real, vol: Real, years: Real) -> FloatArray:
    """Return the change of delta per unit of forward, the same for calls and puts."""
    return price_and_greeks(forward, strike, vol, years, True).gamma


def vega(forward: Real, strike: Real, vol: Real, years: Real) -> FloatArray:
    """Return the change of value per 1.00 of vol, the same for calls and puts."""
    return price_and_greeks(forward, strike, vol, years, True).vega


def _columns(
    forward: Real, strike: Real, vol: Real, years: Real, is_call: Flag
) -> tuple[tuple[int, ...], tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]]:
    """Return the shape of the answer, and the arguments broadcast to it as flat columns."""
    f, k, v, t = (np.asarray(x, dtype=np.float64) for x in (forward, strike, vol, years))
    call = np.asarray(is_call, dtype=np.bool_)
    shape = f.shape
    if not (k.shape == v.shape == t.shape == call.shape == shape):
        shape = np.broadcast_shapes(shape, k.shape, v.shape, t.shape, call.shape)
    floats = (_flat(f, shape), _flat(k, shape), _flat(v, shape), _flat(t, shape))
    return shape, (*floats, _flat(call, shape))


def _flat(x: NDArray[Element], shape: tuple[int, ...]) -> NDArray[Element]:
    spread = x if x.shape == shape else np.broadcast_to(x, shape)
    column = np.ascontiguousarray(spread).reshape(-1)
    column.flags.writeable = False  # numba compiles anew for each mix of writeable and not
    return column


def _blocks(size: int) -> list[slice]:
    return [slice(n, n + _BLOCK) for n in range(0, size, _BLOCK)]
