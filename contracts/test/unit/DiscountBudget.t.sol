// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {DiscountBudget} from "../../src/libraries/DiscountBudget.sol";
import {MarginClaim, MarginRequest} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice The bucket alone: random accounts, amounts and times.
contract DiscountBudgetLibraryTest is Fixture {
    using DiscountBudget for DiscountBudget.Budget;

    DiscountBudget.Budget private budget;
    uint256[] private times;
    uint256[] private charged;
    mapping(bytes32 account => uint256) private chargedOf;

    /// forge-config: default.fuzz.runs = 256
    function testFuzz_B1_B2_chargesOfAny24Hours_stayWithinTheBudget(uint256 seed) public {
        uint128 perDay = uint128(1e6 + seed % 1e12);
        budget.resize(perDay);
        for (uint256 i; i < 60; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            vm.warp(block.timestamp + (word % 3 == 0 ? word % 1 days : word % 600));
            bytes32 account = bytes32((word >> 32) % 5);
            uint256 discount = (word >> 64) % perDay;
            uint256 before = budget.level();
            uint40 voidSince = word >> 250 == 0 ? uint40(block.timestamp) : 0;
            DiscountBudget.Peak memory peak = budget.recent(account, voidSince);
            uint256 known = peak.today > peak.yesterday ? peak.today : peak.yesterday;
            bool granted = budget.take(account, discount, voidSince);
            uint256 increase = discount > known ? discount - known : 0;
            if (granted) {
                assertEq(budget.level(), before + increase, "charged the increase");
                times.push(block.timestamp);
                charged.push(increase);
                chargedOf[account] += increase;
                assertLe(discount, chargedOf[account], "B2: lives on what was charged");
            } else {
                assertLt(perDay / 2, before + increase, "refused only for want of room");
                assertEq(budget.level(), before, "refused and not charged");
            }
        }
        for (uint256 i; i < times.length; ++i) {
            uint256 sum;
            for (uint256 j = i; j < times.length && times[j] < times[i] + 1 days; ++j) {
                sum += charged[j];
            }
            assertLe(sum, perDay, "B1");
        }
    }

    function test_take_peakOfTodayAndYesterday_costsNothingMore() public {
        budget.resize(1_000);
        bytes32 account = bytes32("a");
        vm.warp(START / 1 days * 1 days + 30 days);
        assertTrue(budget.take(account, 400, 0), "new");
        assertEq(budget.level(), 400, "charged");
        assertTrue(budget.take(account, 100, 0), "less");
        assertTrue(budget.take(account, 400, 0), "back");
        assertEq(budget.level(), 400, "nothing more");
        vm.warp(block.timestamp + 2 days - 1);
        assertEq(budget.level(), 0, "leaked");
        assertTrue(budget.take(account, 400, 0), "yesterday's peak");
        assertEq(budget.level(), 0, "standing discount is renewed by use");
        vm.warp(block.timestamp + 2 days);
        assertTrue(budget.take(account, 400, 0), "peak forgotten");
        assertEq(budget.level(), 400, "charged anew");
        // An account that was bid on begins anew.
        assertTrue(budget.take(account, 50, uint40(block.timestamp)), "after a bid");
        assertEq(budget.level(), 450, "charged again");
        assertFalse(budget.take(account, type(uint256).max, 0), "beyond 104 bits");
    }
}

/// @notice The budget in the oracle: out of it the grid decides, and nothing stops.
contract DiscountBudgetTest is Fixture {
    uint256 private constant ASK = 1e6;

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 100_000_000e6);
        _strangle(alice);
        _strangle(bob);
    }

    function test_R5_outOfBudget_gridDecidesInsteadOfARevert() public {
        uint256 grid = _grid(alice);
        MarginClaim memory claim = _attestedClaim(alice.account, 0, 0);
        uint256 standard = lens.health(alice.account, 0).standardInitial;
        uint256 discount = standard - grid + ASK;
        oracle.setDiscountPerDay(uint128(2 * discount));
        // Positive control: within it the leaf counts.
        uint256 snapshot = vm.snapshotState();
        _withdraw(alice, uint256(_equity(alice.account)) - grid + ASK, claim);
        (, uint256 level) = oracle.discountBudget();
        assertEq(level, discount, "charged what equity lacks to SM");
        assertEq(oracle.discountPeak(alice.account), discount, "and remembered");
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, 1, claim);
        assertTrue(vm.revertToState(snapshot), "revert");
        oracle.setDiscountPerDay(uint128(2 * discount - 2));
        uint256 free = uint256(_equity(alice.account)) - grid;
        vm.expectRevert(
            abi.encodeWithSelector(IClearinghouse.InsufficientMargin.selector, alice.account, int256(grid - ASK), grid)
        );
        _withdraw(alice, free + ASK, claim);
        _withdraw(alice, free, claim);
        (, level) = oracle.discountBudget();
        assertLe(level, discount, "the grid's discount is not the leaves'");
    }

    function test_budget_leaksInADay_andStandingAccountsPayNothing() public {
        uint256 grid = _grid(alice);
        MarginClaim memory claim = _attestedClaim(alice.account, 0, 0);
        _withdraw(alice, uint256(_equity(alice.account)) - grid + ASK, claim);
        (, uint256 level) = oracle.discountBudget();
        // The same discount again, in the next epoch: charged only for the increase.
        claim = _attestedClaim(alice.account, 0, 0);
        _withdraw(alice, ASK, claim);
        (, uint256 after_) = oracle.discountBudget();
        assertEq(after_, level + ASK, "the increase");
        _advance(12 hours, BTC_SPOT, ETH_SPOT);
        (uint128 perDay, uint256 leaked) = oracle.discountBudget();
        uint256 expected = uint256(perDay) / 2 * 12 hours / 1 days;
        assertEq(leaked, after_ > expected ? after_ - expected : 0, "half the capacity in half a day");
    }

    function test_setDiscountPerDay_ownerWithinTheMaximum() public {
        vm.prank(guardian);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        oracle.setDiscountPerDay(1);
        uint128 most = oracle.maxDiscountPerDay();
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.DiscountAboveMaximum.selector, most + 1, most));
        oracle.setDiscountPerDay(most + 1);
        oracle.setDiscountPerDay(most);
        vm.expectEmit(address(oracle));
        emit IMarginOracle.DiscountPerDayChanged(most, 0);
        oracle.setDiscountPerDay(0);
        // Without any budget leaves give nothing, and the grid still does.
        MarginClaim memory claim = _attestedClaim(alice.account, 0, 0);
        _withdraw(alice, uint256(_equity(alice.account)) - _grid(alice), claim);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, 1, claim);
    }

    function test_useInitialMargin_anybodyButTheClearinghouse_reverts() public {
        MarginRequest memory request = MarginRequest(alice.account, 2, 0, 0, clearinghouse.legsOf(alice.account));
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.NotClearinghouse.selector, address(this)));
        oracle.useInitialMargin(request, _noClaim());
        _useMargin(request, _noClaim());
    }

    /* R5 */

    /// @dev All margin keys are stolen: they sign zero for the thief's many sub-accounts. What equity lacks to standard
    /// margin by leaves, over all of them, stays within the budget of 24 hours, in whatever order, size and repetition.
    /// forge-config: default.fuzz.runs = 12
    function testFuzz_R5_stolenQuorum_discountOf24HoursStaysWithinTheBudget(uint256 seed) public {
        uint128 perDay = uint128(20_000e6 + seed % 60_000e6);
        oracle.setDiscountPerDay(perDay);
        uint256 end = block.timestamp + 20 hours;
        Actor[4] memory thieves = [alice, bob, carol, mallory];
        _strangle(carol);
        _strangle(mallory);
        for (uint256 i; i < 10 && block.timestamp < end; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            _advance(60 + word % 2 hours, BTC_SPOT, ETH_SPOT);
            Actor memory thief = thieves[(word >> 32) % 4];
            MarginClaim memory claim = _attestedClaim(thief.account, 0, 0);
            uint256 equity = uint256(_equity(thief.account));
            uint256 ask = 1 + (word >> 64) % equity;
            try this.take(thief, ask, claim) {} catch {}
        }
        // What leaves gave: below standard margin and below what the grid gives anyway.
        uint256 given;
        for (uint256 i; i < 4; ++i) {
            uint256 grid = _grid(thieves[i]);
            int256 lacking = int256(lens.health(thieves[i].account, 0).standardInitial) - _equity(thieves[i].account);
            if (_equity(thieves[i].account) < int256(grid)) given += uint256(lacking);
        }
        assertLe(given, perDay, "within the budget");
    }

    function take(Actor memory who, uint256 amount, MarginClaim memory claim) external {
        _withdraw(who, amount, claim);
    }

    /* HELPERS */

    function _strangle(Actor memory who) private {
        _deposit(who.account, 100_000e6);
        _tradeAtMark(dealer, who, _call(BTC, FAR, _strike(BTC, 4)), 1_000);
        _tradeAtMark(dealer, who, _put(BTC, FAR, _strike(BTC, 0)), 1_000);
    }

    function _grid(Actor memory who) private view returns (uint256) {
        return _health(who.account).gridInitial;
    }
}
