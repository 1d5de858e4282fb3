// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Funding of perpetuals. A rate of 0.1 % of 57,600 dollars in eight hours is 7.2 dollars a unit and hour.
contract FundingTest is Fixture {
    int256 private constant MOST_AN_HOUR = 7.2e6;
    uint64 private constant SPOT_57600 = 57_600e8;

    function setUp() public override {
        super.setUp();
        _advance(60, SPOT_57600, ETH_SPOT);
    }

    function test_fundingIndex_premiumInsideWhatIsFree_isZero() public {
        perpetualRatio = 1.0005e18;
        _advance(60, SPOT_57600, ETH_SPOT);
        vm.warp(block.timestamp + 1 hours);
        assertEq(feeds.fundingIndex(BTC), 0, "none");
    }

    function test_fundingIndex_premiumBeyond_isPaidOverEightHours() public {
        // 0.1 % less the 0.05 % that is free.
        assertEq(_indexAfterAnHourAt(1.001e18), 3.6e18, "above spot longs pay");
        assertEq(_indexAfterAnHourAt(0.999e18), 0, "below spot shorts pay as much back");
    }

    function test_fundingIndex_largePremium_isClamped() public {
        assertEq(_indexAfterAnHourAt(1.0015e18), 7.2e18, "at the clamp");
        assertEq(_indexAfterAnHourAt(1.5e18), 14.4e18, "and beyond it");
    }

    function test_fundingIndex_staleQuote_accruesForItsLifeOnly() public {
        perpetualRatio = 1.01e18;
        _advance(60, SPOT_57600, ETH_SPOT);
        vm.warp(block.timestamp + 2 hours);
        int256 dead = feeds.fundingIndex(BTC);
        vm.warp(block.timestamp + 30 days);
        assertEq(feeds.fundingIndex(BTC), dead, "silence costs nobody anything");
        assertEq(dead, 14.4e18, "two hours");
    }

    /// @dev The rate in force is the last quote's, whatever is published, poked or read in between.
    function testFuzz_fundingIndex_doesNotDependOnPokes(uint256 seed) public {
        perpetualRatio = 1.01e18;
        _advance(60, SPOT_57600, ETH_SPOT);
        uint256 from = block.timestamp;
        int256 before = feeds.fundingIndex(BTC);
        for (uint256 i; i < 5; ++i) {
            vm.warp(vm.getBlockTimestamp() + 1 + uint256(keccak256(abi.encode(seed, i))) % 1_000);
            _postSpot(BTC, SPOT_57600 + i * 1_000e8);
            spots.poke(BTC);
            clearinghouse.settle(alice.account);
        }
        int256 each = int256(57_600e18) / 1_000 / 8 hours;
        assertEq(feeds.fundingIndex(BTC) - before, each * int256(vm.getBlockTimestamp() - from), "time alone");
    }

    function test_equity_longPays_shortReceives_beforeAndAfterClosing() public {
        _openOneUnit();
        (int256 long, int256 short) = (_equity(alice.account), _equity(bob.account));
        _hourOfMost();
        assertEq(_equity(alice.account), long - MOST_AN_HOUR, "long");
        assertEq(_equity(bob.account), short + MOST_AN_HOUR, "short");
        int256 cash = _cash(alice.account);
        _trade(bob, alice, _perpetual(BTC), 400, SPOT_57600);
        assertEq(_cash(alice.account), cash - MOST_AN_HOUR * 4 / 10, "realised on what is closed");
        _trade(bob, alice, _perpetual(BTC), 600, SPOT_57600);
        // Reserves are free again.
        assertEq(_cash(alice.account), 100_000e6 - MOST_AN_HOUR, "long");
        assertEq(_cash(bob.account), 100_000e6 + MOST_AN_HOUR, "short");
    }

    function test_positionsOf_costHoldsTheFundingOwed() public {
        _openOneUnit();
        int256 cost = clearinghouse.positionsOf(alice.account)[0].cost;
        assertEq(cost, 57_600e6, "entry value");
        _hourOfMost();
        IClearinghouse.Position memory p = clearinghouse.positionsOf(alice.account)[0];
        assertEq(p.cost, cost + MOST_AN_HOUR, "with funding");
        assertEq(clearinghouse.netCash(alice.account), _cash(alice.account) - p.cost, "as net cash has it");
    }

    function test_lateEntrant_owesNothingOfBefore() public {
        _openOneUnit();
        _hourOfMost();
        _deposit(carol.account, 100_000e6);
        _trade(carol, bob, _perpetual(BTC), 500, SPOT_57600);
        assertEq(clearinghouse.netCash(carol.account), 100_000e6 - 50e6 - 28_800e6, "entered at the price");
    }

    function test_flag_fundingIsInEquity() public {
        _deposit(alice.account, 11_300e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _perpetual(BTC), 1_000, SPOT_57600);
        uint256 required = _health(alice.account).maintenance;
        int256 equity = _equity(alice.account);
        perpetualRatio = 1.01e18;
        uint256 hours_ = uint256(equity - int256(required)) / uint256(MOST_AN_HOUR) + 2;
        for (uint256 i; i < hours_; ++i) {
            _advance(1 hours, SPOT_57600, ETH_SPOT);
        }
        perpetualRatio = 1.0002e18;
        _advance(60, SPOT_57600, ETH_SPOT);
        // The first hour was at no rate, the last minute at the old one.
        assertEq(_equity(alice.account), equity - MOST_AN_HOUR * int256(hours_ - 1) - MOST_AN_HOUR / 60, "paid");
        _flag(alice.account, _health(alice.account).worstScenario);
    }

    /// @dev Nobody gains what nobody loses: realised over any number of partial closings, to the unit.
    function testFuzz_funding_isConserved(uint256 seed) public {
        _deposit(alice.account, 100_000e6);
        _deposit(bob.account, 100_000e6);
        uint64 lots = uint64(seed % 1_000 + 1);
        _trade(alice, bob, _perpetual(BTC), lots, SPOT_57600 + 1);
        uint64 open = lots;
        for (uint256 i; open != 0; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            perpetualRatio = uint64(0.99e18 + word % 0.02e18);
            _advance(60 + (word >> 64) % 5_000, SPOT_57600 + (word >> 128) % 7, ETH_SPOT);
            int256 sum = clearinghouse.netCash(alice.account) + clearinghouse.netCash(bob.account) + int256(2 * RESERVE);
            assertLe(sum, 200_000e6, "nothing is created");
            assertLe(200_000e6 - sum, 2, "less than a unit a leg");
            uint64 closing = i > 6 ? open : uint64((word >> 192) % open + 1);
            _trade(bob, alice, _perpetual(BTC), closing, SPOT_57600 + 3);
            open -= closing;
        }
        assertEq(_cash(alice.account) + _cash(bob.account), 200_000e6, "to the unit");
    }

    function _openOneUnit() private {
        _deposit(alice.account, 100_000e6);
        _deposit(bob.account, 100_000e6);
        _trade(alice, bob, _perpetual(BTC), 1_000, SPOT_57600);
    }

    /// @dev One hour at the clamp, then at the old mark and no rate.
    function _hourOfMost() private {
        perpetualRatio = 1.01e18;
        _advance(60, SPOT_57600, ETH_SPOT);
        perpetualRatio = 1.0002e18;
        _advance(1 hours, SPOT_57600, ETH_SPOT);
    }

    function _indexAfterAnHourAt(uint64 ratio) private returns (int256) {
        perpetualRatio = ratio;
        _advance(60, SPOT_57600, ETH_SPOT);
        perpetualRatio = 1.0002e18;
        _advance(1 hours, SPOT_57600, ETH_SPOT);
        return feeds.fundingIndex(BTC);
    }
}
