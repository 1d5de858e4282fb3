"""What a programme minimises, and the limits that hold. USD and lots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Aim:
    """Weights of the three totals to minimise, and the limits that hold, in USD and lots.

    Attributes:
        cost, required, lacking: weights.
        equity: equity before any trade less what has to remain above the requirement.
        may_lack: whether the requirement may be missed, at the weight of `lacking`.
        buffer: how many times the requirement is asked for.
        budget: most that may be spent.
        delta: bounds of net delta in lots.
    """

    cost: float
    required: float
    lacking: float
    equity: float
    may_lack: bool
    buffer: float
    budget: float = np.inf
    delta: tuple[float, float] | None = None
