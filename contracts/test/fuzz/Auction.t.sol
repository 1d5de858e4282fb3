// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice What a buyer can gain and an owner can lose in the auction, over random books, times and fractions.
contract AuctionFuzzTest is RandomBooks {
    /// @dev A mark is rounded to 1e-8 USD and each leg's notional to the unit.
    uint256 private constant ROUNDING = 14;
    /// @dev Of the first buyer, at no base fee.
    int256 private constant BONUS = 10e6;

    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 1_000_000_000_000e6);
        _deposit(liquidator.account, 1_000_000_000e6);
        _insure(1_000_000_000e6);
    }

    /// @dev Gain over marks = sold share of (equity - line): never more than the equity, never less than -2 % of it.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_R11_2_buyersGain_isTheLinesDiscount(uint256 seed, uint256 fraction, uint256 elapsed) public {
        _flaggedBook(seed);
        vm.warp(block.timestamp + elapsed % 45 minutes);
        int256 equity = _equity(alice.account);
        int256 line = auction.line(alice.account, equity);
        int256 before = _equity(liquidator.account);
        uint256 sold = _bid(liquidator, alice.account, bound(fraction, 1, 1e18));
        int256 locked = int256(uint256(clearinghouse.accountState(liquidator.account).reserve));
        int256 gain = _equity(liquidator.account) + locked - BONUS - before;
        assertClose(gain, (equity - line) * int256(sold) / 1e18, ROUNDING, "share of equity less share of the line");
        if (equity > 0) {
            assertLe(gain, equity + int256(ROUNDING), "never more than the equity");
            assertLe(-gain, equity / 50 + int256(ROUNDING), "and pays at most 2 % over it");
        } else {
            assertLe(gain, int256(ROUNDING), "nothing to gain below zero");
        }
    }

    /// @dev A buyer who asks for everything while the line is positive leaves the account healthy at maintenance level.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_bid_wholeWanted_restoresHealth(uint256 seed, uint256 elapsed) public {
        _flaggedBook(seed);
        vm.warp(block.timestamp + elapsed % 29 minutes);
        int256 equity = _equity(alice.account);
        _bid(liquidator, alice.account, 1e18);
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        if (legs.length == 0) {
            if (_cash(alice.account) < 0) auction.takeDeficit(alice.account);
            assertTrue(_cash(alice.account) >= 0, "covered");
            return;
        }
        assertTrue(equity > 0, "below zero everything goes");
        IRiskEngine.Assessment memory a = engine.assess(legs, engine.gridMask(), 0);
        assertLe(int256(engine.maintenanceMargin(a)), _equity(alice.account), "healthy");
    }

    /// @dev The least margin that a bid accepts, to the unit, keeps the buyer from being flagged in the same market.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_R11_4_buyerAtHisLeastMargin_isHealthy(uint256 seed, uint256 fraction) public {
        _flaggedBook(seed);
        fraction = bound(fraction, 1, 1e18);
        Actor memory poor = liquidator;
        poor.account = _account(liquidator.owner, 99);
        try this.bidAs(poor, fraction) {
        // The discount alone pays for the margin.
        }
        catch (bytes memory reason) {
            assertTrue(bytes4(reason) == IClearinghouse.InsufficientMargin.selector, "only margin is missing");
            (int256 equity, int256 required) = _numbers(reason);
            uint256 missing = uint256(required - equity);
            if (missing > 1) {
                _deposit(poor.account, missing - 1);
                vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
                this.bidAs(poor, fraction);
            }
            _deposit(poor.account, 1);
            this.bidAs(poor, fraction);
        }
        IRiskEngine.Assessment memory a = engine.assess(clearinghouse.legsOf(poor.account), engine.gridMask(), 0);
        assertLe(int256(engine.maintenanceMargin(a)), _equity(poor.account), "healthy");
    }

    function bidAs(Actor memory buyer, uint256 fraction) external {
        _bid(buyer, alice.account, fraction);
    }

    /// @dev Equity and requirement out of InsufficientMargin(account, equity, required).
    function _numbers(bytes memory reason) private pure returns (int256 equity, int256 required) {
        assembly ("memory-safe") {
            equity := mload(add(reason, 0x44))
            required := mload(add(reason, 0x64))
        }
    }

    /// @dev Alice at her least initial margin with a random book, then a market in which she can be flagged; skipped where
    /// the market was kind to her.
    function _flaggedBook(uint256 seed) private {
        _deposit(alice.account, 100_000_000e6);
        _randomBook(alice, seed, 8);
        uint256 keep = _health(alice.account).gridInitial;
        int256 free = _equity(alice.account) - int256(keep);
        if (free > _cash(alice.account)) free = _cash(alice.account);
        if (free > 0) try this.takeOut(uint256(free)) {} catch {}
        for (uint256 i; i < 6; ++i) {
            uint256 word = _word(seed, 100 + i);
            _advance(60, BTC_SPOT * (80 + word % 41) / 100, ETH_SPOT * (80 + (word >> 16) % 41) / 100);
            try this.flagWorst() {
                return;
            } catch {}
        }
        vm.assume(false);
    }

    function takeOut(uint256 amount) external {
        _withdraw(alice, amount, _noClaim());
    }

    function flagWorst() external {
        _flagAndWait(alice.account, _health(alice.account).worstScenario);
    }
}
