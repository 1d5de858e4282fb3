// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RiskEngine} from "../../src/RiskEngine.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {ExpiryQuote, Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice Closed forms worked by hand at BTC 60,000: perpetual 60,012, near forward 60,180, far forward 60,300.
contract RiskEngineTest is Fixture {
    uint256 private constant GRID = 2 ** Model.SCENARIOS - 1;

    /* MARKS AND STANDARD MARGIN */

    function test_assess_spot() public view {
        IRiskEngine.Assessment memory a = _one(_spot(BTC), 1_000, 0);
        _standard(a, 60_000e6, 51_000e6, 9_000e6, 11_700e6, 0);
    }

    function test_assess_longPerpetual() public view {
        IRiskEngine.Assessment memory a = _one(_perpetual(BTC), 1_000, 0);
        _standard(a, 60_012e6, 60_000e6, 9_001.8e6, 11_702.34e6, 0);
    }

    function test_assess_shortPerpetual() public view {
        IRiskEngine.Assessment memory a = _one(_perpetual(BTC), -1_000, 0);
        _standard(a, -60_012e6, -60_012e6, 9_001.8e6, 11_702.34e6, 0);
    }

    function test_assess_future_isMarkedAtItsForward_butLeavesAtSpot() public view {
        IRiskEngine.Assessment memory a = _one(_future(BTC, NEAR), 1_000, 0);
        _standard(a, 60_180e6, 60_000e6, 9_027e6, 11_735.1e6, 0);
    }

    function test_assess_shortCallOutOfTheMoney_isAtTheFloorRate() public view {
        // 0.2 F - OTM = 12,060 - 11,700 = 360 is below 0.125 F = 7,537.50.
        IRiskEngine.Assessment memory a = _one(_call(BTC, FAR, 72_000e8), -1_000, 0);
        assertEq(a.standard, 7_537.5e6 + 300e6, "SM");
        assertEq(a.standardInitial, 9_798.75e6 + 300e6, "SM_im");
        assertEq(a.addOns, 300e6, "add-ons");
        assertEq(a.gross, 60_000e6, "gross");
    }

    function test_assess_shortCallNearTheMoney_isAtTheFullRateLessOtm() public view {
        // K = 60,000 is in the money: 0.2 F = 12,060.
        assertEq(_one(_call(BTC, FAR, 60_000e8), -1_000, 0).standard, 12_060e6 + 300e6, "SM");
    }

    function test_assess_shortPutOutOfTheMoney_usesTheLowerOfStrikeAndForward() public view {
        assertEq(_one(_put(BTC, FAR, 48_000e8), -1_000, 0).standard, 6_000e6 + 300e6, "0.125 K");
        // K = 60,000: OTM 300, 12,060 - 300 = 11,760.
        assertEq(_one(_put(BTC, FAR, 60_000e8), -1_000, 0).standard, 11_760e6 + 300e6, "0.2 F - OTM");
    }

    function test_assess_shortPutInTheMoney_isAtTheFullRate() public view {
        assertEq(_one(_put(BTC, FAR, 72_000e8), -1_000, 0).standard, 12_060e6 + 300e6, "0.2 F");
    }

    /// @dev A put cannot cost its writer more than the strike: with a mark near the strike only the rest is asked.
    function test_assess_shortPut_isCappedByWhatItCanStillLose() public {
        uint40 far = uint40(START + 5 * 365 days);
        feeds.addExpiry(BTC, far);
        uint128[] memory ids = new uint128[](1);
        ids[0] = _put(BTC, far, 60_000e8);
        listings.list(ids);
        vm.warp(block.timestamp + 1);
        ExpiryQuote[] memory q = _quotes(BTC);
        (q[3].a, q[3].b) = (9e18, 5e18);
        _update(BTC, q);
        IRiskEngine.Assessment memory a = _one(ids[0], -1_000, 0);
        uint256 rest = uint256(60_000e6 + a.value);
        assertLt(rest, 0.125 * 60_000e6, "below the floor rate");
        assertClose(a.standard - a.addOns, rest, 1, "K - mark");
    }

    function test_assess_longOption_standsAtItsMark() public view {
        IRiskEngine.Assessment memory a = _one(_call(BTC, FAR, 66_000e8), 1_000, 0);
        assertTrue(a.value > 0, "value");
        assertClose(a.standard, uint256(a.value), 1, "SM is the mark, rounded up");
        assertEq(a.standardInitial, a.standard, "at the initial level too");
        assertEq(a.exitValue, 0, "no option profit leaves as cash");
        assertEq(a.addOns, 0, "add-ons");
    }

    function test_assess_shortOption_exitsAtItsFullCost() public view {
        IRiskEngine.Assessment memory a = _one(_call(BTC, FAR, 66_000e8), -1_000, 0);
        assertEq(a.exitValue, a.value, "negative option value counts");
    }

    function test_assess_putCallParity_holdsAtTheForward() public view {
        for (uint256 i; i < 5; ++i) {
            uint64 strike = _strike(BTC, i);
            int256 call = _one(_call(BTC, FAR, strike), 1_000_000, 0).value;
            int256 put = _one(_put(BTC, FAR, strike), 1_000_000, 0).value;
            assertClose(call - put, 60_300_000e6 - int256(uint256(strike)) * 10, 2, "C - P = F - K");
        }
    }

    function test_assess_ofNothing_isZero() public view {
        IRiskEngine.Assessment memory a = engine.assess(new Leg[](0), GRID, 0);
        assertEq(a.standard + a.standardInitial + a.gross + a.worstLoss + a.addOns, 0, "all zero");
        assertEq(engine.maintenanceMargin(a), 0, "MM");
    }

    function test_assess_twoUnderlyings_addUp() public view {
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_perpetual(BTC), 1_000);
        legs[1] = Leg(_perpetual(ETH), -10_000);
        IRiskEngine.Assessment memory a = engine.assess(legs, 0, 0);
        assertEq(a.value, 60_012e6 - 30_006e6, "value");
        assertEq(a.gross, 90_000e6, "gross");
        assertEq(a.standard, 9_001.8e6 + 6_001.2e6, "SM");
    }

    function test_assess_singleLots_roundUpRequirementsAndDownValues() public view {
        IRiskEngine.Assessment memory a = _one(_call(BTC, NEAR, 66_000e8), 1, 0);
        IRiskEngine.Assessment memory b = _one(_call(BTC, NEAR, 66_000e8), -1, 0);
        assertEq(a.value + b.value, -1, "both rounded down");
        assertEq(int256(a.standard), a.value + 1, "rounded up");
    }

    function test_notionalsOf_everyKind_isLotsTimesMark() public view {
        uint128[] memory all = _allInstruments();
        Leg[] memory legs = new Leg[](all.length);
        for (uint256 i; i < all.length; ++i) {
            legs[i] = Leg(all[i], i % 2 == 0 ? int64(int256(7 * i + 1)) : -int64(int256(11 * i)));
        }
        int256[] memory notionals = engine.notionalsOf(legs);
        assertEq(notionals.length, all.length, "each");
        for (uint256 i; i < all.length; ++i) {
            int256 size = int256(legs[i].lots) * int256(uint256(engine.lotOf(uint16(all[i] >> 112))));
            assertEq(notionals[i], size * int256(uint256(engine.markOf(all[i]))) / 1e20, vm.toString(i));
        }
    }

    function test_markOf_isRoundedToNearest() public view {
        assertEq(uint256(engine.markOf(_spot(BTC))), 60_000e8, "spot");
        assertEq(uint256(engine.markOf(_perpetual(BTC))), 60_012e8, "perpetual");
        assertEq(uint256(engine.markOf(_future(BTC, FAR))), 60_300e8, "future");
        uint128 id = _call(BTC, FAR, 66_000e8);
        int256 value = _one(id, 1_000_000, 0).value; // a thousand bitcoin
        assertClose(int256(uint256(engine.markOf(id))) * 10, value, 6, "option");
    }

    /* EXPIRED LEGS */

    function test_assess_expiredNotFixed_isIntrinsicAtSpot() public {
        vm.warp(NEAR);
        _postSpot(BTC, 63_000e8);
        IRiskEngine.Assessment memory a = _one(_call(BTC, NEAR, 60_000e8), 1_000, GRID);
        assertEq(a.value, 3_000e6, "intrinsic");
        assertEq(uint256(a.staleInstrument), _call(BTC, NEAR, 60_000e8), "no new risk on it");
        assertEq(a.worstLoss, 3_000e6, "spot still moves it");
    }

    function test_assess_expiredAndFixed_movesNoMore() public {
        vm.warp(NEAR + 1);
        _postSpot(BTC, 40_000e8);
        _fixAt(BTC, NEAR, 63_000e8);
        IRiskEngine.Assessment memory a = _one(_call(BTC, NEAR, 60_000e8), 1_000, GRID);
        assertEq(a.value, 3_000e6, "at the fixed price");
        assertEq(a.worstLoss, 0, "no scenario moves it");
        assertEq(_one(_future(BTC, NEAR), 1_000, GRID).value, 63_000e6, "future");
    }

    /* SCENARIOS */

    function test_assess_longPerpetual_worstIsTheFirstOfTheTies() public view {
        IRiskEngine.Assessment memory a = _one(_perpetual(BTC), 1_000, GRID);
        assertEq(a.worstLoss, 5_521.104e6, "9.2 % of 60,012");
        assertEq(uint256(a.worstScenario), Model.indexOf("decay spot -1 vol down"), "others tie");
        uint8 first = Model.indexOf("flat down spot -1");
        uint256 two = 1 << first | uint256(1) << FALL;
        assertEq(uint256(_one(_perpetual(BTC), 1_000, two).worstScenario), first, "two tie");
    }

    function test_assess_shortPerpetual_worstIsTheUpMove() public view {
        IRiskEngine.Assessment memory a = _one(_perpetual(BTC), -1_000, GRID);
        assertEq(a.worstLoss, 5_521.104e6, "9.2 % of 60,012");
        assertEq(uint256(a.worstScenario), Model.indexOf("decay spot +1 vol down"), "others tie");
    }

    function test_assess_dampedTail_isWeighted() public view {
        // -5 scan ranges at 0.17: 60,012 * 0.46 * 0.17.
        assertEq(_one(_perpetual(BTC), 1_000, _bit("tail spot -5 vol up")).worstLoss, 4_692.9384e6, "tail");
    }

    function test_assess_gain_isNoLoss() public view {
        IRiskEngine.Assessment memory a = _one(_perpetual(BTC), 1_000, 1 << RISE);
        assertEq(a.worstLoss, 0, "no loss where it gains");
        assertEq(uint256(a.worstScenario), RISE, "the only one asked for");
    }

    function test_assess_underlyingsMoveJointly() public view {
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_perpetual(BTC), 1_000);
        legs[1] = Leg(_perpetual(ETH), -10_000);
        // -1: bitcoin loses 5,521.104, ether gains 30,006 * 0.122 = 3,660.732.
        assertEq(engine.assess(legs, 1 << FALL, 0).worstLoss, 5_521.104e6 - 3_660.732e6, "netted in one scenario");
    }

    function test_assess_mask_isTheMaximumOverItsBits() public view {
        uint128 id = _call(BTC, FAR, 60_000e8);
        uint256 most;
        uint8 worst;
        for (uint8 s; s < Model.SCENARIOS; ++s) {
            IRiskEngine.Assessment memory a = _one(id, -1_000, uint256(1) << s);
            assertEq(uint256(a.worstScenario), s, "names its scenario");
            if (a.worstLoss > most) (most, worst) = (a.worstLoss, s);
        }
        IRiskEngine.Assessment memory all = _one(id, -1_000, GRID);
        assertEq(all.worstLoss, most, "maximum");
        assertEq(uint256(all.worstScenario), worst, "lowest index");
        assertLt(_one(id, -1_000, GRID & ~(uint256(1) << worst)).worstLoss, most, "and without it less");
    }

    function test_assess_unknownScenario_reverts() public {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(_perpetual(BTC), 1);
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownScenario.selector, Model.SCENARIOS, Model.SCENARIOS));
        engine.assess(legs, 1 << Model.SCENARIOS, 0);
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownScenario.selector, 255, Model.SCENARIOS));
        engine.assess(legs, type(uint256).max, 0);
        engine.assess(legs, GRID, 0);
    }

    function test_assess_unknownUnderlying_reverts() public {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(_perpetual(3), 1);
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownUnderlying.selector, uint16(3)));
        engine.assess(legs, 0, 0);
    }

    /// @dev On a flat smile a day's decay is what the mark loses by itself within a day.
    function test_assess_clockScenario_isADayLater() public {
        uint128 id = _call(BTC, FAR, 60_000e8);
        IRiskEngine.Assessment memory now_ = _shocked(id, 1_000, 0, 1 days);
        vm.warp(block.timestamp + 1 days);
        int256 later = _one(id, 1_000, 0).value;
        assertClose(int256(now_.worstLoss), now_.value - later, 2, "theta");
        assertTrue(now_.worstLoss > 0, "long premium decays");
    }

    /// @dev 30 days to expiry: vol up is exp(0.3), vol down exp(-0.18) for bitcoin.
    function test_assess_volShocks_areWhatASurfaceOfThatVolWouldGive() public {
        uint128 id = _call(BTC, FAR, 66_000e8);
        uint256 snapshot = vm.snapshotState();
        _flatSmile(0.36e18);
        vm.warp(FAR - 30 days);
        IRiskEngine.Assessment memory up = _shocked(id, -1_000, 10_000, 0);
        IRiskEngine.Assessment memory down = _shocked(id, 1_000, -10_000, 0);
        assertTrue(vm.revertToState(snapshot), "revert");
        snapshot = vm.snapshotState();
        _flatSmile(0.655962768140583e18); // 0.36 exp(0.6)
        vm.warp(FAR - 30 days);
        assertClose(int256(up.worstLoss), -(_one(id, -1_000, 0).value - up.value), 3_000, "vol up");
        assertTrue(vm.revertToState(snapshot), "revert");
        _flatSmile(0.251163469625136e18); // 0.36 exp(-0.36)
        vm.warp(FAR - 30 days);
        assertClose(int256(down.worstLoss), down.value - _one(id, 1_000, 0).value, 3_000, "vol down");
    }

    function test_assess_volShock_isCappedForShortTenors() public {
        // Half a day left: 0.3 sqrt(30 / 0.8) = 1.84 is cut to 1.2.
        vm.warp(NEAR - 43_200);
        _postSpot(BTC, BTC_SPOT);
        uint256 snapshot = vm.snapshotState();
        _flatSmile(0.36e18);
        uint128 id = _call(BTC, NEAR, 60_000e8);
        IRiskEngine.Assessment memory up = _shocked(id, -1_000, 10_000, 0);
        assertTrue(vm.revertToState(snapshot), "revert");
        _flatSmile(3.968343498978e18); // 0.36 exp(2.4)
        assertClose(int256(up.worstLoss), up.value - _one(id, -1_000, 0).value, 3_000, "exp(1.2)");
    }

    function test_assess_moves_areClampedBetweenMinus90PercentAndPlus500() public {
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        risks[0].scanRange = 2e18;
        IRiskEngine other = new RiskEngine(address(feeds), MODEL_HASH, Model.factors(), ids, risks, Model.scenarios());
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(_perpetual(BTC), 1_000);
        assertEq(other.assess(legs, 1 << FALL, 0).worstLoss, 54_010.8e6, "-200 % is -90 %");
        legs[0].lots = -1_000;
        // +5 scan ranges of 200 % at weight 0.17: 500 %.
        assertEq(other.assess(legs, _bit("tail spot +5 vol up"), 0).worstLoss, 51_010.2e6, "+1000 % is +500 %");
    }

    /// @dev One row alone, whatever the committed table has: vol for all, or the clock.
    function _shocked(uint128 id, int64 lots, int24 volBps, uint24 clock)
        private
        returns (IRiskEngine.Assessment memory)
    {
        IRiskEngine.Scenario[] memory rows = new IRiskEngine.Scenario[](1);
        (rows[0].volBps, rows[0].clockSeconds, rows[0].weightBps) = (volBps, clock, 10_000);
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        IRiskEngine alone = new RiskEngine(address(feeds), MODEL_HASH, Model.factors(), ids, risks, rows);
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(id, lots);
        return alone.assess(legs, 1, 0);
    }

    function _bit(string memory name) private pure returns (uint256) {
        return uint256(1) << Model.indexOf(name);
    }

    /* REQUIREMENTS */

    function test_maintenanceMargin_isTheWorstLossPlusAddOns() public view {
        IRiskEngine.Assessment memory a = _one(_call(BTC, FAR, 60_000e8), -1_000, GRID);
        assertTrue(a.worstLoss + a.addOns < a.standard, "below SM");
        assertEq(engine.maintenanceMargin(a), a.worstLoss + a.addOns, "MM");
        assertEq(engine.initialMargin(a), _share(a.worstLoss, 13_000) + a.addOns, "IM");
        uint256 scaled = _share(_share(a.worstLoss, 13_000), 12_500);
        assertEq(engine.gridInitialMargin(a, 7), scaled + a.addOns + 7, "IM_grid");
        assertEq(engine.floorInitialMargin(a), _share(a.worstLoss, 13_000) + a.addOns, "floor");
    }

    function test_maintenanceMargin_isAtMostStandardMargin() public view {
        // A far out-of-the-money long option loses at most its mark.
        IRiskEngine.Assessment memory a = _one(_call(BTC, NEAR, 72_000e8), 1_000, 0);
        a.worstLoss = a.standard * 10;
        assertEq(engine.maintenanceMargin(a), a.standard, "SM");
    }

    function test_minimumCharge_ofAFlatBook_isAShareOfGross() public view {
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_spot(BTC), 1_000);
        legs[1] = Leg(_perpetual(BTC), -1_000);
        IRiskEngine.Assessment memory a = engine.assess(legs, GRID, 0);
        assertEq(a.worstLoss, 1.104e6, "only the basis");
        assertEq(engine.maintenanceMargin(a), 120e6, "0.1 % of 120,000");
        assertEq(engine.initialMargin(a), 156e6, "1.3 times it");
        assertEq(engine.gridInitialMargin(a, 0), 195e6, "1.25 times that");
        assertEq(engine.floorInitialMargin(a), 120e6, "floor");
    }

    function test_minimumCharge_ofASmallPremium_isHalfOfStandardMargin() public {
        _flatSmile(0.01e18);
        IRiskEngine.Assessment memory a = _one(_call(BTC, NEAR, 66_000e8), 1_000, 0);
        assertLt(a.standard, 60e6, "worth less than 0.1 % of gross");
        assertEq(engine.maintenanceMargin(a), (a.standard + 1) / 2, "half of SM");
    }

    function test_minimumCharge_isSummedLegByLeg() public {
        _flatSmile(0.01e18);
        Leg[] memory legs = new Leg[](2);
        legs[0] = Leg(_perpetual(BTC), 1_000);
        legs[1] = Leg(_call(BTC, NEAR, 66_000e8), 1_000);
        uint256 ofPerpetual = _one(legs[0].instrument, 1_000, 0).minimumCharge;
        uint256 ofCall = _one(legs[1].instrument, 1_000, 0).minimumCharge;
        assertEq(ofPerpetual, 60e6, "0.1 % of gross");
        assertLt(ofCall, 30e6, "half of its mark");
        assertClose(engine.assess(legs, 0, 0).minimumCharge, ofPerpetual + ofCall, 1, "the sum");
    }

    /* CONSTRUCTION */

    function test_constructor_refusals_besideTheModel() public {
        _refuse(0, "modelHash");
        _refuse(1, "maintenanceBps");
        _refuse(2, "initialBps");
        _refuse(3, "gridBps");
        _refuse(4, "underlyings");
        _refuse(5, "lot");
        _refuse(6, "lot");
        _refuse(7, "risk");
        _refuse(8, "weightBps");
        _refuse(9, "weightBps");
        this.deploy(255);
    }

    function test_constructor_scenarioCount_oneTo48() public {
        uint256[4] memory counts = [uint256(0), 49, 1, 48];
        for (uint256 i; i < 4; ++i) {
            IRiskEngine.Scenario[] memory rows = new IRiskEngine.Scenario[](counts[i]);
            for (uint256 j; j < counts[i]; ++j) {
                rows[j].weightBps = 10_000;
            }
            if (i < 2) {
                vm.expectRevert(abi.encodeWithSelector(IRiskEngine.TooManyScenarios.selector, counts[i], 48));
            }
            this.createEngine(rows);
        }
    }

    function deploy(uint256 fault) external {
        IRiskEngine.Factors memory f = Model.factors();
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        IRiskEngine.Scenario[] memory rows = Model.scenarios();
        if (fault == 1) f.maintenanceBps = 0;
        if (fault == 2) f.initialBps = f.maintenanceBps - 1;
        if (fault == 3) f.gridBps = 9_999;
        if (fault == 4) risks = new IRiskEngine.UnderlyingRisk[](1);
        if (fault == 5) risks[0].lot = 0;
        if (fault == 6) risks[0].lot = 1e18 + 1;
        if (fault == 7) risks[1].linearRate = 0;
        if (fault == 8) rows[3].weightBps = 0;
        if (fault == 9) rows[3].weightBps = 10_001;
        new RiskEngine(address(feeds), fault == 0 ? bytes32(0) : MODEL_HASH, f, ids, risks, rows);
    }

    function _refuse(uint256 fault, bytes32 name) private {
        try this.deploy(fault) {
            assertTrue(false, "accepted");
        } catch (bytes memory reason) {
            bytes32 given;
            assembly ("memory-safe") {
                given := mload(add(reason, 0x24))
            }
            assertEq(bytes4(reason) == IRiskEngine.InvalidParameter.selector, true, "error");
            assertEq(given, name, "parameter");
        }
    }

    /* TOTALITY */

    /// @dev No listed instrument, spot, age or accepted surface makes a valuation revert.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_assess_anyMarket_neverReverts(uint256 seed, uint256 spot, uint64 elapsed, bool dead) public {
        vm.warp(block.timestamp + 1);
        _update(BTC, _wildQuotes(BTC, seed));
        _update(ETH, _wildQuotes(ETH, seed >> 1));
        vm.warp(block.timestamp + elapsed % 60 days);
        // From one unit to the largest that an aggregator may answer.
        spot = bound(spot, 1, 2 ** (1 + seed % 63));
        _postSpot(BTC, spot);
        _postSpot(ETH, spot / 20 + 1);
        if (dead) btcFeed.post(-1);
        uint128[] memory ids = _allInstruments();
        Leg[] memory legs = new Leg[](32);
        for (uint256 i; i < 32; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            int64 lots = int64(int256(word % (2 ** 24 - 1))) + 1;
            legs[i] = Leg(ids[i + (seed % 17)], word >> 255 == 1 ? lots : -lots);
        }
        IRiskEngine.Assessment memory a = engine.assess(legs, GRID, 0);
        assertLe(a.standard, a.standardInitial, "SM <= SM_im");
        assertLe(engine.maintenanceMargin(a), a.standard, "MM <= SM");
        engine.markOf(legs[seed % 32].instrument);
    }

    /// @dev Extreme strikes are listed instruments too.
    function test_assess_extremeStrikes_neverRevert() public {
        uint128[] memory ids = new uint128[](4);
        ids[0] = _call(BTC, FAR, 1);
        ids[1] = _call(BTC, FAR, type(uint64).max);
        ids[2] = _put(BTC, FAR, 1);
        ids[3] = _put(BTC, FAR, type(uint64).max);
        listings.list(ids);
        int256[3] memory spots = [int256(1), 60_000e8, int256(2 ** 62)];
        for (uint256 s; s < 3; ++s) {
            btcFeed.post(spots[s]);
            for (uint256 i; i < 4; ++i) {
                _one(ids[i], 2 ** 24 - 1, GRID);
                _one(ids[i], -(2 ** 24 - 1), GRID);
            }
        }
    }

    function _wildQuotes(uint16 u, uint256 seed) private view returns (ExpiryQuote[] memory q) {
        q = _quotes(u);
        for (uint256 i; i < q.length; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, u, i)));
            q[i].ratio = uint64(0.5e18 + word % 1.5e18);
            if (q[i].expiry == 0) continue;
            q[i].a = int64(int256((word >> 16) % 18e18) - 9e18);
            q[i].b = int64(int256((word >> 80) % 9e18));
            q[i].rho = int64(int256((word >> 100) % (2e18 - 1)) - 1e18 + 1);
            q[i].m = int64(int256((word >> 140) % 4e18) - 2e18);
            q[i].sigma = int64(int256((word >> 180) % 4.9e18) + 1e15);
        }
    }

    /* HELPERS */

    function _one(uint128 id, int64 lots, uint256 mask) private view returns (IRiskEngine.Assessment memory) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(id, lots);
        return engine.assess(legs, mask, 0);
    }

    function _standard(
        IRiskEngine.Assessment memory a,
        int256 value,
        int256 exitValue,
        uint256 standard,
        uint256 standardInitial,
        uint256 addOns
    ) private pure {
        assertEq(a.value, value, "value");
        assertEq(a.exitValue, exitValue, "exit value");
        assertEq(a.gross, 60_000e6, "gross");
        assertEq(a.standard, standard, "SM");
        assertEq(a.standardInitial, standardInitial, "SM_im");
        assertEq(a.addOns, addOns, "add-ons");
        assertEq(uint256(a.staleInstrument), 0, "fresh");
    }

    function _share(uint256 amount, uint256 bps) private pure returns (uint256) {
        return (amount * bps + 9_999) / 10_000;
    }

    /// @dev Every bitcoin expiry at one variance, one second later.
    function _flatSmile(int64 variance) private {
        vm.warp(block.timestamp + 1);
        ExpiryQuote[] memory q = _quotes(BTC);
        for (uint256 i = 1; i < q.length; ++i) {
            (q[i].a, q[i].b, q[i].rho, q[i].m, q[i].sigma) = (variance, 0, 0, 0, 1e15);
        }
        _update(BTC, q);
    }

    /// @dev One call down: `new` is a cheatcode here, and a refusal expected of it in the test's own frame would end the test there.
    function createEngine(IRiskEngine.Scenario[] memory rows) external {
        (uint16[] memory ids, IRiskEngine.UnderlyingRisk[] memory risks) = Model.underlyings();
        new RiskEngine(address(feeds), MODEL_HASH, Model.factors(), ids, risks, rows);
    }
}
