// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Outflow, claims and shared losses, with accounts that hold cash alone.
contract TreasuryTest is Fixture {
    uint256 private constant MINIMUM = 1_000_000e6;
    bytes32 private constant LOSER = bytes32("loser");

    function _loss(bytes32 account, uint256 loss) private {
        vm.prank(address(auction));
        treasury.reportLoss(account, loss);
    }

    function _payClaim(uint256 claim) private returns (uint256) {
        vm.prank(mallory.owner); // anybody
        return treasury.payClaim(claim);
    }

    /* WHO MAY */

    function test_entryPoints_ofOthers_revert() public {
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NotClearinghouse.selector, address(this)));
        treasury.collect(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NotClearinghouse.selector, address(this)));
        treasury.pay(address(this), 1);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NotClearinghouse.selector, address(this)));
        treasury.connect(address(this));
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NotAuction.selector, address(this)));
        treasury.reportLoss(LOSER, 1);
    }

    function test_donation_countsForNothing() public {
        _deposit(alice.account, 10e6);
        usdc.mint(address(treasury), 90e6);
        _loss(LOSER, 10e6);
        assertEq(uint256(treasury.assets()), 10e6, "assets");
        assertEq(treasury.solvency(), 0.5e18, "solvency");
    }

    /* OUTFLOW */

    function test_withdraw_withinTheLimit_isPaidAtOnce() public {
        _deposit(alice.account, 30_000_000e6);
        assertEq(treasury.outflowRoom(), 3_000_000e6, "a tenth");
        _withdraw(alice, 3_000_000e6, _noClaim());
        assertEq(usdc.balanceOf(alice.owner), 3_000_000e6, "paid");
        assertEq(treasury.claimCount(), 0, "no claim");
    }

    function test_withdraw_overTheLimit_restWaitsADayThenAnybodyPays() public {
        _deposit(alice.account, 30_000_000e6);
        uint64 ready = uint64(block.timestamp + 24 hours);
        vm.expectEmit(address(treasury));
        emit ITreasury.ClaimOpened(0, alice.owner, 30_000_000e6, 3_000_000e6, ready);
        _withdraw(alice, 30_000_000e6, _noClaim());
        vm.warp(ready - 1);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.ClaimNotReady.selector, 0, ready, ready - 1));
        treasury.payClaim(0);
        vm.warp(ready);
        assertEq(_payClaim(0), 27_000_000e6, "the rest");
        assertEq(usdc.balanceOf(alice.owner), 30_000_000e6, "to whom the owner named");
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NothingDue.selector, 0, 30_000_000e6, 30_000_000e6));
        treasury.payClaim(0);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.UnknownClaim.selector, 1, 1));
        treasury.payClaim(1);
    }

    function test_outflow_drainsInADay_andNeverAccrues() public {
        _deposit(alice.account, 5_000_000e6);
        _withdraw(alice, MINIMUM, _noClaim());
        assertEq(treasury.outflowRoom(), 0, "used up");
        vm.warp(block.timestamp + 6 hours);
        assertEq(treasury.outflowRoom(), MINIMUM / 4, "a quarter is back");
        vm.warp(block.timestamp + 18 hours);
        assertEq(treasury.outflowRoom(), MINIMUM, "all is back");
        vm.warp(block.timestamp + 30 days);
        assertEq(treasury.outflowRoom(), MINIMUM, "never more");
    }

    function test_outflow_depositMakesRoomForWhatLeft() public {
        _deposit(alice.account, 5_000_000e6);
        _withdraw(alice, MINIMUM, _noClaim());
        _deposit(bob.account, 600_000e6);
        assertEq(treasury.outflowRoom(), 600_000e6, "net");
        _deposit(bob.account, 9_000_000e6);
        assertEq(treasury.outflowRoom(), 1_360_000e6, "a tenth of the cash, no more");
    }

    /// @dev Any number of withdrawals in a day: at most twice the share leaves, once as room and once as it comes back.
    function testFuzz_outflow_ofADay_isBounded(uint256 seed) public {
        _deposit(alice.account, 50_000_000e6);
        uint256 most = 2 * treasury.outflowRoom();
        uint256 end = block.timestamp + 24 hours;
        for (uint256 i; block.timestamp < end; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint256 amount = 1 + word % 6_000_000e6;
            if (int256(amount) > _cash(alice.account)) break;
            _withdraw(alice, amount, _noClaim());
            vm.warp(block.timestamp + (word >> 128) % 4 hours);
        }
        assertLe(usdc.balanceOf(alice.owner), most, "bounded");
    }

    /// @dev The queue has no head: thousands of small claims before and after stand in nobody's way.
    function test_queue_dust_blocksAndDelaysNobody() public {
        _deposit(mallory.account, MINIMUM + 100);
        _deposit(alice.account, 500_000e6);
        _withdraw(mallory, MINIMUM, _noClaim());
        for (uint256 i; i < 50; ++i) {
            _withdraw(mallory, 1, _noClaim());
        }
        _withdraw(alice, 500_000e6, _noClaim());
        for (uint256 i; i < 50; ++i) {
            _withdraw(mallory, 1, _noClaim());
        }
        vm.warp(block.timestamp + 24 hours);
        assertEq(_payClaim(50), 500_000e6, "hers, whatever stands before");
    }

    /// @dev Who asks later is never payable earlier.
    function testFuzz_queue_readyTimes_ascend(uint256 seed) public {
        _deposit(alice.account, 20_000_000e6);
        for (uint256 i; i < 12; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            _withdraw(alice, 1_000_000e6 + word % 500_000e6, _noClaim());
            vm.warp(block.timestamp + (word >> 128) % 3 hours);
        }
        for (uint256 i = 1; i < treasury.claimCount(); ++i) {
            assertLe(uint256(treasury.claimAt(i - 1).readyAt), treasury.claimAt(i).readyAt, "first come");
        }
    }

    /* SOLVENCY */

    function test_withdraw_underLoss_paysTheShareAndLeavesAClaim() public {
        _deposit(alice.account, 400e6);
        _deposit(bob.account, 500e6);
        _loss(LOSER, 100e6);
        assertEq(treasury.solvency(), 0.9e18, "900 of 1000");
        _withdraw(alice, 400e6, _noClaim());
        assertEq(usdc.balanceOf(alice.owner), 360e6, "paid");
        assertEq(treasury.solvency(), 0.9e18, "unchanged for the others");
        assertEq(uint256(treasury.advanced()), 360e6, "advanced");
        vm.expectRevert(abi.encodeWithSelector(ITreasury.NothingDue.selector, 0, 400e6, 360e6));
        treasury.payClaim(0);
        _loss(LOSER, 50e6);
        // 900 of 950 of what was there.
        assertEq(_payClaim(0), uint256(400e6) * 900 / 950 - 360e6, "as solvency recovers");
        _loss(LOSER, 0);
        _payClaim(0);
        assertEq(usdc.balanceOf(alice.owner), 400e6, "all, once the loss is gone");
        assertEq(uint256(treasury.advanced()), 0, "closed");
    }

    /// @dev The control: without a loss nothing is held back.
    function test_withdraw_withoutLoss_paysAll() public {
        _deposit(alice.account, 400e6);
        assertEq(treasury.solvency(), 1e18, "one");
        _withdraw(alice, 400e6, _noClaim());
        assertEq(usdc.balanceOf(alice.owner), 400e6, "paid");
    }

    /// @dev R13: three depositors and a loss, withdrawn in any order and in any pieces, before or after it shrinks: each has
    /// the same total, to the rounding of the pieces.
    function testFuzz_R13_1_withdrawals_orderChangesNobodysTotal(uint256 seed) public {
        uint256[3] memory had;
        uint256 sum;
        for (uint256 i; i < 3; ++i) {
            had[i] = 1e6 + uint256(keccak256(abi.encode(seed, i))) % 300_000e6;
            sum += had[i];
            _deposit(_who(i).account, had[i]);
        }
        // What all are owed is the sum; a loss of theirs is no longer there.
        uint256 loss = uint256(keccak256(abi.encode(seed, "loss"))) % (sum / 2);
        _loss(LOSER, loss);
        uint256 first = seed % 3;
        uint256 second = (first + 1 + seed / 3 % 2) % 3;
        _withdrawInPieces(first, had[first], seed);
        uint256 left = loss * (seed % 101) / 100;
        bool shrinksEarly = seed & 64 == 0;
        if (shrinksEarly) _loss(LOSER, left);
        _withdrawInPieces(second, had[second], seed >> 8);
        _withdrawInPieces(3 - first - second, had[3 - first - second], seed >> 16);
        if (!shrinksEarly) _loss(LOSER, left);
        for (uint256 i; i < treasury.claimCount(); ++i) {
            try treasury.payClaim(i) {} catch {}
        }
        for (uint256 i; i < 3; ++i) {
            assertClose(usdc.balanceOf(_who(i).owner), had[i] * sum / (sum + left), 8, "the same share for all");
        }
    }

    function _withdrawInPieces(uint256 i, uint256 all, uint256 word) private {
        Actor memory a = _who(i);
        uint256 one = 1 + word % (all - 1);
        _withdraw(a, one, _noClaim());
        if (one < all) _withdraw(a, all - one, _noClaim());
    }

    /// @dev R13: paying in, withdrawing and claiming, in any order, never lowers solvency. Only a reported loss does.
    function testFuzz_R13_2_solvency_noActionOfAnAttackerLowersIt(uint256 seed) public {
        _deposit(alice.account, 500_000e6);
        _deposit(mallory.account, 500_000e6);
        _loss(LOSER, 1 + seed % 400_000e6);
        uint256 before = treasury.solvency();
        for (uint256 i; i < 10; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            if (word % 3 == 0) {
                _deposit(mallory.account, 1 + (word >> 8) % 100_000e6);
            } else if (word % 3 == 1) {
                try this.takeOut(1 + (word >> 8) % 500_000e6) {} catch {}
            } else if (treasury.claimCount() != 0) {
                try treasury.payClaim((word >> 8) % treasury.claimCount()) {} catch {}
            }
            // A wad's last digits, from the rounding down of what was paid.
            assertLe(before, treasury.solvency() + 1e8, "never lower");
            before = treasury.solvency();
        }
        // The control: a loss does.
        _loss(bytes32("another"), 1_000e6);
        assertLt(treasury.solvency(), before, "lower");
    }

    function takeOut(uint256 amount) external {
        _withdraw(mallory, amount, _noClaim());
    }

    /// @dev R13: a limit on outflow cannot be passed by claims that wait for solvency.
    function test_R13_3_claimsUnderLoss_countAgainstTheLimitInFull() public {
        _deposit(mallory.account, 3 * MINIMUM);
        _loss(LOSER, 3 * MINIMUM);
        for (uint256 i; i < 3; ++i) {
            _withdraw(mallory, MINIMUM, _noClaim());
        }
        _loss(LOSER, 0);
        assertEq(_payClaim(0), MINIMUM / 2, "within the limit");
        uint64 ready = treasury.claimAt(1).readyAt;
        assertEq(uint256(ready), block.timestamp + 24 hours, "above it");
        vm.expectRevert(abi.encodeWithSelector(ITreasury.ClaimNotReady.selector, 1, ready, block.timestamp));
        treasury.payClaim(1);
    }

    function _who(uint256 i) private view returns (Actor memory) {
        return i == 0 ? alice : i == 1 ? bob : carol;
    }
}
