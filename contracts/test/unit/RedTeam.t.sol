// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {PositionsLib} from "../../src/libraries/PositionsLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {ExpiryQuote, Leg} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

/// @notice Findings of the red team that no other file tests by their number: R1 across worlds, R7, R8, R9, R14, R19 and R20. Each exploit
/// stands beside what passes without it. docs/invariants.md has the list.
contract RedTeamTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(dealer.account, 10_000_000e6);
    }

    /// @dev The model's own limits: a world opens where it would in production.
    function _limits(uint256 row) internal pure override returns (SpeedLib.Limits memory) {
        return Model.limits()[row];
    }

    /* R1: WORLDS */

    /// @dev All feed keys lift the vols to where a seller of options is broke. Nobody can touch her before that stands in the open for
    /// ten minutes, and not at all where it dies.
    function test_R1b_pendingWorld_inWhichSheIsBroke_flagsNobody() public {
        _sellerOfOptionsNearHerLimit();
        _send(BTC, _scaled(BTC, 1e18, 1.3e18));
        int256[] memory surplus = auction.surplusOf(alice.account);
        assertEq(surplus.length, 2, "two worlds");
        assertTrue(surplus[0] > 0 && surplus[1] < 0, "broke in the other one");
        for (uint8 s; s < Model.SCENARIOS; s += 5) {
            _refuseFlag(s);
        }
        _refuseFlag(RISE);
        uint256 id = vm.snapshotState();
        vm.warp(block.timestamp + 30 minutes);
        _refuseFlag(RISE);
        vm.revertToState(id);
        // The control: confirmed ten minutes later it is the mark.
        vm.warp(block.timestamp + 10 minutes);
        _send(BTC, _scaled(BTC, 1e18, 1.3e18));
        _flag(alice.account, RISE);
    }

    /// @dev And the other way: a world in which he is rich opens no risk for him.
    function test_R1c_pendingWorld_inWhichHeIsRich_permitsNothing() public {
        _holderOfFuturesAtHisLimit();
        _send(BTC, _scaled(BTC, 1.08e18, 1e18));
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.buyMore();
        // The control: what is confirmed is the mark, and profit of a future supports new risk.
        vm.warp(block.timestamp + 10 minutes);
        _send(BTC, _scaled(BTC, 1.08e18, 1e18));
        this.buyMore();
    }

    /// @dev A world in which he is poor holds him back at once.
    function test_R1c_pendingWorld_inWhichHeIsPoor_holdsHimBack() public {
        _holderOfFuturesAtHisLimit();
        _deposit(bob.account, 100e6);
        uint256 id = vm.snapshotState();
        this.buyMore();
        vm.revertToState(id);
        _send(BTC, _scaled(BTC, 0.93e18, 1e18));
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        this.buyMore();
    }

    /// @dev R1e: with vols at the top of the band a holder of options is richer by their mark, which does not leave as cash.
    function test_R1e_markedUpOptions_neverLeaveAsCash() public {
        _deposit(bob.account, 10_000e6);
        _tradeAtMark(bob, dealer, _call(BTC, FAR, _strike(BTC, 2)), 1_000);
        uint256 cash = uint256(_cash(bob.account));
        int256 before = _equity(bob.account);
        vm.warp(block.timestamp + 60);
        _send(BTC, _scaled(BTC, 1e18, 1.09e18));
        assertLt(before + 100e6, _equity(bob.account), "marked up");
        vm.expectPartialRevert(IClearinghouse.InsufficientCash.selector);
        _withdraw(bob, cash + 1, _noClaim());
        // But for the unit by which values round down and margins up.
        _withdraw(bob, cash - 1, _noClaim());
    }

    function buyMore() external {
        _tradeAtMark(bob, dealer, _perpetual(BTC), 5);
    }

    function _holderOfFuturesAtHisLimit() private {
        _deposit(bob.account, 15_000e6);
        _tradeAtMark(bob, dealer, _future(BTC, FAR), 800);
        _withdraw(bob, uint256(_equity(bob.account) - int256(_health(bob.account).gridInitial)), _noClaim());
        vm.warp(block.timestamp + 60);
    }

    /// @dev Healthy by less than a thousand dollars.
    function _sellerOfOptionsNearHerLimit() private {
        _deposit(alice.account, 30_000e6);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 2)), 1_000);
        _withdraw(alice, uint256(_equity(alice.account) - int256(_health(alice.account).gridInitial)), _noClaim());
        for (uint256 spot = BTC_SPOT; auction.surplusOf(alice.account)[0] > 500e6; spot += 100e8) {
            _advance(60, spot, ETH_SPOT);
        }
        vm.warp(block.timestamp + 60);
    }

    function _refuseFlag(uint8 scenario) private {
        vm.expectPartialRevert(ILiquidationAuction.Healthy.selector);
        auction.flag(alice.account, scenario);
    }

    /// @dev The plain quotes with forwards and vols of every expiry times a factor.
    function _scaled(uint16 u, uint256 ratio, uint256 vol) private view returns (ExpiryQuote[] memory q) {
        q = _quotes(u);
        for (uint256 i; i < q.length; ++i) {
            q[i].ratio = uint64(uint256(q[i].ratio) * ratio / 1e18);
            q[i].a = int64(int256(uint256(uint64(q[i].a)) * vol / 1e18 * vol / 1e18));
            q[i].b = int64(int256(uint256(uint64(q[i].b)) * vol / 1e18 * vol / 1e18));
        }
    }

    function _send(uint16 u, ExpiryQuote[] memory q) private {
        _update(u, q);
    }

    /* R7: STANDARD MARGIN COVERS */

    /// @dev What the pair trade lives on is margin below the day's move: that of a perpetual is above the worst of the table, and what no
    /// leaf goes below is 1.3 times the scan range.
    function test_R7_perpetual_standardMarginAndFloorCoverTheScan() public view {
        for (uint16 u = BTC; u <= ETH; ++u) {
            Leg[] memory legs = new Leg[](1);
            for (int64 side = -1; side <= 1; side += 2) {
                legs[0] = Leg(_perpetual(u), side * 1_000);
                IRiskEngine.Assessment memory grid = engine.assess(legs, engine.gridMask(), 0);
                assertLe(grid.worstLoss, grid.standard - grid.addOns, "SM covers the worst move");
                IRiskEngine.Assessment memory floor = engine.assess(legs, engine.floorMask(), 0);
                uint256 scan = grid.gross * engine.scanRangeOf(u) / 1e18;
                assertLe(scan * 13 / 10, engine.floorInitialMargin(floor) + 2, "no leaf below 1.3 scan ranges");
            }
        }
    }

    /* R8: ONE SPOT, FORWARDS AS A RATIO */

    /// @dev Future, short call and long put of one strike and expiry: worth the strike whatever the spot does, so no live spot beside an
    /// old forward shows a phantom loss.
    function testFuzz_R8_conversion_isFlatAtAnySpot(uint256 spot) public {
        Leg[] memory legs = new Leg[](3);
        uint64 strike = _strike(BTC, 2);
        legs[0] = Leg(_future(BTC, FAR), 1_000);
        legs[1] = Leg(_call(BTC, FAR, strike), -1_000);
        legs[2] = Leg(_put(BTC, FAR, strike), 1_000);
        int256 before = engine.assess(legs, 0, 0).value;
        _postSpot(BTC, bound(spot, BTC_SPOT / 3, 3 * uint256(BTC_SPOT)));
        assertClose(engine.assess(legs, 0, 0).value, before, 1_000, "a unit a lot");
        // The control: without the put it is not flat.
        legs[2].lots = 0;
        int256 naked = engine.assess(legs, 0, 0).value;
        _postSpot(BTC, BTC_SPOT * 2);
        assertTrue(naked != engine.assess(legs, 0, 0).value, "the leg mattered");
    }

    /* R9: NO POISON */

    /// @dev 32 legs of the most lots, long and short: every figure of theirs is computed, in every scenario.
    function test_R9_32LegsOfTheMostLots_areValued() public view {
        uint128[] memory ids = _allInstruments();
        Leg[] memory legs = new Leg[](32);
        for (uint256 i; i < 32; ++i) {
            int64 lots = i % 2 == 0 || uint8(ids[i] >> 64) == SPOT ? PositionsLib.MAX_LOTS : -PositionsLib.MAX_LOTS;
            legs[i] = Leg(ids[i], lots);
        }
        IRiskEngine.Assessment memory a = engine.assess(_sorted(legs), engine.gridMask(), 0);
        assertLt(a.gross, 2 ** 62, "within 64 bits of the keeper");
        assertLt(engine.initialAddOns(_sorted(legs), 0), 2 ** 62, "and the add-ons");
    }

    function _sorted(Leg[] memory legs) private pure returns (Leg[] memory) {
        for (uint256 i = 1; i < legs.length; ++i) {
            for (uint256 j = i; j != 0 && legs[j - 1].instrument > legs[j].instrument; --j) {
                (legs[j - 1], legs[j]) = (legs[j], legs[j - 1]);
            }
        }
        return legs;
    }

    /* R14: THE GUARDIAN SHRINKS */

    /// @dev He takes signers out until one may still fail, and stops the discount; he adds nobody, and the owner has the last word.
    function test_R14_guardian_onlyShrinks() public {
        bytes32 config = oracle.configOf(uint64(block.number / EPOCH_BLOCKS));
        address[] memory others = _addresses(_sortedKeys("others", 3));
        vm.startPrank(guardian);
        vm.expectRevert();
        oracle.scheduleSigners(others, 2, uint64(block.number / EPOCH_BLOCKS) + 2);
        vm.expectRevert();
        oracle.setStandby(others, 2);
        vm.expectRevert();
        oracle.activateStandby();
        // Three of four: one removed would leave three, who could never miss one.
        vm.expectRevert();
        oracle.removeSigner(config, vm.addr(marginKeys[0]));
        oracle.stopDiscount();
        vm.expectRevert();
        oracle.restoreDiscount();
        vm.stopPrank();
        oracle.restoreDiscount();
        oracle.setStandby(others, 2);
    }

    /* R19: NO CASH IS LENT AWAY */

    /// @dev Dollars do not leave against tokens or options: the cash of an account never turns negative by a withdrawal.
    function test_R19_withdrawal_neverLeavesCashBelowZero() public {
        _deposit(alice.account, 100e6);
        _depositSpot(alice, ETH, 5_000);
        assertLt(10_000e6, _equity(alice.account), "rich in tokens");
        int256 cash = _cash(alice.account);
        vm.expectRevert(
            abi.encodeWithSelector(IClearinghouse.InsufficientCash.selector, alice.account, cash, uint256(cash) + 1)
        );
        _withdraw(alice, uint256(cash) + 1, _noClaim());
        _withdraw(alice, uint256(cash), _noClaim());
    }

    /* R20: TOKENS THAT CALL BACK */

    /// @dev A token that calls back in its transfer finds every door locked.
    function test_R20_63_tokenThatCallsBack_isRefused() public {
        _deposit(alice.account, 1_000e6);
        _depositSpot(alice, ETH, 100);
        vm.etch(address(ethToken), address(new CallingToken(address(clearinghouse), alice.account)).code);
        CallingToken(address(ethToken)).arm(true);
        vm.expectRevert(CallingToken.AllRefused.selector);
        this.takeToken();
        // The control: unarmed it is a token like any other.
        CallingToken(address(ethToken)).arm(false);
        this.takeToken();
    }

    function takeToken() external {
        vm.prank(alice.owner);
        clearinghouse.withdrawSpot(alice.account, ETH, 10, alice.owner);
    }
}

/// @notice Calls the clearinghouse from within a transfer, and reverts with what came of it.
contract CallingToken is TokenMock {
    error WentThrough(bool settled, bool deposited);
    error AllRefused();

    address private immutable _target;
    bytes32 private immutable _account;
    bool private _armed;

    constructor(address target, bytes32 account) TokenMock("Calling", "CALL", 18) {
        (_target, _account) = (target, account);
    }

    function arm(bool armed) external {
        _armed = armed;
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (!_armed) return;
        (bool settled,) = _target.call(abi.encodeWithSelector(IClearinghouse.settle.selector, _account));
        (bool deposited,) = _target.call(abi.encodeWithSelector(IClearinghouse.deposit.selector, _account, 1));
        if (settled || deposited) revert WentThrough(settled, deposited);
        revert AllRefused();
    }
}
