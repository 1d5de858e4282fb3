// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice R15: auctions while an L2's sequencer is down. Carol's perpetual as in LiquidationAuctionTest.
contract LiquidationHaltTest is Fixture {
    int256 private constant EQUITY = 1_000e6;
    PriceFeedMock private uptime;

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
    }

    function _uptimeFeed() internal override returns (address) {
        uptime = new PriceFeedMock(0, "sequencer");
        uptime.postAt(0, START - 30 days);
        return address(uptime);
    }

    function bidAs(Actor memory buyer) external {
        _bid(buyer, carol.account, 1e18);
    }

    /// @dev Flagged, its grace over, and twenty minutes down the line.
    function _downTheLine(uint256 price) private returns (int256 atHalt) {
        _advance(60, price, ETH_SPOT);
        _flagAndWait(carol.account, FALL);
        vm.warp(block.timestamp + 20 minutes);
        return auction.line(carol.account, EQUITY);
    }

    function test_R15_halt_noBidBelowThePriceAtHalt() public {
        int256 atHalt = _downTheLine(52_000e8);
        assertEq(atHalt, 340e6, "a third of 1.02");
        uint256 snapshot = vm.snapshotState();
        uptime.post(1);
        vm.warp(block.timestamp + 8 hours);
        assertEq(auction.line(carol.account, EQUITY), 1_020e6, "down");
        assertEq(auction.beginsAt(carol.account), type(uint64).max, "not while it is down");
        vm.expectPartialRevert(ILiquidationAuction.InGrace.selector);
        this.bidAs(liquidator);
        uptime.post(0);
        uint256 back = block.timestamp + 1 hours;
        assertEq(auction.beginsAt(carol.account), back, "an hour to pay in");
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.InGrace.selector, carol.account, back));
        this.bidAs(liquidator);
        vm.expectRevert(
            abi.encodeWithSelector(ILiquidationAuction.NotUnsold.selector, carol.account, back + 45 minutes)
        );
        auction.takeOver(carol.account);
        vm.warp(back);
        assertLt(atHalt, auction.line(carol.account, EQUITY), "no less than at halt");
        _bid(liquidator, carol.account, 1e18);
        // The control: where the sequencer was up all the time, it costs nothing by now.
        vm.revertToState(snapshot);
        vm.warp(block.timestamp + 8 hours);
        assertEq(auction.line(carol.account, EQUITY), 0, "run out");
        _bid(liquidator, carol.account, 1e18);
    }

    /// @dev Half of the requirement waits for nothing, and pays the first price of the line.
    function test_R15_halt_belowHalfOfMaintenance_isSoldAtTheFirstPrice() public {
        _downTheLine(50_000e8);
        uptime.post(1);
        vm.warp(block.timestamp + 8 hours);
        int256 equity = _equity(carol.account);
        assertLt(0, equity, "something is hers");
        _bid(liquidator, carol.account, 1e18);
        assertTrue(_cash(carol.account) >= equity, "nothing of hers went below its price");
    }

    /// @dev No feed holds up auctions for ever: neither one that stays down nor one that says nothing.
    function test_R15_halt_ofMoreThanAWeek_counts() public {
        uptime.post(1);
        vm.warp(block.timestamp + 7 days);
        assertEq(spots.resumedAt(), type(uint64).max, "down");
        vm.warp(block.timestamp + 1);
        assertEq(spots.resumedAt(), 0, "no more");
    }

    /// @dev Nor one that goes down and up: each return would begin the line anew.
    function test_R15_flappingFeed_holdsUpAnAuctionForAWeek() public {
        _downTheLine(52_000e8);
        uint256 started = auction.auction(carol.account).startedAt;
        while (block.timestamp + 59 minutes < started + 7 days) {
            uptime.post(1);
            uptime.post(0);
            vm.warp(block.timestamp + 59 minutes);
        }
        uptime.post(0);
        vm.warp(started + 7 days);
        assertLt(block.timestamp, auction.beginsAt(carol.account), "held up");
        vm.expectPartialRevert(ILiquidationAuction.InGrace.selector);
        this.bidAs(liquidator);
        vm.warp(block.timestamp + 1);
        assertEq(auction.beginsAt(carol.account), started, "as if there had been no halt");
        _bid(liquidator, carol.account, 1e18);
    }

    function test_R15_uptimeFeedWithoutAnAnswer_holdsUpNothing() public {
        int256 before = _downTheLine(52_000e8);
        vm.etch(address(uptime), "");
        assertEq(spots.resumedAt(), 0, "no halt is known");
        assertFalse(spots.isSequencerUp(), "but no risk is taken on it");
        assertEq(auction.line(carol.account, EQUITY), before, "as it was");
    }

    /// @dev A round stamped ahead of the chain's own clock gives no moment at which the line has run out.
    function test_R15_halt_endedByARoundAhead_noBidBelowThePriceAtHalt() public {
        int256 atHalt = _downTheLine(52_000e8);
        uptime.post(1);
        vm.warp(block.timestamp + 8 hours);
        uint256 back = block.timestamp + 12;
        uptime.postAt(0, back);
        assertLt(atHalt, auction.line(carol.account, EQUITY), "no less than at halt");
        assertFalse(spots.isSequencerUp(), "nor is a spot fresh");
        vm.warp(back + 1 hours);
        assertEq(auction.beginsAt(carol.account), back + 1 hours, "an hour after it");
    }

    /// @dev 0 is up; whatever else it says is down.
    function test_R15_statusBeyondOne_isDown() public {
        uptime.post(2);
        assertEq(spots.resumedAt(), type(uint64).max, "two");
        uptime.post(-1);
        assertEq(spots.resumedAt(), type(uint64).max, "less than none");
        assertFalse(spots.isSequencerUp(), "not up");
        uptime.post(0);
        assertEq(spots.resumedAt(), block.timestamp + 1 hours, "back");
    }
}
