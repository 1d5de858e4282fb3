"""How far the computed figures of a case lie from the published ones."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.margin.models.pmrm2.document import parse_case
from keeper.margin.models.pmrm2.margins import margins

TOLERANCE: Final = 1e-9
_INFINITE: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Deviation:
    """Largest errors of a case, relative to max(1, |published|); `scenario` includes the basis."""

    scenario: float
    im: float
    mm: float

    @property
    def within_tolerance(self) -> bool:
        """Whether every figure is."""
        return max(self.scenario, self.im, self.mm) <= TOLERANCE


def deviation(name: str, document: object) -> Deviation:
    """Compute one case from its decoded JSON and compare.

    Raises InputError, naming the case, for a document that cannot be read or computed.
    """
    case = parse_case(name, document)
    published = case.published
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            computed = margins(case.portfolio, case.parameters)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    result = Deviation(
        scenario=_largest(
            zip(
                (*computed.scenario_pnl, computed.basis),
                (*published.scenario_pnl, published.basis),
                strict=True,
            )
        ),
        im=_largest([(computed.initial, published.initial)]),
        mm=_largest([(computed.maintenance, published.maintenance)]),
    )
    if not max(result.scenario, result.im, result.mm) < _INFINITE:
        raise InputError(f"{name}: the figures leave the range of float64: give smaller inputs")
    return result


def _largest(pairs: Iterable[tuple[float, float]]) -> float:
    """Return the largest relative error; infinity where a figure is no number."""
    largest = 0.0
    for computed, published in pairs:
        error = abs(computed - published) / max(1.0, abs(published))
        largest = max(largest, error if error < _INFINITE else _INFINITE)
    return largest
