// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IReducingTrades} from "../../src/interfaces/IReducingTrades.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg, Order} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice Carol is long one bitcoin by perpetual from 60,000 with 12,000 dollars after her reserve. At spot 52,000 the
/// perpetual is 52,010.40: equity 4,010.40, SM 7,801.56, MM 4,784.9568, IM 6,220.44384.
contract LiquidationAuctionTest is Fixture {
    int256 private constant EQUITY = 4_010.4e6;
    uint256 private constant MAINTENANCE = 4_784.9568e6;
    uint256 private constant INITIAL = 6_220.44384e6;
    uint256 private constant STANDARD = 7_801.56e6;
    /// @dev At no base fee, of a reserve of 50.
    int256 private constant BOUNTY = 20e6;
    int256 private constant BONUS = 10e6;
    int256 private constant REST = 20e6;

    uint128 private perpetual;

    function setUp() public override {
        super.setUp();
        perpetual = _perpetual(BTC);
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, perpetual, 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
    }

    function _fall() private {
        _advance(60, 52_000e8, ETH_SPOT);
        assertEq(_equity(carol.account), EQUITY, "equity");
    }

    function _fallAndFlag() private {
        _fall();
        _flagAndWait(carol.account, FALL);
    }

    /* FLAG */

    function test_flag_healthyAccount_revertsWithBothNumbers() public {
        _advance(60, 53_000e8, ETH_SPOT);
        vm.expectRevert(_healthy(5_010.6e6, 4_876.9752e6));
        auction.flag(carol.account, FALL);
    }

    function test_flag_unhealthyAccount_locksAndEmits() public {
        _fall();
        uint64 startsAt = uint64(block.timestamp + 10 minutes);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.Flagged(carol.account, flagger.owner, FALL, EQUITY, MAINTENANCE, startsAt);
        _flagAndWait(carol.account, FALL);
        assertTrue(clearinghouse.accountState(carol.account).locked, "locked");
        assertEq(uint256(auction.auction(carol.account).startedAt), block.timestamp, "clock");
        assertEq(auction.auction(carol.account).flagger, flagger.owner, "flagger");
    }

    function test_flag_scenarioInWhichItGains_reverts() public {
        _fall();
        vm.expectRevert(_healthy(EQUITY, 52e6)); // only the minimum charge
        auction.flag(carol.account, RISE);
    }

    function test_flag_atMaintenanceExactly_revertsAndOneUnitBelowPasses() public {
        _fall();
        _deposit(carol.account, uint256(int256(MAINTENANCE) - EQUITY) - 1);
        uint256 snapshot = vm.snapshotState();
        _deposit(carol.account, 1);
        vm.expectRevert(_healthy(int256(MAINTENANCE), MAINTENANCE));
        auction.flag(carol.account, FALL);
        assertTrue(vm.revertToState(snapshot), "revert");
        _flagAndWait(carol.account, FALL);
    }

    function test_flag_unknownScenario_reverts() public {
        _fall();
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownScenario.selector, Model.SCENARIOS, Model.SCENARIOS));
        auction.flag(carol.account, uint8(Model.SCENARIOS));
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownScenario.selector, 255, Model.SCENARIOS));
        auction.flag(carol.account, 255);
        _flagAndWait(carol.account, FALL);
    }

    function test_flag_twice_reverts() public {
        _fallAndFlag();
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AlreadyFlagged.selector, carol.account));
        auction.flag(carol.account, FALL);
    }

    function test_flag_noPositions_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoPositions.selector, liquidator.account));
        auction.flag(liquidator.account, FALL);
    }

    /// @dev Silence of the feeds protects nobody: the last marks hold.
    function test_flag_staleMarket_stillPasses() public {
        _fall();
        vm.warp(block.timestamp + 1 days);
        _flagAndWait(carol.account, FALL);
    }

    function test_flag_deadAggregator_stillPasses() public {
        _fall();
        vm.etch(address(btcFeed), "");
        _flagAndWait(carol.account, FALL);
    }

    /* LINE */

    function test_line_startMiddleAndEnd() public {
        _fallAndFlag();
        assertEq(auction.line(carol.account, 1_000e6), 1_020e6, "2 % over equity");
        vm.warp(block.timestamp + 15 minutes);
        assertEq(auction.line(carol.account, 1_000e6), 510e6, "half");
        vm.warp(block.timestamp + 15 minutes - 1);
        assertTrue(auction.line(carol.account, 1_000e6) > 0, "a second before the end");
        vm.warp(block.timestamp + 1);
        assertEq(auction.line(carol.account, 1_000e6), 0, "end");
        vm.warp(block.timestamp + 10 days);
        assertEq(auction.line(carol.account, 1_000e6), 0, "long after");
    }

    function test_line_atOrBelowZeroEquity_isEquity() public {
        _fallAndFlag();
        assertEq(auction.line(carol.account, 0), 0, "zero");
        assertEq(auction.line(carol.account, -7e6), -7e6, "negative");
    }

    function test_line_ofAnUnflaggedAccount_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, carol.account));
        auction.line(carol.account, 1e6);
    }

    /* BID: THE SHARE AND ITS PRICE */

    /// @dev f = (1.01 IM - E + reserve) / (1.01 IM - E + line), rounded up.
    function test_bid_wholeWanted_isCutToWhatRestoresHealth() public {
        _fallAndFlag();
        uint256 line = 4_090.608e6;
        uint256 gap = INITIAL * 101 / 100 - uint256(EQUITY);
        uint256 share = ((gap + RESERVE) * 1e18 + gap + line - 1) / (gap + line);
        int256 cashToBuyer = (EQUITY - int256(line)) * int256(share) / 1e18;
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.Bid(
            carol.account, liquidator.account, share, EQUITY, int256(line), cashToBuyer, (share + 5e14) / 1e15
        );
        assertEq(_bid(liquidator, carol.account, 1e18), share, "cut");
        assertEq(_lots(liquidator.account, perpetual), int64(int256((share + 5e14) / 1e15)), "rounded lots");
        auction.cure(carol.account);
        assertFalse(clearinghouse.accountState(carol.account).locked, "one bid restores health");
    }

    function test_bid_lessWanted_isSoldAsWanted() public {
        _fallAndFlag();
        assertEq(_bid(liquidator, carol.account, 0.2e18), 0.2e18, "as wanted");
        assertEq(_lots(carol.account, perpetual), 800, "kept");
        assertEq(uint256(auction.auction(carol.account).fractionSold), 0.2e18, "fraction");
    }

    function test_bid_lessThanATenthWanted_isATenth() public {
        _fallAndFlag();
        assertEq(_bid(liquidator, carol.account, 1), 0.1e18, "a tenth");
        assertEq(_lots(carol.account, perpetual), 900, "kept");
    }

    function test_bid_lineAtZero_mayTakeTheWholeBook() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 30 minutes);
        assertEq(_bid(liquidator, carol.account, 1e18), 1e18, "all");
        assertEq(clearinghouse.legsOf(carol.account).length, 0, "empty");
        assertEq(_cash(carol.account), REST, "nothing but the rest of the reserve is left");
        assertEq(_equity(liquidator.account), 100_000e6 - int256(RESERVE) + BONUS + EQUITY, "the buyer has the equity");
    }

    function test_bid_remainderBelowATenth_goesAlong() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 30 minutes);
        assertEq(_bid(liquidator, carol.account, 0.91e18), 1e18, "all");
    }

    function test_bid_atMarks_isZeroSum() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 10 minutes);
        int256 before = _equity(carol.account);
        int256 buyerBefore = _equity(liquidator.account);
        int256 line = auction.line(carol.account, before);
        uint256 sold = _bid(liquidator, carol.account, 0.25e18);
        int256 toBuyer = (before - line) * int256(sold) / 1e18;
        assertEq(_equity(carol.account), before - toBuyer, "the seller pays the discount");
        assertEq(_equity(liquidator.account), buyerBefore + toBuyer - int256(RESERVE) + BONUS, "the buyer receives it");
    }

    function test_bid_minCashToBuyer_boundary() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 10 minutes);
        int256 line = auction.line(carol.account, EQUITY);
        int256 gives = (EQUITY - line) * 0.25e18 / 1e18;
        vm.prank(liquidator.owner);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.DiscountTooSmall.selector, gives, gives + 1));
        auction.bid(carol.account, liquidator.account, 0.25e18, gives + 1, uint64(block.timestamp));
        vm.prank(liquidator.owner);
        auction.bid(carol.account, liquidator.account, 0.25e18, gives, uint64(block.timestamp));
    }

    /// @dev Book of odd lots: whatever the sequence of bids, round(F * base) lots of each leg are gone.
    function test_R11_3_bidSequence_roundingNeverAddsUp() public {
        _insolventBook();
        Leg[] memory base = clearinghouse.legsOf(alice.account);
        uint256[6] memory wanted = [uint256(0.1e18), 0.13e18, 0.1111e18, 0.3e18, 0.27e18, 0.1e18];
        for (uint96 i; i < 6; ++i) {
            Actor memory buyer = liquidator;
            buyer.account = _account(liquidator.owner, 100 + i);
            _deposit(buyer.account, 50_000e6);
            _bid(buyer, alice.account, wanted[i]);
            uint256 sold = auction.auction(alice.account).fractionSold;
            for (uint256 j; j < base.length; ++j) {
                int64 lots = base[j].lots;
                uint256 size = uint256(int256(lots < 0 ? -lots : lots));
                uint256 gone = (size * sold + 5e17) / 1e18;
                int64 left = int64(int256(size - gone));
                assertEq(_lots(alice.account, base[j].instrument), lots < 0 ? -left : left, "round(F * base)");
            }
        }
        assertLt(0.6e18, auction.auction(alice.account).fractionSold, "most is sold");
    }

    function test_bid_smallLegs_moveWholeInOneBid() public {
        _deposit(alice.account, 100e6);
        _trade(alice, dealer, perpetual, 1, BTC_SPOT);
        _trade(alice, dealer, _perpetual(ETH), 9, ETH_SPOT);
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _advance(60, 56_000e8, 2_500e8);
        _flagAndWait(alice.account, FALL);
        assertEq(_bid(liquidator, alice.account, 0.1e18), 1e18, "no leg can be divided");
        assertEq(clearinghouse.legsOf(alice.account).length, 0, "empty");
    }

    /// @dev No lots, no cash: a bid can never take a share of equity without the legs that belong to it.
    function test_R11_8_bid_booksOfFewLots_alwaysMoveSomething() public {
        _deposit(alice.account, 200e6);
        _trade(alice, dealer, perpetual, 11, BTC_SPOT);
        _advance(60, 48_800e8, ETH_SPOT);
        _flagAndWait(alice.account, FALL);
        for (uint96 i; i < 12; ++i) {
            if (clearinghouse.legsOf(alice.account).length == 0) break;
            Actor memory buyer = liquidator;
            buyer.account = _account(liquidator.owner, 100 + i);
            _deposit(buyer.account, 50_000e6);
            int64 before = _lots(alice.account, perpetual);
            try this.bidAs(buyer, alice.account, 0.1e18) {
                assertTrue(_lots(alice.account, perpetual) < before, "moved");
            } catch (bytes memory reason) {
                assertTrue(bytes4(reason) == ILiquidationAuction.Healthy.selector, "ends only in health");
                break;
            }
        }
    }

    function bidAs(Actor memory buyer, bytes32 account, uint256 fraction) external {
        _bid(buyer, account, fraction);
    }

    /* BID: WHO AND WHEN */

    function test_bid_unflagged_reverts() public {
        vm.prank(liquidator.owner);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, carol.account));
        auction.bid(carol.account, liquidator.account, 1e18, 0, uint64(block.timestamp));
    }

    function test_bid_forSomebodyElsesAccount_reverts() public {
        _fallAndFlag();
        vm.prank(mallory.owner);
        vm.expectRevert(
            abi.encodeWithSelector(ILiquidationAuction.NotBuyer.selector, mallory.owner, liquidator.account)
        );
        auction.bid(carol.account, liquidator.account, 1e18, type(int256).min, uint64(block.timestamp));
    }

    function test_bid_deadline_lastSecondPassesNextReverts() public {
        _fallAndFlag();
        uint64 now_ = uint64(block.timestamp);
        vm.prank(liquidator.owner);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.BidExpired.selector, now_ - 1, uint256(now_)));
        auction.bid(carol.account, liquidator.account, 1e18, type(int256).min, now_ - 1);
        vm.prank(liquidator.owner);
        auction.bid(carol.account, liquidator.account, 1e18, type(int256).min, now_);
    }

    function test_bid_buyerWithABook_reverts() public {
        _fallAndFlag();
        _tradeAtMark(liquidator, dealer, _perpetual(ETH), 1);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotEmpty.selector, liquidator.account));
        this.bidAs(liquidator, carol.account, 1e18);
        _tradeAtMark(dealer, liquidator, _perpetual(ETH), 1);
        _bid(liquidator, carol.account, 1e18);
    }

    function test_bid_bySelfIntoTheSameAccount_reverts() public {
        _fallAndFlag();
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, carol.account));
        this.bidAs(carol, carol.account, 1e18);
    }

    /// @dev The buyer posts f * IM of the seller and the standard margin of one lot, his reserve beside it.
    function test_bid_buyerMargin_boundary() public {
        _fallAndFlag();
        uint256 scaled = INITIAL / 5;
        uint256 oneLot = _standardInitialOfOneLot();
        int256 cashToBuyer = (EQUITY - 4_090.608e6) / 5;
        uint256 needed = uint256(int256(scaled + oneLot + RESERVE) - cashToBuyer);
        Actor memory buyer = liquidator;
        buyer.account = _account(liquidator.owner, 8);
        _deposit(buyer.account, needed - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, buyer.account, int256(scaled + oneLot) - 1, scaled + oneLot
            )
        );
        this.bidAs(buyer, carol.account, 0.2e18);
        _deposit(buyer.account, 1);
        _bid(buyer, carol.account, 0.2e18);
        // And whoever has just bought cannot be flagged at once.
        IRiskEngine.Assessment memory a = engine.assess(clearinghouse.legsOf(buyer.account), engine.gridMask(), 0);
        assertLe(int256(engine.maintenanceMargin(a)), _equity(buyer.account), "healthy");
    }

    function test_R11_6_bid_recoveredAccount_reverts() public {
        _fallAndFlag();
        _advance(60, 53_000e8, ETH_SPOT);
        vm.expectRevert(_healthy(5_010.6e6, 4_876.9752e6));
        this.bidAs(liquidator, carol.account, 1e18);
    }

    function test_R11_7_bid_weakScenarioOfTheFlagger_decidesNothing() public {
        // Flagged by a scenario with a smaller loss than the worst; the bid runs the grid.
        _deposit(alice.account, 9_200e6);
        _trade(alice, dealer, perpetual, 1_000, BTC_SPOT);
        _advance(60, 51_950e8, ETH_SPOT);
        assertEq(_equity(alice.account), 1_110.39e6, "deep under water");
        _flagAndWait(alice.account, Model.indexOf("twist near down spot -1/3"));
        _bid(liquidator, alice.account, 1e18);
    }

    /// @dev Valuation is total: liquidation goes on at the last marks when the feeds fall silent.
    function test_bid_staleSurface_stillPasses() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 3 hours);
        _bid(liquidator, carol.account, 1e18);
    }

    function test_bid_expiredLegNotYetFixed_stillPasses() public {
        _deposit(alice.account, 200_000e6);
        _trade(alice, dealer, _future(BTC, NEAR), 1_000, BTC_SPOT);
        _withdraw(alice, uint256(_equity(alice.account)) - 9_300e6, _noClaim());
        vm.warp(NEAR + 1);
        _postSpot(BTC, 52_000e8);
        _flagAndWait(alice.account, FALL);
        _bid(liquidator, alice.account, 1e18);
    }

    /// @dev A long option in front of the book costs more cash than the bid brings; only margin may decide, not the order.
    function test_bid_bookWithExpensiveFirstLeg_needsOnlyMargin() public {
        uint128 first = _call(BTC, FAR, _strike(BTC, 0));
        _deposit(alice.account, 60_000e6);
        _tradeAtMark(alice, dealer, first, 2_000);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 2)), 3_000);
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _advance(60, 54_500e8, ETH_SPOT);
        _flagAndWait(alice.account, _health(alice.account).worstScenario);
        vm.warp(block.timestamp + 30 minutes);
        Actor memory buyer = liquidator;
        buyer.account = _account(liquidator.owner, 8);
        _deposit(buyer.account, 15_000e6);
        assertLt(15_000e6, uint256(engine.markOf(first)) * 2_000 / 1e5, "less cash than the first leg costs");
        _bid(buyer, alice.account, 1e18);
        assertEq(clearinghouse.legsOf(buyer.account).length, 2, "bought");
    }

    /* BOUNTY */

    function test_bid_first_paysBountyAndBonusFromTheAccountsReserve() public {
        _fallAndFlag();
        assertEq(_cash(flagger.account), 0, "not before a bid");
        _bid(liquidator, carol.account, 0.2e18);
        assertEq(_cash(flagger.account), BOUNTY, "flagger");
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), uint256(REST), "from her reserve");
        Actor memory second = liquidator;
        second.account = _account(liquidator.owner, 8);
        _deposit(second.account, 50_000e6);
        _advance(60, 50_000e8, ETH_SPOT);
        _bid(second, carol.account, 0.1e18);
        assertEq(_cash(flagger.account), BOUNTY, "once");
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), uint256(REST), "no second bonus");
    }

    /// @dev 20 gwei and ether at 3,000: flagging one leg is 167,000 gas, 10.02 dollars; a bid on it 650,000, 39.
    function test_bid_bounties_followTheBaseFeeAndNotTheTransaction() public {
        _fallAndFlag();
        vm.fee(20 gwei);
        vm.txGasPrice(10_000 gwei);
        _bid(liquidator, carol.account, 0.2e18);
        assertEq(_cash(flagger.account), 20e6, "at most two fifths");
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), 0, "the buyer has the rest");
    }

    /// @dev Without a base fee the fixed parts alone, whatever the transaction bids.
    function test_bid_bounties_ofNoBaseFee_areTheFixedParts() public {
        _fallAndFlag();
        vm.fee(0);
        vm.txGasPrice(10_000 gwei);
        _bid(liquidator, carol.account, 0.2e18);
        assertEq(_cash(flagger.account), BOUNTY, "flagger");
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), uint256(REST), "and no more to the buyer");
    }

    function test_R12_1_bounties_arePaidByNobodyElse() public {
        _fallAndFlag();
        vm.fee(5_000 gwei);
        int256 before = _equity(carol.account);
        _bid(liquidator, carol.account, 0.2e18);
        int256 toBuyer = (before - auction.line(carol.account, before)) * 0.2e18 / 1e18;
        assertEq(_equity(carol.account), before - toBuyer, "her equity pays the line alone");
        assertEq(_cash(flagger.account), 20e6, "capped by the reserve");
    }

    function test_cure_beforeAnyBid_paysNoBounty() public {
        _fallAndFlag();
        _deposit(carol.account, STANDARD);
        auction.cure(carol.account);
        assertEq(_cash(flagger.account), 0, "none");
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), RESERVE, "reserve stays");
    }

    /// @dev Else the next flagger would find an empty reserve.
    function test_cure_afterABid_fillsTheReserveUp() public {
        _fallAndFlag();
        _bid(liquidator, carol.account, 0.2e18);
        _deposit(carol.account, 10_000e6);
        int256 before = _cash(carol.account);
        auction.cure(carol.account);
        assertEq(uint256(clearinghouse.accountState(carol.account).reserve), RESERVE, "full");
        assertEq(_cash(carol.account), before - BOUNTY - BONUS, "from her cash");
    }

    /* LOCKED */

    function test_flagged_account_cannotWithdrawButTakesDeposits() public {
        _fallAndFlag();
        bytes memory locked = abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, carol.account);
        vm.expectRevert(locked);
        _withdraw(carol, 1, _noClaim());
        vm.prank(carol.owner);
        vm.expectRevert(locked);
        clearinghouse.withdrawSpot(carol.account, BTC, 1, carol.owner);
        _deposit(carol.account, 1e6);
        assertEq(_equity(carol.account), EQUITY + 1e6, "deposited");
    }

    /* CURE */

    function test_cure_belowIm_reverts() public {
        _fallAndFlag();
        _deposit(carol.account, INITIAL - uint256(EQUITY) - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                ILiquidationAuction.StillUnhealthy.selector, carol.account, int256(INITIAL) - 1, INITIAL
            )
        );
        auction.cure(carol.account);
        _deposit(carol.account, 1);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.Cured(carol.account, int256(INITIAL), INITIAL);
        vm.prank(mallory.owner); // anybody
        auction.cure(carol.account);
        _tradesAgain();
    }

    function test_cure_atStandardMargin_needsNoGrid() public {
        _fallAndFlag();
        _deposit(carol.account, STANDARD - uint256(EQUITY));
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.Cured(carol.account, int256(STANDARD), STANDARD);
        auction.cure(carol.account);
    }

    function test_cure_unflagged_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, carol.account));
        auction.cure(carol.account);
    }

    function test_flag_afterCure_startsANewClock() public {
        _fallAndFlag();
        vm.warp(block.timestamp + 20 minutes);
        _deposit(carol.account, INITIAL - uint256(EQUITY));
        auction.cure(carol.account);
        _advance(60, 49_000e8, ETH_SPOT);
        _flagAndWait(carol.account, FALL);
        assertEq(auction.line(carol.account, 1_000e6), 1_020e6, "from the start");
        assertEq(uint256(auction.auction(carol.account).fractionSold), 0, "nothing sold yet");
    }

    function _tradesAgain() private {
        _deposit(carol.account, 10_000e6);
        _tradeAtMark(dealer, carol, perpetual, 1);
        assertEq(_lots(carol.account, perpetual), 999, "trades again");
    }

    /* HELPERS */

    /// @dev Alice holds four legs of odd lots and is below zero.
    function _insolventBook() private {
        _deposit(alice.account, 14_000e6);
        _trade(alice, dealer, perpetual, 777, BTC_SPOT);
        _trade(alice, dealer, _perpetual(ETH), 1_003, ETH_SPOT);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 2)), 333);
        _tradeAtMark(alice, dealer, _call(BTC, FAR, _strike(BTC, 3)), 55);
        _advance(60, 42_000e8, 2_000e8);
        assertTrue(_equity(alice.account) < 0, "insolvent");
        _flagAndWait(alice.account, FALL);
    }

    function _standardInitialOfOneLot() private view returns (uint256) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(perpetual, 1);
        return engine.assess(legs, 0, 0).standardInitial;
    }

    function _healthy(int256 equity, uint256 required) private view returns (bytes memory) {
        return abi.encodeWithSelector(ILiquidationAuction.Healthy.selector, carol.account, equity, required);
    }
}
