// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {AccrualLib} from "../../src/libraries/AccrualLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {ExpiryQuote, Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice R8 (i): while a settlement average comes about, marks and scenarios move by the share that is left. Each exploit stands beside
/// the same acts where nobody added up.
contract SettlementWindowTest is Fixture {
    uint256 private constant WINDOW = 30 minutes;

    /// @dev The model's own: forwards and smiles stay within them here, but for one that waits.
    function _limits(uint256 row) internal pure override returns (SpeedLib.Limits memory) {
        return Model.limits()[row];
    }

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
    }

    /* THE EXPLOIT */

    function test_R8i_moveInTheLastMinute_countsForAThirtieth() public {
        _lastMinute(BTC_SPOT);
        uint256 id = vm.snapshotState();
        _publish();
        IRiskEngine.Assessment memory before = _one(_future(BTC, NEAR), 1_000);
        _postSpot(BTC, BTC_SPOT * 102 / 100);
        IRiskEngine.Assessment memory a = _one(_future(BTC, NEAR), 1_000);
        assertClose(a.value - before.value, 40e6 * 1_003 / 1_000, 1, "two percent of a thirtieth");
        assertClose(a.exitValue - before.exitValue, 40e6, 1, "of spot, as it leaves");
        // The control: without the sum it is two percent.
        vm.revertToState(id);
        before = _one(_future(BTC, NEAR), 1_000);
        _postSpot(BTC, BTC_SPOT * 102 / 100);
        a = _one(_future(BTC, NEAR), 1_000);
        assertClose(a.value - before.value, 1_200e6 * 1_003 / 1_000, 1, "the whole");
        assertClose(a.exitValue - before.exitValue, 1_200e6, 1, "which could leave");
    }

    function test_R8i_healthyShort_isNotFlaggedByTheLastMinute() public {
        uint256 spot = _shortNearHerLimit();
        _lastMinute(spot);
        uint256 id = vm.snapshotState();
        _publish();
        _postSpot(BTC, spot * 102 / 100);
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.flag(alice.account, RISE);
        // The control: where nobody added up, the same move flags her.
        vm.revertToState(id);
        _postSpot(BTC, spot * 102 / 100);
        _flag(alice.account, RISE);
    }

    function test_R8i_scenarios_moveTheRestAlone() public {
        _lastMinute(BTC_SPOT);
        uint256 plain = _loss(_future(BTC, NEAR), 1_000, FALL);
        _publish();
        assertClose(_loss(_future(BTC, NEAR), 1_000, FALL), plain / 30, 1, "a thirtieth of the shock");
        // Terms after it are shocked in full again.
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_future(BTC, NEAR), 1_000);
        legs[1] = Leg(_future(BTC, FAR), 1_000);
        uint256 far = _loss(_future(BTC, FAR), 1_000, FALL);
        assertClose(engine.assess(legs, 1 << FALL, 0).worstLoss, plain / 30 + far, 2, "the next term");
    }

    function test_R8i_pendingWorld_movesTheRestAlone() public {
        _lastMinute(BTC_SPOT);
        uint256 id = vm.snapshotState();
        int256 gain = _gainOfThePendingWorld();
        assertClose(gain, 5 * 60_180e6 / 100 / 30, 2, "five percent of a thirtieth");
        // The control: at the window's beginning it is all of it.
        vm.revertToState(id);
        vm.warp(NEAR - WINDOW);
        assertClose(_gainOfThePendingWorld(), 5 * 60_180e6 / 100, 2, "five percent");
    }

    function _gainOfThePendingWorld() private returns (int256) {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[1].ratio = uint64(uint256(q[1].ratio) * 105 / 100);
        _update(BTC, q);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(_future(BTC, NEAR), 1_000);
        return engine.assess(legs, 0, 1).value - engine.assess(legs, 0, 0).value;
    }

    /* HEDGES */

    /// @dev Half of the window is left: a perpetual hedges two futures, at any spot, now and in scenarios.
    function testFuzz_R8i_hedgedFuture_isFlatAtAnySpot(uint256 spot) public {
        _windowAt(15 minutes);
        ExpiryQuote[] memory q = _quotes(BTC);
        q[1].ratio = q[0].ratio;
        _update(BTC, q);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_perpetual(BTC), -1_000);
        legs[1] = Leg(_future(BTC, NEAR), 2_000);
        int256 before = engine.assess(legs, 0, 0).value;
        spot = bound(spot, BTC_SPOT / 3, 3 * uint256(BTC_SPOT));
        _postSpot(BTC, spot);
        IRiskEngine.Assessment memory a = engine.assess(legs, 1 << FALL | 1 << RISE, 0);
        assertClose(a.value, before, 1, "flat");
        assertLe(a.worstLoss, 2, "in scenarios too");
        // The control: as many of either are not.
        legs[1].lots = 1_000;
        assertLt(spot / 10_000, engine.assess(legs, 1 << FALL | 1 << RISE, 0).worstLoss, "unhedged");
    }

    function testFuzz_R8i_conversion_isFlatAtAnySpot(uint256 spot, uint256 left) public {
        _windowAt(bound(left, 1, WINDOW - 1));
        uint64 strike = _strike(BTC, 2);
        Leg[] memory legs = new Leg[](3);
        legs[0] = Leg(_future(BTC, NEAR), 1_000);
        legs[1] = Leg(_call(BTC, NEAR, strike), -1_000);
        legs[2] = Leg(_put(BTC, NEAR, strike), 1_000);
        _postSpot(BTC, bound(spot, BTC_SPOT / 3, 3 * uint256(BTC_SPOT)));
        IRiskEngine.Assessment memory a = engine.assess(legs, engine.gridMask(), 0);
        assertClose(a.value, int256(uint256(strike)) / 100, 1_000, "worth the strike");
        assertLe(a.worstLoss, 1_000, "and so in every scenario");
    }

    /* POKES */

    /// @dev The sum and the settlement price are those of the rounds, whoever added up, and when.
    function testFuzz_R8i_accrual_doesNotDependOnPokes(uint256 rounds, uint256 pokes) public {
        uint256 id = vm.snapshotState();
        (uint256 sum, uint64 price) = _settled(rounds, pokes);
        vm.revertToState(id);
        (uint256 once, uint64 same) = _settled(rounds, 0);
        assertEq(sum, once, "sum");
        assertEq(uint256(price), same, "settlement");
        assertEq(once / WINDOW, price, "which it comes to");
    }

    /// @dev Rounds at random times of the window; each bit of `pokes` adds up after one.
    function _settled(uint256 rounds, uint256 pokes) private returns (uint256, uint64) {
        uint256 time = NEAR - WINDOW - 5 minutes;
        uint80 first;
        for (uint256 i; time < NEAR; ++i) {
            uint256 word = uint256(keccak256(abi.encode(rounds, i)));
            vm.warp(time);
            bool bad = i != 0 && word % 7 == 0;
            btcFeed.post(bad ? int256(0) : int256(50_000e8 + word % 20_000e8));
            if (time <= NEAR - WINDOW && !bad) (first,,,,) = btcFeed.latestRoundData();
            vm.warp(time + word % 3);
            if (pokes >> (i % 256) & 1 == 1) spots.accrue(BTC, NEAR);
            time += 10 + (word >> 64) % 200;
        }
        vm.warp(NEAR + 1 + pokes % 1_000);
        _postSpot(BTC, 99_000e8);
        spots.accrue(BTC, NEAR);
        feeds.fixSettlement(BTC, NEAR, first);
        return (spots.accrual(BTC, NEAR).sum, feeds.settlement(BTC, NEAR));
    }

    function test_accrue_outsideTheWindow_orTwice_isWithoutEffect() public {
        vm.warp(NEAR - WINDOW);
        spots.accrue(BTC, NEAR);
        assertEq(uint256(spots.accrual(BTC, NEAR).until), 0, "not begun");
        vm.warp(NEAR - WINDOW + 10);
        spots.accrue(BTC, NEAR);
        spots.accrue(BTC, NEAR);
        AccrualLib.Accrual memory a = spots.accrual(BTC, NEAR);
        assertEq(uint256(a.until), NEAR - WINDOW + 10, "ten seconds");
        assertEq(uint256(a.sum), 10 * uint256(BTC_SPOT), "of the spot");
        vm.warp(NEAR + 1 days);
        spots.accrue(BTC, NEAR);
        assertEq(uint256(spots.accrual(BTC, NEAR).until), NEAR, "to the end and no further");
        assertEq(uint256(spots.accrual(ETH, NEAR).until), 0, "of one underlying");
    }

    /* CONTINUITY */

    function test_R8i_marks_areContinuousAtBothEnds() public {
        uint128[3] memory ids =
            [_future(BTC, NEAR), _call(BTC, NEAR, _strike(BTC, 1)), _put(BTC, NEAR, _strike(BTC, 3))];
        vm.warp(NEAR - 31 minutes);
        _postSpot(BTC, BTC_SPOT);
        _publish();
        uint256[3] memory marks;
        vm.warp(NEAR - WINDOW);
        for (uint256 i; i < 3; ++i) {
            marks[i] = engine.markOf(ids[i]);
        }
        vm.warp(NEAR - WINDOW + 1);
        spots.accrue(BTC, NEAR);
        for (uint256 i; i < 3; ++i) {
            // A second of the basis of 0.3 %.
            assertClose(engine.markOf(ids[i]), marks[i], 0.15e8, "at the beginning");
        }
        vm.warp(NEAR - 1);
        _postSpot(BTC, 70_000e8);
        spots.accrue(BTC, NEAR);
        for (uint256 i; i < 3; ++i) {
            marks[i] = engine.markOf(ids[i]);
        }
        vm.warp(NEAR);
        spots.accrue(BTC, NEAR);
        for (uint256 i; i < 3; ++i) {
            assertClose(engine.markOf(ids[i]), marks[i], 0.15e8, "at the end");
        }
    }

    /// @dev An expired leg that waits for its price is worth the average, whatever spot does; at spot where nobody added up.
    function test_R8i_expired_isWorthTheAverage_beforeItIsFixedAsAfter() public {
        vm.warp(NEAR + 60);
        uint80 first = _postWindow(BTC, NEAR, 62_000e8);
        _postSpot(BTC, 50_000e8);
        assertEq(uint256(engine.markOf(_future(BTC, NEAR))), 50_000e8, "the control: at spot");
        spots.accrue(BTC, NEAR);
        assertEq(uint256(engine.markOf(_future(BTC, NEAR))), 62_000e8, "at the average");
        assertEq(uint256(engine.markOf(_call(BTC, NEAR, 60_000e8))), 2_000e8, "intrinsic at it");
        assertEq(_loss(_call(BTC, NEAR, 60_000e8), 1_000, FALL), 0, "no scenario moves it");
        feeds.fixSettlement(BTC, NEAR, first);
        assertEq(uint256(engine.markOf(_future(BTC, NEAR))), 62_000e8, "as it settles");
    }

    /* TOTALITY */

    function test_accrue_deadAggregator_leavesThePlainForward() public {
        vm.warp(NEAR - 10 minutes);
        _postSpot(BTC, BTC_SPOT);
        _publish();
        AccrualLib.Accrual memory before = spots.accrual(BTC, NEAR);
        vm.warp(NEAR - 5 minutes);
        vm.mockCallRevert(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), "");
        _publish();
        AccrualLib.Accrual memory a = spots.accrual(BTC, NEAR);
        assertEq(uint256(a.until), before.until, "no further");
        assertEq(uint256(a.sum), before.sum, "nor more");
        assertLt(0, engine.markOf(_future(BTC, NEAR)), "valued all the same");
        vm.clearMockedCalls();
        spots.accrue(BTC, NEAR);
        assertEq(uint256(spots.accrual(BTC, NEAR).until), NEAR - 5 minutes, "made up for");
    }

    /// @dev A new aggregator behind the proxy whose rounds begin later says nothing of the time before.
    function test_accrue_newAggregator_leavesWhatWasKnown() public {
        vm.warp(NEAR - 10 minutes);
        bytes memory round = abi.encode(uint256(2) << 64 | 1, int256(1e8), 0, block.timestamp - 10, 0);
        vm.mockCall(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), round);
        spots.accrue(BTC, NEAR);
        assertEq(uint256(spots.accrual(BTC, NEAR).until), 0, "unknown");
        vm.clearMockedCalls();
        spots.accrue(BTC, NEAR);
        assertEq(uint256(spots.accrual(BTC, NEAR).until), NEAR - 10 minutes, "the control");
    }

    /// @dev From a hundred-millionth of a dollar to the largest price in one window: nothing reverts.
    function testFuzz_assess_anyRoundsInTheWindow_neverReverts(uint256 seed) public {
        uint256 time = NEAR - WINDOW - 1;
        for (uint256 i; i < 4; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            vm.warp(time);
            _postSpot(BTC, bound(word, 1, 2 ** (1 + word % 60) - 1));
            _publish();
            IRiskEngine.Assessment memory a = engine.assess(_both(), engine.gridMask(), 0);
            assertLe(engine.maintenanceMargin(a), a.standard, "MM <= SM");
            engine.initialAddOns(_both(), 0);
            time += 60 + word % 590;
        }
    }

    function _both() private pure returns (Leg[] memory legs) {
        legs = new Leg[](22);
        legs[0] = Leg(_future(BTC, NEAR), 1);
        for (uint256 i; i < 5; ++i) {
            legs[1 + i] = Leg(_call(BTC, NEAR, _strike(BTC, i)), -7);
            legs[6 + i] = Leg(_put(BTC, NEAR, _strike(BTC, i)), 1e6);
            legs[12 + i] = Leg(_call(BTC, FAR, _strike(BTC, i)), -7);
            legs[17 + i] = Leg(_put(BTC, FAR, _strike(BTC, i)), 1e6);
        }
        legs[11] = Leg(_future(BTC, FAR), -1);
    }

    /* HELPERS */

    /// @dev Spot stands still from before the window to a minute before expiry; nobody has added up.
    function _lastMinute(uint256 spot) private {
        vm.warp(NEAR - 31 minutes);
        _postSpot(BTC, spot);
        _postSpot(ETH, ETH_SPOT);
        _publish();
        vm.warp(NEAR - 60);
    }

    /// @dev The surface was published a minute before the window and, with the sum so far, `left` seconds before its end.
    function _windowAt(uint256 left) private {
        _lastMinute(BTC_SPOT);
        vm.warp(NEAR - left);
        spots.accrue(BTC, NEAR);
    }

    /// @dev Alice is short a future, healthy by less than a thousand dollars where all of it is shocked.
    function _shortNearHerLimit() private returns (uint256 spot) {
        _deposit(alice.account, 30_000e6);
        _tradeAtMark(dealer, alice, _future(BTC, NEAR), 1_000);
        _withdraw(alice, uint256(_equity(alice.account) - int256(_health(alice.account).gridInitial)), _noClaim());
        for (spot = BTC_SPOT; auction.surplusOf(alice.account)[0] > 500e6; spot += 100e8) {
            _advance(60, spot, ETH_SPOT);
        }
        spot -= 100e8;
    }

    function _one(uint128 id, int64 lots) private view returns (IRiskEngine.Assessment memory) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(id, lots);
        return engine.assess(legs, 0, 0);
    }

    function _loss(uint128 id, int64 lots, uint8 scenario) private view returns (uint256) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(id, lots);
        return engine.assess(legs, 1 << scenario, 0).worstLoss;
    }
}
