import pytest
import structlog

from keeper.errors import Reverted
from keeper.jobs.settle import (
    accounts_to_settle,
    cover_deficits,
    fix_settlements,
    settle,
    settle_accounts,
)
from keeper.jobs.sight import look
from keeper.state.instruments import Instrument, Kind
from keeper.units import E8
from tests.unit.chain.fake_node import AGGREGATOR, T0, FakeNode, Revert, Serving, decoded
from tests.unit.chain.world import (
    ALICE,
    BACKSTOP,
    BOB,
    NOT_ACCRUED,
    PERPETUAL,
    account,
    market,
    quote,
    state,
    views,
)
from tests.unit.jobs.keeper_of import keeper_of

PAST = T0 + 50
OWING = b"\xee" * 32
EXPIRED_CALL = Instrument(2, PAST, Kind.CALL, 200 * E8).pack()
WINDOW = 30
ROUNDS = [T0 + 10, T0 + 40, T0 + 90]


def world(settlement=0, backstop=0, insured=0):
    expired = {
        "expiry": PAST, "quote": quote(), "settlement": settlement, "accrual": NOT_ACCRUED,
    }  # fmt: skip
    markets = [market(1, 7_940 * E8), market(2, 19_461_000_000)]
    markets[1]["forwards"].insert(1, expired)
    accounts = [
        account(ALICE, 10**9, [(EXPIRED_CALL, -10, 0)]),
        account(BOB, 10**9, [(PERPETUAL, 5, 1)]),
        account(OWING, -(10**6), []),
    ]
    listings = [
        {"instrument": EXPIRED_CALL, "openInterest": 10, "settlement": settlement},
        {"instrument": PERPETUAL, "openInterest": 5, "settlement": 0},
    ]

    def answer(round_id):
        if not 1 <= round_id <= len(ROUNDS):
            raise Revert("NoRound", round_id)
        time = ROUNDS[round_id - 1]
        return round_id, 194 * E8, time, time, round_id

    return views(markets, accounts) | {
        ("MarginLens", "listings"): lambda first, count: listings[first : first + count],
        ("Listings", "listingCount"): 2,
        ("Clearinghouse", "settle"): 1,
        ("Clearinghouse", "accountState"): state(backstop),
        ("InsuranceFund", "coverRoom"): insured,
        ("LiquidationAuction", "takeDeficit"): (10**6, 0),
        ("SpotFeeds", "aggregatorOf"): AGGREGATOR.address,
        ("MarketFeeds", "SETTLEMENT_WINDOW"): WINDOW,
        ("MarketFeeds", "fixSettlement"): None,
        ("PriceFeedMock", "latestRoundData"): lambda: answer(len(ROUNDS)),
        ("PriceFeedMock", "getRoundData"): answer,
    }


@pytest.fixture
def node():
    with Serving(FakeNode(head=100, views=world())) as running:
        yield running


def test_fix__expired_and_open__starts_from_the_round_in_force_before_the_window(node):
    [outcome] = fix_settlements(keeper_of(node))
    assert outcome.status == 1
    assert decoded(node.sent[0]) == ("MarketFeeds", "fixSettlement", (2, PAST, 1))


def test_fix__no_round_after_expiry__waits(node, monkeypatch):
    monkeypatch.setattr("tests.unit.jobs.test_settle.ROUNDS", ROUNDS[:2])
    with structlog.testing.capture_logs() as logs:
        assert fix_settlements(keeper_of(node)) == []
    assert logs[-1]["event"] == "settlement_waits"
    assert node.sent == []


def test_fix__fixed_already__is_left(node):
    node.views = world(settlement=194 * E8)
    assert fix_settlements(keeper_of(node)) == []


def test_fix__another_was_faster__is_logged(node):
    def exists(underlying, expiry, _round):
        raise Revert("SettlementExists", underlying, expiry)

    node.views["MarketFeeds", "fixSettlement"] = exists
    with structlog.testing.capture_logs() as logs:
        assert fix_settlements(keeper_of(node)) == []
    assert logs[-1]["event"] == "action_reverted"
    assert str(Reverted("SettlementExists", (2, PAST))) == logs[-1]["error"]


def test_accounts_to_settle__only_with_a_leg_whose_price_is_fixed(node):
    ctx = keeper_of(node)
    assert accounts_to_settle(look(ctx)) == []
    node.views = world(settlement=194 * E8)
    assert accounts_to_settle(look(ctx)) == [ALICE]


def test_settle_accounts__underlying_wound_down__everybody_in_it(node):
    ctx = keeper_of(node)
    assert settle_accounts(ctx) == []
    node.views["SpotFeeds", "closedAt"] = lambda underlying: T0 if underlying == 2 else 0
    markets = node.views["MarginLens", "markets"]
    markets[1]["spotFresh"] = False  # final, and no reason to stop
    settle_accounts(ctx)
    settled = [decoded(sent) for sent in node.sent]
    assert settled == [("Clearinghouse", "settle", (name,)) for name in (ALICE, BOB)]


def test_settle__fixes_then_settles(node):
    node.views = world(settlement=194 * E8)
    result = settle(keeper_of(node))
    assert result.fixed == ()
    assert len(result.settled) == 1
    assert decoded(node.sent[0]) == ("Clearinghouse", "settle", (ALICE,))


@pytest.mark.parametrize("means", [{"backstop": 10**9}, {"insured": 10**9}])
def test_cover__backstop_or_fund_with_cash__covers_who_owes_and_holds_nothing(node, means):
    node.views = world(**means)
    [outcome] = cover_deficits(keeper_of(node))
    assert outcome.status == 1
    assert decoded(node.sent[0]) == ("LiquidationAuction", "takeDeficit", (OWING,))


def test_cover__backstop_itself_owes__is_covered_too(node):
    node.views = world(backstop=-5, insured=10**9)
    assert len(cover_deficits(keeper_of(node))) == 2
    assert decoded(node.sent[1]) == ("LiquidationAuction", "takeDeficit", (BACKSTOP,))


def test_cover__nobody_can_pay__is_not_asked(node):
    assert cover_deficits(keeper_of(node)) == []
    assert node.sent == []
