"""Price of what settles by an average, while it comes about: docs/model.md, Settlement window.

Prices are integers, as `AccrualLib` of the contracts has them; the share that moves is float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.pricing.svi import clamped
from keeper.state.tables import SETTLEMENT_WINDOW_SECONDS, Accruals
from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Accrual:
    """What of one settlement average has come about.

    `sum_e8` is 1e-8 USD times seconds over the part of the window that has been added up;
    `open_seconds` is the rest of it.
    """

    sum_e8: int
    open_seconds: int

    @property
    def fixed_e8(self) -> int:
        """The part of the average that nothing moves any more, 1e-8 USD, rounded down."""
        return self.sum_e8 // SETTLEMENT_WINDOW_SECONDS

    def expected_e8(self, price_e8: int) -> int:
        """Return the average if the rest of the window is worth `price_e8`, rounded down."""
        return (self.sum_e8 + self.open_seconds * price_e8) // SETTLEMENT_WINDOW_SECONDS


NOTHING: Final = Accrual(0, SETTLEMENT_WINDOW_SECONDS)
"""Outside of the window, or where nobody has added up: the price is the plain one."""


def accruals_of(table: Accruals) -> dict[tuple[int, int], Accrual]:
    """Return the accruals by (underlying, expiry)."""
    keys = zip(table.underlying.tolist(), table.expiry.tolist(), table.until.tolist(), strict=True)
    sums: list[list[int]] = table.sum_e8.tolist()
    return {
        (underlying, expiry): Accrual(high << 64 | low, expiry - until)
        for (underlying, expiry, until), (high, low) in zip(keys, sums, strict=True)
    }


def of_moving(variance: FloatArray, reference_e8: IntArray, fixed_e8: IntArray) -> FloatArray:
    """Return the smile's variance, clamped, of a reference of which only a share moves."""
    share = moving_share(reference_e8, fixed_e8)
    return clamped(variance) * (share * share)


def moving_share(reference_e8: IntArray, fixed_e8: IntArray) -> FloatArray:
    """Return the share of the reference that is not fixed, 1 where there is no reference."""
    known = reference_e8 > 0
    return np.where(known, reference_e8 - fixed_e8, 1) / np.where(known, reference_e8, 1)
