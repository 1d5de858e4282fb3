"""Whether margins were large enough: points 3 and 4 of docs/backtest.md.

Windows overlap and books of one type are nearly one observation, so breaches are never counted as
if they were independent. What is judged is `e_t`, the share of a group's books that are in breach
at moment t: its mean by the stationary bootstrap over moments, its clusters by episodes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from keeper.backtest.episode_limits import episode_limit
from keeper.backtest.episodes import episode_starts, uncertainty_factor
from keeper.backtest.resampling import holm, resampled_means, resampled_rows
from keeper.draws import Draws
from keeper.units import BoolArray, FloatArray, IntArray

TARGET: Final = 0.01
TARGET_SHORT: Final = 0.005  # over the short horizon
BOUND: Final = 0.05
EPISODE_SHARE: Final = 0.10
MEAN_OVERSHOOT: Final = 0.75
MOST_OVERSHOOT: Final = 1.5
BLOCK_DAYS: Final = 3.0
C_QUANTILE: Final = 0.99
_LONGEST_WINDOW_SECONDS: Final = 24 * 3_600


@dataclass(frozen=True, slots=True)
class Sufficiency:
    """One group of books, or one type, over one horizon.

    `rate` is the mean share in breach and `least_rate` its lower 95 % bound; `p_value` is the
    chance of a rate at most 1 %, `holm_p` the same among all. `overshoot_*` are (loss - margin) /
    margin given a breach, 0 without one. `c99` is the 99 % quantile of loss over margin: 1 is
    exact, 0.5 twice what the sample needed.
    """

    name: str
    windows: int
    moments: int
    breaches: int
    rate: float
    least_rate: float
    p_value: float
    holm_p: float
    episodes: int
    episode_limit: int
    overshoot_mean: float
    overshoot_most: float
    worst_time: int
    c99: float
    failures: tuple[str, ...]
    amber: bool
    factor: float | None

    @property
    def passed(self) -> bool:
        """Whether nothing fails."""
        return not self.failures


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """Losses and margins of books [B]: `key` says whose, `moment` [B] is an index into `times`."""

    times: IntArray
    moment: IntArray
    key: IntArray
    loss: FloatArray
    margin: FloatArray

    def known(self) -> Outcomes:
        """Return those with a loss."""
        kept = np.isfinite(self.loss)
        return Outcomes(
            self.times, self.moment[kept], self.key[kept], self.loss[kept], self.margin[kept]
        )


def sufficiency(outcomes: Outcomes, names: tuple[str, ...], seed: int) -> list[Sufficiency]:
    """Return the judgement of each key that has a window; keys index `names`."""
    known = outcomes.known()
    present: list[int] = np.unique(known.key).tolist()
    if not present:
        return []
    used = np.unique(known.moment)
    place = np.searchsorted(used, known.moment)
    times = known.times[used]
    # The last windows end with the sample, so it is as long as all its moments.
    days = max(covered_days(known.times), 1.0)
    block = max(BLOCK_DAYS * (len(known.times) - 1) / days, 1.0)
    rows = resampled_rows(len(times), block, Draws(seed))
    found = [
        _judged(names[key], known, place, known.key == key, times, days, rows) for key in present
    ]
    adjusted = holm([one.p_value for one in found])
    return [replace(one, holm_p=p_value) for one, p_value in zip(found, adjusted, strict=True)]


def covered_days(times: IntArray) -> float:
    """Return how much time moments [M] cover, days: each until the next, and a day at most.

    A gap in which nothing is observed can hold no episode, so it allows for none.
    """
    return float(np.minimum(np.diff(times), _LONGEST_WINDOW_SECONDS).sum()) / 86_400


def shares_in_breach(breached: BoolArray, place: IntArray, moments: int) -> FloatArray:
    """Return the share of books in breach at each moment [M], NaN where there is no book."""
    count = np.bincount(place, minlength=moments)
    hit = np.bincount(place, weights=breached, minlength=moments)
    return np.where(count > 0, hit / np.maximum(count, 1), np.nan)


def _judged(
    name: str,
    known: Outcomes,
    place: IntArray,
    own: BoolArray,
    times: IntArray,
    days: float,
    rows: IntArray,
) -> Sufficiency:
    loss, margin = known.loss[own], known.margin[own]
    breached = loss > margin
    shares = shares_in_breach(breached, place[own], len(times))
    means = resampled_means(shares, rows)
    least = float(np.quantile(means, BOUND))
    starts = episode_starts(times[np.nan_to_num(shares) > EPISODE_SHARE].tolist())
    ratio = loss / np.maximum(margin, 1e-9)
    over = ratio[breached] - 1.0
    mean, most = (float(over.mean()), float(over.max())) if len(over) else (0.0, 0.0)
    limit = episode_limit(days)
    checks = {
        "rate": least > TARGET,
        "episodes": len(starts) > limit,
        "mean overshoot": mean > MEAN_OVERSHOOT,
        "largest overshoot": most > MOST_OVERSHOOT,
    }
    rate = float(np.nanmean(shares))
    return Sufficiency(
        name=name,
        windows=len(loss),
        moments=int(np.isfinite(shares).sum()),
        breaches=int(breached.sum()),
        rate=rate,
        least_rate=least,
        p_value=float((means <= TARGET).mean()),
        holm_p=1.0,
        episodes=len(starts),
        episode_limit=limit,
        overshoot_mean=mean,
        overshoot_most=most,
        worst_time=int(times[place[own][np.argmax(ratio)]]),
        c99=float(np.quantile(ratio, C_QUANTILE)),
        failures=tuple(what for what, failed in checks.items() if failed),
        amber=rate > TARGET,
        factor=uncertainty_factor(len(starts)),
    )
