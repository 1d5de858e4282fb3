import pytest
import structlog

from keeper.jobs.observe import observe
from keeper.units import E8
from tests.unit.chain.fake_node import AGGREGATOR, T0, FakeNode, Revert, Serving, decoded
from tests.unit.chain.world import market, views
from tests.unit.jobs.keeper_of import keeper_of

DAY = 86_400
TODAY = T0 // DAY
MIDNIGHT = TODAY * DAY
# Three days of rounds, each a little before and after a midnight; those in force are 2 and 4.
ROUNDS = [
    MIDNIGHT - DAY - 900,
    MIDNIGHT - DAY - 60,
    MIDNIGHT - DAY + 60,
    MIDNIGHT - 30,
    MIDNIGHT + 5,
]


def world(observed=()):
    markets = [market(2, 19_461_000_000)]
    markets[0]["observedDays"] = list(observed)

    def answer(round_id):
        if not 1 <= round_id <= len(ROUNDS):
            raise Revert("NoRound", round_id)
        time = ROUNDS[round_id - 1]
        return round_id, 194 * E8, time, time, round_id

    return views(markets, []) | {
        ("SpotFeeds", "aggregatorOf"): AGGREGATOR.address,
        ("SpotFeeds", "observe"): None,
        ("PriceFeedMock", "latestRoundData"): lambda: answer(len(ROUNDS)),
        ("PriceFeedMock", "getRoundData"): answer,
    }


@pytest.fixture
def node():
    with Serving(FakeNode(head=100, views=world())) as running:
        yield running


def test_observe__nothing_observed__both_days_with_their_rounds(node):
    [outcome] = observe(keeper_of(node))
    assert outcome.status == 1
    expected = (2, [TODAY - 1, TODAY], [2, 4])
    name, function, arguments = decoded(node.sent[0])
    assert (name, function) == ("SpotFeeds", "observe")
    assert (arguments[0], list(arguments[1]), list(arguments[2])) == expected


def test_observe__yesterday_stands__today_alone(node):
    node.views = world([TODAY - 1])
    observe(keeper_of(node))
    assert list(decoded(node.sent[0])[2][1]) == [TODAY]


def test_observe__both_stand__sends_nothing(node):
    node.views = world([TODAY - 1, TODAY])
    assert observe(keeper_of(node)) == []
    assert node.sent == []


def test_observe__no_round_since_midnight__waits_for_one(node, monkeypatch):
    monkeypatch.setattr("tests.unit.jobs.test_observe.ROUNDS", ROUNDS[:4])
    observe(keeper_of(node))
    assert list(decoded(node.sent[0])[2][1]) == [TODAY - 1]


def test_observe__refused__is_logged(node):
    def stale(*_arguments):
        raise Revert("StaleRound", 2, 0, 0, 0)

    node.views["SpotFeeds", "observe"] = stale
    with structlog.testing.capture_logs() as logs:
        assert observe(keeper_of(node)) == []
    assert logs[-1]["event"] == "action_reverted"
