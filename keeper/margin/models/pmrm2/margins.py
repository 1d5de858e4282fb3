"""P&L of every scenario, the worst of them, and the two margins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.margin.models.pmrm2.contingencies import collateral_value, contingencies, total
from keeper.margin.models.pmrm2.inputs import Basis, Parameters, Portfolio
from keeper.margin.models.pmrm2.valuation import (
    expiry_terms,
    option_values,
    static,
    unmoved,
)
from keeper.units import FloatArray


@dataclass(frozen=True, slots=True)
class Margins:
    """USD; a margin is what remains after the requirement, so below zero it is breached.

    `basis` is one more scenario, the last: `worst` is its index where it is the worst.
    """

    scenario_pnl: tuple[float, ...]
    basis: float
    worst: int
    mark_to_market: float
    maintenance: float
    initial: float


def margins(portfolio: Portfolio, parameters: Parameters) -> Margins:
    """Return both margins of a portfolio.

    Raises InputError where a smile has a negative variance. Inputs near the limits of float64 may
    give infinities or NaN, which `vectors` refuses.
    """
    scenarios = parameters.scenarios
    basis_moves = unmoved(parameters.basis.shock_up), unmoved(parameters.basis.shock_down)
    terms = expiry_terms(portfolio.expiries, parameters)
    values = option_values(
        portfolio, parameters, (*scenarios, unmoved(), *basis_moves), terms.discount
    )
    shocked, mark, up, down = values[: len(scenarios)], values[-3], values[-2], values[-1]
    by_expiry = static(shocked, terms) - mark
    turned = np.array([[scenario.vol.is_skew] for scenario in scenarios])
    # A smile may turn either way at each expiry: the loss counts, and no expiry offsets another.
    by_expiry = np.where(turned, -np.abs(by_expiry), by_expiry)
    pnl = tuple(
        scenario.dampening * (total(row) + _linear_pnl(portfolio, scenario.spot_shock))
        for scenario, row in zip(scenarios, by_expiry.tolist(), strict=True)
    )
    basis = _basis_pnl(mark, up, down, terms.years, parameters.basis)
    losses = (*pnl, basis)
    worst = min(range(len(losses)), key=losses.__getitem__)
    added = contingencies(portfolio, parameters.charges)
    peg_loss = max(parameters.charges.peg_threshold - portfolio.stable, 0.0)
    initial_factor = parameters.initial_factor + peg_loss * parameters.charges.peg_factor
    worth = _worth(portfolio, mark)
    return Margins(
        scenario_pnl=pnl,
        basis=basis,
        worst=worst,
        mark_to_market=worth,
        maintenance=parameters.maintenance_factor * losses[worst] - added.maintenance + worth,
        initial=initial_factor * losses[worst] - added.maintenance - added.initial + worth,
    )


def _linear_pnl(portfolio: Portfolio, spot_shock: float) -> float:
    """Return the P&L of perpetuals and of the collateral that moves with spot."""
    exposed = total(
        collateral_value(portfolio, item) for item in portfolio.collaterals if item.offsets_spot
    )
    return (exposed + portfolio.perp.amount * portfolio.perp.price) * (spot_shock - 1.0)


def _basis_pnl(
    mark: FloatArray, up: FloatArray, down: FloatArray, years: FloatArray, basis: Basis
) -> float:
    """Return the loss when each expiry's forward moves by itself, against the account; [E]."""
    worst = np.minimum(np.minimum(up, down) - mark, 0.0)
    return total((worst * (basis.add_factor + basis.per_year_factor * years)).tolist())


def _worth(portfolio: Portfolio, mark: FloatArray) -> float:
    """Return the value of everything held at unshocked prices."""
    perp = portfolio.perp
    return (
        portfolio.cash
        + total(mark.tolist())
        + total(collateral_value(portfolio, item) for item in portfolio.collaterals)
        + (perp.unrealised if perp.amount else 0.0)
    )
