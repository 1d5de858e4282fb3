"""All listed options of one moment, as an exchange quotes them: columns, one row an option."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from keeper.units import BoolArray, FloatArray, IntArray

_SCALARS = ("source", "time")


@dataclass(frozen=True, slots=True, eq=False)
class OptionChain:
    """Quotes [Q] sorted by underlying, expiry, strike, puts before calls; every row once.

    `time` and `expiry` are Unix seconds, `underlying` the model's number, `strike_e8` 1e-8 USD.
    Prices of options are in coins; in USD they are `price * forward_usd` of the own row,
    undiscounted. `iv` is a fraction a year. NaN where the exchange gives no bid, ask, mark, iv,
    index or open interest; `forward_usd` is positive. `index_usd` is read at another moment than
    mark and forward, so it never values an option. `source` names where the chain came from.
    """

    source: str
    time: int
    underlying: NDArray[np.uint16]
    expiry: IntArray
    strike_e8: IntArray
    is_call: BoolArray
    forward_usd: FloatArray
    index_usd: FloatArray
    mark_coin: FloatArray
    iv: FloatArray
    bid_coin: FloatArray
    ask_coin: FloatArray
    open_interest: FloatArray

    def __len__(self) -> int:
        return len(self.expiry)

    def take(self, rows: IntArray | BoolArray) -> OptionChain:
        """Return the chain of some rows, by ascending positions or by a mask [Q]."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})


_COLUMNS = tuple(field.name for field in fields(OptionChain) if field.name not in _SCALARS)
