"""A snapshot at other prices and vols; the clock stands still, so that nothing expires."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.errors import InputError
from keeper.state.snapshot import Snapshot
from keeper.state.tables import Forwards, Observations
from keeper.units import FloatArray, IntArray

_DAY: Final = 86_400.0
_TENOR: Final = 30.0 * _DAY
# How a crash lifts vols of other terms than 30 days, and the most it does in ln vol
# (docs/model.md: the exponent of exchanges, and of crashes in the sample; the limit of all shifts).
_EXPONENT: Final = 0.3
_MOST_SHIFT: Final = 1.2


@dataclass(frozen=True, slots=True)
class Move:
    """Prices as multiples of today's by underlying, 1 where it names none; `vol` is the relative
    rise of vols at 30 days.
    """

    price: Mapping[int, float]
    vol: float = 0.0

    def __post_init__(self) -> None:
        wrong = [factor for factor in self.price.values() if not 0.0 < factor < 100.0]
        if wrong or not -0.9 <= self.vol <= 5.0:
            raise InputError(
                f"a move to {wrong[0] if wrong else self.vol!r} is none: give multiples of prices "
                "between 0 and 100, and a rise of vols between -0.9 and 5"
            )


def moved_snapshot(
    snapshot: Snapshot, move: Move, scan_range_wad: Mapping[int, int] | None = None
) -> Snapshot:
    """Return the snapshot after a move; scan ranges stay unless others are given.

    Forwards follow their spot by their ratio, smiles keep their shape in log-moneyness. Daily
    prices are left out: the ranges stand as they are.
    """
    table = snapshot.underlyings
    numbers: list[int] = table.underlying.tolist()
    factor = np.array([move.price.get(number, 1.0) for number in numbers])
    spot = np.maximum(np.rint(table.spot_e8 * factor), 1.0).astype(np.uint64)
    given: Mapping[int, int] = {} if scan_range_wad is None else scan_range_wad
    held: list[int] = table.scan_range_wad.tolist()
    ranges = [given.get(number, old) for number, old in zip(numbers, held, strict=True)]
    return replace(
        snapshot,
        underlyings=replace(table, spot_e8=spot, scan_range_wad=np.array(ranges, np.uint64)),
        forwards=_lifted(snapshot.forwards, snapshot.head.ref_time, move.vol),
        observations=Observations.of_rows([]),
    )


def _lifted(table: Forwards, now: int, vol: float) -> Forwards:
    """Return the smiles with all vols of a term multiplied alike: variance by the square."""
    left = np.maximum(table.expiry.astype(np.float64) - now, _DAY)
    shift = np.log1p(vol) * (_TENOR / left) ** _EXPONENT
    factor = np.exp(2.0 * np.clip(shift, -_MOST_SHIFT, _MOST_SHIFT))
    largest = 2.0**63 - 2.0**11
    return replace(table, a=_scaled(table.a, factor, largest), b=_scaled(table.b, factor, largest))


def _scaled(values: IntArray, factor: FloatArray, most: float) -> IntArray:
    return np.rint(np.clip(values * factor, -most, most)).astype(np.int64)
