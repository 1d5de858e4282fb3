"""Rounds of a Chainlink price feed: which one was in force at a given time."""

from __future__ import annotations

from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Contract
from keeper.errors import Reverted

# The mock has exactly the functions of AggregatorV3Interface, and its ABI is shipped.
AGGREGATOR_ABI = "PriceFeedMock"

_PHASE_BITS = 64  # a proxy puts the number of its aggregator above the round

MAX_ANSWER = 2**60 - 1
"""SpotFeeds takes no price above, nor one below 1."""

_ROUND_BYTES = 5 * 32


@dataclass(frozen=True, slots=True)
class Answer:
    """The price of the newest round and its time in Unix seconds."""

    answer: int
    updated_at: int

    @property
    def is_usable(self) -> bool:
        """Whether it is a price to SpotFeeds, fresh or not."""
        return 0 < self.answer <= MAX_ANSWER


def latest_answer(client: ChainClient, address: str, at: BlockRef) -> Answer | None:
    """The newest round as SpotFeeds reads it; None when the aggregator answers with none."""
    feed = Contract(AGGREGATOR_ABI, to_checksum_address(address))
    try:
        data = client.returned(feed, "latestRoundData", at=at)
    except Reverted:
        return None
    if len(data) < _ROUND_BYTES:
        return None
    words = [data[first : first + 32] for first in range(0, _ROUND_BYTES, 32)]
    return Answer(int.from_bytes(words[1], signed=True), int.from_bytes(words[3]))


def round_in_force(client: ChainClient, address: str, time: int, at: BlockRef) -> int | None:
    """The last round not after `time`, once a later one exists; else None.

    Only the aggregator that serves now is searched: a proxy that has changed it since has no
    successor of the round, so that nothing could be fixed from it anyway.
    """
    feed = Contract(AGGREGATOR_ABI, to_checksum_address(address))
    newest: int = client.call(feed, "latestRoundData", at=at)[0]
    if _updated_at(client, feed, newest, at) <= time:
        return None
    first = (newest >> _PHASE_BITS << _PHASE_BITS) + 1
    if not 0 < _updated_at(client, feed, first, at) <= time:
        return None
    low, high = first, newest  # low is not after `time`, high is
    while high - low > 1:
        middle = (low + high) // 2
        if _updated_at(client, feed, middle, at) <= time:
            low = middle
        else:
            high = middle
    return low


def _updated_at(client: ChainClient, feed: Contract, round_id: int, at: BlockRef) -> int:
    try:
        _, _, _, updated_at, _ = client.call(feed, "getRoundData", (round_id,), at=at)
    except Reverted:
        return 0
    return updated_at
