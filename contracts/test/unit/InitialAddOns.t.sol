// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InitialAddOns} from "../../src/InitialAddOns.sol";
import {IInitialAddOns} from "../../src/interfaces/IInitialAddOns.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {RoundsLib} from "../../src/libraries/RoundsLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {ExpiryQuote, Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

contract InitialAddOnsTest is Fixture {
    function test_connectAddOns_onceAndByTheDeployer() public {
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.NotDeployer.selector, mallory.owner));
        vm.prank(mallory.owner);
        engine.connectAddOns(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.AlreadyConnected.selector, address(addOns)));
        engine.connectAddOns(mallory.owner);
        assertEq(engine.addOns(), address(addOns), "connected");
    }

    /// @dev One bitcoin of a listing that nobody holds: twice 5 bp of spot, and 10 bp of the forward.
    function test_addOns_perpetual_byHand() public view {
        IInitialAddOns.AddOns memory a = addOns.addOns(_one(_perpetual(BTC), 1_000), 0);
        assertEq(a.concentration, 60e6, "concentration");
        assertEq(a.basis, 60.012e6, "basis");
        assertEq(a.vega + a.confidence + a.depeg + a.pin, 0, "nothing else");
        assertEq(engine.initialAddOns(_one(_perpetual(BTC), -1_000), 0), 120.012e6, "either side");
    }

    /// @dev Open interest of 16 million dollars is 16 times the depth: no more than the half-spread.
    function test_addOns_openInterest_lowersConcentrationToTheHalfSpread() public {
        _deposit(alice.account, 100_000_000e6);
        _deposit(bob.account, 100_000_000e6);
        _tradeAtMark(alice, bob, _perpetual(BTC), 50_000);
        // 1 / sqrt(3) of the depth is below the half-spread, which is the least.
        assertEq(addOns.addOns(_one(_perpetual(BTC), 1_000), 0).concentration, 30e6, "once");
    }

    function test_addOns_conversion_hasNeitherBasisNorVega() public view {
        uint64 strike = _strike(BTC, 2);
        Leg[] memory legs = new Leg[](3);
        legs[0] = Leg(_future(BTC, FAR), -1_000);
        legs[1] = Leg(_call(BTC, FAR, strike), 1_000);
        legs[2] = Leg(_put(BTC, FAR, strike), -1_000);
        IInitialAddOns.AddOns memory a = addOns.addOns(legs, 0);
        assertEq(a.basis, 0, "no delta");
        assertEq(a.vega, 0, "no vega");
        assertTrue(a.concentration > 0, "positive control: three legs to close");
        legs[0].lots = 1_000;
        assertTrue(addOns.addOns(legs, 0).basis > 0, "positive control: two forwards long");
    }

    function test_R18_addOns_split_neverLower() public view {
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_call(BTC, FAR, _strike(BTC, 2)), 1_000);
        legs[1] = Leg(_call(BTC, FAR, _strike(BTC, 3)), -700);
        uint256 whole = addOns.total(legs, 0);
        uint256 parts =
            addOns.total(_one(legs[0].instrument, 1_000), 0) + addOns.total(_one(legs[1].instrument, -700), 0);
        assertLe(whole, parts + 12, "together at most the parts");
        (legs[0].lots, legs[1].lots) = (500, -350);
        assertClose(2 * addOns.total(legs, 0), whole, 12, "half of a book asks half");
    }

    function test_addOns_confidenceAboveTheThreshold_isCharged() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[2].confidence = 0.002e18;
        _update(BTC, q);
        Leg[] memory legs = _one(_future(BTC, FAR), 1_000);
        assertEq(addOns.addOns(legs, 0).confidence, 0, "at the threshold");
        q[2].confidence = 0.012e18;
        _update(BTC, q);
        assertEq(addOns.addOns(legs, 0).confidence, 600e6, "one percent of spot beyond");
    }

    function test_addOns_shortOptionAtItsStrike_isPinnedAsExpiryComes() public {
        Leg[] memory legs = _one(_call(BTC, NEAR, _strike(BTC, 2)), -1_000);
        assertEq(addOns.addOns(legs, 0).pin, 0, "a week ahead");
        vm.warp(NEAR);
        // Half a percent of spot, whole at expiry at the strike.
        assertEq(addOns.addOns(legs, 0).pin, 300e6, "at expiry");
        assertEq(addOns.addOns(_one(legs[0].instrument, 1_000), 0).pin, 0, "longs have none");
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, BTC_SPOT);
        assertEq(addOns.total(legs, 0), 0, "none once settled");
    }

    function test_addOns_coinBelowItsThreshold_isCharged() public {
        PriceFeedMock coin = new PriceFeedMock(8, "USDC / USD");
        coin.post(0.99e8);
        InitialAddOns other = new InitialAddOns(
            address(engine), address(clearinghouse), Model.addOnRules(), RoundsLib.Feed(address(coin), 1 days, 0)
        );
        Leg[] memory legs = _one(_perpetual(BTC), 1_000);
        assertEq(other.addOns(legs, 0).depeg, 0, "at the threshold");
        coin.post(0.94e8);
        assertEq(other.addOns(legs, 0).depeg, 600e6, "a fifth of five cents");
        coin.post(0);
        assertEq(other.addOns(legs, 0).depeg, 11_880e6, "without an answer it is worth nothing");
        assertEq(addOns.addOns(legs, 0).depeg, 0, "none where none is configured");
    }

    function _one(uint128 id, int64 lots) private pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(id, lots);
    }
}
