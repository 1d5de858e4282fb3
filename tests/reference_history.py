"""Expected shortfall a second time: from docs/model.md alone, in mpmath and fractions.

Nothing of `keeper` is called. Losses are sorted whole and averaged as fractions, so that results
compare as equal integers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import mpmath as mp

mp.mp.dps = 40
CONFIG = Path(__file__).parents[1] / "config"
WARM_UP = 30


def value_at_risk(losses: Sequence[int], tail: Fraction) -> int:
    """The loss after the whole number of scenarios in the tail."""
    return sorted(losses, reverse=True)[int(tail * len(losses))]


def expected_shortfall(losses: Sequence[int], tail: Fraction) -> Fraction:
    """Acerbi and Tasche (2002), definition 2.6."""
    ordered, count = sorted(losses, reverse=True), tail * len(losses)
    whole = int(count)
    return (sum(ordered[:whole]) + (count - whole) * ordered[whole]) / count


class PastDays:
    """The days of both windows, as moves of spot and of vol at 30 days."""

    def __init__(self, model: dict[str, Any], text: str | None = None) -> None:
        text = (CONFIG / "history.csv").read_text("utf-8") if text is None else text
        rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
        self.header, self.rows = rows[0], rows[1:]
        self.rule, self.model = model["shortfall"], model
        self.tail = Fraction(self.rule["tail_bps"], 10**4)

    def column(self, name: str) -> list[mp.mpf]:
        at = self.header.index(name)
        return [mp.mpf(int(row[at])) / 10**9 for row in self.rows]

    @cached_property
    def stressed(self) -> slice:
        first = date.fromisoformat(self.rows[0][0]).toordinal()
        ends = (
            date.fromisoformat(self.rule[f"stressed_{end}"]).toordinal() for end in ("from", "to")
        )
        begin, last = (end - first for end in ends)
        return slice(begin, last + 1)

    def scores(self, symbol: str) -> list[mp.mpf]:
        """Returns over the volatility known before them."""
        returns = self.column(symbol)
        decay, winsor = mp.mpf(self.rule["decay"]), mp.mpf(self.model["scan"]["winsor"])
        variance = sum(r**2 for r in returns[:WARM_UP]) / WARM_UP
        scores = [mp.mpf(0)] * WARM_UP
        for r in returns[WARM_UP:]:
            scores.append(r / mp.sqrt(variance))
            variance = decay * variance + (1 - decay) * min(abs(r), winsor) ** 2
        return scores

    def both(self, column: Sequence[mp.mpf]) -> list[mp.mpf]:
        return [*column[-self.rule["window_days"] :], *column[self.stressed]]

    def days(self, risk: dict[str, Any], sigma: mp.mpf) -> list[tuple[mp.mpf, mp.mpf]]:
        """(move of spot, change of ln vol at 30 days) of each day, filtered first."""
        scores = self.scores(risk["symbol"])
        filtered = [sigma * z for z in scores[-self.rule["window_days"] :]]
        returns = [*filtered, *self.column(risk["symbol"])[self.stressed]]
        moves = [min(max(mp.exp(r) - 1, mp.mpf("-0.9")), mp.mpf(5)) for r in returns]
        residuals = self.both(self.column(f"{risk['symbol']}_residual"))
        a, b, c = (mp.mpf(risk[f"vol_{n}"]) for n in ("on_return", "on_size", "residual"))
        pivot = mp.mpf(self.rule["vol_pivot"])
        answers = [
            a * z + b * (abs(z) - pivot) + c * eps
            for z, eps in zip(self.both(scores), residuals, strict=True)
        ]
        return list(zip(moves, answers, strict=True))

    def risk_of(self, losses: Sequence[int]) -> dict[str, int]:
        """VaR and ES of the losses of all days: the larger of the two windows', not below zero."""
        at = self.rule["window_days"]
        windows = (losses[:at], losses[at:])
        return {
            "value_at_risk_usd6": max(0, *(value_at_risk(w, self.tail) for w in windows)),
            "shortfall_usd6": max(
                0, *(math.ceil(expected_shortfall(w, self.tail)) for w in windows)
            ),
        }


def term_shift(answer: mp.mpf, exponent: str, seconds_left: int) -> mp.mpf:
    """What a change at 30 days is at another term."""
    days = max(mp.mpf(seconds_left) / 86400, mp.mpf("0.8"))
    shift = answer * (30 / days) ** mp.mpf(exponent)
    return min(max(shift, mp.mpf("-1.2")), mp.mpf("1.2"))
