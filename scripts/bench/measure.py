"""Times several ways to do the same thing in turns, so that their ratio survives a noisy machine.

One round runs every contestant once; a ratio is taken within a round, where the machine was about
the same for all, and the median of the rounds is reported with their quartiles.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from keeper.units import FloatArray

Contestants: TypeAlias = Mapping[str, Callable[[], object]]

_QUIET_SHARE = 0.04
_QUIET_SECONDS = 0.5
_STAT = Path("/proc/stat")


class Mismatch(Exception):
    """Two contestants do not compute the same: their times may not be compared."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A median with the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Summarise at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


@dataclass(frozen=True, slots=True)
class Rounds:
    """Seconds of every contestant in every round, in order."""

    seconds: Mapping[str, list[float]]

    def time(self, name: str) -> Spread:
        """Return the seconds of one contestant."""
        return Spread.of(self.seconds[name])

    def ratio(self, name: str, ours: str) -> Spread:
        """Return how many times longer `name` took than `ours`, round by round."""
        pairs = zip(self.seconds[name], self.seconds[ours], strict=True)
        return Spread.of([theirs / mine for theirs, mine in pairs])

    def scaled(self, name: str, factor: float) -> Rounds:
        """Return the same with one contestant's seconds extrapolated from a part of the work."""
        longer = [second * factor for second in self.seconds[name]]
        return Rounds({**self.seconds, name: longer})


@dataclass(frozen=True, slots=True)
class Stopwatch:
    """`rounds` timed rounds after one of warm-up; waits `patience_seconds` for a quiet machine."""

    rounds: int
    patience_seconds: float

    def race(self, contestants: Contestants) -> Rounds:
        """Time the contestants in turns."""
        for contestant in contestants.values():
            contestant()
        wait_for_quiet(self.patience_seconds)
        seconds: dict[str, list[float]] = {name: [] for name in contestants}
        gc.collect()
        gc.disable()
        try:
            for _ in range(self.rounds):
                for name, contestant in contestants.items():
                    began = time.perf_counter()
                    contestant()
                    seconds[name].append(time.perf_counter() - began)
        finally:
            gc.enable()
        return Rounds(seconds)


def require_close(
    what: str, ours: NDArray[Any], theirs: NDArray[Any], tolerance: FloatArray | float
) -> None:
    """Raise Mismatch unless the results agree everywhere within `tolerance`, which broadcasts."""
    excess = np.abs(ours - theirs) - tolerance
    if not (excess <= 0.0).all():
        at = np.unravel_index(np.argmax(excess), excess.shape)
        raise Mismatch(f"{what}: ours {ours[at]} and theirs {theirs[at]} differ at {at}")


def progress(text: str) -> None:
    """Say on stderr what is being measured: stdout is for the table."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def wait_for_quiet(patience_seconds: float) -> None:
    """Return once other processes used under 4 % of the CPUs for half a second, or in any case
    after `patience_seconds`; at once where the kernel does not say.
    """
    until = time.perf_counter() + patience_seconds
    while _STAT.exists() and time.perf_counter() < until:
        before = ForeignShare.begin()
        time.sleep(_QUIET_SECONDS)
        if before.end() < _QUIET_SHARE:
            return


@dataclass(frozen=True, slots=True)
class ForeignShare:
    """The share of the machine that other processes take, from `begin` to `end`."""

    busy_seconds: float
    own_seconds: float
    began: float

    @classmethod
    def begin(cls) -> ForeignShare:
        """Read the clocks."""
        return cls(_busy_seconds(), _own_seconds(), time.perf_counter())

    def end(self) -> float:
        """Return the share of all CPUs since then, 0 to 1; 0 where the kernel does not say."""
        busy = _busy_seconds() - self.busy_seconds
        own = _own_seconds() - self.own_seconds
        whole = (time.perf_counter() - self.began) * (os.cpu_count() or 1)
        return min(max(0.0, (busy - own) / whole), 1.0)


def _busy_seconds() -> float:
    """Return the CPU time that was not idle since boot, all CPUs together."""
    if not _STAT.exists():
        return 0.0
    user, nice, system, _, _, irq, softirq, steal = map(
        int, _STAT.read_text().split(maxsplit=9)[1:9]
    )
    ticks = user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
