// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IReducingTrades} from "../../src/interfaces/IReducingTrades.sol";
import {Fill} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice R12: what a flagged owner may do with her book. Alice is short straddles with a long perpetual against them.
contract ReducingTradesTest is Fixture {
    uint128 private perpetual;
    uint128 private call;

    function setUp() public override {
        super.setUp();
        perpetual = _perpetual(BTC);
        call = _call(BTC, FAR, _strike(BTC, 2));
        _deposit(dealer.account, 10_000_000e6);
        _deposit(mallory.account, 10_000_000e6);
        _deposit(liquidator.account, 1_000_000e6);
        _deposit(alice.account, 200_000e6);
        _tradeAtMark(dealer, alice, call, 2_000);
        _tradeAtMark(alice, dealer, perpetual, 1_000);
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        _advance(60, 66_000e8, ETH_SPOT);
        _flag(alice.account, _health(alice.account).worstScenario);
    }

    function tradeAs(Actor memory buyer, Actor memory seller, uint128 id, uint64 lots, uint64 price) external {
        _trade(buyer, seller, id, lots, price);
    }

    function _mark(uint128 id) private view returns (uint64) {
        return engine.markOf(id);
    }

    /// @dev The control of all below: closing at the mark passes, and the surplus grows.
    function test_trade_reducingAtTheMark_passes() public {
        int256 before = auction.surplusOf(alice.account)[0];
        _tradeAtMark(alice, dealer, call, 500);
        assertEq(_lots(alice.account, call), -1_500, "closed");
        assertLt(before, auction.surplusOf(alice.account)[0], "better off");
        assertTrue(clearinghouse.accountState(alice.account).locked, "still flagged");
    }

    function test_trade_growingOrTurningALeg_reverts() public {
        uint64 mark = _mark(call);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotReducing.selector, alice.account, call, -1));
        this.tradeAs(dealer, alice, call, 1, mark);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotReducing.selector, alice.account, call, 2_001));
        this.tradeAs(alice, dealer, call, 2_001, mark);
        uint128 other = _call(BTC, FAR, _strike(BTC, 3));
        mark = _mark(other);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotReducing.selector, alice.account, other, 1));
        this.tradeAs(alice, dealer, other, 1, mark);
    }

    /// @dev R12: the hedge is given to a friend for nothing.
    function test_R12_3_trade_strippingTheBook_reverts() public {
        uint64 mark = _mark(perpetual);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.PriceOutsideBand.selector, 1, mark));
        this.tradeAs(mallory, alice, perpetual, 1_000, 1);
        // At the mark as well: the requirement without the hedge is higher.
        vm.expectPartialRevert(IReducingTrades.SurplusFell.selector);
        this.tradeAs(mallory, alice, perpetual, 1_000, mark);
    }

    /// @dev The wider of 10 % of the mark and 0.5 % of spot.
    function test_trade_band_boundary() public {
        uint64 mark = _mark(call);
        uint64 width = mark / 10 > 330e8 ? mark / 10 : 330e8;
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.PriceOutsideBand.selector, mark - width - 1, mark));
        this.tradeAs(alice, dealer, call, 100, mark - width - 1);
        _trade(alice, dealer, call, 100, mark - width);
    }

    function test_trade_withTheDealerAtAWorsePrice_mayNotLowerTheSurplus() public {
        // Closing frees margin, so a little worse than the mark passes; giving more away than it frees does not.
        uint64 mark = _mark(call);
        _trade(alice, dealer, call, 100, mark + mark / 100);
        assertEq(_lots(alice.account, call), -1_900, "closed");
    }

    /// @dev Carol's maintenance margin is 9.2 % of her perpetual. Given to a friend by a price 9 % below the mark, it would be paid
    /// by others: her surplus does not fall, her equity falls below zero.
    function test_R12_5_trade_givingTheFreedMarginToAFriend_reverts() public {
        _flaggedPerpetual(52_000e8);
        uint64 mark = _mark(perpetual);
        uint64 price = mark * 91 / 100;
        assertLt(0, _equity(carol.account), "still hers");
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.GivesAway.selector, carol.account, price, mark));
        this.tradeAs(mallory, carol, perpetual, 1_000, price);
        // The control: at the mark it passes, and something is left.
        _trade(mallory, carol, perpetual, 1_000, mark);
        assertLt(0, _cash(carol.account), "nobody else pays");
    }

    /// @dev Below zero whatever she gives away is others' money.
    function test_R12_5_trade_belowZero_atTheMarkOrBetterOnly() public {
        _flaggedPerpetual(46_000e8);
        uint64 mark = _mark(perpetual);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.GivesAway.selector, carol.account, mark - 1, mark));
        this.tradeAs(mallory, carol, perpetual, 1_000, mark - 1);
        int256 before = _equity(carol.account);
        _trade(mallory, carol, perpetual, 500, mark + mark / 100);
        assertLt(before, _equity(carol.account), "better than the mark");
    }

    /// @dev The control: with half of what is left required still hers, a spread may be paid.
    function test_R12_5_trade_aSpreadPaidOutOfHerOwn_passes() public {
        _flaggedPerpetual(52_000e8);
        uint64 mark = _mark(perpetual);
        _trade(mallory, carol, perpetual, 300, mark - mark / 200);
        assertEq(_lots(carol.account, perpetual), 700, "closed");
    }

    function _flaggedPerpetual(uint256 price) private {
        _advance(60, BTC_SPOT, ETH_SPOT);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, perpetual, 1_000, BTC_SPOT);
        _advance(60, price, ETH_SPOT);
        _flag(carol.account, FALL);
    }

    /// @dev The book that is left is the new whole: lots that the owner closed are not sold a second time.
    function test_bid_afterAnOwnersTrade_sellsSharesOfTheSmallerBook() public {
        vm.warp(auction.auction(alice.account).startedAt);
        _bid(liquidator, alice.account, 0.2e18);
        (int64 calls, int64 perpetuals) = (_lots(alice.account, call), _lots(alice.account, perpetual));
        _tradeAtMark(alice, dealer, call, 100);
        assertEq(uint256(auction.auction(alice.account).fractionSold), 0, "anew");
        Actor memory second = liquidator;
        second.account = _account(liquidator.owner, 8);
        _deposit(second.account, 500_000e6);
        try this.bidAs(second, 0.1e18) {
            assertEq(_lots(second.account, call), (calls + 100) / 10, "a tenth of what is left");
            assertClose(int256(_lots(second.account, perpetual)), perpetuals / 10, 1, "of each leg");
        } catch (bytes memory) {
            // Her trade has made her healthy.
        }
    }

    /// @dev R11: the worst of the book that was says nothing of the one that is left. Carol was long ether, and is short bitcoin.
    function test_R11_7_bid_afterAnOwnersTrade_buyerPostsForTheBookThatIsLeft() public {
        _advance(60, BTC_SPOT, ETH_SPOT);
        _deposit(carol.account, 60_100e6);
        _trade(carol, dealer, _perpetual(ETH), 100_000, ETH_SPOT);
        _trade(dealer, carol, perpetual, 1_000, BTC_SPOT);
        _advance(60, BTC_SPOT, 2_395e8);
        _flag(carol.account, _health(carol.account).worstScenario);
        _bid(liquidator, carol.account, 0.1e18);
        if (_lots(carol.account, _perpetual(ETH)) == 0) revert("nothing left");
        _tradeAtMark(mallory, carol, _perpetual(ETH), uint64(_lots(carol.account, _perpetual(ETH))));
        Actor memory second = liquidator;
        second.account = _account(liquidator.owner, 8);
        _deposit(second.account, 1_500e6);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.buyFrom(second, carol.account);
        // The control: who posts for it gets it, and is healthy.
        _deposit(second.account, 10_000e6);
        _bid(second, carol.account, 1e18);
        assertTrue(_equity(second.account) >= int256(_health(second.account).maintenance), "healthy");
    }

    function buyFrom(Actor memory who, bytes32 account) external {
        _bid(who, account, 1e18);
    }

    function bidAs(Actor memory who, uint256 fraction) external {
        _bid(who, alice.account, fraction);
    }

    function test_trade_closingTheWholeBook_endsTheAuctionAtTheNextCall() public {
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, perpetual, 1_000, engine.markOf(perpetual));
        _advance(60, 57_500e8, ETH_SPOT);
        _flag(carol.account, FALL);
        _tradeAtMark(dealer, carol, perpetual, 600);
        _tradeAtMark(dealer, carol, perpetual, 400);
        assertTrue(clearinghouse.accountState(carol.account).locked, "still flagged");
        auction.cure(carol.account);
        assertFalse(clearinghouse.accountState(carol.account).locked, "free");
        _withdraw(carol, uint256(_cash(carol.account)), _noClaim());
    }

    function test_withdraw_flagged_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AccountIsLocked.selector, alice.account));
        _withdraw(alice, 1, _noClaim());
    }

    function test_afterTrade_ofOthers_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotClearinghouse.selector, address(this)));
        auction.afterTrade(alice.account, Fill(call, 1, 1));
    }
}
