"""What a margin is computed from: portfolio, market and parameters.

Money and prices are USD as float, rates and haircuts fractions, confidences in [0, 1]. All values
are finite; `document` is what checks them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Vol(Enum):
    """What a scenario does to vols; the last two turn the smile instead of lifting it."""

    UP = "Up"
    DOWN = "Down"
    NONE = "None"
    LINEAR = "LINEAR"
    ABS = "ABS"

    @property
    def is_skew(self) -> bool:
        """Whether the scenario turns the smile."""
        return self in {Vol.LINEAR, Vol.ABS}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Spot times `spot_shock`, vols moved by `vol`; the P&L counts times `dampening`."""

    spot_shock: float
    vol: Vol
    dampening: float


@dataclass(frozen=True, slots=True)
class Collateral:
    """An asset held. Only where `offsets_spot` does its value move with the scenarios.

    The initial haircut comes on top of the maintenance haircut.
    """

    amount: float
    price: float
    confidence: float
    offsets_spot: bool
    maintenance_haircut: float
    initial_haircut: float


@dataclass(frozen=True, slots=True)
class Perp:
    """Perpetuals held, negative when short; `unrealised` is their P&L plus funding."""

    amount: float
    price: float
    confidence: float
    unrealised: float


@dataclass(frozen=True, slots=True)
class Smile:
    """Raw SVI of total variance over `years`, at log-moneyness to its own `forward`."""

    a: float
    b: float
    rho: float
    m: float
    sigma: float
    forward: float
    years: float


@dataclass(frozen=True, slots=True)
class Expiry:
    """Feeds of one expiry; `confidence` is the lowest of forward, rate and vol."""

    seconds: int
    forward: float
    rate: float
    confidence: float
    smile: Smile


@dataclass(frozen=True, slots=True)
class Option:
    """Options held, negative when short; `expiry` is an index into the portfolio's expiries."""

    expiry: int
    strike: float
    is_call: bool
    amount: float


@dataclass(frozen=True, slots=True)
class Portfolio:
    """One account and its market. `stable` is the price of the unit that cash is counted in."""

    cash: float
    spot: float
    spot_confidence: float
    stable: float
    perp: Perp
    collaterals: tuple[Collateral, ...]
    expiries: tuple[Expiry, ...]
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class VolShock:
    """Relative vol moves at 30 days and how they grow towards expiry."""

    range_up: float
    range_down: float
    short_term_power: float
    long_term_power: float
    floor_days: float
    least_vol_up: float


@dataclass(frozen=True, slots=True)
class SkewCap:
    """The largest relative vol move of a skew scenario, `base + per_root_year * sqrt(T)`."""

    base: float
    per_root_year: float


@dataclass(frozen=True, slots=True)
class SkewShock:
    """Caps of both skew scenarios and the log-moneyness k* at which they are reached."""

    linear: SkewCap
    absolute: SkewCap
    least_k_star: float
    width: float
    vol_static: float
    vol_per_root_year: float


@dataclass(frozen=True, slots=True)
class StaticDiscount:
    """`base`, and the rate `rate * rate_factor + rate_add` at which it changes with years."""

    base: float
    rate_factor: float
    rate_add: float


@dataclass(frozen=True, slots=True)
class Basis:
    """Forward moves of one expiry against the others, and how much of that loss is asked."""

    shock_up: float
    shock_down: float
    add_factor: float
    per_year_factor: float


@dataclass(frozen=True, slots=True)
class Charges:
    """Percentages of notional, and what a lost peg or an unsure oracle costs."""

    peg_threshold: float
    peg_factor: float
    confidence_threshold: float
    confidence_factor: float
    maintenance_perp: float
    initial_perp: float
    maintenance_option: float
    initial_option: float


@dataclass(frozen=True, slots=True)
class Parameters:
    """The model: scenarios, shocks, discounts, charges, and the factors of the worst loss."""

    scenarios: tuple[Scenario, ...]
    vol_shock: VolShock
    skew_shock: SkewShock
    maintenance_factor: float
    initial_factor: float
    long_discount: StaticDiscount
    short_discount: StaticDiscount
    basis: Basis
    charges: Charges


@dataclass(frozen=True, slots=True)
class Published:
    """The results published with a case: P&L by scenario, in the order of the scenarios."""

    scenario_pnl: tuple[float, ...]
    basis: float
    initial: float
    maintenance: float


@dataclass(frozen=True, slots=True)
class Case:
    """One test case."""

    name: str
    portfolio: Portfolio
    parameters: Parameters
    published: Published
