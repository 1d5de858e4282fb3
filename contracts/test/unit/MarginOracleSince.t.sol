// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg, MarginClaim, MarginRequest} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Base plus since: a leaf speaks of the book at its reference block and lives on through trades. Alice is short a
/// strangle and stands at her grid; her leaf asks for a little less.
contract MarginOracleSinceTest is Fixture {
    uint256 private constant ASK = 2e6;

    uint256 private attested;
    /// @dev Encoded: a claim cannot be copied into storage.
    bytes private held;

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000e6);
        _deposit(bob.account, 100_000e6);
        _deposit(dealer.account, 10_000_000e6);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 4)), 1_000);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 0)), 1_000);
        _withdraw(alice, uint256(_equity(alice.account)) - _gridMargin(), _noClaim());
        attested = _gridMargin() - ASK;
        held = abi.encode(_attestedClaim(alice.account, uint128(attested), 1e6));
    }

    /* WHAT IT COSTS */

    /// @dev IM(leaf) + 1.3 SM(lots traded) + a micro-dollar a lot stands for the margin of the book after the trade.
    function test_trade_basePlusSince_isTheRequirement() public {
        uint128 id = _perpetual(BTC);
        uint256 extra = _isolated(id, 100);
        uint256 target = attested + extra;
        _withdraw(alice, uint256(_equity(alice.account)) - attested, _claimHeld());
        // The third leg locks three dollars more.
        _deposit(alice.account, extra + 3e6 - 1);
        uint64 mark = engine.markOf(id);
        assertEq(uint256(mark) * 100 % 1e5, 0, "no rounding in this price");
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(target) - 1, target
            )
        );
        this.buy(id, 100, mark);
        _deposit(alice.account, 1);
        this.buy(id, 100, mark);
        assertLt(_floor(), target, "the floor does not bind");
    }

    function test_trade_severalTradesUnderOneLeaf_netLotsCount() public {
        uint128 id = _perpetual(BTC);
        _deposit(alice.account, _isolated(id, 100) + 3e6);
        this.buy(id, 60, engine.markOf(id));
        this.buy(id, 40, engine.markOf(id));
        // There and back again costs nothing: lots are netted.
        this.sell(id, 100, engine.markOf(id));
        this.buy(id, 100, engine.markOf(id));
        assertEq(_required(_claimHeld()), attested + _isolated(id, 100), "net lots at today's marks");
        uint64 mark = engine.markOf(id);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.buy(id, 30, mark);
        // A leaf of the present book is no dearer, and asks for no second margin.
        MarginClaim memory fresh = _attestedClaim(alice.account, uint128(attested), 1e6);
        assertEq(_required(fresh), attested, "fresh leaf");
    }

    function test_trade_nextEpoch_leafTwoEpochsOldStillCounts() public {
        (, uint64 refBlock,,,,) = oracle.latest();
        uint128 id = _perpetual(BTC);
        _deposit(alice.account, _isolated(id, 200));
        vm.roll(uint256(refBlock) + 2 * EPOCH_BLOCKS);
        this.buy(id, 50, engine.markOf(id));
        vm.roll(uint256(refBlock) + 2 * EPOCH_BLOCKS + 1);
        uint64 mark = engine.markOf(id);
        vm.expectPartialRevert(IMarginOracle.LeafTooOld.selector);
        this.buy(id, 50, mark);
    }

    function test_trade_newLegAndClosedLeg_matchTheBase() public {
        _deposit(alice.account, 100_000e6);
        _tradeAtMark(alice, dealer, _perpetual(BTC), 7);
        _withdraw(alice, uint256(_equity(alice.account)) - _gridMargin(), _noClaim());
        held = abi.encode(_attestedClaim(alice.account, uint128(_gridMargin() / 2), 1e6));
        uint256 base = _gridMargin() / 2;
        uint128[3] memory ids = [_perpetual(BTC), _perpetual(ETH), _future(BTC, NEAR)];
        for (uint256 i; i < 3; ++i) {
            uint256 snapshot = vm.snapshotState();
            // Closing a leg, opening one behind all others and one between: each charged alone.
            if (i == 0) this.sell(ids[i], 7, engine.markOf(ids[i]));
            else this.buy(ids[i], 7, engine.markOf(ids[i]));
            assertEq(clearinghouse.legsOf(alice.account).length, i == 0 ? 2 : 4, "legs");
            uint256 since = base + _isolated(ids[i], i == 0 ? -7 : int64(7));
            assertEq(_required(_claimHeld()), since > _floor() ? since : _floor(), "base plus since, or the floor");
            assertTrue(vm.revertToState(snapshot), "revert");
        }
    }

    /// @dev Once the range outgrows the margin rates, SM no longer dominates a leg: then its own loss counts.
    function test_initialMargin_lossOfTradedLotsAboveStandard_counts() public {
        MarginRequest memory request = _request();
        request.legs = new Leg[](3);
        Leg[] memory present = clearinghouse.legsOf(alice.account);
        (request.legs[0], request.legs[1], request.legs[2]) = (Leg(_perpetual(BTC), 100), present[0], present[1]);
        request.cash -= 2_000e6;
        (,, uint256 before) = _useMargin(request, _claimHeld());
        Leg[] memory lone = new Leg[](1);
        lone[0] = request.legs[0];
        uint256 mask = engine.floorMask() | 1;
        IRiskEngine.Assessment memory stressed = engine.assess(lone, mask, 0);
        stressed.worstLoss = stressed.standard * 2;
        vm.mockCall(address(engine), abi.encodeCall(engine.assess, (lone, mask, uint256(0))), abi.encode(stressed));
        (,, uint256 required) = _useMargin(request, _claimHeld());
        vm.clearMockedCalls();
        assertEq(required - before, (stressed.standard * 13 + 9) / 10, "twice the standard margin");
    }

    /* WORLDS */

    /// @dev A pending world in which the book has lost 500 USD: what is required is met in it, too.
    function test_useInitialMargin_twoWorlds_theTighterOneDecides() public {
        held = abi.encode(_attestedClaim(alice.account, uint128(attested - 600e6), 1e6));
        MarginRequest memory request = _request();
        request.cash -= 100e6;
        (int256 value, int256 exitValue, uint256 required) = _useMargin(request, _claimHeld());
        uint256 mask = engine.floorMask() | 1;
        IRiskEngine.Assessment[] memory worlds = new IRiskEngine.Assessment[](2);
        (worlds[0], worlds[1]) = (engine.assess(request.legs, mask, 0), engine.assess(request.legs, mask, 0));
        worlds[1].value -= 500e6;
        worlds[1].exitValue -= 700e6;
        bytes memory asked = abi.encodeCall(engine.assessInAllWorlds, (request.legs, mask));
        vm.mockCall(address(engine), asked, abi.encode(worlds));
        (, uint256 before) = oracle.discountBudget();
        (int256 worse, int256 worseExit, uint256 worseRequired) = _useMargin(request, _claimHeld());
        (, uint256 level) = oracle.discountBudget();
        assertEq(worse, value - 500e6, "value of the tighter world");
        assertEq(worseExit, exitValue - 700e6, "least that may leave");
        assertEq(worseRequired, required, "same requirement");
        assertEq(level - before, 500e6, "charged for the larger discount");
        // A better second world changes nothing.
        worlds[1].value += 1_000e6;
        worlds[1].exitValue += 1_400e6;
        vm.mockCall(address(engine), asked, abi.encode(worlds));
        (worse, worseExit,) = _useMargin(request, _claimHeld());
        vm.clearMockedCalls();
        assertEq(worse, value, "the first decides");
        assertEq(worseExit, exitValue, "and what may leave");
    }

    /* R2: ABSENCE NEVER COUNTS AGAINST AN ACCOUNT */

    function test_R2_1_flaggingAnAccountWithALeaf_needsALossAndIgnoresTheLeaf() public {
        for (uint8 s; s < 48; ++s) {
            vm.expectPartialRevert(bytes4(keccak256("Healthy(bytes32,int256,uint256)")));
            auction.flag(alice.account, s);
        }
        _deposit(bob.account, 1_000_000e6);
        // Positive control: the same book with too little is flagged, leaf or not.
        _advance(60, BTC_SPOT * 13 / 10, ETH_SPOT);
        _flag(alice.account, _health(alice.account).worstScenario);
    }

    function test_R2_2_oneLotFilledByAStranger_leavesTheLeafItsUse() public {
        _deposit(alice.account, 100e6);
        uint128 id = _put(BTC, FAR, _strike(BTC, 0));
        _tradeAtMark(alice, bob, id, 1);
        uint256 required = _required(_claimHeld());
        assertEq(required, attested + _isolated(id, 1), "one lot dearer, not void");
        _withdraw(alice, uint256(_equity(alice.account)) - required, _claimHeld());
        // Control: without the leaf the grid decides.
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, 1, _noClaim());
    }

    function test_R2_3_bookOpenedByLeaf_isNotFlaggableForHavingNoLeafOfItsOwn() public {
        uint128 id = _perpetual(BTC);
        _deposit(alice.account, _isolated(id, 50) + 3e6);
        this.buy(id, 50, engine.markOf(id));
        vm.roll(block.number + 1_000);
        for (uint8 s; s < 48; ++s) {
            vm.expectPartialRevert(bytes4(keccak256("Healthy(bytes32,int256,uint256)")));
            auction.flag(alice.account, s);
        }
    }

    /// @dev After a partial bid the rest is judged by the same scenarios, and its old leaf is void.
    function test_R2_4_afterAPartialBid_restIsHealedAndItsLeafVoid() public {
        _advance(60, BTC_SPOT * 115 / 100, ETH_SPOT);
        uint8 worst = _health(alice.account).worstScenario;
        if (_equity(alice.account) >= int256(_health(alice.account).maintenance)) {
            _withdrawTo(_health(alice.account).maintenance);
        }
        _advance(60, BTC_SPOT * 117 / 100, ETH_SPOT);
        _flag(alice.account, worst);
        _deposit(liquidator.account, 1_000_000e6);
        uint256 sold = _bid(liquidator, alice.account, 1e18);
        assertLt(sold, 1e18, "only a part");
        uint256 standard = lens.health(alice.account, 0).standardInitial;
        assertLt(_equity(alice.account), int256(standard), "the rest is far below standard margin");
        vm.expectPartialRevert(bytes4(keccak256("Healthy(bytes32,int256,uint256)")));
        vm.prank(liquidator.owner);
        auction.bid(alice.account, _account(liquidator.owner, 99), 1e18, type(int256).min, uint64(block.timestamp));
        MarginRequest memory request = _request();
        (,, uint64 refTime,,,) = oracle.latest();
        assertLt(uint256(refTime), request.voidSince, "marked");
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafVoid.selector, refTime, request.voidSince));
        _useMargin(request, _claimHeld());
        // Control: a leaf of a later block counts again.
        vm.warp(block.timestamp + 60);
        MarginClaim memory fresh = _attestedClaim(alice.account, 1e6, 1e6);
        _useMargin(request, fresh);
    }

    function test_R2_5_leafAboveTheGrid_isSimplyNotPresented() public {
        MarginClaim memory dear = _attestedClaim(alice.account, uint128(_gridMargin() + 10e6), 1e6);
        _deposit(alice.account, ASK);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, ASK, dear);
        _withdraw(alice, ASK, _noClaim());
    }

    /* R6: WHAT THE LEAF DOES NOT COVER */

    function test_R6_hedgeWithdrawnAfterTheLeaf_leafIsVoid() public {
        _depositSpot(alice, BTC, 1_000);
        held = abi.encode(_attestedClaim(alice.account, 1e6, 1e6));
        vm.warp(block.timestamp + 12);
        uint256 snapshot = vm.snapshotState();
        // Positive control: with the hedge in place the leaf serves.
        _withdraw(alice, ASK, _claimHeld());
        assertTrue(vm.revertToState(snapshot), "revert");
        _deposit(alice.account, 200_000e6);
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 1_000, alice.owner);
        (,, uint64 refTime,,,) = oracle.latest();
        uint40 now_ = uint40(block.timestamp);
        _withdraw(alice, uint256(_equity(alice.account)) - lens.health(alice.account, 0).standardInitial, _noClaim());
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafVoid.selector, refTime, now_));
        _withdraw(alice, ASK, _claimHeld());
    }

    function test_R6_hedgeWithdrawnBeforeTheReferenceTime_leafServes() public {
        _deposit(alice.account, 200_000e6);
        _depositSpot(alice, BTC, 10);
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, BTC, 10, alice.owner);
        vm.warp(block.timestamp + 60);
        held = abi.encode(_attestedClaim(alice.account, uint128(attested), 1e6));
        _withdraw(alice, uint256(_equity(alice.account)) - attested, _claimHeld());
    }

    function test_R6_leafOfAnotherMode_reverts() public {
        MarginRequest memory request = _request();
        request.cash -= int256(ASK);
        _useMargin(request, _claimHeld());
        request.mode = 0;
        bytes32 given = oracle.positionsHash(0, _claimHeld().base);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginOracle.LeafOfOtherPositions.selector, _claimHeld().leaf.positionsHash, given)
        );
        _useMargin(request, _claimHeld());
    }

    /// @dev The near calls are the hedge of the leaf's book; they expire between its reference time and now.
    function test_R6_hedgeLegExpired_leafIsVoid() public {
        vm.warp(NEAR - 1 hours);
        _postSpot(BTC, BTC_SPOT);
        _postSpot(ETH, ETH_SPOT);
        _publish();
        _deposit(alice.account, 100_000e6);
        uint128 hedge = _call(BTC, NEAR, _strike(BTC, 2));
        _tradeAtMark(alice, dealer, hedge, 500);
        held = abi.encode(_attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6));
        _withdraw(alice, uint256(_equity(alice.account)) - _gridMargin() + ASK / 2, _claimHeld());
        vm.warp(NEAR);
        _postSpot(BTC, BTC_SPOT);
        _postSpot(ETH, ETH_SPOT);
        _publish();
        MarginRequest memory request = _request();
        request.legs = new Leg[](2);
        uint256 n;
        Leg[] memory present = clearinghouse.legsOf(alice.account);
        for (uint256 i; i < present.length; ++i) {
            if (present[i].instrument != hedge) request.legs[n++] = present[i];
        }
        request.cash -= 1_000e6;
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafOverExpiry.selector, hedge));
        _useMargin(request, _claimHeld());
    }

    /* HELPERS */

    function _claimHeld() private view returns (MarginClaim memory) {
        return abi.decode(held, (MarginClaim));
    }

    function buy(uint128 id, uint64 lots, uint64 price) external {
        _tradeClaiming(alice, dealer, id, lots, price, _claimHeld());
    }

    function sell(uint128 id, uint64 lots, uint64 price) external {
        _sellClaiming(alice, dealer, id, lots, price, _claimHeld());
    }

    function _withdrawTo(uint256 equity) private {
        held = abi.encode(_attestedClaim(alice.account, uint128(equity), 1e6));
        uint256 keep = equity > _floor() ? equity : _floor();
        _withdraw(alice, uint256(_equity(alice.account)) - keep, _claimHeld());
    }

    function _request() private view returns (MarginRequest memory) {
        IClearinghouse.AccountState memory state = clearinghouse.accountState(alice.account);
        return MarginRequest(
            alice.account,
            state.mode,
            state.voidSince,
            clearinghouse.netCash(alice.account),
            clearinghouse.legsOf(alice.account)
        );
    }

    function _required(MarginClaim memory shown) private returns (uint256 required) {
        (,, required) = _useMargin(_request(), shown);
    }

    function _isolated(uint128 id, int64 lots) private view returns (uint256) {
        Leg[] memory lone = new Leg[](1);
        lone[0] = Leg(id, lots);
        uint256 count = uint256(int256(lots < 0 ? -lots : lots));
        return (engine.assess(lone, 0, 0).standard * 13 + 9) / 10 + count + engine.initialAddOns(lone, 0);
    }

    function _gridMargin() private view returns (uint256) {
        return _health(alice.account).gridInitial;
    }

    function _floor() private view returns (uint256) {
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        return engine.floorInitialMargin(engine.assess(legs, engine.floorMask() | 1, 0));
    }
}
