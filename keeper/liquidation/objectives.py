"""What a restoration is asked for, and within which limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from keeper.errors import InputError
from keeper.liquidation.trials import Figures
from keeper.margin.portfolio import LOTS_CAP, MAX_LEGS
from keeper.units import BPS, mul_bps_up


class Level(Enum):
    """Which requirement counts."""

    MAINTENANCE = "mm"
    INITIAL = "im"


@dataclass(frozen=True, slots=True)
class Health:
    """Equity after costs reaches `buffer_bps` of a requirement, at least cost."""

    level: Level = Level.INITIAL
    buffer_bps: int = BPS

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: a buffer below 1 or above 10.
        """
        if not BPS <= self.buffer_bps <= 10 * BPS:
            raise InputError(
                f"buffer of {self.buffer_bps} bps: choose 1 to 10 times the requirement"
            )


@dataclass(frozen=True, slots=True)
class DeltaTarget:
    """Net delta of an underlying within a lot of `lots`, at least cost, health kept."""

    underlying: int
    lots: int


@dataclass(frozen=True, slots=True)
class LeastMargin:
    """The least initial margin that costs of `budget_usd6` buy, health kept."""

    budget_usd6: int

    def __post_init__(self) -> None:
        """Check the sign.

        Raises:
            InputError: a negative budget.
        """
        if self.budget_usd6 < 0:
            raise InputError(f"budget {self.budget_usd6} micro-dollars is negative")


Objective: TypeAlias = Health | DeltaTarget | LeastMargin


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What a plan may trade: `only` these instrument ids (None: all), at most `max_lots` each."""

    reduce_only: bool = False
    only: frozenset[int] | None = None
    max_lots: int = LOTS_CAP - 1
    max_legs: int = MAX_LEGS

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: limits beyond those of every account.
        """
        if not 0 < self.max_lots < LOTS_CAP:
            raise InputError(f"max_lots {self.max_lots}: choose 1 to {LOTS_CAP - 1}")
        if not 0 < self.max_legs <= MAX_LEGS:
            raise InputError(f"max_legs {self.max_legs}: choose 1 to {MAX_LEGS}")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What equity is compared with: a level, and how many times it."""

    level: Level
    buffer_bps: int

    @classmethod
    def of(cls, objective: Objective) -> Requirement:
        """Return an objective's own, or initial margin for one that only keeps health."""
        if isinstance(objective, Health):
            return cls(objective.level, objective.buffer_bps)
        return cls(Level.INITIAL, BPS)

    @property
    def is_initial(self) -> bool:
        """Whether it is initial margin, which alone has add-ons beyond the short-option minimum."""
        return self.level is Level.INITIAL

    def margin_usd6(self, figures: Figures) -> int:
        """Return the model's margin at this level, not capped by standard margin."""
        return figures.initial_usd6 if self.is_initial else figures.maintenance_usd6

    def required_usd6(self, figures: Figures) -> int:
        """Return the requirement, buffer included; standard margin caps it, or is it."""
        if self.level is Level.MAINTENANCE:
            required = min(figures.standard_usd6, figures.maintenance_usd6)
        elif figures.fault:
            required = figures.standard_initial_usd6
        else:
            required = min(figures.standard_initial_usd6, figures.initial_usd6)
        return mul_bps_up(required, self.buffer_bps)

    def surplus_usd6(self, figures: Figures) -> int:
        """Return equity less the requirement."""
        return figures.equity_usd6 - self.required_usd6(figures)
