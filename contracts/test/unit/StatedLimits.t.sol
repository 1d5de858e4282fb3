// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice What docs/security.md says that a role can do: each statement by an act that succeeds, so that the page says no less
/// than the contracts permit.
contract StatedLimitsTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
    }

    /* OWNER */

    /// @dev A token of the owner's own making, at the price of bitcoin: all cash there is, a day's outflow at a time.
    function test_owner_allowingAWorthlessToken_takesCash() public {
        TokenMock worthless = new TokenMock("Worthless", "NIL", 18);
        uint16 id = collateral.addToken(address(worthless), BTC, 0.02e18, 2 ** 56);
        worthless.mint(mallory.owner, 1_000e18);
        vm.startPrank(mallory.owner);
        worthless.approve(address(collateral), 1_000e18);
        collateral.deposit(mallory.account, id, 1_000e18);
        vm.stopPrank();
        assertLt(_paidIn, _lostToAFriend(), "others' cash");
    }

    /// @dev The end of an underlying takes a leg out of every book, also where it was the hedge, and at a price up to a tenth off.
    function test_owner_endingAnUnderlying_leavesHedgedAccountsFlaggable() public {
        _deposit(alice.account, 15_000e6);
        _trade(alice, dealer, _perpetual(ETH), 20_000, ETH_SPOT);
        _trade(dealer, alice, _perpetual(BTC), 1_000, BTC_SPOT);
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _advance(60, BTC_SPOT, ETH_SPOT);
        assertTrue(auction.surplusOf(alice.account)[0] >= 0, "the control: healthy by the whole grid");
        windDown.byOwner(BTC, 66_000e8);
        _flag(alice.account, FALL);
    }

    /* ISSUERS */

    function test_issuer_mintingItsToken_takesCashUpToTheCap() public {
        uint64 cap = 10_000;
        listings.setOpenInterestCap(BTC, cap);
        _deposit(mallory.account, 100e6);
        _paidIn += 100e6;
        _depositSpot(mallory, BTC, cap);
        uint256 taken = _lostToAFriend() - _paidIn;
        assertLt(0, taken, "others' cash");
        assertLe(taken, uint256(cap) * 60e6, "no more than what was minted is said to be worth");
        vm.expectPartialRevert(IClearinghouse.OpenInterestOverCap.selector);
        this.depositOne();
    }

    function depositOne() external {
        _depositSpot(mallory, BTC, 1);
    }

    uint256 private _paidIn;

    /// @dev Mallory loses to Bob by trades off the mark until her cash is deep below zero; he withdraws.
    function _lostToAFriend() private returns (uint256) {
        _deposit(mallory.account, 100e6);
        _deposit(bob.account, 100_000e6);
        _paidIn += 100_100e6;
        uint64 mark = engine.markOf(_perpetual(ETH));
        _trade(mallory, bob, _perpetual(ETH), 1, mark);
        for (uint256 i; i < 4; ++i) {
            _trade(mallory, bob, _perpetual(ETH), 100_000, mark + mark / 5);
            _trade(bob, mallory, _perpetual(ETH), 100_000, mark - mark / 5);
        }
        _withdraw(bob, uint256(_cash(bob.account)) - 10e6, _noClaim());
        return usdc.balanceOf(bob.owner);
    }

    /* FEED SIGNERS */

    /// @dev Five shocks of a ratio, sold to an account that posts margin for them: what the margin does not cover is others'.
    function test_feedSigners_ratioGainSoldToAMarginedAccount_leavesAsCash() public {
        _deposit(alice.account, 50_000e6);
        _trade(alice, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        perpetualRatio = 1.46e18;
        _advance(60, BTC_SPOT, ETH_SPOT);
        _deposit(mallory.account, 20_000e6);
        _tradeAtMark(mallory, alice, _perpetual(BTC), 1_000);
        _withdraw(alice, uint256(_cash(alice.account)), _noClaim());
        assertLt(50_000e6, usdc.balanceOf(alice.owner), "realised");
        perpetualRatio = 1.0002e18;
        _advance(60, BTC_SPOT, ETH_SPOT);
        assertLt(_equity(mallory.account), 0, "and owed by an account that is empty");
    }

    /// @dev An average that anybody could have fixed for a day, and nobody did.
    function test_feedSigners_settleWhereNobodyFixedTheAverageForADay() public {
        vm.warp(NEAR + 1);
        uint80 first = _postWindow(BTC, NEAR, BTC_SPOT);
        _postSpot(BTC, BTC_SPOT);
        vm.warp(uint256(NEAR) + 24 hours + 1);
        Signature[] memory signed =
            _signatures(feedKeys, FEED_THRESHOLD, feeds.settlementDigest(BTC, NEAR, 2 * BTC_SPOT));
        uint256 snapshot = vm.snapshotState();
        feeds.fixSettlement(BTC, NEAR, first);
        vm.expectRevert();
        feeds.fixSignedSettlement(BTC, NEAR, 2 * BTC_SPOT, signed);
        assertTrue(vm.revertToState(snapshot), "the control: once fixed, it stands");
        feeds.fixSignedSettlement(BTC, NEAR, 2 * BTC_SPOT, signed);
        assertEq(uint256(feeds.settlement(BTC, NEAR)), 2 * BTC_SPOT, "twice the spot");
    }

    /* ANYBODY */

    /// @dev The outflow of a day is net of what comes in, also of what others pay in.
    function test_outflow_whatOthersPayIn_makesRoom() public {
        _deposit(bob.account, 20_000_000e6);
        _withdraw(bob, treasury.outflowRoom(), _noClaim());
        assertEq(treasury.outflowRoom(), 0, "spent");
        _deposit(alice.account, 1_000_000e6);
        assertTrue(treasury.outflowRoom() >= 700_000e6, "room again, by what came in");
    }
}
