"""What a chain is worth at one moment: forwards, spots, and the mark of every option.

An option is worth its mark times the forward of its own row, undiscounted; a future its expiry's
forward, the median of the rows; a perpetual the spot, which is the nearest forward. The index is
read at other moments and values nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from keeper.backtest.instrument_ids import future_id, option_ids, perpetual_id
from keeper.state.option_chain import OptionChain
from keeper.units import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Values in USD a coin: `forward` by underlying and expiry, `spot` by underlying, `value` by
    instrument id. `time` is in Unix seconds, `source` names the file.
    """

    source: str
    time: int
    forward: Mapping[tuple[int, int], float]
    spot: Mapping[int, float]
    value: Mapping[int, float]


def moment_of(chain: OptionChain) -> Moment:
    """Return what `chain` says everything is worth; options without a mark are left out."""
    forward = forwards_of(chain)
    spot: dict[int, float] = {}
    for (underlying, _), price in forward.items():
        spot.setdefault(underlying, price)  # ascending expiries: the nearest comes first
    marks = chain.mark_coin * chain.forward_usd
    known = np.isfinite(marks)
    ids = option_ids(chain)
    value = {
        instrument: mark
        for instrument, mark, is_known in zip(ids, marks.tolist(), known.tolist(), strict=True)
        if is_known
    }
    value |= {future_id(*key): price for key, price in forward.items()}
    value |= {perpetual_id(underlying): price for underlying, price in spot.items()}
    return Moment(chain.source, chain.time, forward, spot, value)


def forwards_of(chain: OptionChain) -> dict[tuple[int, int], float]:
    """Return the median forward of each underlying and expiry, ascending by both, USD."""
    keys = np.stack([chain.underlying.astype(np.int64), chain.expiry], axis=1)
    distinct, place = np.unique(keys, axis=0, return_inverse=True)
    place = place.reshape(-1)
    return {
        (int(underlying), int(expiry)): _median(chain.forward_usd[place == row])
        for row, (underlying, expiry) in enumerate(distinct.tolist())
    }


def _median(values: FloatArray) -> float:
    return float(np.median(values))
