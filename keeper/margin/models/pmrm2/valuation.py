"""Option values by scenario and expiry, and the discounts on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.models.pmrm2.inputs import Expiry, Option, Parameters, Portfolio, Scenario, Vol
from keeper.margin.models.pmrm2.shocks import shocked_vols
from keeper.pricing import black76
from keeper.pricing.exp import exp
from keeper.pricing.log import log
from keeper.pricing.svi import raw_variance
from keeper.units import YEAR_SECONDS, FloatArray

# An expiry settles at the average of its last half hour: what has been averaged moves no more.
SETTLEMENT_SECONDS: Final = 1800.0
# The smile is read only within so many deviations of its lowest point, and never above this.
SMILE_REACH: Final = 4.0
HIGHEST_TOTAL_VARIANCE: Final = 144.0


@dataclass(frozen=True, slots=True, eq=False)
class ExpiryTerms:
    """Per expiry [E]: years to go, rate floored at zero, and discount factors.

    `on_gains` applies to a shocked value above zero, `on_debts` to one below; both are static
    discounts, on top of `discount`.
    """

    years: FloatArray
    discount: FloatArray
    on_gains: FloatArray
    on_debts: FloatArray


def expiry_terms(expiries: Sequence[Expiry], parameters: Parameters) -> ExpiryTerms:
    """Return the terms of each expiry.

    A debt is never marked above its undiscounted value: its static discount is at most 1 /
    discount.
    """
    long, short = parameters.long_discount, parameters.short_discount
    years = _seconds(expiries) / YEAR_SECONDS
    rate = np.maximum(_floats([expiry.rate for expiry in expiries]), 0.0)
    discount = exp(-rate * years)
    long_rate = rate * long.rate_factor + long.rate_add
    short_rate = rate * short.rate_factor + short.rate_add
    return ExpiryTerms(
        years=years,
        discount=discount,
        on_gains=long.base * exp(-years * long_rate),
        on_debts=np.minimum(short.base * exp(years * short_rate), 1.0 / discount),
    )


def option_values(
    portfolio: Portfolio,
    parameters: Parameters,
    scenarios: Sequence[Scenario],
    discount: FloatArray,
) -> FloatArray:
    """Return the discounted value of each expiry's options [S, E] in each scenario.

    Raises InputError where a smile has a negative variance.
    """
    expiries, options = portfolio.expiries, portfolio.options
    values = np.zeros((len(scenarios), len(expiries)))
    if not options:
        return values
    row = np.array([option.expiry for option in options], dtype=np.intp)
    seconds = _seconds(expiries)[row]
    years = seconds / YEAR_SECONDS
    forward = _floats([expiry.forward for expiry in expiries])[row]
    strike = _floats([option.strike for option in options])
    vols = shocked_vols(
        scenarios,
        smile_vols(expiries, options),
        log(strike / forward),
        seconds,
        years,
        parameters.vol_shock,
        parameters.skew_shock,
    )
    is_call = np.array([option.is_call for option in options], dtype=np.bool_)
    shocked = shocked_forwards(forward, seconds, scenarios)
    prices = black76.price(shocked, strike, vols, years, is_call)
    for place, option in enumerate(options):  # one by one: a sum in a stated order
        values[:, option.expiry] += option.amount * prices[:, place]
    return values * discount


def shocked_forwards(
    forward: FloatArray, seconds: FloatArray, scenarios: Sequence[Scenario]
) -> FloatArray:
    """Return forwards [S, O]: only the part that is not yet averaged moves; skews move none."""
    moves = [1.0 if item.vol.is_skew else item.spot_shock for item in scenarios]
    variable = forward * np.minimum(seconds / SETTLEMENT_SECONDS, 1.0)
    return variable * _floats(moves)[:, None] + (forward - variable)


def smile_vols(expiries: Sequence[Expiry], options: Sequence[Option]) -> FloatArray:
    """Return the vol of each option [O] on the smile of its expiry."""
    smiles = [expiries[option.expiry].smile for option in options]
    a, b, rho, m, sigma, forward, years = (
        _floats([getattr(smile, name) for smile in smiles])
        for name in ("a", "b", "rho", "m", "sigma", "forward", "years")
    )
    lowest = a + b * sigma
    _refuse_negative("a + b sigma", lowest, expiries, options)
    reach = SMILE_REACH * np.sqrt(lowest)
    k = log(_floats([option.strike for option in options]) / forward)
    total = raw_variance(np.maximum(np.minimum(k, reach), -reach), a, b, rho, m, sigma)
    _refuse_negative("variance", total, expiries, options)
    live = years > 0.0  # without time left the vol is not asked for
    a_year = np.minimum(total, HIGHEST_TOTAL_VARIANCE) / np.where(live, years, 1.0)
    return np.sqrt(np.where(live, a_year, 0.0))


def static(values: FloatArray, terms: ExpiryTerms) -> FloatArray:
    """Return shocked values [S, E] after the static discount for their sign."""
    return values * np.where(values >= 0.0, terms.on_gains, terms.on_debts)


def unmoved(spot_shock: float = 1.0) -> Scenario:
    """Return the scenario that moves spot only, or nothing."""
    return Scenario(spot_shock, Vol.NONE, dampening=1.0)


def _refuse_negative(
    what: str, values: FloatArray, expiries: Sequence[Expiry], options: Sequence[Option]
) -> None:
    for value, option in zip(values.tolist(), options, strict=True):
        if value < 0.0:
            raise InputError(
                f"SVIparam of expiry {expiries[option.expiry].seconds}: {what} is {value:g} at "
                f"strike {option.strike:g}: publish a smile without negative variance"
            )


def _seconds(expiries: Sequence[Expiry]) -> FloatArray:
    return _floats([float(max(expiry.seconds, 0)) for expiry in expiries])


def _floats(values: Sequence[float]) -> FloatArray:
    return np.array(values, dtype=np.float64)
