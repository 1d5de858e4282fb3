"""Month by month: parameters are older than the chains, and what each month alone can say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from keeper.backtest.episodes import episode_starts, uncertainty_factor
from keeper.backtest.sufficiency import EPISODE_SHARE, Outcomes, shares_in_breach


@dataclass(frozen=True, slots=True)
class Month:
    """One month of windows by when they began.

    `breaches` are of `windows`; `episodes` are those of the market, in which more than a tenth of
    some group is in breach; `worst` is the group with the highest rate. `statement` says what so
    many episodes allow to say.
    """

    month: str
    windows: int
    breaches: int
    episodes: int
    worst: str
    worst_rate: float
    statement: str


def months(outcomes: Outcomes, names: tuple[str, ...]) -> list[Month]:
    """Return the months of the sample, in order."""
    known = outcomes.known()
    label = np.array([_label(time) for time in known.times.tolist()])
    of_book = label[known.moment]
    breached = known.loss > known.margin
    found: list[Month] = []
    for month in np.unique(of_book).tolist():
        own = of_book == month
        rates: dict[int, float] = {}
        hit: set[int] = set()
        for key in np.unique(known.key[own]).tolist():
            group = own & (known.key == key)
            shares = shares_in_breach(breached[group], known.moment[group], len(known.times))
            rates[key] = float(np.nanmean(shares))
            hit |= set(np.flatnonzero(np.nan_to_num(shares) > EPISODE_SHARE).tolist())
        worst = max(rates, key=lambda key: (rates[key], -key))
        episodes = len(episode_starts(int(known.times[at]) for at in sorted(hit)))
        found.append(
            Month(
                month=month,
                windows=int(own.sum()),
                breaches=int(breached[own].sum()),
                episodes=episodes,
                worst=names[worst],
                worst_rate=rates[worst],
                statement=statement(episodes),
            )
        )
    return found


def statement(episodes: int) -> str:
    """Return what a number of episodes allows to say of a rate."""
    factor = uncertainty_factor(episodes)
    if factor is None:
        return "no episode: no evidence"
    noun = "episode" if episodes == 1 else "episodes"
    return f"{episodes} {noun}: no statement finer than a factor {factor:.1f} is possible"


def _label(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m")
