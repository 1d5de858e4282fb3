import pytest

from keeper.chain import aggregator
from keeper.chain.aggregator import round_in_force
from keeper.chain.client import BlockRef
from keeper.errors import Reverted

AT = BlockRef(1, b"", 0)
ADDRESS = "0x" + "11" * 20
PHASE = 5 << 64


class Feed:
    """Answers `call` of a client for one aggregator with these round times."""

    def __init__(self, times, phase=0):
        self.times, self.phase, self.calls = times, phase, 0

    def call(self, _contract, function, args=(), *, at):
        assert at is AT
        self.calls += 1
        if function == "latestRoundData":
            return self._round(self.phase + len(self.times))
        return self._round(*args)

    def _round(self, round_id):
        index = round_id - self.phase - 1
        if not 0 <= index < len(self.times):
            raise Reverted("NoRound", (round_id,))
        return (round_id, 1, self.times[index], self.times[index], round_id)


@pytest.mark.parametrize("phase", [0, PHASE])
@pytest.mark.parametrize(
    ("time", "expected"),
    [(100, 1), (199, 1), (200, 2), (250, 2), (399, 3), (400, None), (500, None), (99, None)],
)
def test_round_in_force__last_not_after_with_a_later_one(phase, time, expected):
    feed = Feed([100, 200, 300, 400], phase)
    found = round_in_force(feed, ADDRESS, time, AT)
    assert found == (None if expected is None else phase + expected)


def test_round_in_force__many_rounds__few_calls():
    feed = Feed(list(range(0, 10**6, 10))[1:])
    assert round_in_force(feed, ADDRESS, 123_456, AT) == 12_345
    assert feed.calls < 25


def test_round_in_force__two_rounds_at_one_time__takes_the_later():
    assert round_in_force(Feed([100, 200, 200, 300]), ADDRESS, 200, AT) == 3


def test_abi__is_shipped():
    from tests.unit.chain.fake_node import ARTIFACTS

    names = {entry.get("name") for entry in ARTIFACTS.abi(aggregator.AGGREGATOR_ABI)}
    assert {"latestRoundData", "getRoundData"} <= names
