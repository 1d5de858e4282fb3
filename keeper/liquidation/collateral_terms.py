"""What pledged tokens count for after trades: docs/restore.md, Formulation. Float64 USD.

Of each token at most a share of all collateral counts, cash included, so trades that move cash move
equity by more than their costs (`keeper.margin.collateral`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from keeper.liquidation.trials import Trials
from keeper.units import BPS, USD6, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class CollateralTerms:
    """What collateral counts for, as a concave function of cash; n listings.

    Attributes:
        counted: what counts now.
        cash: cash now.
        most: what counts at most.
        limits: `counted <= constant + slope * cash`, as (constant, slope); too strict where cash is
            negative.
        premium: cash that a lot bought takes and a lot sold brings, beside its costs [n].
        gain: cash that each lot closed of a linear leg realises [n].
    """

    counted: float
    cash: float
    most: float
    limits: tuple[tuple[float, float], ...]
    premium: FloatArray
    gain: FloatArray

    def of(self, rows: IntArray) -> CollateralTerms:
        """Return those of some listings."""
        return replace(self, premium=self.premium[rows], gain=self.gain[rows])

    def realising(self) -> IntArray:
        """Return the listings of which lots closed move cash, and cash matters."""
        return np.flatnonzero(self.gain) if self.limits else np.zeros(0, dtype=np.int64)


def collateral_cases(trials: Trials, rows: IntArray) -> tuple[CollateralTerms, ...]:
    """Return the cases of which one has to be kept: without cash and, if it matters, with it.

    As a function of cash, what counts is flat up to zero and concave from there, but not concave
    as a whole. It is the larger of what counts without cash and of the concave part, continued.
    """
    values, rule = trials.token_values_usd6, trials.model.collateral
    cash, everything = trials.cash_usd6, sum(values)
    flat = CollateralTerms(
        counted=trials.counted_usd6(cash) / USD6,
        cash=cash / USD6,
        most=trials.counted_usd6(0) / USD6,
        limits=(),
        premium=np.where(trials.is_linear, 0, trials.marks_usd6)[rows] / USD6,
        gain=_gain(trials)[rows],
    )
    share = rule.token_share_bps / BPS
    largest_first = sorted(values, reverse=True)
    # A sum of the smaller of value and share is the least over how many tokens the share caps.
    limits = tuple(
        (sum(largest_first[capped:]) / USD6 + capped * share * everything / USD6, capped * share)
        for capped in range(1, len(values) + 1)
    )
    if trials.counted_usd6(0) == everything:
        return (flat,)
    return flat, replace(flat, most=everything / USD6, limits=limits)


def _gain(trials: Trials) -> FloatArray:
    """Return what a lot closed realises [L]: its mark less the entry value, for a short reversed.

    Zero where nothing is held or the leg is not linear.
    """
    held = trials.held
    entry = trials.entry_usd6 / np.maximum(np.abs(held), 1)
    gain = np.sign(held) * trials.marks_usd6 - entry
    return np.where(trials.is_linear & (held != 0), gain / USD6, 0.0)
