// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketFeeds} from "../../src/MarketFeeds.sol";
import {IMarketFeeds} from "../../src/interfaces/IMarketFeeds.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {RoundsLib} from "../../src/libraries/RoundsLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {ExpiryQuote, Signature, StoredQuote} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

contract MarketFeedsTest is Fixture {
    uint64 private time;

    function setUp() public override {
        super.setUp();
        vm.warp(START + 60);
        time = uint64(START + 60);
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
            time - 60,
            q,
            _signed(BTC, time - 60, q),
            abi.encodeWithSelector(IMarketFeeds.StaleUpdate.selector, time - 60, time)
        );
    }

    function test_updateSurface_future_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        _refuse(
            BTC,
            time + 60,
            q,
            _signed(BTC, time + 60, q),
            abi.encodeWithSelector(IMarketFeeds.UpdateOutOfTime.selector, time + 60, time)
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

    function test_updateSurface_betweenSlots_reverts() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        vm.warp(time + 59);
        for (uint64 off = 1; off < 60; off += 29) {
            _refuse(
                BTC,
                time + off,
                q,
                _signed(BTC, time + off, q),
                abi.encodeWithSelector(IMarketFeeds.NotASlot.selector, time + off, 60)
            );
        }
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
        vm.warp(NEAR + 60);
        time = NEAR + 60;
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
        _bounds("a", -9e18, 9e18);
        _bounds("b", 0, 9e18);
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
            vm.warp(time += 60);
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
        vm.warp(time + 60);
        feeds.updateSurface(BTC, time + 60, signedQuotes, signed);
        vm.warp(time);
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
        this.createFeeds(_addresses(feedKeys), 2);
    }

    function _refuseSigners(address[] memory list, uint8 threshold) private {
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        this.createFeeds(list, threshold);
    }

    /* OWNER */

    function test_addUnderlying_refusals_besideAnAcceptedOne() public {
        SpeedLib.Limits memory good = _limits(0);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnknownUnderlying.selector, uint16(3)));
        feeds.addUnderlying(3, good);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnderlyingExists.selector, BTC));
        feeds.addUnderlying(BTC, good);
        PriceFeedMock feed = new PriceFeedMock(8, "SOL / USD");
        feed.post(100e8);
        spots.addUnderlying(3, address(feed), 1 hours, Model.sigmas()[0]);
        vm.expectRevert(abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner));
        vm.prank(mallory.owner);
        feeds.addUnderlying(3, good);
        for (uint256 field; field < 4; ++field) {
            SpeedLib.Limits memory bad = _limits(0);
            if (field == 0) bad.volUp = 0;
            if (field == 1) bad.volDown = 0;
            if (field == 2) bad.volMost = 0;
            if (field == 3) bad.ratio = 0;
            vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.InvalidLimits.selector, uint16(3)));
            feeds.addUnderlying(3, bad);
        }
        feeds.addUnderlying(3, good);
        assertEq(feeds.expiries(3).length, 1, "begins with the perpetual");
        assertEq(uint256(feeds.limits(3).ratio), good.ratio, "limits");
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

    function test_fixSettlement_average_weighsRoundsByTheirLifetimeInTheWindow() public {
        uint80 first = _rounds();
        vm.expectEmit(address(feeds));
        // 60,000 for 10 minutes, 61,000 for 15, 63,000 for 5.
        emit IMarketFeeds.SettlementFixed(BTC, NEAR, 61_000e8);
        feeds.fixSettlement(BTC, NEAR, first);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 61_000e8, "price");
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.SettlementExists.selector, BTC, NEAR));
        feeds.fixSettlement(BTC, NEAR, first);
    }

    function test_R8_fixSettlement_whoCallsAndWhen_changesNothing() public {
        uint80 first = _rounds();
        for (uint256 i; i < 3; ++i) {
            uint256 id = vm.snapshotState();
            vm.warp(NEAR + 1 hours + i * 1 days);
            for (uint256 pokes; pokes < i; ++pokes) {
                _postSpot(BTC, 90_000e8);
                spots.poke(BTC);
            }
            vm.prank(i == 0 ? mallory.owner : alice.owner);
            feeds.fixSettlement(BTC, NEAR, first);
            assertEq(uint256(feeds.settlement(BTC, NEAR)), 61_000e8, "the same");
            vm.revertToState(id);
        }
    }

    function test_fixSettlement_anotherFirstRound_reverts() public {
        uint80 first = _rounds();
        vm.expectPartialRevert(RoundsLib.NotRoundInForce.selector);
        feeds.fixSettlement(BTC, NEAR, first + 1);
        vm.expectPartialRevert(RoundsLib.NotRoundInForce.selector);
        feeds.fixSettlement(BTC, NEAR, first - 1);
        uint80[3] memory absent = [uint80(0), 99, type(uint80).max];
        for (uint256 i; i < 3; ++i) {
            vm.expectPartialRevert(RoundsLib.NotRoundInForce.selector);
            feeds.fixSettlement(BTC, NEAR, absent[i]);
        }
        feeds.fixSettlement(BTC, NEAR, first);
    }

    function test_fixSettlement_beforeExpiryOrUnknown_reverts() public {
        vm.warp(NEAR);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.NotExpired.selector, NEAR, uint256(NEAR)));
        feeds.fixSettlement(BTC, NEAR, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, NEAR + 1, 0));
        feeds.fixSettlement(BTC, NEAR + 1, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, 0, 0));
        feeds.fixSettlement(BTC, 0, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.WrongExpiry.selector, 0, NEAR, 0));
        feeds.fixSettlement(3, NEAR, 1);
    }

    function test_fixSettlement_noRoundAfterExpiry_reverts() public {
        vm.warp(NEAR + 1);
        uint80 first = _postWindow(BTC, NEAR, 62_000e8);
        vm.expectRevert(abi.encodeWithSelector(RoundsLib.NoRoundYet.selector, first + 2, uint256(NEAR)));
        feeds.fixSettlement(BTC, NEAR, first);
        _postSpot(BTC, 63_000e8);
        feeds.fixSettlement(BTC, NEAR, first);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "the round after has no weight");
    }

    function test_fixSettlement_twoRounds_revertsAndThreePass() public {
        btcFeed.postAt(62_000e8, NEAR - 1_800);
        (uint80 first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(62_000e8, NEAR - 1_200);
        btcFeed.postAt(62_000e8, NEAR);
        vm.warp(NEAR + 1);
        vm.expectRevert(abi.encodeWithSelector(RoundsLib.TooFewRounds.selector, 2, 3));
        feeds.fixSettlement(BTC, NEAR, first);
        _fixAt(BTC, NEAR, 62_000e8);
    }

    function test_fixSettlement_roundOlderThanTheHeartbeat_reverts() public {
        btcFeed.postAt(62_000e8, NEAR - 1_200 - MAX_SPOT_AGE - 1);
        (uint80 first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(62_000e8, NEAR - 1_200);
        btcFeed.postAt(62_000e8, NEAR - 600);
        btcFeed.postAt(62_000e8, NEAR);
        vm.warp(NEAR + 1);
        vm.expectPartialRevert(RoundsLib.StaleRound.selector);
        feeds.fixSettlement(BTC, NEAR, first);
        _fixAt(BTC, NEAR, 62_000e8);
    }

    /// @dev Unusable answers are passed over: the round before them stays in force.
    function test_fixSettlement_badAnswers_haveNoWeight() public {
        vm.warp(NEAR + 1);
        btcFeed.postAt(60_000e8, NEAR - 1_800);
        (uint80 first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(0, NEAR - 1_500);
        btcFeed.postAt(-5, NEAR - 1_400);
        btcFeed.postAt(63_000e8, NEAR - 1_200);
        btcFeed.postAt(int256(2 ** 60), NEAR - 900);
        btcFeed.postAt(66_000e8, NEAR - 600);
        _postSpot(BTC, 70_000e8);
        vm.expectRevert(
            abi.encodeWithSelector(
                RoundsLib.NotRoundInForce.selector, first + 1, NEAR - 1_500, NEAR - 1_200, NEAR - 1_800
            )
        );
        feeds.fixSettlement(BTC, NEAR, first + 1);
        feeds.fixSettlement(BTC, NEAR, first);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 63_000e8, "ten minutes each");
    }

    function test_fixSettlement_answerUnusableAtTheWindowsBegin_reverts() public {
        vm.warp(NEAR + 1);
        btcFeed.postAt(61_000e8, NEAR - 1_900);
        (uint80 first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(0, NEAR - 1_850);
        btcFeed.postAt(62_000e8, NEAR - 1_200);
        btcFeed.postAt(62_000e8, NEAR - 600);
        _postSpot(BTC, 62_000e8);
        vm.expectRevert(abi.encodeWithSelector(RoundsLib.UnusableRound.selector, first + 1));
        feeds.fixSettlement(BTC, NEAR, first + 1);
        feeds.fixSettlement(BTC, NEAR, first);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 61_666.66666666e8, "the good round before stays in force");
    }

    function test_fixSettlement_roundsThatGoBackInTime_revert() public {
        vm.warp(NEAR + 1);
        btcFeed.postAt(62_000e8, NEAR - 1_800);
        (uint80 first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(62_000e8, NEAR - 600);
        btcFeed.postAt(62_000e8, NEAR - 1_200);
        _postSpot(BTC, 62_000e8);
        vm.expectRevert(
            abi.encodeWithSelector(RoundsLib.RoundsOutOfOrder.selector, first + 1, NEAR - 600, NEAR - 1_200)
        );
        feeds.fixSettlement(BTC, NEAR, first);
        _fixAt(BTC, NEAR, 62_000e8);
    }

    function test_fixSettlement_moreThan512Rounds_revertsAnd512Pass() public {
        vm.warp(NEAR + 1);
        for (uint256 i; i <= 512; ++i) {
            btcFeed.postAt(62_000e8, NEAR - 1_800 + 3 * i);
        }
        (uint80 last,,,,) = btcFeed.latestRoundData();
        _postSpot(BTC, 62_000e8);
        vm.expectRevert(abi.encodeWithSelector(RoundsLib.TooManyRounds.selector, 512));
        feeds.fixSettlement(BTC, NEAR, last - 512);
        btcFeed.postAt(62_000e8, NEAR + 1);
        for (uint256 i; i < 512; ++i) {
            ethFeed.postAt(3_100e8, NEAR - 1_800 + 3 * i);
        }
        (last,,,,) = ethFeed.latestRoundData();
        _postSpot(ETH, 3_100e8);
        feeds.fixSettlement(ETH, NEAR, last - 511);
        assertEq(uint256(feeds.settlement(ETH, NEAR)), 3_100e8, "512");
    }

    function test_addExpiry_afterSettlement_makesRoom() public {
        vm.warp(NEAR + 60);
        _fixAt(BTC, NEAR, 62_000e8);
        feeds.addExpiry(BTC, FAR + 1);
        uint40[] memory list = feeds.expiries(BTC);
        assertEq(list.length, 3, "perpetual, far and the new one");
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "the price stays readable");
        assertTrue(feeds.isExpiry(BTC, NEAR), "and the expiry known");
    }

    function test_fixSignedSettlement_dayAfterExpiry_standsInForRounds() public {
        vm.warp(NEAR + 1 days);
        _postSpot(BTC, BTC_SPOT);
        Signature[] memory s = _settlementSigned(62_000e8);
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.NotExpired.selector, NEAR, uint256(NEAR + 1 days)));
        feeds.fixSignedSettlement(BTC, NEAR, 62_000e8, s);
        vm.warp(NEAR + 1 days + 1);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        feeds.fixSignedSettlement(BTC, NEAR, 62_001e8, s);
        feeds.fixSignedSettlement(BTC, NEAR, 62_000e8, s);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 62_000e8, "price");
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.SettlementExists.selector, BTC, NEAR));
        feeds.fixSignedSettlement(BTC, NEAR, 62_000e8, s);
    }

    function test_R1_fixSignedSettlement_farFromSpot_reverts() public {
        vm.warp(NEAR + 1 days + 1);
        _postSpot(BTC, BTC_SPOT);
        uint64[2] memory bad = [BTC_SPOT / 2 - 1, BTC_SPOT * 2 + 1];
        for (uint256 i; i < 2; ++i) {
            Signature[] memory s = _settlementSigned(bad[i]);
            vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.SettlementOutOfBand.selector, bad[i], BTC_SPOT));
            feeds.fixSignedSettlement(BTC, NEAR, bad[i], s);
        }
        feeds.fixSignedSettlement(BTC, NEAR, BTC_SPOT / 2, _settlementSigned(BTC_SPOT / 2));
    }

    function _settlementSigned(uint64 price) private view returns (Signature[] memory) {
        return _signatures(feedKeys, FEED_THRESHOLD, feeds.settlementDigest(BTC, NEAR, price));
    }

    /// @dev In the window 60,000 for 10 minutes, then 61,000 for 15 and 63,000 for 5; one more round after.
    function _rounds() private returns (uint80 first) {
        vm.warp(NEAR + 60);
        btcFeed.postAt(60_000e8, NEAR - 2_000);
        (first,,,,) = btcFeed.latestRoundData();
        btcFeed.postAt(61_000e8, NEAR - 1_200);
        btcFeed.postAt(63_000e8, NEAR - 300);
        _postSpot(BTC, 99_000e8);
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

    /// @dev One call down: `new` is a cheatcode here, and a refusal expected of it in the test's own frame would end the test there.
    function createFeeds(address[] memory list, uint8 threshold) external {
        new MarketFeeds(address(this), address(guard), address(spots), list, threshold);
    }
}
