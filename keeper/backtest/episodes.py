"""Episodes: breaches that belong to one event of the market, counted once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scipy.special import gdtrix

DECLUSTER_SECONDS: Final = 48 * 3600


def episode_starts(times: Iterable[int], apart_seconds: int = DECLUSTER_SECONDS) -> list[int]:
    """Return when each episode began; `times` of breaches ascend, in Unix seconds.

    A breach within `apart_seconds` of the one before continues its episode.
    """
    starts: list[int] = []
    before: int | None = None
    for time in times:
        if before is None or time - before > apart_seconds:
            starts.append(time)
        before = time
    return starts


def uncertainty_factor(episodes: int, level: float = 0.05) -> float | None:
    """Return by what factor the true rate of so many episodes may differ from the one observed.

    Half of the exact interval of a Poisson mean (Garwood 1936), the wider half; None where there is
    no episode: nothing can be said then.
    """
    if episodes == 0:
        return None
    lowest = float(gdtrix(1.0, episodes, level / 2.0))
    highest = float(gdtrix(1.0, episodes + 1, 1.0 - level / 2.0))
    return max(highest / episodes, episodes / lowest)
