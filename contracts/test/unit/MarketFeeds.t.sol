// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketFeeds} from "../../src/MarketFeeds.sol";
import {IMarketFeeds} from "../../src/interfaces/IMarketFeeds.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {ExpiryQuote, Signature, StoredQuote} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

contract MarketFeedsTest is Fixture {
    uint64 private time;

    function setUp() public override {
        super.setUp();
        vm.warp(block.timestamp + 30);
        time = uint64(block.timestamp);
    }

    /* SIGNED UPDATES */

    function test_updateSurface_complete_storesEveryQuoteAndEmits() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[1].m = -0.05e18;
        Signature[] memory s = _signed(BTC, time, q);
        vm.expectEmit(address(feeds));
        emit IMarketFeeds.SurfaceUpdated(BTC, time, 3);
        feeds.updateSurface(BTC, time, q, s);
        for (uint256 i; i < 3; ++i) {
            StoredQuote memory stored = feeds.quote(BTC, q[i].expiry);
            assertEq(uint256(stored.ratio), q[i].ratio, "ratio");
            assertEq(uint256(stored.confidence), q[i].confidence, "confidence");
            assertEq(int256(stored.a), q[i].a, "a");
            assertEq(int256(stored.b), q[i].b, "b");
            assertEq(int256(stored.rho), q[i].rho, "rho");
            assertEq(int256(stored.m), q[i].m, "m");
            assertEq(int256(stored.sigma), q[i].sigma, "sigma");
            assertEq(uint256(stored.time), time, "the signed time");
        }
        assertLt(uint256(feeds.quote(ETH, 0).time), time, "the other underlying is untouched");
    }

    function test_updateSurface_unknownUnderlying_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        _refuse(3, time, q, _signed(3, time, q), abi.encodeWithSelector(IMarketFeeds.UnknownUnderlying.selector, 3));
    }

    function test_updateSurface_notNewerThanStored_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        _accept(BTC, time, q);
        _refuse(
            BTC, time, q, _signed(BTC, time, q), abi.encodeWithSelector(IMarketFeeds.StaleUpdate.selector, time, time)
        );
        _refuse(
            BTC,
            time - 1,
            q,
            _signed(BTC, time - 1, q),
            abi.encodeWithSelector(IMarketFeeds.StaleUpdate.selector, time - 1, time)
        );
    }

    function test_updateSurface_future_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        _refuse(
            BTC,
            time + 1,
            q,
            _signed(BTC, time + 1, q),
            abi.encodeWithSelector(IMarketFeeds.UpdateOutOfTime.selector, time + 1, time)
        );
        _accept(BTC, time, q);
    }

    function test_updateSurface_age_60SecondsPass61Revert() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        vm.warp(time + 61);
        _refuse(
            BTC,
            time,
            q,
            _signed(BTC, time, q),
            abi.encodeWithSelector(IMarketFeeds.UpdateOutOfTime.selector, time, time + 61)
        );
        vm.warp(time + 60);
        _accept(BTC, time, q);
    }

    function test_updateSurface_missingExpiry_reverts() public {
        ExpiryQuote[] memory all = _quotes(BTC);
        for (uint256 missing; missing < 3; ++missing) {
            ExpiryQuote[] memory q = new ExpiryQuote[](2);
            uint256 n;
            for (uint256 i; i < 3; ++i) {
                if (i != missing) q[n++] = all[i];
            }
            bytes memory error_ = missing == 2
                ? abi.encodeWithSelector(IMarketFeeds.IncompleteUpdate.selector, 2, 3)
                : abi.encodeWithSelector(
                    IMarketFeeds.WrongExpiry.selector, missing, all[missing + 1].expiry, all[missing].expiry
                );
            _refuse(BTC, time, q, _signed(BTC, time, q), error_);
        }
        ExpiryQuote[] memory none = new ExpiryQuote[](0);
        _refuse(
            BTC,
            time,
            none,
            _signed(BTC, time, none),
            abi.encodeWithSelector(IMarketFeeds.IncompleteUpdate.selector, 0, 1)
        );
        _accept(BTC, time, all);
    }

    function test_updateSurface_extraQuote_reverts() public {
        ExpiryQuote[] memory all = _quotes(BTC);
        ExpiryQuote[] memory q = new ExpiryQuote[](4);
        for (uint256 i; i < 3; ++i) {
            q[i] = all[i];
        }
        q[3] = _quotes(BTC)[2];
        q[3].expiry = FAR + 1;
        _refuse(
            BTC, time, q, _signed(BTC, time, q), abi.encodeWithSelector(IMarketFeeds.IncompleteUpdate.selector, 4, 3)
        );
    }

    function test_updateSurface_unsortedOrUnknownExpiry_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        (q[1], q[2]) = (q[2], q[1]);
        _refuse(
            BTC, time, q, _signed(BTC, time, q), abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 1, FAR, NEAR)
        );
        q = _quotes(BTC);
        q[1].expiry = NEAR + 1;
        _refuse(
            BTC,
            time,
            q,
            _signed(BTC, time, q),
            abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 1, NEAR + 1, NEAR)
        );
    }

    function test_updateSurface_expiredExpiry_mustBeLeftOut() public {
        vm.warp(NEAR + 10);
        time = uint64(block.timestamp);
        ExpiryQuote[] memory q = new ExpiryQuote[](3);
        ExpiryQuote[] memory live = _quotes(BTC);
        (q[0], q[1], q[2]) = (live[0], live[1], live[1]);
        (q[1].expiry, q[2].expiry) = (NEAR, FAR);
        _refuse(
            BTC,
            time,
            q,
            _signed(BTC, time, q),
            abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 1, live[1].expiry, FAR)
        );
        live = _quotes(BTC);
        assertEq(live.length, 2, "perpetual and far");
        _accept(BTC, time, live);
    }

    function test_updateSurface_outOfBounds_revertsWithFieldAndBoundaryPasses() public {
        _bounds("ratio", 0.5e18, 2e18);
        _bounds("a", -1e18, 9e18);
        _bounds("b", 0, 5e18);
        _bounds("rho", -1e18 + 1, 1e18 - 1);
        _bounds("m", -2e18, 2e18);
        _bounds("sigma", 1e15, 5e18);
    }

    function test_updateSurface_confidenceOverOne_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[1].confidence = 1e18 + 1;
        _refuse(BTC, time, q, _signed(BTC, time, q), _outOfBounds(NEAR, "confidence", 1e18 + 1));
        q[1].confidence = 1e18;
        _accept(BTC, time, q);
    }

    function test_updateSurface_perpetualWithASmile_reverts() public {
        for (uint256 field; field < 5; ++field) {
            ExpiryQuote[] memory q = _quotes(BTC);
            if (field == 0) q[0].a = 1;
            if (field == 1) q[0].b = 1;
            if (field == 2) q[0].rho = 1;
            if (field == 3) q[0].m = 1;
            if (field == 4) q[0].sigma = 1;
            _refuse(BTC, time, q, _signed(BTC, time, q), _outOfBounds(0, "smile", q[0].a));
        }
    }

    function test_updateSurface_extremeInt64_revertsWithoutPanic() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[1].a = type(int64).min;
        _refuse(BTC, time, q, _signed(BTC, time, q), _outOfBounds(NEAR, "a", type(int64).min));
        q = _quotes(BTC);
        q[1].ratio = type(uint64).max;
        _refuse(BTC, time, q, _signed(BTC, time, q), _outOfBounds(NEAR, "ratio", int256(uint256(type(uint64).max))));
    }

    /// @dev Both ends of a field's range pass; one unit beyond is refused with the field's name.
    function _bounds(bytes32 field, int256 low, int256 high) private {
        int64[4] memory values = [int64(low - 1), int64(low), int64(high), int64(high + 1)];
        for (uint256 i; i < 4; ++i) {
            ExpiryQuote[] memory q = _quotes(BTC);
            if (field == "ratio") q[1].ratio = uint64(values[i]);
            if (field == "a") q[1].a = values[i];
            if (field == "b") q[1].b = values[i];
            if (field == "rho") q[1].rho = values[i];
            if (field == "m") q[1].m = values[i];
            if (field == "sigma") q[1].sigma = values[i];
            vm.warp(++time);
            if (i == 1 || i == 2) _accept(BTC, time, q);
            else _refuse(BTC, time, q, _signed(BTC, time, q), _outOfBounds(NEAR, field, values[i]));
        }
    }

    function _outOfBounds(uint40 expiry, bytes32 field, int256 value) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IMarketFeeds.QuoteOutOfBounds.selector, expiry, field, value);
    }

    /* QUORUM */

    function test_updateSurface_kMinusOneOrKPlusOne_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        bytes32 digest = feeds.updateDigest(BTC, time, q);
        for (uint256 count; count < 4; ++count) {
            if (count == FEED_THRESHOLD) continue;
            _refuse(
                BTC,
                time,
                q,
                _signatures(feedKeys, count, digest),
                abi.encodeWithSelector(QuorumLib.NotEnoughSignatures.selector, count, FEED_THRESHOLD)
            );
        }
        _accept(BTC, time, q);
    }

    function test_updateSurface_duplicateUnsortedOrOutsideSigner_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        bytes32 digest = feeds.updateDigest(BTC, time, q);
        Signature[] memory s = _signatures(feedKeys, 2, digest);
        s[1] = s[0];
        _refuse(BTC, time, q, s, _invalidSigner(feedKeys[0], 1));
        s = _signatures(feedKeys, 2, digest);
        (s[0], s[1]) = (s[1], s[0]);
        _refuse(BTC, time, q, s, _invalidSigner(feedKeys[0], 1));
        uint256[] memory outside = new uint256[](2);
        (outside[0], outside[1]) = (feedKeys[0], mallory.key);
        s = _signatures(outside, 2, digest);
        _refuse(BTC, time, q, s, _invalidSigner(mallory.key, 1));
        _accept(BTC, time, q);
    }

    function test_updateSurface_marginSigners_areOutsiders() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        Signature[] memory s = _signatures(marginKeys, 2, feeds.updateDigest(BTC, time, q));
        _refuse(BTC, time, q, s, _invalidSigner(marginKeys[0], 0));
    }

    function test_updateSurface_anyTwoOfThree_pass() public {
        uint256[] memory pair = new uint256[](2);
        (pair[0], pair[1]) = (feedKeys[0], feedKeys[2]);
        ExpiryQuote[] memory q = _quotes(BTC);
        feeds.updateSurface(BTC, time, q, _signatures(pair, 2, feeds.updateDigest(BTC, time, q)));
        assertEq(uint256(feeds.quote(BTC, 0).time), time, "stored");
    }

    function test_updateSurface_tamperedAfterSigning_reverts() public {
        for (uint256 field; field < 9; ++field) {
            ExpiryQuote[] memory q = _quotes(BTC);
            Signature[] memory s = _signed(BTC, time, q);
            if (field == 0) q[1].ratio += 1;
            if (field == 1) q[1].confidence += 1;
            if (field == 2) q[1].a += 1;
            if (field == 3) q[1].b += 1;
            if (field == 4) q[1].rho += 1;
            if (field == 5) q[1].m += 1;
            if (field == 6) q[1].sigma += 1;
            if (field == 7) q[1].expiry += 1;
            vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
            feeds.updateSurface(field == 8 ? ETH : BTC, time, q, s);
        }
        ExpiryQuote[] memory signedQuotes = _quotes(BTC);
        Signature[] memory signed = _signed(BTC, time, signedQuotes);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        feeds.updateSurface(BTC, time - 1, signedQuotes, signed);
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        feeds.updateSurface(BTC, time, signedQuotes, signed);
        vm.chainId(here);
        feeds.updateSurface(BTC, time, signedQuotes, signed);
    }

    function test_constructor_badSignerSets_revert() public {
        address[] memory none = new address[](0);
        _refuseSigners(none, 0);
        _refuseSigners(_addresses(feedKeys), 0);
        _refuseSigners(_addresses(feedKeys), 1); // 2k <= n
        _refuseSigners(_addresses(feedKeys), 4);
        address[] memory bad = _addresses(feedKeys);
        bad[1] = bad[0];
        _refuseSigners(bad, 2);
        bad = _addresses(feedKeys);
        (bad[0], bad[1]) = (bad[1], bad[0]);
        _refuseSigners(bad, 2);
        bad = _addresses(feedKeys);
        bad[0] = address(0);
        _refuseSigners(bad, 2);
        new MarketFeeds(address(this), _addresses(feedKeys), 2);
    }

    function _refuseSigners(address[] memory list, uint8 threshold) private {
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        new MarketFeeds(address(this), list, threshold);
    }

    /* SPOT */

    function test_spot_goodAnswer_isReturnedFresh() public view {
        (uint64 price, uint64 when) = feeds.spot(BTC);
        assertEq(uint256(price), BTC_SPOT, "price");
        assertEq(uint256(when), START, "time");
        assertTrue(feeds.isSpotFresh(BTC), "fresh");
    }

    function test_spot_age_atLimitFreshOneSecondLaterStale() public {
        vm.warp(START + MAX_SPOT_AGE);
        assertTrue(feeds.isSpotFresh(BTC), "at the limit");
        vm.warp(START + MAX_SPOT_AGE + 1);
        assertFalse(feeds.isSpotFresh(BTC), "beyond");
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), BTC_SPOT, "still valued");
    }

    function test_spot_badAnswers_keepTheLastGoodOneAndAreNotFresh() public {
        int256[4] memory bad = [int256(0), -1, type(int256).min, int256(2 ** 62) + 1];
        for (uint256 i; i < 4; ++i) {
            btcFeed.post(bad[i]);
            (uint64 price,) = feeds.spot(BTC);
            assertEq(uint256(price), BTC_SPOT, "remembered");
            assertFalse(feeds.isSpotFresh(BTC), "not fresh");
        }
        btcFeed.post(61_000e8);
        (uint64 recovered,) = feeds.spot(BTC);
        assertEq(uint256(recovered), 61_000e8, "recovers");
        assertTrue(feeds.isSpotFresh(BTC), "fresh again");
    }

    function test_spot_revertingAggregator_keepsTheSpotOfTheLastUpdate() public {
        _postSpot(BTC, 61_000e8);
        _publish();
        vm.mockCallRevert(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), "");
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), 61_000e8, "remembered at the update");
        assertFalse(feeds.isSpotFresh(BTC), "not fresh");
    }

    function test_spot_answerFromTheFuture_isNotUsed() public {
        vm.mockCall(
            address(btcFeed),
            abi.encodeWithSelector(btcFeed.latestRoundData.selector),
            abi.encode(uint80(1), int256(1e8), uint256(0), block.timestamp + 1, uint80(1))
        );
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), BTC_SPOT, "remembered");
    }

    /// @dev Valuation is total: an aggregator without code or with an answer of another shape is like one that reverts.
    function test_spot_aggregatorWithoutCode_keepsTheLastGoodOne() public {
        vm.etch(address(btcFeed), "");
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), BTC_SPOT, "remembered");
        assertFalse(feeds.isSpotFresh(BTC), "not fresh");
    }

    function test_spot_aggregatorWithShortAnswer_keepsTheLastGoodOne() public {
        vm.mockCall(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), hex"01");
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), BTC_SPOT, "remembered");
        assertFalse(feeds.isSpotFresh(BTC), "not fresh");
    }

    /// @dev The words that are not read may be anything.
    function test_spot_aggregatorWithDirtyRoundId_isStillAnAnswer() public {
        bytes memory dirty = abi.encode(type(uint256).max, int256(1e8), uint256(0), block.timestamp, type(uint256).max);
        vm.mockCall(address(btcFeed), abi.encodeWithSelector(btcFeed.latestRoundData.selector), dirty);
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), 1e8, "answered");
    }

    /* OWNER */

    function test_addUnderlying_refusals_besideAnAcceptedOne() public {
        PriceFeedMock good = new PriceFeedMock(8, "SOL / USD");
        PriceFeedMock coarse = new PriceFeedMock(18, "SOL / USD");
        coarse.post(1e18);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.InvalidSpot.selector, uint16(3), int256(0)));
        feeds.addUnderlying(3, address(good), 1 hours);
        good.post(100e8);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnknownUnderlying.selector, uint16(0)));
        feeds.addUnderlying(0, address(good), 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnderlyingExists.selector, BTC));
        feeds.addUnderlying(BTC, address(good), 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongDecimals.selector, address(coarse), 18, 8));
        feeds.addUnderlying(3, address(coarse), 1 hours);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner));
        vm.prank(mallory.owner);
        feeds.addUnderlying(3, address(good), 1 hours);
        feeds.addUnderlying(3, address(good), 1 hours);
        assertEq(feeds.expiries(3).length, 1, "begins with the perpetual");
        assertEq(feeds.aggregatorOf(3), address(good), "aggregator");
        assertEq(feeds.underlyings().length, 3, "underlyings");
    }

    function test_addExpiry_refusals_besideAnAcceptedOne() public {
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnknownUnderlying.selector, uint16(3)));
        feeds.addExpiry(3, NEAR);
        vm.expectRevert(
            abi.encodeWithSelector(IMarketFeeds.ExpiryNotAhead.selector, uint40(block.timestamp), block.timestamp)
        );
        feeds.addExpiry(BTC, uint40(block.timestamp));
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.ExpiryExists.selector, BTC, NEAR));
        feeds.addExpiry(BTC, NEAR);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner));
        vm.prank(mallory.owner);
        feeds.addExpiry(BTC, NEAR + 1);
        feeds.addExpiry(BTC, NEAR - 1);
        uint40[] memory list = feeds.expiries(BTC);
        assertEq(list.length, 4, "expiries");
        for (uint256 i = 1; i < 4; ++i) {
            assertLt(uint256(list[i - 1]), list[i], "ascending");
        }
        assertEq(uint256(list[1]), NEAR - 1, "sorted in");
    }

    function test_addExpiry_65th_reverts() public {
        for (uint40 i = 3; i < 64; ++i) {
            feeds.addExpiry(BTC, FAR + i);
        }
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.TooManyExpiries.selector, 65, 64));
        feeds.addExpiry(BTC, FAR + 100);
    }

    /* SETTLEMENT */

    function test_fixSettlement_roundInForce_isTheOnlyOneAccepted() public {
        (uint80 before,) = _rounds();
        vm.warp(NEAR + 60);
        _refuseSettlement(before - 1, NEAR - 500, NEAR - 10);
        _refuseSettlement(before + 1, NEAR + 5, NEAR + 50);
        vm.expectEmit(address(feeds));
        emit IMarketFeeds.SettlementFixed(BTC, NEAR, 62_000e8, before);
        feeds.fixSettlement(BTC, NEAR, before);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "price");
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.SettlementExists.selector, BTC, NEAR));
        feeds.fixSettlement(BTC, NEAR, before);
    }

    function test_fixSettlement_beforeExpiry_reverts() public {
        vm.warp(NEAR);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.NotExpired.selector, NEAR, uint256(NEAR)));
        feeds.fixSettlement(BTC, NEAR, 1);
    }

    function test_fixSettlement_noRoundAfterExpiry_reverts() public {
        vm.warp(NEAR - 10);
        _postSpot(BTC, 62_000e8);
        (uint80 round,,,,) = btcFeed.latestRoundData();
        vm.warp(NEAR + 60);
        _refuseSettlement(round, NEAR - 10, 0);
        _postSpot(BTC, 63_000e8);
        feeds.fixSettlement(BTC, NEAR, round);
    }

    function test_fixSettlement_roundExactlyAtExpiry_isInForce() public {
        vm.warp(NEAR - 10);
        _postSpot(BTC, 62_000e8);
        vm.warp(NEAR);
        _postSpot(BTC, 62_500e8);
        (uint80 round,,,,) = btcFeed.latestRoundData();
        vm.warp(NEAR + 1);
        _postSpot(BTC, 63_000e8);
        _refuseSettlement(round - 1, NEAR - 10, NEAR);
        feeds.fixSettlement(BTC, NEAR, round);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_500e8, "price at expiry");
    }

    function test_fixSettlement_unknownExpiry_reverts() public {
        (uint80 before,) = _rounds();
        vm.warp(NEAR + 60);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, NEAR + 1, 0));
        feeds.fixSettlement(BTC, NEAR + 1, before);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, 0, 0));
        feeds.fixSettlement(BTC, 0, before);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, NEAR, 0));
        feeds.fixSettlement(3, NEAR, before);
    }

    function test_fixSettlement_badAnswerInForce_theLastGoodOneCounts() public {
        vm.warp(NEAR - 20);
        _postSpot(BTC, 62_000e8);
        (uint80 good,,,,) = btcFeed.latestRoundData();
        vm.warp(NEAR - 10);
        btcFeed.post(0);
        btcFeed.post(-5);
        // Unusable as a spot, so no successor either.
        btcFeed.post(int256(2 ** 62) + 1);
        vm.warp(NEAR + 5);
        btcFeed.post(0);
        _postSpot(BTC, 63_000e8);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.InvalidSpot.selector, BTC, int256(0)));
        feeds.fixSettlement(BTC, NEAR, good + 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.InvalidSpot.selector, BTC, int256(-5)));
        feeds.fixSettlement(BTC, NEAR, good + 2);
        feeds.fixSettlement(BTC, NEAR, good);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "the last good answer before expiry");
    }

    function test_fixSettlement_onlyBadAnswersAfterExpiry_reverts() public {
        vm.warp(NEAR - 20);
        _postSpot(BTC, 62_000e8);
        (uint80 good,,,,) = btcFeed.latestRoundData();
        vm.warp(NEAR + 5);
        btcFeed.post(0);
        _refuseSettlement(good, NEAR - 20, 0);
        _postSpot(BTC, 63_000e8);
        feeds.fixSettlement(BTC, NEAR, good);
    }

    function test_poke_remembersTheSpot() public {
        _postSpot(BTC, 61_000e8);
        feeds.poke(BTC);
        btcFeed.post(0);
        (uint64 price,) = feeds.spot(BTC);
        assertEq(uint256(price), 61_000e8, "remembered");
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnknownUnderlying.selector, uint16(3)));
        feeds.poke(3);
    }

    function test_addExpiry_afterSettlement_makesRoom() public {
        (uint80 before,) = _rounds();
        vm.warp(NEAR + 60);
        feeds.fixSettlement(BTC, NEAR, before);
        feeds.addExpiry(BTC, FAR + 1);
        uint40[] memory list = feeds.expiries(BTC);
        assertEq(list.length, 3, "perpetual, far and the new one");
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "the price stays readable");
        assertTrue(feeds.isExpiry(BTC, NEAR), "and the expiry known");
    }

    function test_fixSettlement_unknownRound_reverts() public {
        _rounds();
        vm.warp(NEAR + 60);
        vm.expectRevert();
        feeds.fixSettlement(BTC, NEAR, 0);
        vm.expectRevert();
        feeds.fixSettlement(BTC, NEAR, 99);
        vm.expectRevert();
        feeds.fixSettlement(BTC, NEAR, type(uint80).max);
    }

    /// @dev Rounds at -500, -10, +5, +50 seconds around expiry; the second is in force.
    function _rounds() private returns (uint80 before, uint80 later) {
        vm.warp(NEAR - 500);
        _postSpot(BTC, 61_000e8);
        vm.warp(NEAR - 10);
        _postSpot(BTC, 62_000e8);
        (before,,,,) = btcFeed.latestRoundData();
        vm.warp(NEAR + 5);
        _postSpot(BTC, 63_000e8);
        vm.warp(NEAR + 50);
        _postSpot(BTC, 64_000e8);
        later = before + 1;
    }

    function _refuseSettlement(uint80 round, uint256 updatedAt, uint256 next) private {
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.NotRoundAtExpiry.selector, round, updatedAt, next, NEAR));
        feeds.fixSettlement(BTC, NEAR, round);
    }

    /* HELPERS */

    function _signed(uint16 u, uint64 when, ExpiryQuote[] memory q) private view returns (Signature[] memory) {
        return _signatures(feedKeys, FEED_THRESHOLD, feeds.updateDigest(u, when, q));
    }

    function _accept(uint16 u, uint64 when, ExpiryQuote[] memory q) private {
        feeds.updateSurface(u, when, q, _signed(u, when, q));
        assertEq(uint256(feeds.quote(u, 0).time), when, "accepted");
    }

    function _refuse(uint16 u, uint64 when, ExpiryQuote[] memory q, Signature[] memory s, bytes memory error_) private {
        vm.expectRevert(error_);
        feeds.updateSurface(u, when, q, s);
    }

    function _invalidSigner(uint256 key, uint256 position) private pure returns (bytes memory) {
        return abi.encodeWithSelector(QuorumLib.InvalidSigner.selector, vm.addr(key), position);
    }
}
