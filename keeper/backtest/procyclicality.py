"""How much a margin rises when markets fall: Murphy, Vasios and Vause (2014), An investigation into
the procyclicality of risk-based initial margin models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HORIZONS_DAYS: Final = (1, 5, 30)


@dataclass(frozen=True, slots=True)
class Procyclicality:
    """Largest over smallest level, and the largest rise in 1, 5 and 30 days, as a share."""

    peak_to_trough: float
    rise_1d: float
    rise_5d: float
    rise_30d: float


def procyclicality(levels: Sequence[float]) -> Procyclicality:
    """Return the measures of positive daily levels; a rise is 0 where there are too few days."""
    rises = [
        max(
            (after / before for before, after in zip(levels, levels[days:], strict=False)),
            default=1,
        )
        - 1.0
        for days in HORIZONS_DAYS
    ]
    return Procyclicality(max(levels) / min(levels), *(max(rise, 0.0) for rise in rises))
