"""What every source is: a name, and one thing to read."""

from __future__ import annotations

from typing import Protocol, TypeVar

Read = TypeVar("Read", covariant=True)


class Source(Protocol[Read]):
    """Gives one thing: an option chain with its findings, or the price of an underlying."""

    @property
    def name(self) -> str:
        """What findings and errors call it."""
        ...

    def read(self) -> Read:
        """Return the newest there is.

        Raises MarketDataError where there is none, and never makes one up.
        """
        ...
