"""What the breakdown of an account says: by component, leg, scenario and Greek.

What cannot be computed is None, and `problems` says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keeper.margin.greeks import DollarGreeks
from keeper.margin.liquidation_price import LiquidationPrice

# Columns of MarginBook that are shown, in this order, and what each is called; a dot leads into a
# part of it.
COMPONENTS: Final[dict[str, str]] = {
    "worst_loss_usd6": "worst loss of the scenarios",
    "value_at_risk_usd6": "value at risk of history (VaR)",
    "shortfall_usd6": "expected shortfall of history (ES)",
    "minimum_charge_usd6": "minimum charge",
    "add_ons_usd6": "add-ons: short option minimum",
    "initial_parts.concentration_usd6": "IM add-on: concentration",
    "initial_parts.basis_usd6": "IM add-on: basis",
    "initial_parts.vega_usd6": "IM add-on: vega",
    "initial_parts.confidence_usd6": "IM add-on: confidence",
    "initial_parts.depeg_usd6": "IM add-on: depeg",
    "initial_parts.pin_usd6": "IM add-on: pin",
    "collateral_usd6": "collateral counted in equity",
    "maintenance_usd6": "maintenance margin (MM)",
    "initial_usd6": "initial margin (IM)",
    "standard_usd6": "standard margin (SM)",
    "standard_initial_usd6": "standard margin at initial level",
    "gross_usd6": "gross",
}


@dataclass(frozen=True, slots=True)
class LegExplanation:
    """One leg; `mark_usd6` is that of a lot, `worst_loss_usd6` its part in the worst scenario.

    `maintenance_share_usd6` is MM with the leg minus MM of the book without it: negative where the
    leg hedges. The shares do not add up to MM.
    """

    instrument: str
    instrument_id: str
    underlying: int
    expiry: int
    lots: int
    entry_cost_usd6: int
    mark_usd6: int | None
    value_usd6: int | None
    worst_loss_usd6: int | None
    maintenance_share_usd6: int | None
    greeks: DollarGreeks | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class ScenarioLoss:
    """What the book loses in one scenario; negative is a gain."""

    index: int
    name: str
    loss_usd6: int


@dataclass(frozen=True, slots=True)
class GreeksOf:
    """Greeks of the legs of one underlying and expiry; `expiry` None is all of them together."""

    underlying: int
    symbol: str
    expiry: int | None
    greeks: DollarGreeks


@dataclass(frozen=True, slots=True)
class Explanation:
    """The breakdown of one account at one block.

    `requirement_usd6` is what liquidation asks, min(SM, MM), `headroom_usd6` what equity exceeds it
    by; `initial_requirement_usd6` is what new risk asks, min(SM_im, IM), or SM_im at a `fault`.
    `sentinel` says that no leaf attests the account: at a fault, or in a mode that no one scenario
    shows. The ratios in bps are those of `keeper.margin.leverage`, UNLIMITED where equity is not
    above zero. `scenarios` begin with the largest loss.
    """

    account: bytes
    ref_block: int
    ref_time: int
    health: str
    measured: bool
    fault: bool
    sentinel: bool
    problems: tuple[str, ...]
    cash_usd6: int
    reserve_usd6: int
    equity_usd6: int | None
    requirement_usd6: int | None
    headroom_usd6: int | None
    initial_requirement_usd6: int | None
    utilisation_bps: int | None
    initial_utilisation_bps: int | None
    leverage_bps: int | None
    components: dict[str, int | None]
    worst_scenario: str | None
    legs: tuple[LegExplanation, ...]
    scenarios: tuple[ScenarioLoss, ...]
    greeks: tuple[GreeksOf, ...]
    liquidation: tuple[LiquidationPrice, ...]
