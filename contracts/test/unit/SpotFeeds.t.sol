// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SpotFeeds} from "../../src/SpotFeeds.sol";
import {ISpotFeeds} from "../../src/interfaces/ISpotFeeds.sol";
import {DailyRingLib} from "../../src/libraries/DailyRingLib.sol";
import {RoundsLib} from "../../src/libraries/RoundsLib.sol";
import {ScanLib} from "../../src/libraries/ScanLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

contract SpotFeedsTest is Fixture {
    uint32 private constant TODAY = uint32(START / 1 days);

    /* SPOT */

    function test_reading_goodAnswer_isFresh() public view {
        (uint64 price, uint64 when, bool fresh, uint64 range) = spots.reading(BTC);
        assertEq(uint256(price), BTC_SPOT, "price");
        assertEq(uint256(when), START, "time");
        assertTrue(fresh, "fresh");
        assertEq(uint256(range), 0, "no range yet");
    }

    function test_reading_age_atLimitFreshOneSecondLaterStale() public {
        vm.warp(START + MAX_SPOT_AGE);
        _expectSpot(BTC_SPOT, true);
        vm.warp(START + MAX_SPOT_AGE + 1);
        _expectSpot(BTC_SPOT, false);
    }

    function test_reading_badAnswers_keepTheLastGoodOneAndAreNotFresh() public {
        int256[5] memory bad = [int256(0), -1, type(int256).min, type(int256).max, int256(2 ** 60)];
        for (uint256 i; i < 5; ++i) {
            btcFeed.post(bad[i]);
            _expectSpot(BTC_SPOT, false);
        }
        btcFeed.post(int256(2 ** 60) - 1);
        _expectSpot(2 ** 60 - 1, true);
    }

    function test_reading_revertingAggregator_keepsTheSpotOfTheLastUpdate() public {
        _postSpot(BTC, 61_000e8);
        _publish();
        vm.mockCallRevert(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), "");
        _expectSpot(61_000e8, false);
    }

    function test_reading_answerFromTheFutureOrWithoutTime_isNotUsed() public {
        _mockRound(1e8, block.timestamp + 1);
        _expectSpot(BTC_SPOT, false);
        _mockRound(1e8, 0);
        _expectSpot(BTC_SPOT, false);
        _mockRound(1e8, block.timestamp);
        _expectSpot(1e8, true);
    }

    /// @dev Valuation is total: an aggregator without code or with an answer of another shape is like one that reverts.
    function test_reading_aggregatorOfAnotherShape_keepsTheLastGoodOne() public {
        vm.mockCall(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), hex"01");
        _expectSpot(BTC_SPOT, false);
        vm.clearMockedCalls();
        vm.etch(address(btcFeed), "");
        _expectSpot(BTC_SPOT, false);
    }

    function test_poke_remembersTheSpot() public {
        _postSpot(BTC, 61_000e8);
        spots.poke(BTC);
        btcFeed.post(0);
        _expectSpot(61_000e8, false);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnknownUnderlying.selector, uint16(3)));
        spots.poke(3);
    }

    function test_reading_fewerDecimals_areScaledExactly() public {
        PriceFeedMock coarse = new PriceFeedMock(2, "SOL / USD");
        coarse.post(123_45);
        spots.addUnderlying(3, address(coarse), 1 hours, Model.sigmas()[0]);
        (uint64 price,,,) = spots.reading(3);
        assertEq(uint256(price), 123_45_000000, "scaled");
        // What would not fit after scaling is no price.
        coarse.post(int256(2 ** 60 - 1) / 1e6 + 1);
        (price,,,) = spots.reading(3);
        assertEq(uint256(price), 123_45_000000, "remembered");
    }

    /* SEQUENCER */

    function test_reading_sequencerDownOrJustRestarted_isNotFresh() public {
        PriceFeedMock uptime = new PriceFeedMock(0, "sequencer");
        SpotFeeds l2 = new SpotFeeds(address(this), Model.scanRule(), address(uptime), 1 hours);
        PriceFeedMock feed = new PriceFeedMock(8, "BTC / USD");
        feed.post(int64(BTC_SPOT));
        l2.addUnderlying(BTC, address(feed), 10 days, Model.sigmas()[0]);
        assertFalse(_fresh(l2), "no answer");
        uptime.postAt(0, START - 1 hours);
        assertFalse(_fresh(l2), "up for just the grace period");
        vm.warp(START + 1);
        assertTrue(_fresh(l2), "up for longer");
        uptime.post(1);
        assertFalse(_fresh(l2), "down");
        vm.warp(START + 8 hours);
        assertFalse(_fresh(l2), "down for long");
        (uint64 price,,,) = l2.reading(BTC);
        assertEq(uint256(price), BTC_SPOT, "valued all the same");
        uptime.post(0);
        vm.warp(START + 9 hours);
        assertFalse(_fresh(l2), "grace");
        vm.warp(START + 9 hours + 1);
        assertTrue(_fresh(l2), "up again");
    }

    function _fresh(SpotFeeds feeds_) private view returns (bool fresh) {
        (,, fresh,) = feeds_.reading(BTC);
    }

    /* OWNER */

    function test_addUnderlying_refusals_besideAnAcceptedOne() public {
        ScanLib.Sigmas memory sigmas = Model.sigmas()[0];
        PriceFeedMock good = new PriceFeedMock(8, "SOL / USD");
        PriceFeedMock fine = new PriceFeedMock(18, "SOL / USD");
        fine.post(1e18);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.InvalidSpot.selector, uint16(3)));
        spots.addUnderlying(3, address(good), 1 hours, sigmas);
        good.post(100e8);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnknownUnderlying.selector, uint16(0)));
        spots.addUnderlying(0, address(good), 1 hours, sigmas);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnderlyingExists.selector, BTC));
        spots.addUnderlying(BTC, address(good), 1 hours, sigmas);
        vm.expectRevert(abi.encodeWithSelector(RoundsLib.WrongDecimals.selector, address(fine), 18, 8));
        spots.addUnderlying(3, address(fine), 1 hours, sigmas);
        vm.expectRevert(abi.encodeWithSelector(ScanLib.InvalidScanRule.selector, bytes32("sigmaFloor"), 0));
        spots.addUnderlying(3, address(good), 1 hours, ScanLib.Sigmas(0, 1));
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner));
        vm.prank(mallory.owner);
        spots.addUnderlying(3, address(good), 1 hours, sigmas);
        spots.addUnderlying(3, address(good), 1 hours, sigmas);
        assertEq(spots.aggregatorOf(3), address(good), "aggregator");
        assertEq(spots.underlyings().length, 3, "underlyings");
    }

    function test_constructor_invalidRule_reverts() public {
        ScanLib.Rule memory rule = Model.scanRule();
        rule.decay = 1e18;
        vm.expectRevert(abi.encodeWithSelector(ScanLib.InvalidScanRule.selector, bytes32("decay"), 1e18));
        this.createSpots(rule);
        rule = Model.scanRule();
        rule.rise = 1e18 - 1;
        vm.expectRevert(abi.encodeWithSelector(ScanLib.InvalidScanRule.selector, bytes32("rise"), 1e18 - 1));
        this.createSpots(rule);
    }

    /* RING */

    function test_observe_roundInForceAtMidnight_isTheOnlyOneAccepted() public {
        uint80 first = _history(TODAY, 1, 61_000e8);
        _refuse(TODAY, first - 1);
        _refuse(TODAY, first + 1);
        _refuse(TODAY - 1, first);
        vm.expectEmit(address(spots));
        emit ISpotFeeds.Observed(BTC, TODAY, 61_000e8, first);
        _observe(TODAY, first);
        (uint32[] memory days_, uint64[] memory prices) = spots.observations(BTC);
        assertEq(days_.length, 1, "one day");
        assertEq(uint256(days_[0]), TODAY, "day");
        assertEq(uint256(prices[0]), 61_000e8, "price");
    }

    function test_observe_dayThatStands_isPassedOverInABatch() public {
        uint80 first = _history(TODAY - 1, 2, 61_000e8);
        _observe(TODAY - 1, first);
        uint32[] memory days_ = new uint32[](2);
        uint80[] memory rounds = new uint80[](2);
        (days_[0], days_[1], rounds[0], rounds[1]) = (TODAY - 1, TODAY, first, first + 1);
        spots.observe(BTC, days_, rounds);
        (days_,) = spots.observations(BTC);
        assertEq(days_.length, 2, "both stand once");
    }

    function test_observe_refusals_besideAnAcceptedOne() public {
        uint80 first = _history(TODAY, 1, 61_000e8);
        uint32[] memory days_ = new uint32[](1);
        days_[0] = TODAY;
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.LengthMismatch.selector, 1, 0));
        spots.observe(BTC, days_, new uint80[](0));
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnknownUnderlying.selector, uint16(3)));
        spots.observe(3, days_, new uint80[](1));
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.DayNotBegun.selector, TODAY + 1, block.timestamp));
        _observe(TODAY + 1, first);
        _observe(TODAY, first);
    }

    /// @dev A feed that was dead at midnight leaves the day out, instead of a return of zero.
    function test_observe_staleAtMidnight_reverts() public {
        uint256 midnight = uint256(TODAY) * 1 days;
        btcFeed.postAt(61_000e8, midnight - MAX_SPOT_AGE - 1);
        (uint80 stale,,,,) = btcFeed.latestRoundData();
        _postSpot(BTC, BTC_SPOT);
        vm.expectPartialRevert(RoundsLib.StaleRound.selector);
        _observe(TODAY, stale);
        btcFeed.postAt(61_000e8, midnight - MAX_SPOT_AGE);
        _postSpot(BTC, BTC_SPOT);
        _observe(TODAY, stale + 2);
    }

    function test_observe_anyOrder_givesTheSameRing() public {
        uint80 first = _history(TODAY - 39, 40, 61_000e8);
        uint256 before = vm.snapshotState();
        for (uint32 i; i < 40; ++i) {
            _observe(TODAY - 39 + i, first + i);
        }
        bytes32 ascending = _ringHash();
        vm.revertToState(before);
        // The newest first, then the gaps.
        for (uint32 i = 40; i > 0; --i) {
            if (i % 3 != 0) _observe(TODAY - 40 + i, first + i - 1);
        }
        for (uint32 i = 40; i > 0; --i) {
            if (i % 3 == 0) _observe(TODAY - 40 + i, first + i - 1);
        }
        assertEq(_ringHash(), ascending, "days, prices and range");
    }

    function test_observe_beyondTheRing_dropsTheOldestAndRefusesThem() public {
        uint32 oldest = TODAY - 131;
        uint80 first = _history(oldest, 132, 61_000e8);
        for (uint32 i; i < 132; ++i) {
            _observe(oldest + i, first + i);
        }
        (uint32[] memory days_,) = spots.observations(BTC);
        assertEq(uint256(days_[days_.length - 1]), TODAY, "newest");
        uint256 begin = (uint256(TODAY) / 4 - 31) * 4;
        assertEq(uint256(days_[0]), begin, "oldest");
        assertEq(days_.length, TODAY - begin + 1, "all between");
        vm.expectRevert(abi.encodeWithSelector(DailyRingLib.DayTooOld.selector, begin - 1, begin));
        _observe(uint32(begin - 1), first + uint80(begin - 1 - oldest));
    }

    /* SCAN RANGE */

    function test_scanRange_fewerThanThirtyDays_isTheModels() public {
        uint80 first = _history(TODAY - 29, 30, 61_000e8);
        for (uint32 i; i < 29; ++i) {
            _observe(TODAY - 29 + i, first + i);
        }
        assertEq(uint256(engine.scanRangeOf(BTC)), engine.underlyingRisk(BTC).scanRange, "the constant");
        uint256 before = _spotLoss();
        _observe(TODAY, first + 29);
        uint256 range = engine.scanRangeOf(BTC);
        assertLt(engine.underlyingRisk(BTC).scanRange, range, "wider: most is still stress");
        assertClose(_spotLoss() * engine.underlyingRisk(BTC).scanRange, before * range, 1e18, "and the engine uses it");
        (,,, uint64 stored) = spots.reading(BTC);
        assertEq(uint256(stored), range, "stored");
    }

    function test_scanRange_longGap_fallsBackToTheModels() public {
        uint80 first = _history(TODAY - 29, 30, 61_000e8);
        for (uint32 i; i < 30; ++i) {
            _observe(TODAY - 29 + i, first + i);
        }
        vm.warp(START + 200 days);
        _observe(TODAY + 200, _history(TODAY + 200, 1, 61_000e8));
        assertEq(uint256(engine.scanRangeOf(BTC)), engine.underlyingRisk(BTC).scanRange, "one day is too few");
    }

    function _spotLoss() private view returns (uint256) {
        Leg[] memory legs = new Leg[](1);
        legs[0] = Leg(_spot(BTC), 1_000);
        return engine.assess(legs, 1 << FALL, 0).worstLoss;
    }

    /* HELPERS */

    /// @dev `count` days of rounds, one a minute before each midnight, then the present one.
    function _history(uint32 firstDay, uint256 count, uint256 price) private returns (uint80 first) {
        for (uint256 i; i < count; ++i) {
            btcFeed.postAt(int256(price + i * i * 1e8), (uint256(firstDay) + i) * 1 days - 60);
            if (i == 0) (first,,,,) = btcFeed.latestRoundData();
        }
        _postSpot(BTC, BTC_SPOT);
    }

    function _observe(uint32 day, uint80 round) private {
        uint32[] memory days_ = new uint32[](1);
        uint80[] memory rounds = new uint80[](1);
        (days_[0], rounds[0]) = (day, round);
        spots.observe(BTC, days_, rounds);
    }

    function _refuse(uint32 day, uint80 round) private {
        vm.expectPartialRevert(RoundsLib.NotRoundInForce.selector);
        _observe(day, round);
    }

    function _ringHash() private view returns (bytes32) {
        (uint32[] memory days_, uint64[] memory prices) = spots.observations(BTC);
        return keccak256(abi.encode(days_, prices, engine.scanRangeOf(BTC)));
    }

    function _expectSpot(uint256 expected, bool expectedFresh) private view {
        (uint64 price,, bool fresh,) = spots.reading(BTC);
        assertEq(uint256(price), expected, "price");
        assertEq(fresh, expectedFresh, "fresh");
    }

    function _mockRound(int256 answer, uint256 updatedAt) private {
        bytes memory round = abi.encode(type(uint256).max, answer, uint256(0), updatedAt, type(uint256).max);
        vm.mockCall(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), round);
    }

    /// @dev One call down: `new` is a cheatcode here, and a refusal expected of it in the test's own frame would end the test there.
    function createSpots(ScanLib.Rule memory rule) external {
        new SpotFeeds(address(this), rule, address(0), 0);
    }
}
