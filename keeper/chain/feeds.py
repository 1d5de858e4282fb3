"""What `MarketFeeds` says about one underlying at one block: what an update has to keep to."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from keeper.attestation.typed_data import ExpiryQuote
from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Contract


@dataclass(frozen=True, slots=True)
class SpeedLimits:
    """The table's own shock, wad: of ln vol at 30 days up and down, its cap, of ln forward."""

    vol_up: int
    vol_down: int
    vol_most: int
    ratio: int


@dataclass(frozen=True, slots=True)
class FeedState:
    """Expiries that are live or wait for settlement, 0 first; quotes only where published."""

    underlying: int
    expiries: tuple[int, ...]
    quotes: tuple[ExpiryQuote, ...]
    limits: SpeedLimits
    signers: tuple[str, ...]
    threshold: int

    def live(self, time: int) -> tuple[int, ...]:
        """Return what an update of `time` has to quote: the perpetual and the expiries ahead."""
        return tuple(expiry for expiry in self.expiries if expiry == 0 or expiry > time)


def feed_state(client: ChainClient, feeds: Contract, underlying: int, at: BlockRef) -> FeedState:
    """Read expiries, marks, limits and signers of one underlying at a block."""
    expiries: list[int] = client.call(feeds, "expiries", (underlying,), at=at)
    limits: dict[str, int] = client.call(feeds, "limits", (underlying,), at=at)
    stored = [(e, client.call(feeds, "quote", (underlying, e), at=at)) for e in expiries]
    return FeedState(
        underlying=underlying,
        expiries=tuple(expiries),
        quotes=tuple(_quote(expiry, words) for expiry, words in stored if words["time"]),
        limits=SpeedLimits(limits["volUp"], limits["volDown"], limits["volMost"], limits["ratio"]),
        signers=tuple(client.call(feeds, "signers", at=at)),
        threshold=client.call(feeds, "threshold", at=at),
    )


def _quote(expiry: int, words: dict[str, Any]) -> ExpiryQuote:
    names = [field.name for field in fields(ExpiryQuote) if field.name != "expiry"]
    return ExpiryQuote(expiry, **{name: words[name] for name in names})
