// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IListings} from "../../src/interfaces/IListings.sol";
import {PositionsLib} from "../../src/libraries/PositionsLib.sol";
import {Order} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

contract ClearinghouseTradeTest is Fixture {
    uint128 private id;
    uint64 private constant PRICE = 60_000e8;

    function setUp() public override {
        super.setUp();
        id = _perpetual(BTC);
        _deposit(alice.account, 1_000_000e6);
        _deposit(bob.account, 1_000_000e6);
        _deposit(dealer.account, 100_000_000e6);
    }

    /* ORDERS */

    function test_trade_makerSells_movesLotsAndEmits() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE + 1);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.Traded(alice.account, bob.account, id, 5, PRICE);
        _execute(maker, m, taker, t, 5, _noClaim());
        assertEq(_lots(alice.account, id), 5, "buyer");
        assertEq(_lots(bob.account, id), -5, "seller");
        assertEq(clearinghouse.openInterest(id), 5, "open interest");
    }

    function test_trade_makerBuys_movesLotsAtTheMakersPrice() public {
        Order memory maker = _order(alice, id, 5, PRICE);
        Order memory taker = _order(bob, id, -5, PRICE - 7);
        _execute(maker, _sign(alice, maker), taker, _sign(bob, taker), 5, _noClaim());
        assertEq(clearinghouse.positionsOf(alice.account)[0].cost, 300e6, "at the maker's limit");
    }

    function test_trade_wrongSigner_revertsForEitherSide() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        bytes memory forgedMaker = _sign(mallory, maker);
        bytes memory forgedTaker = _sign(mallory, taker);
        vm.expectRevert(_badSigner(mallory.owner, bob.owner));
        _execute(maker, forgedMaker, taker, t, 5, _noClaim());
        vm.expectRevert(_badSigner(mallory.owner, alice.owner));
        _execute(maker, m, taker, forgedTaker, 5, _noClaim());
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_malformedSignature_reverts() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        bytes memory t = _sign(alice, taker);
        bytes[4] memory garbage = [bytes(""), new bytes(65), new bytes(64), hex"01"];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(_badSigner(address(0), bob.owner));
            _execute(maker, garbage[i], taker, t, 5, _noClaim());
        }
    }

    function test_trade_accountOfTheZeroAddress_cannotBeSignedByGarbage() public {
        bytes32 ownerless = _account(address(0), 1);
        _deposit(ownerless, 1_000e6);
        Order memory maker = _order(bob, id, -5, PRICE);
        maker.account = ownerless;
        Order memory taker = _order(alice, id, 5, PRICE);
        bytes memory t = _sign(alice, taker);
        vm.expectRevert(_badSigner(address(0), address(0)));
        _execute(maker, new bytes(65), taker, t, 5, _noClaim());
    }

    function test_trade_highS_reverts() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        bytes memory t = _sign(alice, taker);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(bob.key, clearinghouse.orderDigest(maker));
        uint256 n = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
        bytes memory flipped = abi.encodePacked(r, bytes32(n - uint256(s)), v == 27 ? uint8(28) : uint8(27));
        vm.expectRevert(_badSigner(address(0), bob.owner));
        _execute(maker, flipped, taker, t, 5, _noClaim());
        _execute(maker, abi.encodePacked(r, s, v), taker, t, 5, _noClaim());
    }

    function test_trade_eachFieldTampered_reverts() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE + 10);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        for (uint256 field; field < 5; ++field) {
            Order memory changed =
                Order(taker.account, id, taker.lots, taker.limitPrice, taker.salt, taker.deadline, taker.executor);
            if (field == 0) changed.lots += 1;
            if (field == 1) changed.limitPrice += 1;
            if (field == 2) changed.salt += 1;
            if (field == 3) changed.deadline += 1;
            if (field == 4) changed.executor = address(this);
            vm.expectPartialRevert(IClearinghouse.InvalidOrderSignature.selector);
            _execute(maker, m, changed, t, 5, _noClaim());
        }
        // The account and the instrument are bound as well: bob's order is not good for bob's other account.
        Order memory moved =
            Order(_account(bob.owner, 9), id, maker.lots, PRICE, maker.salt, maker.deadline, maker.executor);
        vm.expectPartialRevert(IClearinghouse.InvalidOrderSignature.selector);
        _execute(moved, m, taker, t, 5, _noClaim());
        (maker.instrument, taker.instrument) = (_perpetual(ETH), _perpetual(ETH));
        vm.expectPartialRevert(IClearinghouse.InvalidOrderSignature.selector);
        _execute(maker, m, taker, t, 5, _noClaim());
        (maker.instrument, taker.instrument) = (id, id);
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_otherChain_reverts() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        vm.expectPartialRevert(IClearinghouse.InvalidOrderSignature.selector);
        _execute(maker, m, taker, t, 5, _noClaim());
        vm.chainId(here);
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_deadline_lastSecondPassesNextReverts() public {
        Order memory maker = _order(bob, id, -10, PRICE);
        Order memory taker = _order(alice, id, 10, PRICE);
        maker.deadline = uint64(block.timestamp + 10);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.warp(maker.deadline);
        _execute(maker, m, taker, t, 5, _noClaim());
        vm.warp(maker.deadline + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IClearinghouse.OrderExpired.selector, maker.deadline, maker.deadline + 1)
        );
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_overfill_revertsAfterPartialFills() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 100, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        _execute(maker, m, taker, t, 3, _noClaim());
        bytes32 digest = clearinghouse.orderDigest(maker);
        assertEq(clearinghouse.filled(digest), -3, "filled");
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.OrderOverfilled.selector, digest, int64(-3), int64(-5)));
        _execute(maker, m, taker, t, 3, _noClaim());
        _execute(maker, m, taker, t, 2, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.OrderOverfilled.selector, digest, int64(-5), int64(-5)));
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_cancel_byItsOwnerAlone_orderFillsNoMore() public {
        Order memory maker = _order(dealer, _perpetual(BTC), -5, BTC_SPOT);
        Order memory taker = _order(alice, _perpetual(BTC), 5, BTC_SPOT);
        bytes memory signed = _sign(dealer, maker);
        _execute(maker, signed, taker, _sign(alice, taker), 2, _noClaim());
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotOwner.selector, mallory.owner, dealer.account));
        clearinghouse.cancel(maker);
        bytes32 digest = clearinghouse.orderDigest(maker);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.OrderCancelled(dealer.account, digest);
        vm.prank(dealer.owner);
        clearinghouse.cancel(maker);
        bytes memory takers = _sign(alice, taker);
        vm.expectPartialRevert(IClearinghouse.OrderOverfilled.selector);
        _execute(maker, signed, taker, takers, 1, _noClaim());
        assertEq(int256(_lots(alice.account, _perpetual(BTC))), 2, "two of five");
    }

    function test_trade_zeroLotOrder_reverts() public {
        Order memory maker = _order(bob, id, 0, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectPartialRevert(IClearinghouse.OrderOverfilled.selector);
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_trade_zeroOrTooManyLots_reverts() public {
        Order memory maker = _order(bob, id, -type(int64).max, PRICE);
        Order memory taker = _order(alice, id, type(int64).max, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(0)));
        _execute(maker, m, taker, t, 0, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(2 ** 24)));
        _execute(maker, m, taker, t, 2 ** 24, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InvalidLots.selector, int256(2 ** 64 - 1)));
        _execute(maker, m, taker, t, type(uint64).max, _noClaim());
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_trade_legOverLotLimit_reverts() public {
        // A call far out of the money at a price of one unit: 2^24 - 1 lots are affordable.
        uint128 far = _call(ETH, NEAR, _strike(ETH, 4));
        _deposit(dealer.account, 100_000_000_000e6);
        _deposit(alice.account, 10_000_000_000e6);
        _trade(alice, dealer, far, 2 ** 24 - 1, 1e6);
        assertEq(_lots(alice.account, far), 2 ** 24 - 1, "at the limit");
        Order memory maker = _order(dealer, far, -1, 1e6);
        Order memory taker = _order(alice, far, 1, 1e6);
        (bytes memory m, bytes memory t) = (_sign(dealer, maker), _sign(alice, taker));
        // The maker moves first, and is over on the short side.
        vm.expectRevert(abi.encodeWithSelector(PositionsLib.LotsOverLimit.selector, far, -int256(2 ** 24)));
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_trade_wrongExecutor_revertsAndRightOnePasses() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        maker.executor = carol.owner;
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.WrongExecutor.selector, address(this), carol.owner));
        _execute(maker, m, taker, t, 5, _noClaim());
        vm.prank(carol.owner);
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_selfTrade_reverts() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(bob, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(bob, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.SelfTrade.selector, bob.account));
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_limitPrice_boundaryBothWays() public {
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE - 1);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.PriceOutsideLimit.selector, PRICE, PRICE - 1));
        _execute(maker, m, taker, t, 5, _noClaim());
        maker = _order(alice, id, 5, PRICE);
        taker = _order(bob, id, -5, PRICE + 1);
        (m, t) = (_sign(alice, maker), _sign(bob, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.PriceOutsideLimit.selector, PRICE, PRICE + 1));
        _execute(maker, m, taker, t, 5, _noClaim());
        taker = _order(bob, id, -5, PRICE);
        t = _sign(bob, taker);
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_sameSideOrOtherInstrument_reverts() public {
        Order memory maker = _order(bob, id, 5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectRevert(IClearinghouse.OrdersDoNotMatch.selector);
        _execute(maker, m, taker, t, 5, _noClaim());
        maker = _order(bob, _perpetual(ETH), -5, PRICE);
        m = _sign(bob, maker);
        vm.expectRevert(IClearinghouse.OrdersDoNotMatch.selector);
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_unlistedOrSpot_reverts() public {
        uint128[2] memory refused = [_call(BTC, NEAR, 61_234e8), _spot(BTC)];
        for (uint256 i; i < 2; ++i) {
            Order memory maker = _order(bob, refused[i], -5, PRICE);
            Order memory taker = _order(alice, refused[i], 5, PRICE);
            (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
            vm.expectRevert(abi.encodeWithSelector(IListings.NotListed.selector, refused[i]));
            _execute(maker, m, taker, t, 5, _noClaim());
        }
    }

    function test_trade_expiredInstrument_reverts() public {
        uint128 option = _call(BTC, NEAR, _strike(BTC, 2));
        vm.warp(NEAR - 1);
        _postSpot(BTC, BTC_SPOT);
        _publish();
        Order memory maker = _order(bob, option, -10, 100e8);
        Order memory taker = _order(alice, option, 10, 100e8);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        _execute(maker, m, taker, t, 5, _noClaim());
        vm.warp(NEAR);
        vm.expectRevert(abi.encodeWithSelector(IListings.InstrumentExpired.selector, option));
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    function test_trade_staleMarket_reverts() public {
        vm.warp(block.timestamp + 2 hours + 1);
        _postSpot(BTC, BTC_SPOT);
        Order memory maker = _order(bob, id, -5, PRICE);
        Order memory taker = _order(alice, id, 5, PRICE);
        (bytes memory m, bytes memory t) = (_sign(bob, maker), _sign(alice, taker));
        vm.expectRevert(abi.encodeWithSignature("StaleMarket(uint128)", id));
        _execute(maker, m, taker, t, 5, _noClaim());
        _publish();
        _execute(maker, m, taker, t, 5, _noClaim());
    }

    /* LEGS */

    function test_trade_33rdLeg_reverts() public {
        uint128[] memory all = _allInstruments();
        uint256 legs;
        for (uint256 i; legs < 32; ++i) {
            if (uint8(all[i] >> 64) == SPOT) continue;
            _tradeAtMark(alice, dealer, all[i], 1);
            ++legs;
        }
        assertEq(clearinghouse.legsOf(alice.account).length, 32, "legs");
        uint128 next = _call(ETH, FAR, _strike(ETH, 4));
        assertEq(_lots(alice.account, next), 0, "a leg not held yet");
        Order memory maker = _order(alice, next, 1, 100e8);
        Order memory taker = _order(bob, next, -1, 100e8);
        (bytes memory m, bytes memory t) = (_sign(alice, maker), _sign(bob, taker));
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.TooManyLegs.selector, alice.account, 32));
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_trade_legsStaySortedWhateverTheOrderOfTrades() public {
        uint128[5] memory ids = [
            _call(ETH, FAR, _strike(ETH, 2)),
            _perpetual(BTC),
            _put(BTC, NEAR, _strike(BTC, 0)),
            _call(BTC, NEAR, _strike(BTC, 3)),
            _perpetual(ETH)
        ];
        for (uint256 i; i < 5; ++i) {
            _tradeAtMark(alice, dealer, ids[i], 1);
        }
        _assertSorted(5);
        _tradeAtMark(dealer, alice, ids[2], 1);
        _assertSorted(4);
    }

    function _assertSorted(uint256 n) private view {
        assertEq(clearinghouse.legsOf(alice.account).length, n, "legs");
        for (uint256 i = 1; i < n; ++i) {
            uint128 before = clearinghouse.legsOf(alice.account)[i - 1].instrument;
            assertLt(uint256(before), uint256(clearinghouse.legsOf(alice.account)[i].instrument), "ascending");
        }
    }

    function test_trade_firstLegWithoutReserve_reverts() public {
        _deposit(carol.account, RESERVE - 1);
        Order memory maker = _order(carol, id, 1, BTC_SPOT);
        Order memory taker = _order(bob, id, -1, BTC_SPOT);
        (bytes memory m, bytes memory t) = (_sign(carol, maker), _sign(bob, taker));
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientCash.selector, carol.account, int256(RESERVE - 1), RESERVE
            )
        );
        _execute(maker, m, taker, t, 1, _noClaim());
    }

    function test_trade_closingTheLastLeg_releasesTheReserve() public {
        int256 cash = _cash(alice.account);
        _trade(alice, bob, id, 5, PRICE);
        assertEq(_cash(alice.account), cash - int256(RESERVE), "locked");
        _trade(bob, alice, id, 5, PRICE);
        assertEq(_cash(alice.account), cash, "released");
        assertEq(uint256(clearinghouse.accountState(alice.account).reserve), 0, "reserve");
    }

    /* MARGIN */

    function test_trade_toStandardMargin_passesAndOneUnitLessReverts() public {
        // Long one bitcoin at the mark: equity stays cash less reserve, and the requirement is known.
        uint64 mark = engine.markOf(id);
        _trade(alice, dealer, id, 1000, mark);
        uint256 required = _health(alice.account).gridInitial;
        assertLt(required, _health(alice.account).standardInitial, "the grid is the lower one");
        int256 slip = _equity(alice.account) - (_cash(alice.account) - 0);
        _deposit(carol.account, uint256(int256(required) - slip) + RESERVE - 1);
        Order memory maker = _order(dealer, id, -1000, mark);
        Order memory taker = _order(carol, id, 1000, mark);
        (bytes memory m, bytes memory t) = (_sign(dealer, maker), _sign(carol, taker));
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, carol.account, int256(required) - 1, required
            )
        );
        _execute(maker, m, taker, t, 1000, _noClaim());
        _deposit(carol.account, 1);
        _execute(maker, m, taker, t, 1000, _noClaim());
    }

    /* ENTRY VALUE */

    function test_trade_partialClose_realisesItsShare() public {
        _trade(alice, bob, id, 10, PRICE); // entry 600
        _trade(bob, alice, id, 4, PRICE + 100e8); // sells 4 at 60100: 240.4 against 240
        int256 cash = _cash(alice.account);
        assertEq(cash, 1_000_000e6 - int256(RESERVE) + 0.4e6, "profit of four lots");
        assertEq(clearinghouse.positionsOf(alice.account)[0].cost, 360e6, "entry value of six");
        assertEq(_cash(bob.account), 1_000_000e6 - int256(RESERVE) - 0.4e6, "loss of four lots");
    }

    function test_trade_growing_addsToTheEntryValue() public {
        _trade(alice, bob, id, 10, PRICE);
        _trade(alice, bob, id, 10, PRICE + 100e8);
        assertEq(clearinghouse.positionsOf(alice.account)[0].cost, 1_201e6, "sum of both");
        assertEq(_cash(alice.account), 1_000_000e6 - int256(RESERVE), "no cash moves");
    }

    function test_trade_flip_realisesAllAndOpensTheOtherSide() public {
        _trade(alice, bob, id, 10, PRICE); // +10 at 60000
        _trade(bob, alice, id, 25, PRICE + 100e8); // -15 at 60100
        assertEq(_cash(alice.account), 1_000_000e6 - int256(RESERVE) + 1e6, "profit of ten");
        assertEq(clearinghouse.positionsOf(alice.account)[0].cost, -901.5e6, "entry value of short fifteen");
        assertEq(clearinghouse.positionsOf(bob.account)[0].cost, 901.5e6, "of long fifteen");
        assertEq(clearinghouse.openInterest(id), 15, "open interest");
    }

    function test_trade_shortClosedAtLoss_paysIt() public {
        _trade(bob, alice, id, 10, PRICE); // alice short
        _trade(alice, bob, id, 10, PRICE + 1_000e8);
        assertEq(_cash(alice.account), 1_000_000e6 - 10e6, "loss, reserve back");
        assertEq(_cash(bob.account), 1_000_000e6 + 10e6, "profit");
    }

    function test_trade_premium_paidAtOnce() public {
        uint128 option = _call(BTC, FAR, _strike(BTC, 2));
        _trade(alice, bob, option, 10, 4_000e8);
        assertEq(_cash(alice.account), 1_000_000e6 - int256(RESERVE) - 40e6, "buyer");
        assertEq(_cash(bob.account), 1_000_000e6 - int256(RESERVE) + 40e6, "seller");
        assertEq(clearinghouse.positionsOf(alice.account)[0].cost, 0, "no entry value");
    }

    /// @dev Any sequence of fills of a linear leg at any price: cash less entry value is conserved to the unit, and a flat
    /// leg leaves no entry value behind.
    function testFuzz_trade_linearSequence_conservesMoney(uint256 seed) public {
        for (uint256 i; i < 8; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint64 lots = uint64(word % 997 + 1);
            // Odd prices, so that every division has a remainder.
            uint64 price = uint64(PRICE - 500e8 + (word >> 64) % 1_000e8);
            if (word >> 200 & 1 == 1) _trade(alice, bob, id, lots, price);
            else _trade(bob, alice, id, lots, price);
            _assertConserved();
        }
        int64 open = _lots(alice.account, id);
        if (open > 0) _trade(bob, alice, id, uint64(open), PRICE);
        if (open < 0) _trade(alice, bob, id, uint64(-open), PRICE);
        assertEq(_cash(alice.account) + _cash(bob.account), 2_000_000e6, "flat: all of it is cash again");
        assertEq(clearinghouse.netCash(alice.account), _cash(alice.account), "no entry value left");
    }

    function _assertConserved() private view {
        int256 reserves = int256(
            uint256(clearinghouse.accountState(alice.account).reserve) + clearinghouse.accountState(bob.account).reserve
        );
        int256 total = clearinghouse.netCash(alice.account) + clearinghouse.netCash(bob.account) + reserves;
        assertEq(total, 2_000_000e6, "net cash and reserves");
    }

    function _badSigner(address recovered, address owner) private pure returns (bytes memory) {
        return abi.encodeWithSelector(IClearinghouse.InvalidOrderSignature.selector, recovered, owner);
    }
}
