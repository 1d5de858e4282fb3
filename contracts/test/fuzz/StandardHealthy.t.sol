// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg} from "../../src/types/Types.sol";
import {Model} from "../support/Model.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice An account whose equity covers its standard margin can never be flagged, whatever scenario is named. One unit
/// below min(SM, MM of the scenario named) it can.
contract StandardHealthyTest is RandomBooks {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
    }

    /// forge-config: default.fuzz.runs = 96
    function testFuzz_flag_equityAtStandardMargin_neverPasses(uint256 seed) public {
        _randomBook(alice, seed, 10);
        _randomMarket(seed, 60 + seed % 40 days);
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        IRiskEngine.Assessment memory plain = engine.assess(legs, 0, 0);
        for (uint8 s; s < Model.SCENARIOS; ++s) {
            uint256 required = engine.maintenanceMargin(engine.assess(legs, uint256(1) << s, 0));
            assertLe(required, plain.standard, "never more than SM");
            _setEquity(plain.value, int256(plain.standard));
            vm.expectRevert(
                abi.encodeWithSelector(
                    ILiquidationAuction.Healthy.selector, alice.account, int256(plain.standard), required
                )
            );
            auction.flag(alice.account, s);
        }
        // The control: at the requirement of the worst scenario refused, one unit below accepted.
        IRiskEngine.Assessment memory grid = engine.assess(legs, engine.gridMask(), 0);
        uint256 least = engine.maintenanceMargin(grid);
        _setEquity(plain.value, int256(least));
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.flag(alice.account, grid.worstScenario);
        _setEquity(plain.value, int256(least) - 1);
        auction.flag(alice.account, grid.worstScenario);
        assertTrue(clearinghouse.accountState(alice.account).locked, "flagged");
    }

    /// @dev What the minimum rests on: standard margin dominates the scenarios, leg by leg. Fails loudly where it would not.
    /// forge-config: default.fuzz.runs = 96
    function testFuzz_standardMargin_dominatesTheGridOfALegAtUsualVols(uint256 seed) public {
        uint128[] memory ids = _allInstruments();
        Leg[] memory legs = new Leg[](1);
        uint256 word = _word(seed, 9);
        legs[0] = Leg(ids[word % ids.length], word >> 255 == 1 ? int64(1_000) : -int64(1_000));
        if (uint8(legs[0].instrument >> 64) == SPOT) legs[0].lots = 1_000;
        vm.warp(block.timestamp + word % 6 days);
        vm.roll(block.number + 1);
        // Spot within a third of the strikes, the fixture's smile.
        _postSpot(BTC, BTC_SPOT * (70 + (word >> 20) % 60) / 100);
        _postSpot(ETH, ETH_SPOT * (70 + (word >> 20) % 60) / 100);
        _publishLater();
        IRiskEngine.Assessment memory a = engine.assess(legs, engine.gridMask(), 0);
        assertLe(a.worstLoss, a.standard - a.addOns + 1, "worst loss <= SM without add-ons");
    }

    function _publishLater() private {
        vm.warp(block.timestamp + 1);
        _publish();
    }

    /// @dev Equity is net cash plus value; only the former is replaced, so that every book can be put at every equity.
    function _setEquity(int256 value, int256 equity) private {
        bytes memory asked = abi.encodeCall(clearinghouse.settledBook, (alice.account));
        vm.mockCall(address(clearinghouse), asked, abi.encode(clearinghouse.legsOf(alice.account), equity - value));
    }
}
