"""Joint log returns of several assets, refused where history is broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from keeper.errors import InputError
from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class JointReturns:
    """Log returns `rows` (periods, assets), float64; row n is one period of all assets.

    Raises InputError for names that are none, empty or doubled, another shape, or a value that is
    not a finite number.
    """

    names: tuple[str, ...]
    rows: FloatArray

    def __post_init__(self) -> None:
        require_names(self.names)
        if self.rows.ndim != 2 or self.rows.shape[1] != len(self.names):
            raise InputError(
                f"returns have shape {self.rows.shape}: give one column for each of {self.names}"
            )
        if broken := np.argwhere(~np.isfinite(self.rows)).tolist():
            row, column = broken[0]
            raise InputError(
                f"{self.names[column]}: return {row} is {self.rows[row, column]}: "
                "give a finite number, or leave out the period of all assets"
            )

    def __len__(self) -> int:
        return len(self.rows)

    def require(self, least: int, purpose: str) -> None:
        """Raise InputError where there are fewer than `least` rows, or an asset never moves."""
        if len(self) < least:
            raise InputError(f"{len(self)} returns: {purpose} needs at least {least}")
        still = np.flatnonzero(np.ptp(self.rows, axis=0) == 0)
        if len(still):
            raise InputError(
                f"{self.names[still[0]]}: every return is {self.rows[0, still[0]]}: "
                f"{purpose} needs an asset that moves; check its prices"
            )


def joint_returns(
    days: IntArray, prices: FloatArray, names: tuple[str, ...], largest: float
) -> JointReturns:
    """Return the log returns between successive days.

    `days` (n,) int64, days since 1970-01-01; `prices` (n, assets) float64, of any unit; `largest`
    is the greatest absolute log return that is believed: beyond it a price is taken for a misprint.

    Raises InputError, naming asset and day, for a day that is missing, doubled or out of order, a
    price that is missing (NaN), infinite or not positive, and a move beyond `largest`.
    """
    require_names(names)
    if prices.shape != (len(days), len(names)) or len(days) < 2:
        raise InputError(
            f"prices have shape {prices.shape}: give at least 2 days, and here "
            f"{len(days)} rows of {len(names)} columns {names}"
        )
    if not 0 < largest < np.inf:
        raise InputError(f"largest {largest}: give a log return above 0, for instance 0.7")
    _require_every_day(days)
    _require_prices(days, prices, names)
    rows = np.diff(np.log(prices), axis=0)
    if jumps := np.argwhere(np.abs(rows) > largest).tolist():
        row, column = jumps[0]
        raise InputError(
            f"{names[column]}: log return {rows[row, column]:.4f} on {_date(days[row + 1])} is "
            f"beyond {largest}: correct that price, or raise the limit if the move was real"
        )
    return JointReturns(names, rows)


def require_names(names: tuple[str, ...]) -> None:
    """Raise InputError where names are none, empty or doubled."""
    if not names or not all(names) or len(set(names)) != len(names):
        raise InputError(f"asset names {names}: give each asset one name of its own")


def _require_every_day(days: IntArray) -> None:
    steps = np.diff(days)
    broken = np.flatnonzero(steps != 1)
    if len(broken):
        first = int(broken[0])
        raise InputError(
            f"{_date(days[first + 1])} follows {_date(days[first])}: a return would span "
            f"{int(steps[first])} days; give every day once, in order"
        )


def _require_prices(days: IntArray, prices: FloatArray, names: tuple[str, ...]) -> None:
    if broken := np.argwhere(~(np.isfinite(prices) & (prices > 0))).tolist():
        row, column = broken[0]
        raise InputError(
            f"{names[column]}: price of {_date(days[row])} is {prices[row, column]}: "
            "give a positive number, or start after the day it is first known"
        )


def _date(day: int) -> str:
    return str(np.datetime64(int(day), "D"))
