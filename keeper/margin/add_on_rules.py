"""The constants of the add-ons, named as in `config/model.toml`; docs/model.md has the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from keeper.margin.toml_fields import Range
from keeper.units import WAD

DAY_SECONDS: Final = 86_400

ADD_ON_FRACTIONS: Final[dict[str, Range]] = {
    "liquidity_near": (0, WAD // 10),
    "liquidity_far": (0, WAD // 10),
    "concentration_most": (WAD, 10 * WAD),
    "basis": (0, WAD),
    "basis_perpetual": (0, WAD),
    "vega": (0, WAD),
    "confidence_threshold": (0, WAD),
    "confidence_factor": (0, WAD),
    "depeg_threshold": (0, WAD),
    "depeg_factor": (0, WAD),
    "pin": (0, WAD),
    "pin_width": (1, WAD),
}
ADD_ON_LIMITS: Final[dict[str, Range]] = {
    **ADD_ON_FRACTIONS,
    "liquidity_term_seconds": (1, 3_650 * DAY_SECONDS),
    "concentration_depth_usd": (0, 10**12),
    "basis_longest_seconds": (1, 3_650 * DAY_SECONDS),
    "pin_seconds": (1, 30 * DAY_SECONDS),
}


@dataclass(frozen=True, slots=True)
class AddOnRules:
    """Rates of the initial margin's add-ons, named as in the file.

    Fractions are wad, of spot or forward where they are rates. `concentration_most` is a multiple
    and `concentration_depth_usd` whole dollars of open interest a listing.
    """

    liquidity_near: int
    liquidity_far: int
    liquidity_term_seconds: int
    concentration_depth_usd: int
    concentration_most: int
    basis: int
    basis_longest_seconds: int
    basis_perpetual: int
    vega: int
    confidence_threshold: int
    confidence_factor: int
    depeg_threshold: int
    depeg_factor: int
    pin: int
    pin_width: int
    pin_seconds: int
