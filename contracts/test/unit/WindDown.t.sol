// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Clearinghouse} from "../../src/Clearinghouse.sol";
import {IMarketFeeds} from "../../src/interfaces/IMarketFeeds.sol";
import {ISpotFeeds} from "../../src/interfaces/ISpotFeeds.sol";
import {IWindDown} from "../../src/interfaces/IWindDown.sol";
import {Leg} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice R14: what becomes of positions when a feed is dead, or everything moves to another deployment. Nothing is stuck.
contract WindDownTest is RandomBooks {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 1_000_000e6);
        _deposit(bob.account, 1_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
    }

    /* WHEN */

    function test_ofSilentSpot_afterSevenDays_atTheLastGoodPrice() public {
        _postSpot(BTC, 61_000e8);
        uint256 last = block.timestamp;
        vm.warp(last + 7 days);
        vm.expectRevert(abi.encodeWithSelector(IWindDown.NotSilent.selector, BTC, last, block.timestamp));
        windDown.ofSilentSpot(BTC);
        vm.warp(last + 7 days + 1);
        vm.expectEmit(address(windDown));
        emit IWindDown.WoundDown(BTC, 61_000e8);
        windDown.ofSilentSpot(BTC);
        (uint64 price,, bool fresh,) = spots.reading(BTC);
        assertEq(uint256(price), 61_000e8, "for good");
        assertFalse(fresh, "never fresh");
        _postSpot(BTC, 99_000e8);
        (price,, fresh,) = spots.reading(BTC);
        assertEq(uint256(price), 61_000e8, "whatever the aggregator says now");
        assertFalse(fresh, "never fresh again");
        // Once and for good.
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentSpot(BTC);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnderlyingClosed.selector, BTC));
        windDown.byOwner(BTC, 61_000e8);
        // Positive control: the other one lives.
        _postSpot(ETH, ETH_SPOT);
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentSpot(ETH);
    }

    function test_ofSilentSpot_aggregatorThatReverts_lastRemembered() public {
        vm.etch(address(btcFeed), hex"fe");
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentSpot(BTC);
        vm.warp(START + 8 days);
        windDown.ofSilentSpot(BTC);
        (uint64 price,,,) = spots.reading(BTC);
        assertEq(uint256(price), BTC_SPOT, "poked by the last update");
    }

    function test_ofSilentMarks_needsAFreshSpotAndSevenDays() public {
        vm.warp(START + 7 days + 1);
        vm.expectRevert(abi.encodeWithSelector(IWindDown.SpotNotFresh.selector, BTC));
        windDown.ofSilentMarks(BTC);
        _postSpot(BTC, 62_000e8);
        uint256 snapshot = vm.snapshotState();
        _update(BTC, _quotes(BTC));
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentMarks(BTC);
        assertTrue(vm.revertToState(snapshot), "revert");
        windDown.ofSilentMarks(BTC);
        assertEq(uint256(spots.closedAt(BTC)), block.timestamp, "closed");
    }

    function test_ofSilentMarks_neverQuoted_isNotDead() public {
        spots.addUnderlying(3, address(btcFeed), MAX_SPOT_AGE, spots.scanSigmas(BTC));
        feeds.addUnderlying(3, _limits(0));
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentMarks(3);
        vm.expectPartialRevert(IWindDown.NotSilent.selector);
        windDown.ofSilentSpot(9);
    }

    function test_silent_sequencerDown_waits() public {
        vm.warp(START + 8 days);
        vm.mockCall(address(spots), abi.encodeCall(ISpotFeeds.isSequencerUp, ()), abi.encode(false));
        vm.expectRevert(IWindDown.SequencerDown.selector);
        windDown.ofSilentSpot(BTC);
        vm.clearMockedCalls();
        windDown.ofSilentSpot(BTC);
    }

    function test_byOwner_withinATenthOfTheSpot() public {
        vm.prank(mallory.owner);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        windDown.byOwner(BTC, BTC_SPOT);
        vm.expectRevert(abi.encodeWithSelector(IWindDown.PriceOutOfBand.selector, 66_000e8 + 1, BTC_SPOT, 1_000));
        windDown.byOwner(BTC, 66_000e8 + 1);
        vm.expectRevert(abi.encodeWithSelector(IWindDown.PriceOutOfBand.selector, 54_000e8 - 1, BTC_SPOT, 1_000));
        windDown.byOwner(BTC, 54_000e8 - 1);
        windDown.byOwner(BTC, 66_000e8);
        (uint64 price,,,) = spots.reading(BTC);
        assertEq(uint256(price), 66_000e8, "named");
    }

    function test_close_andConnect_areNobodyElses() public {
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.NotWindDown.selector, address(this)));
        spots.close(BTC, 1);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.AlreadyConnected.selector, address(windDown)));
        spots.connectWindDown(mallory.owner);
    }

    /* WHAT COMES OF IT */

    /// @dev The quote before the end had two more hours of funding to run.
    function test_settle_woundDown_fundingEndsWithIt() public {
        perpetualRatio = 1.01e18;
        _advance(60, BTC_SPOT, ETH_SPOT);
        _tradeAtMark(alice, bob, _perpetual(BTC), 1_000);
        vm.warp(block.timestamp + 1 hours);
        int256 owed = feeds.fundingIndex(BTC);
        assertLt(0, uint256(owed), "funding ran until now");
        windDown.byOwner(BTC, BTC_SPOT);
        int256 reserve = int256(uint256(clearinghouse.accountState(alice.account).reserve));
        (int256 long, int256 short) = (_equity(alice.account) + reserve, _equity(bob.account) + reserve);
        clearinghouse.settle(alice.account);
        vm.warp(block.timestamp + 1 hours);
        assertEq(feeds.fundingIndex(BTC), owed, "and no longer");
        clearinghouse.settle(bob.account);
        assertClose(_equity(alice.account), long, 1, "at once");
        assertClose(_equity(bob.account), short, 1, "an hour later");
        int256 money = _cashAndReserve(alice.account) + _cashAndReserve(bob.account);
        assertClose(money, 2_000_000e6, 1, "nothing is made or lost");
        vm.expectRevert(abi.encodeWithSelector(IMarketFeeds.UnderlyingNotClosed.selector, ETH));
        feeds.endFunding(ETH);
    }

    function test_settle_woundDown_everyKindAtItsLastMark() public {
        uint128[4] memory ids =
            [_perpetual(BTC), _future(BTC, FAR), _call(BTC, FAR, _strike(BTC, 3)), _put(BTC, NEAR, _strike(BTC, 1))];
        for (uint256 i; i < 4; ++i) {
            _tradeAtMark(alice, bob, ids[i], 100);
        }
        _tradeAtMark(alice, bob, _perpetual(ETH), 100);
        windDown.byOwner(BTC, 58_000e8);
        uint64[4] memory marks;
        for (uint256 i; i < 4; ++i) {
            marks[i] = engine.markOf(ids[i]);
        }
        int256 aliceBefore = _equity(alice.account);
        int256 bobBefore = _equity(bob.account);
        assertEq(clearinghouse.settle(alice.account), 4, "four");
        assertEq(clearinghouse.legsOf(alice.account).length, 1, "ether is left");
        assertClose(_equity(alice.account), aliceBefore, 4, "settling changes no equity");
        // Whoever comes weeks later settles at the same marks, options before their expiry or not.
        vm.warp(FAR + 3 days);
        for (uint256 i; i < 4; ++i) {
            assertEq(uint256(engine.markOf(ids[i])), uint256(marks[i]), "the mark stands");
        }
        assertEq(clearinghouse.settle(bob.account), 4, "the other side");
        _postSpot(ETH, ETH_SPOT);
        assertClose(_equity(bob.account), bobBefore, 4, "at the same marks");
        int256 money = _cashAndReserve(alice.account) + _cashAndReserve(bob.account);
        assertLe(money, 2_000_000e6, "none is made");
        assertClose(money, 2_000_000e6, 8, "none is lost but for rounding down");
    }

    function test_woundDown_noNewMarksNorSettlementPrices() public {
        vm.warp(NEAR + 1);
        uint80 first = _postWindow(BTC, NEAR, 63_000e8);
        _postSpot(BTC, BTC_SPOT);
        uint256 snapshot = vm.snapshotState();
        feeds.fixSettlement(BTC, NEAR, first);
        assertTrue(vm.revertToState(snapshot), "revert");
        windDown.byOwner(BTC, BTC_SPOT);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnderlyingClosed.selector, BTC));
        feeds.fixSettlement(BTC, NEAR, first);
        vm.expectRevert(abi.encodeWithSelector(ISpotFeeds.UnderlyingClosed.selector, BTC));
        this.publish();
    }

    function publish() external {
        _update(BTC, _quotes(BTC));
    }

    function test_woundDown_spotTokensAndCashLeave() public {
        _depositSpot(alice, BTC, 10);
        _tradeAtMark(alice, bob, _perpetual(BTC), 100);
        vm.warp(START + 8 days);
        vm.startPrank(alice.owner);
        // Positive control: while the feed is only stale, she is stuck.
        vm.expectRevert();
        clearinghouse.withdrawSpot(alice.account, BTC, 10, alice.owner);
        windDown.ofSilentSpot(BTC);
        clearinghouse.withdrawSpot(alice.account, BTC, 10, alice.owner);
        assertEq(btcToken.balanceOf(alice.owner), 1e6, "0.01 BTC");
        uint256 all = uint256(_cash(alice.account));
        clearinghouse.withdraw(alice.account, all, alice.owner, _noClaim());
        vm.stopPrank();
        assertEq(usdc.balanceOf(alice.owner), all, "everything");
    }

    /// @dev A flagged account whose underlying ends is emptied by settlement; what it owes is a booked deficit.
    function test_woundDown_flaggedAccount_isEmptied() public {
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _advance(60, 45_000e8, ETH_SPOT);
        _flagAndWait(carol.account, FALL);
        windDown.byOwner(BTC, 45_000e8);
        _bid(liquidator, carol.account, 1e18);
        assertEq(clearinghouse.legsOf(carol.account).length, 0, "empty");
        assertFalse(clearinghouse.accountState(carol.account).locked, "and free");
        assertLt(0, treasury.provisionalLoss(), "its deficit is booked");
    }

    /// @dev Valuation stays total and money conserved on random books, closed at random times and prices.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_woundDown_randomBooks_settleInAnyOrder_conservesMoney(uint256 seed) public {
        _deposit(alice.account, 100_000_000e6);
        int256 before = _money();
        _randomBook(alice, seed, 8);
        vm.warp(block.timestamp + _word(seed, 70) % 20 days);
        for (uint16 u = BTC; u <= ETH; ++u) {
            uint256 spot = u == BTC ? BTC_SPOT : ETH_SPOT;
            windDown.byOwner(u, uint64(spot * (90 + _word(seed, 80 + u) % 21) / 100));
        }
        clearinghouse.settle(seed % 2 == 0 ? alice.account : dealer.account);
        vm.warp(vm.getBlockTimestamp() + _word(seed, 71) % 60 days);
        clearinghouse.settle(alice.account);
        clearinghouse.settle(dealer.account);
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        for (uint256 i; i < legs.length; ++i) {
            assertEq(uint256(uint8(legs[i].instrument >> 64)), SPOT, "only tokens are left");
        }
        assertEq(clearinghouse.legsOf(dealer.account).length, 0, "the dealer is out");
        assertLe(_money(), before, "none is made");
        assertLe(before, _money() + 16, "none is lost but for rounding down");
    }

    function _money() private view returns (int256) {
        return _cashAndReserve(alice.account) + _cashAndReserve(dealer.account);
    }

    function _cashAndReserve(bytes32 account) private view returns (int256) {
        return _cash(account) + int256(uint256(clearinghouse.accountState(account).reserve));
    }

    /* MIGRATION */

    /// @dev To another deployment by the owner's own acts alone: close by wind-down, take out, pay in.
    function test_migration_byTheOwnersOwnAct() public {
        Clearinghouse other = _newHouse(address(usdc));
        _depositSpot(alice, BTC, 10);
        _tradeAtMark(alice, bob, _perpetual(BTC), 100);
        windDown.byOwner(BTC, BTC_SPOT);
        clearinghouse.settle(bob.account);
        vm.startPrank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 10, alice.owner);
        uint256 all = uint256(_cash(alice.account));
        clearinghouse.withdraw(alice.account, all, alice.owner, _noClaim());
        usdc.approve(address(other.treasury()), all);
        other.deposit(alice.account, all);
        vm.stopPrank();
        assertEq(int256(other.accountState(alice.account).cash), int256(all), "all of it");
        assertEq(_cash(alice.account), 0, "nothing stays");
    }
}
