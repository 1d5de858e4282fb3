"""One stream of chance after another: what a book is made of, in the order in which it asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from keeper.errors import InputError

Item = TypeVar("Item")


class Chance:
    """Numbers drawn one by one from `fractions` in (0, 1).

    Raises InputError where a book asks for more of them than there are.
    """

    def __init__(self, fractions: Sequence[float]) -> None:
        self._left = iter(fractions)

    def uniform(self, low: float, high: float) -> float:
        """Return a number between two others."""
        fraction = next(self._left, None)
        if fraction is None:
            raise InputError("a book asks for more chance than it was given: give it more")
        return low + (high - low) * fraction

    def below(self, bound: int) -> int:
        """Return one of 0 to `bound - 1`."""
        return int(self.uniform(0.0, bound))

    def sign(self) -> int:
        """Return 1 or -1."""
        return 1 if self.below(2) else -1

    def one(self, items: Sequence[Item]) -> Item:
        """Return one of several."""
        return items[self.below(len(items))]

    def some(self, items: Sequence[Item], count: int) -> list[Item]:
        """Return `count` different items, or all where they are fewer: each draw takes one away."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(min(count, len(left)))]
