import pytest
import structlog

from keeper.errors import MarketDataError
from keeper.jobs.buyer import CUSHION_BPS, MOST_RESERVE_USD6, buyer_account, capital_usd6
from keeper.jobs.liquidate import (
    bid_auctions,
    cure_recovered,
    find_breaches,
    flag_breaches,
    liquidate,
)
from keeper.jobs.sight import look, open_auctions
from keeper.liquidation.plan import Bid, Cure, Flag
from keeper.state.accounts import bounty_reserve_usd6
from keeper.units import BPS, E8, WAD, mul_bps_up
from tests.unit.chain.fake_node import T0, FakeNode, Revert, Serving, decoded
from tests.unit.chain.world import ALICE, BOB, PERPETUAL, PUT, account, market, views
from tests.unit.jobs.keeper_of import SENDER, keeper_of

COST = 19_461_000
SHORT = [(PERPETUAL, -100, -COST), (PUT, -5_000, 0)]
LONG = [(PERPETUAL, 100, COST), (PUT, 5_000, 0)]
POOR = 60_000_000  # the short puts alone are worth about as much: equity is below maintenance


def accounts(cash=POOR, locked=False):
    return [account(ALICE, cash, SHORT, locked), account(BOB, 9_000_000_000, LONG)]


def auction(started_at=T0 + 100, sold=0):
    return {
        "startedAt": started_at,
        "fractionSold": sold,
        "scenario": 0,
        "gridRun": False,
        "worstPayout": 0,
        "flagger": SENDER.address,
    }


@pytest.fixture
def node():
    table = views(accounts=accounts()) | {
        ("LiquidationAuction", "flag"): None,
        ("LiquidationAuction", "cure"): None,
        ("LiquidationAuction", "bid"): WAD,
        ("LiquidationAuction", "auction"): auction(),
        ("LiquidationAuction", "beginsAt"): auction()["startedAt"],
        ("UsdCoin", "balanceOf"): 10**12,
        ("UsdCoin", "allowance"): 0,
        ("UsdCoin", "approve"): True,
        ("Clearinghouse", "deposit"): None,
        ("Clearinghouse", "accountState"): {
            "cash": 0,
            "reserve": 0,
            "mode": 2,
            "enlisted": False,
            "locked": False,
            "voidSince": 0,
            "lastPermitBlock": 0,
        },
        ("Clearinghouse", "legsOf"): [
            {"instrument": PERPETUAL, "lots": -100},
            {"instrument": PUT, "lots": -5_000},
        ],
        ("RiskEngine", "assess"): {
            "value": 0,
            "exitValue": 0,
            "gross": 0,
            "addOns": 0,
            "minimumCharge": 0,
            "standard": 0,
            "standardInitial": 100_000,
            "worstLoss": 0,
            "worstScenario": 0,
            "staleInstrument": 0,
        },
    }
    with Serving(FakeNode(head=100, views=table)) as running:
        yield running


def in_auction(node, cash=POOR, **state):
    node.views |= views(accounts=accounts(cash, locked=True))
    opened = auction(**state)
    node.views["LiquidationAuction", "auction"] = opened
    node.views["LiquidationAuction", "beginsAt"] = opened["startedAt"]


def test_find_breaches__below_maintenance__is_found_with_its_worst_scenario(node):
    ctx = keeper_of(node)
    [breach] = find_breaches(ctx)
    sight = look(ctx)
    assert breach.account == ALICE
    assert breach.equity_usd6 < breach.required_usd6
    assert breach.scenario == sight.margin_book.worst_scenario[sight.row[ALICE]]


def test_find_breaches__contract_disagrees__is_dropped_and_logged(node):
    def healthy(account, _scenario):
        raise Revert("Healthy", account, 5, 3)

    node.views["LiquidationAuction", "flag"] = healthy
    with structlog.testing.capture_logs() as logs:
        assert find_breaches(keeper_of(node)) == ()
    assert logs[-1]["event"] == "breach_not_confirmed"
    assert "Healthy" in logs[-1]["contract"]


def test_find_breaches__in_auction_already__is_not_a_new_one(node):
    in_auction(node)
    assert find_breaches(keeper_of(node)) == ()


def test_find_breaches__healthy__none(node):
    node.views |= views(accounts=accounts(cash=9_000_000_000))
    assert find_breaches(keeper_of(node)) == ()


def test_find_breaches__zero_spot__is_an_error(node):
    node.views |= views(markets=[market(1, 7_940 * E8), market(2, 0, fresh=False)])
    with pytest.raises(MarketDataError):
        find_breaches(keeper_of(node))


def test_flag_breaches__sends_account_and_scenario(node):
    ctx = keeper_of(node)
    [breach] = find_breaches(ctx)
    [action] = flag_breaches(ctx, [breach])
    assert isinstance(action.intent, Flag)
    assert action.outcome is not None
    assert decoded(node.sent[0]) == ("LiquidationAuction", "flag", (ALICE, breach.scenario))


def test_flag_breaches__another_was_faster__next_one_is_still_flagged(node):
    ctx = keeper_of(node)
    [breach] = find_breaches(ctx)

    def only_bob(name, _scenario):
        if name == ALICE:
            raise Revert("AlreadyFlagged", name)

    node.views["LiquidationAuction", "flag"] = only_bob
    from dataclasses import replace

    actions = flag_breaches(ctx, [breach, replace(breach, account=BOB)])
    assert [action.error != "" for action in actions] == [True, False]
    assert "AlreadyFlagged" in actions[0].error
    assert [decoded(raw)[2][0] for raw in node.sent] == [BOB]


def test_open_auctions__figures_are_the_margin_book_s(node):
    in_auction(node, sold=WAD // 4)
    # After a halt of the sequencer the line begins later than the auction says.
    node.views["LiquidationAuction", "beginsAt"] = T0 + 3_700
    ctx = keeper_of(node)
    sight = look(ctx)
    [seen] = open_auctions(ctx, sight)
    row, book = sight.row[ALICE], sight.margin_book
    assert (seen.account, seen.begins_at, seen.fraction_sold_wad) == (ALICE, T0 + 3_700, WAD // 4)
    assert seen.equity_usd6 == book.equity_usd6[row]
    assert seen.standard_usd6 == book.standard_usd6[row]
    assert seen.required_usd6 == min(book.standard_usd6[row], book.maintenance_usd6[row])
    assert seen.initial_usd6 <= min(book.initial_usd6[row], book.standard_initial_usd6[row])
    assert seen.divisible


def test_open_auctions__legs_of_a_few_lots__are_indivisible(node):
    small = [account(ALICE, 0, [(PUT, -9, 0)], locked=True), account(BOB, 1, LONG)]
    node.views |= views(accounts=small)
    ctx = keeper_of(node)
    assert [seen.divisible for seen in open_auctions(ctx, look(ctx))] == [False]


def test_open_auctions__no_leg_left__is_there_to_be_cured(node):
    node.views |= views(accounts=[account(ALICE, 5, [], locked=True)])
    [action] = cure_recovered(keeper_of(node))
    assert isinstance(action.intent, Cure)
    assert node.calls() == ["LiquidationAuction.cure"]


def test_open_auctions__no_price__is_left_alone(node):
    for row in node.views["MarginLens", "markets"]:
        for forward in row["forwards"]:
            forward["quote"]["time"] = 0
    node.views["MarginLens", "accounts"] = lambda first, count: accounts(locked=True)[
        first : first + count
    ]
    assert bid_auctions(keeper_of(node)) == []


def test_bid__funds_a_fresh_account_first(node):
    in_auction(node, started_at=T0 - 3_600)
    ctx = keeper_of(node)
    [action] = bid_auctions(ctx)
    assert isinstance(action.intent, Bid)
    assert node.calls() == ["UsdCoin.approve", "Clearinghouse.deposit", "LiquidationAuction.bid"]
    cost = 100_000 + bounty_reserve_usd6(legs=2)
    needed = mul_bps_up(action.intent.buyer_margin_usd6 + cost, CUSHION_BPS)
    _, _, (buyer, amount) = decoded(node.sent[1])
    assert (buyer, amount) == (action.buyer, needed)
    assert buyer[:20].hex() == SENDER.address[2:].lower()
    _, _, (seller, bidder, fraction, least, deadline) = decoded(node.sent[2])
    assert (seller, bidder, fraction) == (ALICE, buyer, action.intent.fraction_wad)
    assert (least, deadline) == (0, T0 + 100 + 600)


def test_bid__account_is_funded_already__deposits_only_what_lacks(node):
    in_auction(node, started_at=T0 - 3_600)
    node.views["Clearinghouse", "accountState"] |= {"cash": 10**12}
    bid_auctions(keeper_of(node))
    assert node.calls() == ["LiquidationAuction.bid"]


def test_bid__reverts__is_reported_and_not_raised(node):
    in_auction(node, started_at=T0 - 3_600)

    def expired(*_args):
        raise Revert("BidExpired", 1, 2)

    node.views["LiquidationAuction", "bid"] = expired
    [action] = bid_auctions(keeper_of(node))
    assert action.outcome is None
    assert "BidExpired" in action.error


def test_bid__no_sender__is_only_planned(node):
    in_auction(node, started_at=T0 - 3_600)
    assert bid_auctions(keeper_of(node, dry_run=True)) == []
    assert node.sent == []


def test_buyer_account__changes_with_the_auction_s_progress(node):
    ctx = keeper_of(node)
    first = buyer_account(ctx, ALICE)
    assert buyer_account(ctx, ALICE) == first
    assert buyer_account(ctx, BOB) != first
    node.views["LiquidationAuction", "auction"] = auction(sold=WAD // 2)
    assert buyer_account(ctx, ALICE) != first


def test_capital__leaves_reserves_and_cushion(node):
    ctx = keeper_of(node)
    node.views["UsdCoin", "balanceOf"] = 3 * MOST_RESERVE_USD6
    assert capital_usd6(ctx, ctx.client.head(), 2) == MOST_RESERVE_USD6 * BPS // CUSHION_BPS
    assert capital_usd6(ctx, ctx.client.head(), 5) == 0


def test_cure__recovered__is_sent(node):
    in_auction(node, cash=9_000_000_000)
    actions = cure_recovered(keeper_of(node))
    assert [type(action.intent) for action in actions] == [Cure]
    assert node.calls() == ["LiquidationAuction.cure"]


def test_liquidate__one_round__tells_what_it_saw_meant_and_did(node):
    done = liquidate(keeper_of(node))
    assert done.at.number == 100
    assert [breach.account for breach in done.breaches] == [ALICE]
    assert [action.intent for action in done.actions] == list(done.plan.intents)
    assert node.calls() == ["LiquidationAuction.flag"]
