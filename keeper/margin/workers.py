"""Who computes the parts of a big sum: here one after another, elsewhere threads or machines.

What is split this way is exact, and into parts that depend on the data alone, so every kind and
number of workers gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

Shared = TypeVar("Shared")
Part = TypeVar("Part")
Result = TypeVar("Result")


class Workers(Protocol):
    """Maps a pure function over parts. It must be importable by name: it may travel to another
    process, as may `shared`, which every part needs, and the parts.
    """

    def map(
        self, task: Callable[[Shared, Part], Result], shared: Shared, parts: Sequence[Part]
    ) -> list[Result]:
        """Return `task(shared, part)` of each part, in their order; raise what a task raises."""
        ...


class _Serial:
    """The caller's own thread."""

    def map(
        self, task: Callable[[Shared, Part], Result], shared: Shared, parts: Sequence[Part]
    ) -> list[Result]:
        return [task(shared, part) for part in parts]


SERIAL: Final[Workers] = _Serial()
