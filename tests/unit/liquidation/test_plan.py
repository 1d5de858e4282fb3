from dataclasses import replace

import pytest

from keeper.errors import InputError
from keeper.liquidation.auction import NEVER
from keeper.liquidation.health import Breach
from keeper.liquidation.plan import (
    Bid,
    Cure,
    Flag,
    OpenAuction,
    PlanConfig,
    TakeOver,
    make_plan,
)
from keeper.units import USD6, WAD

NOW = 1_790_000_000
A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))
# Half way: the line is 510, the discount 490 for the whole book; 616 / 1126 of it restores health.
AUCTION = OpenAuction(
    account=A,
    begins_at=NOW - 900,
    fraction_sold_wad=0,
    equity_usd6=1000 * USD6,
    standard_usd6=2000 * USD6,
    initial_usd6=1600 * USD6,
    buyer_margin_usd6=2000 * USD6,
)
MOST = 616 * WAD // 1126 + 1
BREACH = Breach(B, 90 * USD6, 100 * USD6, 7)


def plan(breaches=(), auctions=(), capital=10_000 * USD6, config=None):
    config = config or PlanConfig(min_profit_usd6=0)
    return make_plan(breaches, auctions, now=NOW, capital_usd6=capital, config=config)


def test_plan__breach__is_flagged_with_its_scenario_and_figures():
    (flag,) = plan([BREACH]).intents
    assert flag == Flag(B, 7, "equity 90.00 below 100.00 in scenario 7")


def test_plan__breach_already_in_auction__is_not_flagged_again():
    result = plan([replace(BREACH, account=A), BREACH], [AUCTION])
    assert [type(intent) for intent in result.intents] == [Flag, Bid]
    assert result.intents[0].account == B


def test_plan__open_auction__bids_what_restores_health():
    (bid,) = plan(auctions=[AUCTION]).intents
    assert bid.fraction_wad == MOST
    assert bid.expected_profit_usd6 == 490 * USD6 * MOST // WAD
    assert bid.buyer_margin_usd6 == -(-2000 * USD6 * MOST // WAD)
    assert bid.min_cash_to_buyer_usd6 == 0
    assert "54.71% of the book at 268.06" in bid.reason


def test_plan__min_profit__is_a_bar_and_the_bids_protection():
    profit = 490 * USD6 * MOST // WAD
    (bid,) = plan(auctions=[AUCTION], config=PlanConfig(profit)).intents
    assert bid.min_cash_to_buyer_usd6 == profit
    result = plan(auctions=[AUCTION], config=PlanConfig(profit + 1))
    assert result.intents == ()
    assert result.skips[0].reason.endswith("wait")


def test_plan__start_of_an_auction__waits_because_the_line_is_above_equity():
    result = plan(auctions=[replace(AUCTION, begins_at=NOW)])
    assert result.intents == ()
    assert "below marks, less than 0.00: wait" in result.skips[0].reason


def test_plan__max_fraction__caps_the_bid():
    (bid,) = plan(auctions=[AUCTION], config=PlanConfig(0, WAD // 5)).intents
    assert bid.fraction_wad == WAD // 5


def test_plan__capital__caps_the_bid():
    (bid,) = plan(auctions=[AUCTION], capital=400 * USD6).intents
    assert bid.fraction_wad == WAD // 5
    assert bid.buyer_margin_usd6 == 400 * USD6
    result = plan(auctions=[AUCTION], capital=199 * USD6)
    assert result.intents == ()
    assert "capital 199.00" in result.skips[0].reason


def test_plan__two_auctions__larger_discount_is_served_first_with_the_shared_capital():
    small = replace(AUCTION, account=B, begins_at=NOW - 600)
    result = plan(auctions=[small, AUCTION], capital=1100 * USD6)
    assert [intent.account for intent in result.intents] == [A]
    assert [skip.account for skip in result.skips] == [B]
    both = plan(auctions=[small, AUCTION], capital=10_000 * USD6)
    assert [intent.account for intent in both.intents] == [A, B]
    assert sum(bid.buyer_margin_usd6 for bid in result.intents) <= 1100 * USD6


def test_plan__negative_equity__bids_at_marks_or_says_that_waiting_is_vain():
    gone = replace(AUCTION, equity_usd6=-5 * USD6)
    (bid,) = plan(auctions=[gone]).intents
    assert (bid.fraction_wad, bid.expected_profit_usd6) == (WAD, 0)
    result = plan(auctions=[gone], config=PlanConfig(1))
    assert result.skips[0].reason.endswith("no discount will come")


@pytest.mark.parametrize(
    ("equity", "standard", "initial", "cured"),
    [
        (2000, 2000, 2600, True),  # standard margin reached
        (1999, 2000, 2600, False),
        (1600, 2000, 1600, True),  # the grid at initial level reached
        (1599, 2000, 1600, False),
        (-5, 0, 0, True),  # no leg is left
    ],
)
def test_plan__healthy_again_or_empty__is_cured(equity, standard, initial, cured):
    auction = replace(
        AUCTION,
        equity_usd6=equity * USD6,
        standard_usd6=standard * USD6,
        initial_usd6=initial * USD6,
    )
    (intent,) = plan(auctions=[auction]).intents
    assert isinstance(intent, Cure if cured else Bid)
    assert intent.reason


def test_plan__above_maintenance_but_not_cured__is_skipped_as_the_contract_would_refuse():
    auction = replace(AUCTION, required_usd6=1000 * USD6)
    assert "not yet cured" in plan(auctions=[auction]).skips[0].reason
    (bid,) = plan(auctions=[replace(auction, required_usd6=1000 * USD6 + 1)]).intents
    assert isinstance(bid, Bid)


def test_plan__indivisible_book__is_bought_whole_or_not_at_all():
    auction = replace(AUCTION, divisible=False)
    (bid,) = plan(auctions=[auction]).intents
    assert bid.fraction_wad == WAD
    result = plan(auctions=[auction], capital=1999 * USD6)
    assert result.intents == ()
    assert "capital 1,999.00" in result.skips[0].reason


def test_plan__in_grace__waits():
    result = plan(auctions=[replace(AUCTION, begins_at=NOW + 12)])
    assert result.intents == ()
    assert result.skips[0].reason == "its line begins in 12 s"


def test_plan__sequencer_down__waits_and_takes_nothing_over():
    halted = replace(AUCTION, begins_at=NEVER)
    result = plan(auctions=[halted], config=PlanConfig(10**15))
    assert result.intents == ()
    assert result.skips[0].reason == "its line waits for the sequencer, which is down"


def test_plan__in_grace_below_half_of_the_requirement__counts_as_the_start():
    deep = replace(AUCTION, begins_at=NOW + 12, required_usd6=2 * AUCTION.equity_usd6 + 2)
    result = plan(auctions=[deep])
    assert result.intents == ()
    assert "wait" in result.skips[0].reason


def test_plan__unsold_after_the_end_of_its_line__goes_to_the_backstop():
    ended = replace(AUCTION, begins_at=NOW - 45 * 60)
    broke = PlanConfig(10**15)
    [intent] = plan(auctions=[ended], config=broke).intents
    assert intent == TakeOver(AUCTION.account, "unsold 2700 s after its line began")
    assert plan(auctions=[replace(ended, begins_at=NOW - 45 * 60 + 1)], config=broke).intents == ()
    # The Backstop's own books are bid for, whatever their health, and neither cured nor taken over.
    own = replace(ended, backstop=True, required_usd6=None)
    assert plan(auctions=[own], config=broke).intents == ()
    [bid] = plan(auctions=[own]).intents
    assert isinstance(bid, Bid)


def test_plan__same_input_in_any_order__same_plan():
    auctions = [AUCTION, replace(AUCTION, account=B), replace(AUCTION, account=C)]
    assert plan(auctions=auctions) == plan(auctions=auctions[::-1])


@pytest.mark.parametrize("bad", [(-1, WAD), (0, WAD + 1), (0, WAD // 10 - 1)])
def test_config__impossible__is_refused(bad):
    assert PlanConfig(0, WAD // 10)
    with pytest.raises(InputError):
        PlanConfig(*bad)


def test_plan__insolvent_book_flagged_by_us__is_bought_for_the_bounty_alone():
    gone = replace(AUCTION, equity_usd6=-500 * USD6)
    config = PlanConfig(min_profit_usd6=5 * USD6)
    assert plan(auctions=[gone], config=config).intents == ()
    (bid,) = plan(auctions=[replace(gone, bounty_usd6=50 * USD6)], config=config).intents
    assert bid.fraction_wad == WAD
    assert bid.expected_profit_usd6 == 50 * USD6
    assert bid.min_cash_to_buyer_usd6 == -45 * USD6
    assert "our bounty of 50.00" in bid.reason
