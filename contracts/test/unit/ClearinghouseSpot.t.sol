// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IListings} from "../../src/interfaces/IListings.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Fixture} from "../support/Fixture.sol";

contract ClearinghouseSpotTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 1_000e6);
        _deposit(dealer.account, 10_000_000e6);
    }

    function test_depositSpot_success_createsPositionAndTakesTokens() public {
        btcToken.mint(alice.owner, 2e8);
        vm.startPrank(alice.owner);
        btcToken.approve(address(clearinghouse), 2e8);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.SpotDeposited(alice.account, BTC, 1_500);
        clearinghouse.depositSpot(alice.account, BTC, 1_500);
        vm.stopPrank();
        assertEq(_lots(alice.account, _spot(BTC)), 1_500, "lots");
        assertEq(btcToken.balanceOf(address(clearinghouse)), 1.5e8, "tokens");
        assertEq(_cash(alice.account), 1_000e6 - int256(RESERVE), "only the reserve leaves cash");
        assertEq(_equity(alice.account), 950e6 + 90_000e6, "counted at spot");
        assertEq(clearinghouse.openInterest(_spot(BTC)), 1_500, "open interest");
    }

    function test_depositSpot_eighteenDecimals_takesTheRightAmount() public {
        _depositSpot(alice, ETH, 3);
        assertEq(ethToken.balanceOf(address(clearinghouse)), 0.003e18, "tokens");
    }

    function test_depositSpot_notOwner_reverts() public {
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotOwner.selector, mallory.owner, alice.account));
        clearinghouse.depositSpot(alice.account, BTC, 1);
        _depositSpot(alice, BTC, 1);
    }

    /// @dev What nobody buys at its last price would save an account from being flagged at that price.
    function test_depositSpot_staleOrDeadPrice_savesNobody() public {
        _trade(alice, dealer, _perpetual(ETH), 1_000, ETH_SPOT);
        vm.warp(block.timestamp + MAX_SPOT_AGE + 1);
        _postSpot(ETH, 2_300e8);
        vm.expectRevert(abi.encodeWithSelector(IListings.StaleSpot.selector, BTC));
        this.depositSpotAs(alice, BTC, 1_000);
        uint256 snapshot = vm.snapshotState();
        windDown.byOwner(BTC, BTC_SPOT);
        vm.expectRevert(abi.encodeWithSelector(IListings.StaleSpot.selector, BTC));
        this.depositSpotAs(alice, BTC, 1_000);
        _flag(alice.account, FALL);
        // The control: at a fresh price it is worth what it says, and she is healthy.
        assertTrue(vm.revertToState(snapshot), "revert");
        _postSpot(BTC, BTC_SPOT);
        _depositSpot(alice, BTC, 1_000);
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.flag(alice.account, FALL);
    }

    function depositSpotAs(Actor memory a, uint16 u, uint64 lots) external {
        _depositSpot(a, u, lots);
    }

    /// @dev R20: whoever may mint a token could else take all cash for it. The cap of an underlying binds its tokens like its contracts.
    function test_R20_depositSpot_capBoundary() public {
        _deposit(bob.account, 100e6);
        listings.setOpenInterestCap(BTC, 1_000);
        _depositSpot(alice, BTC, 600);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.OpenInterestOverCap.selector, BTC, 1_001, 1_000));
        this.depositSpotAs(bob, BTC, 401);
        _depositSpot(bob, BTC, 400);
        // What is in comes out, whatever the cap is now.
        listings.setOpenInterestCap(BTC, 1);
        vm.prank(bob.owner);
        clearinghouse.withdrawSpot(bob.account, BTC, 400, bob.owner);
    }

    function test_depositSpot_noCashForTheReserve_reverts() public {
        btcToken.mint(bob.owner, 1e8);
        vm.startPrank(bob.owner);
        btcToken.approve(address(clearinghouse), 1e8);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InsufficientCash.selector, bob.account, 0, RESERVE));
        clearinghouse.depositSpot(bob.account, BTC, 1);
        vm.stopPrank();
        _deposit(bob.account, RESERVE);
        _depositSpot(bob, BTC, 1);
    }

    function test_depositSpot_lots_zeroAndTooManyRevert() public {
        vm.startPrank(alice.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(0)));
        clearinghouse.depositSpot(alice.account, BTC, 0);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(2 ** 24)));
        clearinghouse.depositSpot(alice.account, BTC, 2 ** 24);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(2 ** 64 - 1)));
        clearinghouse.depositSpot(alice.account, BTC, type(uint64).max);
        vm.stopPrank();
    }

    function test_depositSpot_unknownUnderlying_reverts() public {
        vm.prank(alice.owner);
        vm.expectRevert(abi.encodeWithSelector(IListings.NoSpotToken.selector, uint16(3)));
        clearinghouse.depositSpot(alice.account, 3, 1);
    }

    function test_depositSpot_lockedAccount_reverts() public {
        _lockCarol();
        btcToken.mint(carol.owner, 1e8);
        vm.startPrank(carol.owner);
        btcToken.approve(address(clearinghouse), 1e8);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, carol.account));
        clearinghouse.depositSpot(carol.account, BTC, 1);
    }

    function test_withdrawSpot_all_returnsTokensAndReserve() public {
        _depositSpot(alice, BTC, 10);
        vm.prank(alice.owner);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.SpotWithdrawn(alice.account, BTC, 10, bob.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 10, bob.owner);
        assertEq(btcToken.balanceOf(bob.owner), 0.01e8, "tokens");
        assertEq(_cash(alice.account), 1_000e6, "reserve released");
        assertEq(clearinghouse.legsOf(alice.account).length, 0, "no legs");
    }

    function test_withdrawSpot_moreThanHeld_reverts() public {
        _depositSpot(alice, BTC, 10);
        vm.prank(alice.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.ShortSpot.selector, alice.account, _spot(BTC)));
        clearinghouse.withdrawSpot(alice.account, BTC, 11, alice.owner);
        vm.prank(bob.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.ShortSpot.selector, bob.account, _spot(BTC)));
        clearinghouse.withdrawSpot(bob.account, BTC, 1, bob.owner);
    }

    function test_withdrawSpot_notOwner_reverts() public {
        _depositSpot(alice, BTC, 10);
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotOwner.selector, mallory.owner, alice.account));
        clearinghouse.withdrawSpot(alice.account, BTC, 10, mallory.owner);
    }

    function test_withdrawSpot_lockedAccount_reverts() public {
        _lockCarol();
        vm.prank(carol.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, carol.account));
        clearinghouse.withdrawSpot(carol.account, BTC, 1, carol.owner);
    }

    function test_withdrawSpot_coverOfAShortCall_reverts() public {
        _depositSpot(alice, BTC, 1_000);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 3)), 1_000);
        vm.prank(alice.owner);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        clearinghouse.withdrawSpot(alice.account, BTC, 1_000, alice.owner);
        // Buying the call back first frees the tokens.
        _tradeAtMark(alice, dealer, _call(BTC, FAR, _strike(BTC, 3)), 1_000);
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 1_000, alice.owner);
    }

    function test_withdrawSpot_partOfACoveredCall_passesWhileMarginHolds() public {
        _depositSpot(alice, BTC, 1_500);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 3)), 1_000);
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 500, alice.owner);
        assertEq(btcToken.balanceOf(alice.owner), 0.5e8, "tokens");
    }

    /// @dev Tokens in equal tokens out, lots and token units in step, for both decimals.
    function testFuzz_spot_roundTrips_keepTokensInStepWithLots(uint256 seed) public {
        _deposit(alice.account, 1_000_000e6);
        for (uint256 i; i < 6; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint16 u = word & 1 == 0 ? BTC : ETH;
            int64 held = _lots(alice.account, _spot(u));
            if (word & 2 == 0 || held == 0) {
                _depositSpot(alice, u, uint64((word >> 8) % 10_000 + 1));
            } else {
                vm.prank(alice.owner);
                clearinghouse.withdrawSpot(alice.account, u, uint64((word >> 8) % uint64(held) + 1), alice.owner);
            }
        }
        uint256 btcLots = uint64(_lots(alice.account, _spot(BTC)));
        uint256 ethLots = uint64(_lots(alice.account, _spot(ETH)));
        assertEq(btcToken.balanceOf(address(clearinghouse)), btcLots * 1e5, "bitcoin");
        assertEq(ethToken.balanceOf(address(clearinghouse)), ethLots * 1e15, "ether");
    }

    function _lockCarol() private {
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1000, BTC_SPOT);
        _advance(60, 52_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
    }
}
