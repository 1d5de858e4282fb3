// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {MarginClaim, Order} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Time to pay in before the line begins. Carol's perpetual as in LiquidationAuctionTest: at 52,000 her equity is 4,010.40
/// of 4,784.96; at 50,000 2,010, less than half of 4,600.92.
contract GraceTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
    }

    function _startsIn() private view returns (uint256) {
        return auction.auction(carol.account).startedAt - block.timestamp;
    }

    function test_flag_shortOfMaintenance_grantsTenMinutes() public {
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(_startsIn(), 10 minutes, "grace");
        vm.expectPartialRevert(ILiquidationAuction.InGrace.selector);
        this.bidAs(liquidator);
        vm.warp(block.timestamp + 10 minutes - 1);
        vm.expectPartialRevert(ILiquidationAuction.InGrace.selector);
        this.bidAs(liquidator);
        vm.warp(block.timestamp + 1);
        _bid(liquidator, carol.account, 1e18);
    }

    function test_flag_belowHalfOfMaintenance_grantsNone() public {
        _advance(60, 50_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(_startsIn(), 0, "none");
        _bid(liquidator, carol.account, 1e18);
    }

    /// @dev Nobody waits for an account that sinks during its grace; the price is the first of the line.
    function test_bid_inGraceOnceBelowHalf_passes() public {
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        _advance(60, 50_000e8, ETH_SPOT);
        assertEq(auction.line(carol.account, 1_000e6), 1_020e6, "from the start");
        _bid(liquidator, carol.account, 1e18);
    }

    function test_flag_soonAfterALeafWasUsed_grantsNone() public {
        MarginClaim memory claim = _attestedClaim(carol.account, 8_000e6, 1e6);
        _withdraw(carol, 400e6, claim);
        assertEq(uint256(clearinghouse.accountState(carol.account).lastPermitBlock), block.number, "remembered");
        uint256 snapshot = vm.snapshotState();
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(_startsIn(), 0, "none");
        // The control: an epoch later there is grace.
        assertTrue(vm.revertToState(snapshot), "revert");
        vm.roll(block.number + EPOCH_BLOCKS);
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(_startsIn(), 10 minutes, "granted");
    }

    /// @dev R12: curing and being flagged again does not buy time for ever: half an hour a day, whatever the number of flags.
    function test_R12_2_graceOfADay_isABudget() public {
        uint256 total;
        for (uint256 i; i < 5; ++i) {
            _advance(60, 52_000e8, ETH_SPOT);
            _flag(carol.account, FALL);
            total += _startsIn();
            _deposit(carol.account, 10_000e6);
            auction.cure(carol.account);
            _advance(60, 60_000e8, ETH_SPOT);
            _withdraw(carol, 10_000e6, _noClaim());
        }
        assertLe(total, 31 minutes, "half an hour, and what came back meanwhile");
        assertLe(29 minutes, total, "all of it was given");
    }

    function bidAs(Actor memory who) external {
        _bid(who, carol.account, 1e18);
    }

    /// @dev Whoever fills an order presents the maker's claim as well; one that is not needed costs the maker nothing.
    function test_R12_6_claimOfAStranger_thatIsNotNeeded_leavesTheMakerHisGrace() public {
        assertEq(uint256(_filledByAStranger(1)), block.timestamp + 10 minutes, "with a claim of nothing");
    }

    function test_R12_6_control_withoutAClaim_graceIsTheSame() public {
        assertEq(uint256(_filledByAStranger(0)), block.timestamp + 10 minutes, "without");
    }

    function _filledByAStranger(uint64 epoch) private returns (uint64) {
        _deposit(bob.account, 13_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(bob, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(mallory.account, 100_000e6);
        Order memory maker = _order(bob, _perpetual(BTC), -1, BTC_SPOT);
        Order memory taker = _order(mallory, _perpetual(BTC), 1, BTC_SPOT);
        MarginClaim memory claim;
        claim.leaf.epoch = epoch;
        clearinghouse.trade(maker, _sign(bob, maker), taker, _sign(mallory, taker), 1, claim, _noClaim());
        _advance(60, 51_700e8, ETH_SPOT);
        _flag(bob.account, FALL);
        return auction.auction(bob.account).startedAt;
    }
}
