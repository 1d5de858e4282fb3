// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarketFeeds} from "../../src/interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {ExpiryQuote, Leg, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice What feed signers may do to marks at the limits of the model, and what takes a second world.
contract WorldsTest is Fixture {
    uint64 private time;

    function setUp() public override {
        super.setUp();
        time = uint64(START);
    }

    /// @dev The model's own limits, where other tests have none.
    function _limits(uint256 row) internal pure override returns (SpeedLib.Limits memory) {
        return Model.limits()[row];
    }

    /* THE BAND */

    /// @dev Vol of a month may move by exp(0.30 / 3) up and exp(0.18 / 3) down from its reference, at once.
    function test_R1_update_withinAThirdOfTheShock_isTheMarkAtOnce() public {
        _expectMark(_volScaled(1.1e18), true);
        _expectMark(_volScaled(1.11e18), false);
        _expectMark(_volScaled(0.943e18), true);
        _expectMark(_volScaled(0.935e18), false);
    }

    function test_R1_forward_withinAThirdOfTheScanRange_isTheMarkAtOnce() public {
        _expectMark(_ratioScaled(1.031e18), true);
        _expectMark(_ratioScaled(1.032e18), false);
        _expectMark(_ratioScaled(0.9698e18), true);
        _expectMark(_ratioScaled(0.969e18), false);
    }

    /// @dev At the money nothing moves, but a wing does: a smile cannot be tilted past the limits either.
    function test_R1_wing_alone_isHeldAsWell() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[2].b = 0.5e18;
        q[2].a = 0.18e18;
        _expectMark(q, false);
        _expectMark(_quotes(BTC), true);
    }

    /// @dev Thieves with all keys, silent for days, then at the bottom of one reference and at the top of the next: in any 24 hours
    /// marks move by the whole shock at most, however long nothing moved before.
    function test_R1_limits_neverAccrue() public {
        uint256 start = START + 3 days;
        _mark(start, 0.9698e18, true);
        _mark(start + 60, 0.96e18, false);
        _mark(start + 23 hours, 1.031e18, true);
        _mark(start + 24 hours - 60, 1.032e18, false);
        _mark(start + 24 hours, 1.0629e18, true);
        _mark(start + 24 hours + 60, 1.064e18, false);
        // exp(0.092) = 1.0964 is the scan range.
        assertLt(uint256(1.0629e18) * 1e18 / 0.9698e18, 1.0964e18, "the whole shock");
    }

    /// @dev Moves the far forward to `factor` times its first; where that is refused or pending, it did not happen.
    function _mark(uint256 when, uint256 factor, bool accepted) private {
        uint256 id = vm.snapshotState();
        time = uint64(when);
        vm.warp(when);
        bool moved = _tryUpdate(_ratioScaled(factor)) && !feeds.hasPendingWorld(BTC);
        assertEq(moved, accepted, vm.toString(factor));
        if (!moved) vm.revertToState(id);
    }

    /* THE PENDING WORLD */

    function test_world_fasterThanTheBand_isPendingBesideTheMark() public {
        ExpiryQuote[] memory q = _volScaled(1.2e18);
        Leg[] memory legs = _legs();
        vm.warp(START + 60);
        int256 before = engine.assess(legs, 0, 0).value;
        vm.expectEmit(address(feeds));
        emit IMarketFeeds.WorldOpened(BTC, uint64(START + 60));
        _send(START + 60, q);
        assertEq(engine.worldCount(legs), 2, "worlds");
        assertEq(engine.assess(legs, 0, 0).value, before, "the mark stands");
        assertLt(before, engine.assess(legs, 0, 1).value, "a long option gains in the other");
        legs[0].instrument = _call(ETH, FAR, _strike(ETH, 2));
        assertEq(engine.worldCount(legs), 1, "of this underlying alone");
        vm.expectRevert(abi.encodeWithSelector(IRiskEngine.UnknownWorld.selector, 2, 2));
        engine.assess(legs, 0, 2);
    }

    function test_world_confirmedTenMinutesLater_isTheMark() public {
        ExpiryQuote[] memory q = _volScaled(1.2e18);
        _send(START + 60, q);
        _refuse(START + 600, q, abi.encodeWithSelector(IMarketFeeds.PendingTooYoung.selector, BTC, START + 60));
        _refuse(START + 660, _volScaled(0.9e18), abi.encodeWithSelector(IMarketFeeds.PendingDiffers.selector, BTC));
        int256 pending = engine.assess(_legs(), 0, 1).value;
        _send(START + 660, q);
        assertEq(engine.worldCount(_legs()), 1, "one again");
        assertClose(engine.assess(_legs(), 0, 0).value, pending, 2e6, "ten minutes of decay apart");
    }

    function test_world_unconfirmed_diesAfterThirtyMinutes() public {
        int256 mark = engine.assess(_legs(), 0, 0).value;
        _send(START + 60, _volScaled(1.2e18));
        vm.warp(START + 60 + 30 minutes - 1);
        assertEq(engine.worldCount(_legs()), 2, "alive");
        vm.warp(START + 60 + 30 minutes);
        assertEq(engine.worldCount(_legs()), 1, "dead");
        assertClose(engine.assess(_legs(), 0, 1).value, mark, 5e6, "its marks are gone");
        assertEq(engine.assess(_legs(), 0, 0).value, engine.assess(_legs(), 0, 1).value, "both are the mark");
    }

    function test_world_secondWithinSixHours_isRefused() public {
        ExpiryQuote[] memory q = _volScaled(1.2e18);
        _send(START + 60, q);
        bytes memory tooSoon = abi.encodeWithSelector(IMarketFeeds.PendingTooSoon.selector, BTC, START + 60);
        _refuse(START + 60 + 31 minutes, q, tooSoon);
        _refuse(START + 6 hours, q, tooSoon);
        _send(START + 60 + 6 hours, q);
        assertTrue(feeds.hasPendingWorld(BTC), "the next");
    }

    /// @dev What is pending pays nobody: funding stays that of the mark, and is that of the new mark from its confirmation on.
    function test_R1_pendingWorld_setsNoFundingRate() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[0].ratio = 1.04e18;
        _send(START + 60, q);
        assertTrue(feeds.hasPendingWorld(BTC), "pending");
        vm.warp(START + 660);
        assertEq(feeds.fundingIndex(BTC), 0, "the mark's premium is free");
        _send(START + 660, q);
        assertFalse(feeds.hasPendingWorld(BTC), "confirmed");
        assertEq(feeds.fundingIndex(BTC), 0, "and not for the time before");
        vm.warp(START + 660 + 1 hours);
        assertClose(feeds.fundingIndex(BTC), 7.5e18, 1e6, "the control: 0.1 % of 60,000 dollars in eight hours");
    }

    /// @dev A rate in force goes on while another world is pending, and ends with the mark that it came from.
    function test_R1_pendingWorld_leavesTheRateInForce() public {
        ExpiryQuote[] memory q = _quotes(BTC);
        q[0].ratio = 1.01e18;
        _send(START + 60, q);
        q[0].ratio = 0.96e18;
        _send(START + 120, q);
        assertTrue(feeds.hasPendingWorld(BTC), "pending");
        _send(START + 720, q);
        assertFalse(feeds.hasPendingWorld(BTC), "confirmed");
        int256 eleven = int256(60_000e18) / 1_000 / 8 hours * 11 minutes;
        assertClose(feeds.fundingIndex(BTC), eleven, 1e6, "longs paid to the confirmation");
        vm.warp(START + 720 + 11 minutes);
        assertClose(feeds.fundingIndex(BTC), 0, 2e6, "and have been paid since");
    }

    function test_R1_world_beyondTheShock_isRefused() public {
        bytes memory beyond = abi.encodeWithSelector(IMarketFeeds.BeyondShock.selector, BTC);
        _refuse(START + 60, _volScaled(1.36e18), beyond);
        _refuse(START + 60, _ratioScaled(1.097e18), beyond);
        _send(START + 60, _volScaled(1.34e18));
    }

    function test_world_markMayMoveWhileOneIsPending() public {
        _send(START + 60, _volScaled(1.2e18));
        _send(START + 120, _volScaled(1.05e18));
        assertTrue(feeds.hasPendingWorld(BTC), "it waits for its confirmation all the same");
        assertEq(uint256(feeds.quote(BTC, FAR).time), START + 120, "the mark is new");
    }

    /* R1: NEITHER LIQUIDATES NOR PAYS */

    /// @dev Alice is short options. A world in which she would be flagged is not the mark: SM is of the marks of each world.
    function test_R1_pendingWorld_leavesTheMarksOfTheFirst() public {
        _deposit(alice.account, 20_000e6);
        _deposit(bob.account, 1_000_000e6);
        _trade(bob, alice, _call(BTC, FAR, _strike(BTC, 2)), 1_000, 4_000e8);
        int256 before = lens.health(alice.account, engine.gridMask()).equity;
        _send(START + 60, _volScaled(1.34e18));
        assertClose(lens.health(alice.account, engine.gridMask()).equity, before, 2e6, "equity");
        int256 other =
            clearinghouse.netCash(alice.account) + engine.assess(clearinghouse.legsOf(alice.account), 0, 1).value;
        assertLt(other, before - 500e6, "positive control: the other world has another value");
    }

    /// @dev Confidence is read by the initial margin's add-ons alone.
    function test_R1_confidence_changesNothingThatLiquidates() public {
        IRiskEngine.Assessment memory before = engine.assess(_legs(), engine.gridMask(), 0);
        ExpiryQuote[] memory q = _quotes(BTC);
        for (uint256 i; i < q.length; ++i) {
            q[i].confidence = 1e18;
        }
        uint256 id = vm.snapshotState();
        _send(START + 60, q);
        IRiskEngine.Assessment memory after_ = engine.assess(_legs(), engine.gridMask(), 0);
        vm.revertToState(id);
        _send(START + 60, _quotes(BTC));
        before = engine.assess(_legs(), engine.gridMask(), 0);
        assertEq(keccak256(abi.encode(before)), keccak256(abi.encode(after_)), "the same");
    }

    /* HELPERS */

    function _legs() private pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = Leg(_call(BTC, FAR, _strike(BTC, 2)), 1_000);
    }

    /// @dev Every vol of the far expiry times `factor`: variance by its square.
    function _volScaled(uint256 factor) private view returns (ExpiryQuote[] memory q) {
        q = _quotes(BTC);
        int256 square = int256(factor * factor / 1e18);
        q[2].a = int64(int256(q[2].a) * square / 1e18);
        q[2].b = int64(int256(q[2].b) * square / 1e18);
    }

    function _ratioScaled(uint256 factor) private view returns (ExpiryQuote[] memory q) {
        q = _quotes(BTC);
        q[q.length - 1].ratio = uint64(uint256(q[q.length - 1].ratio) * factor / 1e18);
    }

    function _expectMark(ExpiryQuote[] memory q, bool accepted) private {
        uint256 id = vm.snapshotState();
        _send(START + 60, q);
        assertEq(feeds.quote(BTC, FAR).time == START + 60, accepted, "the mark");
        assertEq(feeds.hasPendingWorld(BTC), !accepted, "else pending");
        vm.revertToState(id);
    }

    function _send(uint256 when, ExpiryQuote[] memory q) private {
        vm.warp(when);
        feeds.updateSurface(BTC, uint64(when), q, _signed(uint64(when), q));
    }

    function _refuse(uint256 when, ExpiryQuote[] memory q, bytes memory error_) private {
        vm.warp(when);
        Signature[] memory s = _signed(uint64(when), q);
        vm.expectRevert(error_);
        feeds.updateSurface(BTC, uint64(when), q, s);
    }

    function _tryUpdate(ExpiryQuote[] memory q) private returns (bool) {
        vm.warp(time);
        Signature[] memory s = _signed(time, q);
        try feeds.updateSurface(BTC, time, q, s) {
            return true;
        } catch {
            return false;
        }
    }

    function _signed(uint64 when, ExpiryQuote[] memory q) private view returns (Signature[] memory) {
        return _signatures(feedKeys, FEED_THRESHOLD, feeds.updateDigest(BTC, when, q));
    }
}
