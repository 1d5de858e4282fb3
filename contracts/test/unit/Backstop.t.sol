// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice What nobody buys. Carol's perpetual as in LiquidationAuctionTest.
contract BackstopTest is Fixture {
    uint128 private perpetual;

    function setUp() public override {
        super.setUp();
        perpetual = _perpetual(BTC);
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, perpetual, 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
    }

    function _unsold(uint256 spot) private {
        _advance(60, spot, ETH_SPOT);
        _flag(carol.account, FALL);
        vm.warp(uint256(auction.auction(carol.account).startedAt) + 45 minutes);
        _postSpot(BTC, spot);
    }

    function _takeOver() private returns (bytes32) {
        vm.prank(mallory.owner); // anybody
        return auction.takeOver(carol.account);
    }

    function test_takeOver_boundary() public {
        _unsold(46_000e8);
        uint256 from = block.timestamp;
        vm.warp(from - 1);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NotUnsold.selector, carol.account, from));
        auction.takeOver(carol.account);
        vm.warp(from);
        _takeOver();
    }

    function test_R11_5_takeOver_belowZero_bookIsTheBackstopsAndTheDeficitStays() public {
        _unsold(46_000e8);
        bytes32 book = _takeOver();
        assertEq(clearinghouse.legsOf(carol.account).length, 0, "empty");
        assertEq(_lots(book, perpetual), 1_000, "taken");
        assertEq(_equity(book), 0, "at min(0, equity)");
        assertEq(_cash(carol.account), -1_970.8e6, "her deficit, less what is left of her reserve");
        assertEq(treasury.lossOf(carol.account), 1_970.8e6, "a loss");
        assertEq(treasury.lossOf(book), 0, "not counted twice");
        assertEq(_cash(flagger.account), 20e6, "bounty");
        assertEq(_cash(_account(mallory.owner, 0)), 10e6, "bonus of who called");
        assertTrue(clearinghouse.accountState(book).locked, "on sale again");
    }

    function test_takeOver_aboveZero_takesTheEquityToo() public {
        _unsold(52_000e8);
        bytes32 book = _takeOver();
        assertEq(_equity(book), 4_010.4e6, "the line is at zero");
        assertEq(treasury.provisionalLoss(), 0, "no loss");
    }

    function test_takeOver_recoveredAccount_reverts() public {
        _unsold(52_000e8);
        _advance(60, 56_000e8, ETH_SPOT);
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.takeOver(carol.account);
    }

    function test_backstop_negativeEquity_isAProvisionalLoss() public {
        _unsold(46_000e8);
        bytes32 book = _takeOver();
        uint256 before = treasury.provisionalLoss();
        _advance(60, 45_000e8, ETH_SPOT);
        auction.report(book);
        assertEq(treasury.provisionalLoss() - before, 1_000.2e6, "a thousand lower");
        _advance(60, 46_000e8, ETH_SPOT);
        auction.report(book);
        assertEq(treasury.provisionalLoss(), before, "and back");
    }

    function test_backstop_book_isForSaleAtOnceInAnyShareWhateverItsHealth() public {
        _unsold(46_000e8);
        bytes32 book = _takeOver();
        _bid(liquidator, book, 0.3e18);
        assertEq(_lots(liquidator.account, perpetual), 300, "a share");
        _advance(60, 75_000e8, ETH_SPOT);
        Actor memory second = liquidator;
        second.account = _account(liquidator.owner, 8);
        _deposit(second.account, 500_000e6);
        _bid(second, book, 1e18);
        assertEq(clearinghouse.legsOf(book).length, 0, "sold out");
        int256 gained = _cash(auction.backstopAccount());
        assertTrue(gained > 1_970.8e6, "its gain is kept");
        (uint256 covered, uint256 remaining) = auction.takeDeficit(carol.account);
        assertEq(covered, 1_970.8e6, "and covers what it left");
        assertEq(remaining, 0, "nothing");
        assertEq(_cash(auction.backstopAccount()), gained - 1_970.8e6, "from the Backstop's cash");
    }

    function test_backstop_loss_movesToItsAccountOfCashAndIsCovered() public {
        _insure(100_000e6);
        _unsold(46_000e8);
        bytes32 book = _takeOver();
        _advance(60, 44_000e8, ETH_SPOT);
        _bid(liquidator, book, 1e18);
        bytes32 cash = auction.backstopAccount();
        assertEq(_cash(cash), -2_000.4e6, "the loss");
        assertEq(treasury.lossOf(book), 0, "moved");
        assertEq(treasury.lossOf(cash), 2_000.4e6, "here");
        auction.takeDeficit(cash);
        auction.takeDeficit(carol.account);
        assertEq(treasury.provisionalLoss(), 0, "covered");
        assertEq(fund.totalAssets(), 100_000e6 - 2_000.4e6 - 1_970.8e6, "by the fund");
    }

    function test_backstop_cannotBeCuredOrTakenOver() public {
        _unsold(46_000e8);
        bytes32 book = _takeOver();
        _deposit(book, 1_000_000e6);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.OfBackstop.selector, book));
        auction.cure(book);
        vm.warp(block.timestamp + 3 hours);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.OfBackstop.selector, book));
        auction.takeOver(book);
    }

    function test_takeOver_bookSettledMeanwhile_endsTheAuction() public {
        _deposit(alice.account, 12_050e6);
        _trade(dealer, alice, _future(BTC, NEAR), 1_000, BTC_SPOT);
        vm.warp(NEAR - 1 hours);
        _postSpot(BTC, 70_000e8);
        _flag(alice.account, RISE);
        vm.warp(NEAR - 10);
        _postSpot(BTC, 70_000e8);
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, 70_000e8);
        assertEq(auction.takeOver(alice.account), bytes32(0), "nothing to take");
        assertFalse(clearinghouse.accountState(alice.account).locked, "over");
    }
}
