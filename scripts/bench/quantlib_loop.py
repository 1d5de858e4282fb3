"""QuantLib from Python: one call an option, as its bindings offer no arrays."""

from __future__ import annotations

import numpy as np
import QuantLib as ql

from keeper.units import FloatArray
from scripts.bench.inputs import Options


def price(options: Options) -> tuple[FloatArray]:
    """Return the prices by `blackFormula`."""
    kinds = [ql.Option.Call if call else ql.Option.Put for call in options.is_call.tolist()]
    deviations = (options.vol * np.sqrt(options.years)).tolist()
    rows = zip(kinds, options.strike.tolist(), options.forward.tolist(), deviations, strict=True)
    return (np.array([ql.blackFormula(*row) for row in rows]),)


def price_and_greeks(options: Options) -> tuple[FloatArray, ...]:
    """Return price, delta, gamma and vega by `BlackCalculator`, which has no undiscounted theta."""
    columns = (options.strike, options.forward, options.vol, options.years, options.is_call)
    values: list[tuple[float, float, float, float]] = []
    for strike, forward, vol, years, call in zip(*(c.tolist() for c in columns), strict=True):
        kind = ql.Option.Call if call else ql.Option.Put
        black = ql.BlackCalculator(
            ql.PlainVanillaPayoff(kind, strike), forward, vol * years**0.5, 1.0
        )
        values.append(
            (black.value(), black.deltaForward(), black.gammaForward(), black.vega(years))
        )
    return tuple(np.array(values).T)
