// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Timelock} from "../../src/Timelock.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IGuard} from "../../src/interfaces/IGuard.sol";
import {Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice R14: pauses within a budget, and never of what people need to save themselves; the timelock and who may cancel.
contract GuardTest is Fixture {
    IGuard.Switch private constant RISK = IGuard.Switch.NewRisk;
    IGuard.Switch private constant LEAVE = IGuard.Switch.Withdrawals;

    address private constant PROPOSER = address(0x9709);
    Timelock private timelock;

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 10_000_000e6);
        _deposit(bob.account, 10_000_000e6);
        _deposit(dealer.account, 1_000_000_000e6);
    }

    /* BUDGET */

    function test_pause_endsByItself_andSpendsTheBudget() public {
        _pause(LEAVE, 36 hours);
        assertTrue(guard.isPaused(LEAVE), "paused");
        assertFalse(guard.isPaused(RISK), "the other is not");
        assertEq(guard.pauseRoom(LEAVE), 0, "spent");
        assertEq(guard.pauseRoom(RISK), 36 hours, "each has its own");
        vm.warp(block.timestamp + 36 hours - 1);
        assertTrue(guard.isPaused(LEAVE), "until the end");
        vm.warp(block.timestamp + 1);
        assertFalse(guard.isPaused(LEAVE), "over");
        // 36 hours of 30 days have drained 1.8 hours of the bucket.
        assertEq(guard.pauseRoom(LEAVE), 6_480, "what came back");
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IGuard.PauseBudgetSpent.selector, LEAVE, 6_481, 6_480));
        guard.pause(LEAVE, 6_481);
        _pause(LEAVE, 6_480);
    }

    function test_pause_refusals_besideAnAcceptedOne() public {
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IGuard.NotGuardian.selector, mallory.owner));
        guard.pause(RISK, 1);
        vm.startPrank(guardian);
        vm.expectRevert(abi.encodeWithSelector(IGuard.PauseBudgetSpent.selector, RISK, 36 hours + 1, 36 hours));
        guard.pause(RISK, 36 hours + 1);
        vm.expectPartialRevert(IGuard.PauseBudgetSpent.selector);
        guard.pause(RISK, type(uint256).max);
        vm.expectPartialRevert(IGuard.PauseNotLonger.selector);
        guard.pause(RISK, 0);
        guard.pause(RISK, 2 hours);
        vm.expectPartialRevert(IGuard.PauseNotLonger.selector);
        guard.pause(RISK, 2 hours);
        // Prolonging costs what is added.
        guard.pause(RISK, 3 hours);
        vm.stopPrank();
        assertEq(guard.pauseRoom(RISK), 33 hours, "three hours spent");
    }

    function test_unpause_refundsWhatIsLeft() public {
        vm.expectRevert(abi.encodeWithSelector(IGuard.NotPaused.selector, RISK));
        guard.unpause(RISK);
        _pause(RISK, 36 hours);
        vm.warp(block.timestamp + 1 hours);
        vm.prank(guardian);
        guard.unpause(RISK);
        assertFalse(guard.isPaused(RISK), "open");
        assertLe(35 hours, guard.pauseRoom(RISK), "an hour was used");
        vm.prank(mallory.owner);
        vm.expectPartialRevert(IGuard.NotGuardian.selector);
        guard.unpause(RISK);
    }

    /// @dev G1: the greediest guardian, whatever it does and whenever, pauses at most 72 hours of any 30 days.
    /// forge-config: default.fuzz.runs = 16
    function testFuzz_R14_1_pause_worstGuardian_atMost72HoursIn30Days(uint256 seed) public {
        uint256[] memory pausedHours = new uint256[](60 * 24);
        vm.startPrank(guardian);
        for (uint256 hour; hour < pausedHours.length; ++hour) {
            uint256 word = uint256(keccak256(abi.encode(seed, hour)));
            uint256 room = guard.pauseRoom(LEAVE);
            if (word % 3 != 0 && room != 0) try guard.pause(LEAVE, bound(word >> 8, 1, room)) {} catch {}
            if (word % 7 == 0 && guard.isPaused(LEAVE)) guard.unpause(LEAVE);
            uint256 until = guard.pausedUntil(LEAVE);
            uint256 now_ = vm.getBlockTimestamp();
            if (until > now_) pausedHours[hour] = until - now_ < 1 hours ? until - now_ : 1 hours;
            vm.warp(now_ + 1 hours);
        }
        vm.stopPrank();
        uint256 sum;
        for (uint256 hour; hour < pausedHours.length; ++hour) {
            sum += pausedHours[hour];
            if (hour >= 30 * 24) sum -= pausedHours[hour - 30 * 24];
            assertLe(sum, 72 hours, "72 hours of 30 days");
        }
    }

    /* WHAT STOPS, WHAT DOES NOT */

    function test_R14_2_pausedRisk_onlyReducing() public {
        uint128 id = _perpetual(BTC);
        _trade(alice, bob, id, 100, BTC_SPOT);
        _pause(RISK, 1 hours);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.CloseOnly.selector, bob.account, id));
        this.trade(alice, bob, id, 1);
        // Both have to reduce, and none may turn around.
        vm.expectPartialRevert(IClearinghouse.CloseOnly.selector);
        this.trade(bob, dealer, id, 1);
        vm.expectPartialRevert(IClearinghouse.CloseOnly.selector);
        this.trade(bob, alice, id, 101);
        _trade(bob, alice, id, 60, BTC_SPOT);
        assertEq(int256(_lots(alice.account, id)), 40, "reduced");
        // Withdrawing is another switch.
        _withdraw(alice, 1e6, _noClaim());
        vm.warp(block.timestamp + 1 hours);
        _publish();
        _trade(alice, bob, id, 1, BTC_SPOT);
    }

    function test_R14_3_pausedWithdrawals_nothingLeaves() public {
        _depositSpot(alice, BTC, 10);
        _deposit(carol.account, 3_000_000_000e6);
        _withdraw(carol, 2_000_000_000e6, _noClaim());
        vm.warp(block.timestamp + 24 hours);
        _publishSpots();
        _pause(LEAVE, 1 hours);
        bytes memory refused =
            abi.encodeWithSelector(IGuard.IsPaused.selector, LEAVE, uint64(block.timestamp + 1 hours));
        vm.expectRevert(refused);
        treasury.payClaim(0);
        vm.startPrank(alice.owner);
        vm.expectRevert(refused);
        clearinghouse.withdraw(alice.account, 1e6, alice.owner, _noClaim());
        vm.expectRevert(refused);
        clearinghouse.withdrawSpot(alice.account, BTC, 1, alice.owner);
        vm.stopPrank();
        // New risk is another switch; and it ends by itself.
        _trade(alice, bob, _perpetual(BTC), 1, BTC_SPOT);
        vm.warp(block.timestamp + 1 hours);
        _publishSpots();
        treasury.payClaim(0);
        _withdraw(alice, 1e6, _noClaim());
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 1, alice.owner);
    }

    /// @dev Deposits, flags, bids, cures, reducing trades and settlement go on with everything paused.
    function test_R14_4_everythingPaused_savingOneselfAndSettlementGoOn() public {
        uint128 option = _call(BTC, NEAR, _strike(BTC, 2));
        _tradeAtMark(bob, dealer, option, 10);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _advance(60, 50_000e8, ETH_SPOT);
        vm.startPrank(guardian);
        guard.pause(RISK, 36 hours);
        guard.pause(LEAVE, 36 hours);
        vm.stopPrank();
        _flagAndWait(carol.account, FALL);
        _deposit(liquidator.account, 1_000_000e6);
        _bid(liquidator, carol.account, 0.2e18);
        _trade(dealer, carol, _perpetual(BTC), 10, engine.markOf(_perpetual(BTC)));
        _deposit(carol.account, 1_000_000e6);
        auction.cure(carol.account);
        assertFalse(clearinghouse.accountState(carol.account).locked, "cured");
        vm.warp(NEAR + 1);
        _pause(LEAVE, 1 hours);
        _pause(RISK, 1 hours);
        _fixAt(BTC, NEAR, 63_000e8);
        assertEq(clearinghouse.settle(bob.account), 1, "settled");
    }

    /* TIMELOCK */

    function test_timelock_ownsAfterTwoSteps_andWaits() public {
        _handOver();
        assertEq(guard.owner(), address(timelock), "guard");
        assertEq(feeds.owner(), address(timelock), "feeds");
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        guard.setGuardian(bob.owner);
        bytes memory data = abi.encodeCall(IGuard.setGuardian, (bob.owner));
        vm.prank(mallory.owner);
        vm.expectRevert();
        timelock.schedule(address(guard), 0, data, 0, 0, 7 days);
        vm.startPrank(PROPOSER);
        vm.expectRevert(
            abi.encodeWithSelector(TimelockController.TimelockInsufficientDelay.selector, 7 days - 1, 7 days)
        );
        timelock.schedule(address(guard), 0, data, 0, 0, 7 days - 1);
        timelock.schedule(address(guard), 0, data, 0, 0, 7 days);
        vm.stopPrank();
        vm.warp(block.timestamp + 7 days - 1);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        timelock.execute(address(guard), 0, data, 0, 0);
        vm.warp(block.timestamp + 1);
        // Anybody executes: nobody can sit on an operation.
        vm.prank(mallory.owner);
        timelock.execute(address(guard), 0, data, 0, 0);
        assertEq(guard.guardian(), bob.owner, "replaced");
    }

    /// @dev T1: even the timelock's own vote cannot bring its delay below the bound, or above.
    function test_timelock_delayStaysInItsBounds() public {
        vm.expectRevert(abi.encodeWithSelector(Timelock.DelayOutOfBounds.selector, 5 days - 1, 5 days, 30 days));
        this.createTimelock(5 days - 1);
        vm.expectRevert(abi.encodeWithSelector(Timelock.DelayOutOfBounds.selector, 30 days + 1, 5 days, 30 days));
        this.createTimelock(30 days + 1);
        this.createTimelock(30 days);
        _handOver();
        vm.expectPartialRevert(TimelockController.TimelockUnauthorizedCaller.selector);
        timelock.updateDelay(0);
        vm.prank(address(timelock));
        timelock.updateDelay(0);
        assertEq(timelock.getMinDelay(), 5 days, "least");
        vm.prank(address(timelock));
        timelock.updateDelay(365 days);
        assertEq(timelock.getMinDelay(), 30 days, "most");
        vm.prank(address(timelock));
        timelock.updateDelay(6 days);
        assertEq(timelock.getMinDelay(), 6 days, "between");
    }

    function test_guardian_cancelsAnythingButItsOwnReplacement() public {
        _handOver();
        bytes memory limit = abi.encodeCall(oracle.setDiscountPerDay, (1));
        bytes memory replace = abi.encodeCall(IGuard.setGuardian, (bob.owner));
        vm.startPrank(PROPOSER);
        timelock.schedule(address(oracle), 0, limit, 0, 0, 7 days);
        timelock.schedule(address(guard), 0, replace, 0, 0, 7 days);
        vm.stopPrank();
        vm.prank(mallory.owner);
        vm.expectPartialRevert(IGuard.NotGuardian.selector);
        guard.cancel(address(oracle), 0, limit, 0, 0);
        vm.prank(guardian);
        guard.cancel(address(oracle), 0, limit, 0, 0);
        vm.prank(guardian);
        vm.expectRevert(IGuard.ReplacesGuardian.selector);
        guard.cancel(address(guard), 0, replace, 0, 0);
        vm.warp(block.timestamp + 7 days);
        vm.expectPartialRevert(TimelockController.TimelockUnexpectedOperationState.selector);
        timelock.execute(address(oracle), 0, limit, 0, 0);
        timelock.execute(address(guard), 0, replace, 0, 0);
        assertEq(guard.guardian(), bob.owner, "replaced against its will");
    }

    function test_guardian_cancelsABatch() public {
        _handOver();
        address[] memory targets = new address[](2);
        uint256[] memory values = new uint256[](2);
        bytes[] memory payloads = new bytes[](2);
        (targets[0], targets[1]) = (address(oracle), address(oracle));
        payloads[0] = abi.encodeCall(oracle.setDiscountPerDay, (1));
        payloads[1] = abi.encodeCall(oracle.setDiscountPerDay, (2));
        vm.prank(PROPOSER);
        timelock.scheduleBatch(targets, values, payloads, 0, 0, 7 days);
        vm.prank(mallory.owner);
        vm.expectPartialRevert(IGuard.NotGuardian.selector);
        guard.cancelBatch(targets, values, payloads, 0, 0);
        vm.prank(guardian);
        guard.cancelBatch(targets, values, payloads, 0, 0);
        assertFalse(timelock.isOperation(timelock.hashOperationBatch(targets, values, payloads, 0, 0)), "gone");
    }

    function test_setGuardian_isTheOwners() public {
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        vm.prank(guardian);
        guard.setGuardian(mallory.owner);
        vm.expectEmit(address(guard));
        emit IGuard.GuardianChanged(guardian, bob.owner);
        guard.setGuardian(bob.owner);
        assertEq(guard.guardian(), bob.owner, "guardian");
        assertFalse(guard.isGuardian(guardian), "no longer");
        assertTrue(guard.isGuardian(address(this)), "the owner always");
    }

    /* HELPERS */

    function trade(Actor memory buyer, Actor memory seller, uint128 id, uint64 lots) external {
        _trade(buyer, seller, id, lots, BTC_SPOT);
    }

    function _pause(IGuard.Switch what, uint256 duration) private {
        vm.prank(guardian);
        guard.pause(what, duration);
    }

    function _publishSpots() private {
        _postSpot(BTC, BTC_SPOT);
        _postSpot(ETH, ETH_SPOT);
        _publish();
    }

    function _handOver() private {
        address[] memory proposers = new address[](1);
        proposers[0] = PROPOSER;
        timelock = new Timelock(7 days, proposers, address(guard));
        Ownable2Step[] memory all = new Ownable2Step[](6);
        (all[0], all[1], all[2]) = (guard, spots, feeds);
        (all[3], all[4], all[5]) = (oracle, clearinghouse, windDown);
        for (uint256 i; i < all.length; ++i) {
            all[i].transferOwnership(address(timelock));
        }
        timelock.accept(all);
    }

    /// @dev One call down: `new` is a cheatcode here, and a refusal expected of it in the test's own frame would end the test there.
    function createTimelock(uint256 delay) external {
        new Timelock(delay, new address[](1), address(guard));
    }
}
