"""The margin model as data: factors, risk parameters, table of scenarios, history of returns."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Final

from keeper.margin.add_on_rules import AddOnRules
from keeper.margin.history import History
from keeper.margin.shortfall_rule import ShortfallRule
from keeper.margin.volatility import ScanRule, ScanSigmas
from keeper.state.hashing import keccak256

VERSION: Final = 5
MAX_SCENARIOS: Final = 48


@dataclass(frozen=True, slots=True)
class Factors:
    """Factors of the whole model, in basis points."""

    maintenance_bps: int
    initial_bps: int
    grid_bps: int
    minimum_charge_bps: int
    minimum_charge_standard_bps: int
    short_option_minimum_bps: int
    floor_gross_bps: int


@dataclass(frozen=True, slots=True)
class UnderlyingRisk:
    """Risk parameters of one underlying, fractions in wad, named as in the file.

    `lot` and `scan_range` are what a deployment starts from; a valuation takes both from the
    snapshot, where the chain says what it uses. The last three are how ln vol at 30 days answers a
    past day: to its return and that return's size, in standard deviations, and to chance.
    """

    underlying: int
    symbol: str
    lot: int
    scan_range: int
    vol_up: int
    vol_down: int
    linear_rate: int
    option_rate: int
    option_floor: int
    sigma_floor: int
    sigma_stress: int
    vol_on_return: int
    vol_on_size: int
    vol_residual: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """One joint move of prices, vols and the clock; docs/model.md has the formula of each field.

    `spot_bps` is a share of the scan range; `vol_bps` and `flat_bps` are shares of vol_up or
    vol_down; `front_bps`, `twist_bps`, `skew_bps` and `curvature_bps` shift ln vol. `focus` is the
    underlying that `spot_bps` and `vol_bps` are for (0 is all); all others get `others_*`. With
    `rolls`, legs that expire within a day stand still, by degrees from 30 hours on, and forwards
    carry. `weight_bps` scales the result; `floor` marks the scenarios that bound an attested margin
    from below on-chain.
    """

    name: str
    spot_bps: int
    others_spot_bps: int
    vol_bps: int
    others_vol_bps: int
    flat_bps: int
    front_bps: int
    twist_bps: int
    skew_bps: int
    curvature_bps: int
    weight_bps: int
    clock_seconds: int
    focus: int
    rolls: bool
    floor: bool


@dataclass(frozen=True, slots=True)
class Model:
    """One margin model; `parse_model` is the way to make one."""

    version: int
    factors: Factors
    scan: ScanRule
    add_ons: AddOnRules
    shortfall: ShortfallRule
    underlyings: tuple[UnderlyingRisk, ...]
    scenarios: tuple[Scenario, ...]
    history: History

    def symbols(self) -> dict[int, str]:
        """Return the ticker of each underlying."""
        return {risk.underlying: risk.symbol for risk in self.underlyings}

    def scan_sigmas(self) -> dict[int, ScanSigmas]:
        """Return what the scan range of each underlying leans on."""
        return {
            risk.underlying: ScanSigmas(risk.sigma_floor, risk.sigma_stress)
            for risk in self.underlyings
        }


def canonical_json(model: Model) -> str:
    """Return the text that is hashed: keys sorted, no white space, fractions as wad integers.

    The history stands in it as its digest.
    """
    document = {field.name: getattr(model, field.name) for field in fields(model)}
    document["history"] = "0x" + model.history.digest.hex()
    return json.dumps(
        document, default=asdict, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )


@lru_cache(maxsize=4)  # every snapshot is held against it, and restorations judge thousands
def model_hash(model: Model) -> bytes:
    """Return the 32 bytes that stand in every attestation."""
    return keccak256(canonical_json(model).encode())
