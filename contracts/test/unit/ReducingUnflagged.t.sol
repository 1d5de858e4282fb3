// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarginLens} from "../../src/interfaces/IMarginLens.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {IReducingTrades} from "../../src/interfaces/IReducingTrades.sol";
import {MarginClaim, Order} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice What an owner may do with her book whom initial margin permits nothing more, and whom nobody has flagged. Carol's
/// perpetual as in LiquidationAuctionTest, with a little ether beside it.
contract ReducingUnflaggedTest is Fixture {
    uint128 private bitcoin;
    uint128 private ether_;

    function setUp() public override {
        super.setUp();
        (bitcoin, ether_) = (_perpetual(BTC), _perpetual(ETH));
        _deposit(dealer.account, 10_000_000e6);
        _deposit(mallory.account, 10_000_000e6);
        _deposit(carol.account, 12_450e6);
        _tradeAtMark(carol, dealer, bitcoin, 1_000);
        _tradeAtMark(carol, dealer, ether_, 100);
    }

    function tradeAs(Actor memory buyer, Actor memory seller, uint128 id, uint64 lots, uint64 price) external {
        _trade(buyer, seller, id, lots, price);
    }

    /// @dev Above maintenance, below initial margin.
    function _squeezed() private {
        _advance(60, 53_500e8 * 1e18 / uint256(perpetualRatio), ETH_SPOT);
        IMarginLens.HealthView memory health = _health(carol.account);
        assertLt(_equity(carol.account), int256(health.gridInitial), "below initial margin");
        assertLt(int256(health.maintenance), _equity(carol.account), "above maintenance");
    }

    function test_trade_belowInitialMargin_reducesButDoesNotGrow() public {
        _squeezed();
        uint64 mark = engine.markOf(bitcoin);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.tradeAs(carol, dealer, bitcoin, 1, mark);
        int256 before = auction.surplusOf(carol.account)[0];
        _trade(dealer, carol, bitcoin, 300, mark);
        assertEq(_lots(carol.account, bitcoin), 700, "reduced");
        assertLt(before, auction.surplusOf(carol.account)[0], "better off");
        assertFalse(clearinghouse.accountState(carol.account).locked, "nobody flagged her");
        _trade(dealer, carol, bitcoin, 700, mark);
        assertEq(_lots(carol.account, bitcoin), 0, "closed");
    }

    /// @dev What lowers her surplus, turns a leg, or is far from the mark is not a reduction.
    function test_R12_4_trade_belowInitialMargin_nothingThatHarms() public {
        _tradeAtMark(dealer, carol, _call(BTC, FAR, _strike(BTC, 2)), 300);
        _advance(60, 53_500e8, ETH_SPOT);
        uint128 call = _call(BTC, FAR, _strike(BTC, 2));
        (uint64 mark, uint64 callMark) = (engine.markOf(bitcoin), engine.markOf(call));
        assertLt(_equity(carol.account), int256(_health(carol.account).gridInitial), "below initial margin");
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.PriceOutsideBand.selector, mark * 89 / 100, mark));
        this.tradeAs(mallory, carol, bitcoin, 100, mark * 89 / 100);
        vm.expectPartialRevert(IReducingTrades.SurplusFell.selector);
        this.tradeAs(carol, dealer, call, 300, callMark + 250e8);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.tradeAs(carol, dealer, call, 301, callMark);
        // The control.
        _tradeAtMark(mallory, carol, bitcoin, 100);
    }

    /// @dev Deep down what she leaves to others has to be booked first: anybody flags her, then she may reduce at the mark.
    function test_R12_5_trade_belowHalfOfMaintenance_onlyOnceFlagged() public {
        _advance(60, 48_500e8, ETH_SPOT);
        uint64 mark = engine.markOf(bitcoin);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, carol.account));
        this.tradeAs(dealer, carol, bitcoin, 100, mark);
        _flag(carol.account, FALL);
        _trade(dealer, carol, bitcoin, 100, mark);
    }

    /// @dev Without legs there is nothing to flag; a deficit is booked by who takes it.
    function test_R12_5_trade_closingIntoADeficit_unflagged_reverts() public {
        _tradeAtMark(dealer, carol, ether_, 100);
        _advance(60, 46_000e8, ETH_SPOT);
        uint64 mark = engine.markOf(bitcoin);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.NotFlagged.selector, carol.account));
        this.tradeAs(dealer, carol, bitcoin, 1_000, mark);
    }

    /// @dev Whoever carries a trade out chooses the claims. A leaf that does not permit it costs neither budget nor grace.
    function test_R12_6_trade_belowInitialMargin_aLeafThatIsNotEnough_costsNothing() public {
        _squeezed();
        MarginClaim memory claim = _attestedClaim(carol.account, 1e15, 1e6);
        uint64 mark = engine.markOf(bitcoin);
        (Order memory sells, Order memory buys) =
            (_order(carol, bitcoin, -100, mark), _order(dealer, bitcoin, 100, mark));
        (bytes memory seller, bytes memory buyer) = (_sign(carol, sells), _sign(dealer, buys));
        (, uint256 before) = oracle.discountBudget();
        vm.prank(mallory.owner);
        clearinghouse.trade(sells, seller, buys, buyer, 100, claim, _noClaim());
        (, uint256 level) = oracle.discountBudget();
        assertEq(level, before, "not charged");
        assertEq(oracle.discountPeak(carol.account), 0, "no discount that she lives on");
        assertEq(uint256(clearinghouse.accountState(carol.account).lastPermitBlock), 0, "let by no leaf");
        _advance(12, 51_700e8, ETH_SPOT);
        _flag(carol.account, FALL);
        assertEq(uint256(auction.auction(carol.account).startedAt), block.timestamp + 10 minutes, "her grace");
    }

    /// @dev The control: one that is enough is charged, and grants no grace.
    function test_R12_6_control_aLeafThatIsEnough_isCharged() public {
        _advance(60, 57_000e8, ETH_SPOT);
        MarginClaim memory claim = _attestedClaim(carol.account, 0, 0);
        uint64 mark = engine.markOf(bitcoin);
        (Order memory sells, Order memory buys) =
            (_order(carol, bitcoin, -100, mark), _order(dealer, bitcoin, 100, mark));
        (bytes memory seller, bytes memory buyer) = (_sign(carol, sells), _sign(dealer, buys));
        clearinghouse.trade(sells, seller, buys, buyer, 100, claim, _noClaim());
        assertLt(0, oracle.discountPeak(carol.account), "charged");
        assertEq(uint256(clearinghouse.accountState(carol.account).lastPermitBlock), block.number, "let by it");
    }

    /// @dev A stale leg blocks new risk alone.
    function test_trade_staleLeg_reducesAnotherButDoesNotGrow() public {
        _deposit(carol.account, 100_000e6);
        vm.warp(block.timestamp + 2 hours + 1);
        _postSpot(BTC, BTC_SPOT);
        _update(BTC, _quotes(BTC));
        uint64 mark = engine.markOf(bitcoin);
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.StaleMarket.selector, ether_));
        this.tradeAs(carol, mallory, bitcoin, 1, mark);
        _trade(mallory, carol, bitcoin, 300, mark);
        assertEq(_lots(carol.account, bitcoin), 700, "reduced");
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.StaleMarket.selector, ether_));
        this.withdrawAs(1);
    }

    /// @dev At an old mark nobody knows what the rest is worth. Had she the price of a friend, her margin would be his, and what ether
    /// has lost meanwhile others'.
    function test_R12_5_trade_staleLeg_givesNothingToAFriend() public {
        _deposit(carol.account, 14_000e6);
        _tradeAtMark(carol, dealer, ether_, 19_900);
        _advance(60, BTC_SPOT, 2_400e8);
        vm.warp(block.timestamp + 2 hours + 1);
        _postSpot(BTC, BTC_SPOT);
        _update(BTC, _quotes(BTC));
        uint64 mark = engine.markOf(bitcoin);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.GivesAway.selector, carol.account, mark - 1, mark));
        this.tradeAs(mallory, carol, bitcoin, 1_000, mark - 1);
        uint256 snapshot = vm.snapshotState();
        _trade(mallory, carol, bitcoin, 1_000, mark);
        assertEq(_lots(carol.account, bitcoin), 0, "the control: at the mark");
        // The other control: a spread out of her own where every mark is fresh.
        vm.revertToState(snapshot);
        _postSpot(ETH, 2_400e8);
        _publish();
        _trade(mallory, carol, bitcoin, 1_000, mark - mark / 200);
    }

    function test_R12_5_trade_closingTheStaleLegItself_atTheMark() public {
        vm.warp(block.timestamp + 2 hours + 1);
        uint64 mark = engine.markOf(ether_);
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.GivesAway.selector, carol.account, mark - 1, mark));
        this.tradeAs(dealer, carol, ether_, 100, mark - 1);
        _trade(dealer, carol, ether_, 100, mark);
    }

    /// @dev Tokens count at their last price, so that staleness harms nobody; it permits no gift on their account either.
    function test_R12_5_trade_staleToken_givesNothingToAFriend() public {
        uint16 id = collateral.addToken(address(ethToken), ETH, 0.1e18, 10_000_000e6);
        ethToken.mint(alice.owner, 5e18);
        vm.startPrank(alice.owner);
        ethToken.approve(address(collateral), 5e18);
        collateral.deposit(alice.account, id, 5e18);
        vm.stopPrank();
        _deposit(alice.account, 60e6);
        _tradeAtMark(alice, dealer, bitcoin, 1_000);
        vm.warp(block.timestamp + MAX_SPOT_AGE + 61);
        _postSpot(BTC, BTC_SPOT);
        _update(BTC, _quotes(BTC));
        uint64 mark = engine.markOf(bitcoin);
        uint64 price = mark * 91 / 100;
        vm.expectRevert(abi.encodeWithSelector(IReducingTrades.GivesAway.selector, alice.account, price, mark));
        this.tradeAs(mallory, alice, bitcoin, 1_000, price);
        _trade(mallory, alice, bitcoin, 1_000, mark);
        _postSpot(ETH, 300e8);
        assertLt(0, clearinghouse.netCash(alice.account), "the control: at the mark the loss of her tokens is hers");
    }

    function withdrawAs(uint256 amount) external {
        _withdraw(carol, amount, _noClaim());
    }

    /// @dev The book before is put together from the one after: whatever passes lowers the surplus that was there by nothing, with
    /// funding of any sign, on a leg of any kind.
    function testFuzz_trade_surplusOfBefore_isNeverMoreThanAfter(uint256 seed) public {
        perpetualRatio = seed % 2 == 0 ? 1.02e18 : 0.98e18;
        _publish();
        _squeezed();
        vm.warp(block.timestamp + (seed >> 8) % 20 minutes);
        uint128 id = (seed >> 1) % 2 == 0 ? bitcoin : ether_;
        uint64 lots = uint64(1 + (seed >> 32) % uint64(_lots(carol.account, id)));
        uint64 mark = engine.markOf(id);
        uint64 price = uint64(uint256(mark) * (9_900 + (seed >> 96) % 200) / 10_000);
        int256[] memory before = auction.surplusOf(carol.account);
        try this.tradeAs(mallory, carol, id, lots, price) {
            int256[] memory present = auction.surplusOf(carol.account);
            assertTrue(present[0] >= before[0], "no less");
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IReducingTrades.SurplusFell.selector, "the only reason");
            assertLt(price, mark, "given away");
        }
    }

    function told(bytes calldata reason) external pure returns (int256 before) {
        (, before,) = abi.decode(reason[4:], (bytes32, int256, int256));
    }

    /// @dev The same to the micro-dollar: what a hedge's seller is told that the surplus was is what it was, or what rounding may hide more.
    function testFuzz_trade_surplusOfBefore_isRebuilt(uint256 seed) public {
        bool long = seed % 2 == 0;
        _deposit(alice.account, 200_000e6);
        _tradeAtMark(dealer, alice, long ? _call(BTC, FAR, _strike(BTC, 2)) : _put(BTC, FAR, _strike(BTC, 2)), 2_000);
        _tradeAtMark(long ? alice : dealer, long ? dealer : alice, bitcoin, 1_001);
        perpetualRatio = (seed >> 1) % 2 == 0 ? 1.02e18 : 0.98e18;
        _advance(60, BTC_SPOT + (seed >> 160) % 1e8, ETH_SPOT);
        vm.warp(block.timestamp + (seed >> 8) % 50 minutes);
        _withdraw(alice, uint256(_equity(alice.account)) - _health(alice.account).gridInitial, _noClaim());
        vm.warp(block.timestamp + (seed >> 120) % 100);
        uint64 lots = uint64(600 + (seed >> 32) % 400);
        uint64 mark = engine.markOf(bitcoin);
        int256 before = auction.surplusOf(alice.account)[0];
        try this.tradeAs(long ? mallory : alice, long ? alice : mallory, bitcoin, lots, mark) {
            assertTrue(false, "a hedge is worth its margin");
        } catch (bytes memory reason) {
            assertEq(bytes4(reason), IReducingTrades.SurplusFell.selector, "the reason");
            int256 rebuilt = this.told(reason);
            assertTrue(before <= rebuilt && rebuilt <= before + 4, "two of rounding, and two against her");
        }
    }
}
