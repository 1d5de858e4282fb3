"""The one way to ask for the time, so that tests and replays can answer instead of the machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Tells the time in whole Unix seconds."""

    def now(self) -> int:
        """Return Unix seconds."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return Unix seconds, rounded down."""
        return int(time.time())


@dataclass(frozen=True, slots=True)
class FixedClock:
    """A clock that stands still, for replays."""

    seconds: int

    def now(self) -> int:
        """Return the fixed time."""
        return self.seconds


@dataclass(slots=True)
class ManualClock:
    """A clock that moves only when told, for tests and simulations."""

    seconds: int

    def now(self) -> int:
        """Return the time last set."""
        return self.seconds

    def advance(self, seconds: int) -> None:
        """Move forward; a negative step is refused, as no chain's time runs backwards."""
        if seconds < 0:
            raise ValueError(f"cannot advance by {seconds} s: a clock only moves forward")
        self.seconds += seconds
