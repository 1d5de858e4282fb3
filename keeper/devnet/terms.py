"""What one instance of the contracts is told when it is deployed, beside the margin model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

NO_ADDRESS: Final = "0x" + "00" * 20
NO_COIN_FEED: Final = (NO_ADDRESS, 0, 0)
"""Without one the coin is the unit of account, and no depeg is charged for."""


@dataclass(frozen=True, slots=True)
class Quorum:
    """Addresses of signers, ascending as the contracts want them, and how many have to sign."""

    signers: Sequence[str]
    threshold: int


@dataclass(frozen=True, slots=True)
class Listed:
    """One underlying: where its price comes from, its token, and the limits of its marks.

    `open_interest_cap_lots` is that of all its contracts together; `token` is None where no SPOT
    positions are offered; `limits_wad` are MarketFeeds' volUp,
    volDown, volMost and ratio; `expiries` are Unix seconds.
    """

    aggregator: str
    max_age_seconds: int
    token: str | None
    limits_wad: tuple[int, int, int, int]
    open_interest_cap_lots: int
    expiries: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """All of it; `underlyings` by the model's numbers, `instruments` packed ids."""

    guardian: str
    usd_coin: str
    block_hash_source: str
    margin: Quorum
    feeds: Quorum
    epoch_blocks: int
    max_block_age: int
    discount_per_day_usd6: int
    max_discount_per_day_usd6: int
    gas_underlying: int
    underlyings: Mapping[int, Listed]
    instruments: Sequence[int] = ()
    sequencer_feed: str = NO_ADDRESS
    sequencer_grace_seconds: int = 0
    coin_feed: tuple[str, int, int] = field(default=NO_COIN_FEED)
