"""What is asked beyond the worst scenario; none of it is scaled by the margin factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

from keeper.margin.models.pmrm2.inputs import Charges, Collateral, Portfolio


@dataclass(frozen=True, slots=True)
class Contingencies:
    """USD, positive: `maintenance` is asked always, `initial` on top of it for initial margin."""

    maintenance: float
    initial: float


def total(values: Iterable[float]) -> float:
    """Return the plain sum from the left: `sum` compensates since Python 3.12, before it not."""
    return reduce(add, values, 0.0)


def collateral_value(portfolio: Portfolio, item: Collateral) -> float:
    """Return the value in units of the stable coin."""
    return item.amount * item.price / portfolio.stable


def contingencies(portfolio: Portfolio, charges: Charges) -> Contingencies:
    """Return haircuts, the percentages on perpetuals and naked shorts, and oracle charges."""
    values = [collateral_value(portfolio, item) for item in portfolio.collaterals]
    cut = list(zip(values, portfolio.collaterals, strict=True))
    perps = abs(portfolio.perp.amount) * portfolio.spot
    naked = naked_shorts(portfolio) * portfolio.spot
    return Contingencies(
        maintenance=total(value * item.maintenance_haircut for value, item in cut)
        + perps * charges.maintenance_perp
        + naked * charges.maintenance_option,
        initial=total(value * item.initial_haircut for value, item in cut)
        + perps * charges.initial_perp
        + naked * charges.initial_option
        + oracle_charge(portfolio, charges),
    )


def naked_shorts(portfolio: Portfolio) -> float:
    """Return short options net of long ones at the same strike and expiry, calls and puts alike."""
    net: dict[tuple[int, float], float] = {}
    for option in portfolio.options:
        key = option.expiry, option.strike
        net[key] = net.get(key, 0.0) + option.amount
    return total(max(-amount, 0.0) for amount in net.values())


def oracle_charge(portfolio: Portfolio, charges: Charges) -> float:
    """Return the charge for notionals whose prices the oracle is unsure of.

    Collateral answers for its own confidence and that of spot; perpetuals for theirs and spot's;
    options, at gross amounts, for their expiry's as well as for both of the latter.
    """

    def charge(notional: float, confidence: float) -> float:
        if confidence >= charges.confidence_threshold:
            return 0.0
        return (1.0 - confidence) * charges.confidence_factor * notional

    spot, perp = portfolio.spot_confidence, portfolio.perp
    linear = min(spot, perp.confidence) if perp.amount else spot
    gross = [0.0] * len(portfolio.expiries)
    for option in portfolio.options:
        gross[option.expiry] += abs(option.amount)
    return (
        total(
            charge(collateral_value(portfolio, item), min(item.confidence, spot))
            for item in portfolio.collaterals
        )
        + charge(abs(perp.amount) * portfolio.spot, linear)
        + total(
            charge(amount * portfolio.spot, min(expiry.confidence, linear))
            for amount, expiry in zip(gross, portfolio.expiries, strict=True)
        )
    )
