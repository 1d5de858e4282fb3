"""The price of an underlying from the newest round of its aggregator on chain."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.calibration.consensus import Reading
from keeper.chain.aggregator import latest_answer
from keeper.chain.client import ChainClient
from keeper.errors import MarketDataError
from keeper.units import E8


@dataclass(frozen=True, slots=True)
class AggregatorRound:
    """The `Source` of one aggregator; prices have eight decimals, as SpotFeeds requires."""

    client: ChainClient
    address: str
    name: str = "aggregator"

    def read(self) -> Reading:
        """Return the newest round; MarketDataError where it is no price to SpotFeeds."""
        answer = latest_answer(self.client, self.address, self.client.head())
        if answer is None or not answer.is_usable:
            raise MarketDataError(f"{self.name} {self.address}: its newest round has no price")
        return Reading(self.name, answer.answer / E8, answer.updated_at)
