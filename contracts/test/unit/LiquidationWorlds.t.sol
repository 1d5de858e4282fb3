// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Liquidation with a second world of marks, which the engine is made to answer for. Carol's perpetual as in
/// LiquidationAuctionTest.
contract LiquidationWorldsTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
        _advance(60, 52_000e8, ETH_SPOT);
    }

    /// @dev In world 1 the book is worth `more` than in world 0; its losses are the same.
    function _secondWorld(uint256 mask, int256 more) private {
        Leg[] memory legs = clearinghouse.legsOf(carol.account);
        IRiskEngine.Assessment[] memory worlds = new IRiskEngine.Assessment[](2);
        (worlds[0], worlds[1]) = (engine.assess(legs, mask, 0), engine.assess(legs, mask, 0));
        worlds[1].value += more;
        vm.mockCall(address(engine), abi.encodeCall(engine.assessInAllWorlds, (legs, mask)), abi.encode(worlds));
    }

    function test_flag_healthyInOneWorld_reverts() public {
        _secondWorld(uint256(1) << FALL, 2_000e6);
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.flag(carol.account, FALL);
        // The control: unhealthy in both.
        _secondWorld(uint256(1) << FALL, 100e6);
        _flag(carol.account, FALL);
    }

    function test_flag_deepInOneWorld_grantsNoGraceAndReportsTheWorstLoss() public {
        _secondWorld(uint256(1) << FALL, -5_010.4e6);
        _flag(carol.account, FALL);
        assertEq(uint256(auction.auction(carol.account).startedAt), block.timestamp, "no grace");
        assertEq(treasury.lossOf(carol.account), 1_000e6, "below zero there");
    }

    function test_bid_recoveredInOneWorld_reverts() public {
        _flagAndWait(carol.account, FALL);
        _secondWorld(engine.gridMask(), 2_000e6);
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        this.bidAs();
        _secondWorld(engine.gridMask(), 100e6);
        this.bidAs();
    }

    function test_cure_mustPassInEach() public {
        _flagAndWait(carol.account, FALL);
        _deposit(carol.account, 4_000e6);
        _secondWorld(0, -3_000e6);
        vm.expectPartialRevert(ILiquidationAuction.StillUnhealthy.selector);
        auction.cure(carol.account);
        _secondWorld(0, 0);
        auction.cure(carol.account);
    }

    /// @dev The Backstop takes the book at the confirmed marks: what it is short of in the other world is its loss.
    function test_takeOver_belowZeroInOneWorld_isTheBackstopsLoss() public {
        _flagAndWait(carol.account, FALL);
        vm.warp(block.timestamp + 45 minutes);
        _secondWorld(engine.gridMask(), -5_010.4e6);
        bytes32 book = auction.takeOver(carol.account);
        assertEq(treasury.lossOf(book), 1_000e6, "below zero there");
        assertEq(treasury.lossOf(carol.account), 0, "hers no more");
    }

    function bidAs() external {
        _bid(liquidator, carol.account, 1e18);
    }
}
