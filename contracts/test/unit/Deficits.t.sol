// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IReducingTrades} from "../../src/interfaces/IReducingTrades.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice What becomes of accounts below zero: Carol's perpetual as in LiquidationAuctionTest. At spot 46,000 it is 46,009.20:
/// equity -1,990.80, and -1,970.80 once the 20 that are left of her reserve are hers again.
contract DeficitsTest is Fixture {
    uint256 private constant DEFICIT = 1_970.8e6;

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
    }

    function _sink() private {
        _advance(60, 46_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
    }

    function test_flag_belowZero_isALossAtOnce() public {
        _sink();
        assertEq(treasury.lossOf(carol.account), 1_990.8e6, "reported");
        assertLt(treasury.solvency(), 1e18, "counted");
        assertLt(1_990.8e6, auction.worstPayout(), "and worse may come");
    }

    /// @dev The control: above zero nothing is lost yet, though it may be.
    function test_flag_aboveZero_isNoLoss() public {
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(treasury.provisionalLoss(), 0, "none");
        // 13.8 % of 52,010.40 less 4,010.40 of equity.
        assertTrue(auction.worstPayout() > 0, "a fall may bring one");
    }

    function test_report_anybody_followsTheMarket() public {
        _sink();
        _advance(60, 47_000e8, ETH_SPOT);
        auction.report(carol.account);
        assertEq(treasury.lossOf(carol.account), 990.6e6, "less");
        _advance(60, 49_000e8, ETH_SPOT);
        auction.report(carol.account);
        assertEq(treasury.provisionalLoss(), 0, "none");
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, alice.account));
        auction.report(alice.account);
    }

    function test_bid_belowZero_leavesADeficitThatTheFundCovers() public {
        _insure(5_000e6);
        _sink();
        vm.prank(liquidator.owner);
        vm.expectEmit(address(auction));
        emit ILiquidationAuction.Emptied(carol.account, DEFICIT);
        auction.bid(carol.account, liquidator.account, 1e18, 0, uint64(block.timestamp));
        assertFalse(clearinghouse.accountState(carol.account).locked, "unlocked");
        assertEq(_equity(liquidator.account), 100_000e6 - int256(RESERVE) + 10e6, "the buyer has his bonus, no more");
        assertEq(auction.worstPayout(), 0, "over");
        assertEq(treasury.solvency(), 1e18, "insured");
        (uint256 covered, uint256 remaining) = auction.takeDeficit(carol.account);
        assertEq(covered, DEFICIT, "covered");
        assertEq(remaining, 0, "nothing left");
        assertEq(fund.totalAssets(), 5_000e6 - DEFICIT, "by the fund");
        assertEq(_cash(carol.account), 0, "even");
        assertEq(treasury.provisionalLoss(), 0, "no loss");
    }

    function test_takeDeficit_fundOfADayIsLimited_restFollows() public {
        _insure(2_000e6);
        _sink();
        _bid(liquidator, carol.account, 1e18);
        (uint256 covered, uint256 remaining) = auction.takeDeficit(carol.account);
        assertEq(covered, 1_000e6, "half of the fund");
        assertEq(remaining, DEFICIT - 1_000e6, "the rest");
        assertEq(treasury.lossOf(carol.account), remaining, "reported");
        vm.warp(block.timestamp + 1 days);
        (covered, remaining) = auction.takeDeficit(carol.account);
        assertEq(covered, 500e6, "half of what it has now");
    }

    function test_takeDeficit_withoutAFund_isSharedByAll() public {
        _sink();
        _bid(liquidator, carol.account, 1e18);
        (uint256 covered, uint256 remaining) = auction.takeDeficit(carol.account);
        assertEq(covered, 0, "nothing there");
        assertEq(remaining, DEFICIT, "all of it");
        uint256 held = treasury.assets();
        assertEq(treasury.solvency(), 1e18 * held / (held + DEFICIT), "shared");
    }

    /// @dev A deficit that its owner has paid is nobody's loss: else whoever moves one to and fro between accounts of his own would
    /// have withdrawals shared and the fund's exits shut for good.
    function test_takeDeficit_paidByTheOwner_isNobodysLossAnyMore() public {
        _sink();
        _bid(liquidator, carol.account, 1e18);
        assertEq(treasury.provisionalLoss(), DEFICIT, "a loss");
        _deposit(carol.account, DEFICIT);
        (uint256 covered, uint256 remaining) = auction.takeDeficit(carol.account);
        assertEq(covered + remaining, 0, "nothing to cover");
        assertEq(treasury.provisionalLoss(), 0, "no loss");
        assertEq(treasury.solvency(), 1e18, "nobody shares");
        // Once: there is nothing to tell a second time.
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoDeficit.selector, carol.account));
        auction.takeDeficit(carol.account);
    }

    function test_takeDeficit_refusals() public {
        _insure(5_000e6);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NoDeficit.selector, liquidator.account));
        auction.takeDeficit(liquidator.account);
        // An account with legs is liquidated, not bailed out, however negative its cash.
        _advance(60, 46_000e8, ETH_SPOT);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.StillHoldsLegs.selector, carol.account));
        auction.takeDeficit(carol.account);
        _flag(carol.account, FALL);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.AlreadyFlagged.selector, carol.account));
        auction.takeDeficit(carol.account);
    }

    /* SETTLED */

    /// @dev The owner of a book that settles below zero gets nothing back while others pay for it.
    function test_cure_bookSettledDuringTheAuction_bountyGoesToTheFlaggerBeforeTheDeficit() public {
        _insure(5_000e6);
        int256 owed = _shortFutureSettledBelowZero(true);
        auction.cure(alice.account);
        assertEq(_cash(flagger.account), 20e6, "flagger");
        assertEq(_cash(alice.account), 30e6 - owed, "the rest of her reserve pays");
        assertFalse(clearinghouse.accountState(alice.account).locked, "unlocked");
        assertEq(uint256(auction.auction(alice.account).startedAt), 0, "auction over");
    }

    function test_bid_bookSettledDuringTheAuction_endsIt() public {
        _shortFutureSettledBelowZero(true);
        assertEq(_bid(liquidator, alice.account, 1e18), 0, "nothing to sell");
        assertEq(clearinghouse.legsOf(liquidator.account).length, 0, "the bidder bought nothing");
    }

    function test_takeDeficit_bookSettledBelowZeroWithoutAFlag_isCovered() public {
        _insure(5_000e6);
        int256 owed = _shortFutureSettledBelowZero(false);
        (uint256 covered, uint256 remaining) = auction.takeDeficit(alice.account);
        assertEq(int256(covered), owed - int256(RESERVE), "after her own reserve");
        assertEq(remaining, 0, "nothing left");
        assertEq(_cash(alice.account), 0, "covered");
    }

    /// @dev One unit of a token is worth nothing: nobody could buy it, and the deficit behind it would never be covered.
    function test_takeDeficit_dustOfATokenLeft_isCovered() public {
        _insure(5_000e6);
        _pledgeDust();
        int256 owed = _shortFutureSettledBelowZero(false);
        (uint256 covered, uint256 remaining) = auction.takeDeficit(alice.account);
        assertEq(int256(covered), owed - int256(RESERVE), "after her own reserve");
        assertEq(remaining, 0, "nothing left");
    }

    function test_bid_dustOfATokenLeftAfterSettlement_endsTheAuction() public {
        _pledgeDust();
        _shortFutureSettledBelowZero(true);
        assertEq(_bid(liquidator, alice.account, 1e18), 0, "nothing to sell");
        assertFalse(clearinghouse.accountState(alice.account).locked, "over");
    }

    function _pledgeDust() private {
        uint16 id = collateral.addToken(address(ethToken), ETH, 0.1e18, 10_000_000e6);
        ethToken.mint(alice.owner, 1);
        vm.startPrank(alice.owner);
        ethToken.approve(address(collateral), 1);
        collateral.deposit(alice.account, id, 1);
        vm.stopPrank();
        assertTrue(collateral.holds(alice.account), "holds");
    }

    /// @dev Alice is short one near future with 12,000; spot rises to 74,000 and settles there.
    function _shortFutureSettledBelowZero(bool flagged) private returns (int256 owed) {
        _deposit(alice.account, 12_050e6);
        _trade(dealer, alice, _future(BTC, NEAR), 1_000, BTC_SPOT);
        vm.warp(NEAR - 10);
        _postSpot(BTC, 74_000e8);
        if (flagged) _flag(alice.account, 18);
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, 74_000e8);
        return 2_000e6;
    }

    /* WHO RUNS FIRST */

    /// @dev R13: the winner of a pair withdraws while the loser is in auction. He gets no more than if he had waited.
    function test_R13_4_winnerOfAPair_runningFirstWinsNothing() public {
        _sink();
        uint256 all = uint256(_cash(dealer.account)) / 2;
        uint256 snapshot = vm.snapshotState();
        _withdraw(dealer, all / 16, _noClaim());
        uint256 first = usdc.balanceOf(dealer.owner);
        assertTrue(vm.revertToState(snapshot), "revert");
        _bid(liquidator, carol.account, 1e18);
        auction.takeDeficit(carol.account);
        _withdraw(dealer, all / 16, _noClaim());
        assertClose(usdc.balanceOf(dealer.owner), first, 10e6, "but for the 20 of her reserve");
        assertLt(first, all / 16, "and both bear the loss");
    }
}
