// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearinghouse} from "../../src/Clearinghouse.sol";
import {Collateral} from "../../src/Collateral.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Fixture} from "../support/Fixture.sol";

/// @dev A dollar that keeps one unit of every transfer.
contract SkimmingDollar is TokenMock {
    constructor() TokenMock("Skim", "SKIM", 6) {}

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (from != address(0) && to != address(0)) super._update(to, address(0xdead), 1);
    }
}

contract ClearinghouseCashTest is Fixture {
    function test_deposit_credits_withoutEnlisting() public {
        uint256 known = clearinghouse.accountCount();
        _deposit(alice.account, 1_000e6);
        _deposit(alice.account, 5);
        assertEq(_cash(alice.account), 1_000e6 + 5, "cash");
        assertEq(clearinghouse.accountCount(), known, "an account without legs costs no keeper anything");
    }

    function test_trade_firstLeg_enlistsBothOnce() public {
        _deposit(alice.account, 100_000e6);
        _deposit(dealer.account, 100_000e6);
        uint256 known = clearinghouse.accountCount();
        _tradeAtMark(alice, dealer, _perpetual(BTC), 1);
        _tradeAtMark(alice, dealer, _perpetual(BTC), 1);
        assertEq(clearinghouse.accountCount(), known + 2, "both, once");
        assertEq(clearinghouse.accountAt(known), dealer.account, "maker first");
        assertEq(clearinghouse.accountAt(known + 1), alice.account, "taker");
        assertEq(uint256(clearinghouse.accountState(alice.account).mode), 2, "mode");
    }

    function test_deposit_success_emitsAndMovesTokens() public {
        usdc.mint(address(this), 7e6);
        usdc.approve(address(treasury), 7e6);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.Deposited(alice.account, address(this), 7e6);
        clearinghouse.deposit(alice.account, 7e6);
        assertEq(usdc.balanceOf(address(treasury)), 7e6, "held");
    }

    function test_deposit_zero_reverts() public {
        vm.expectRevert(IClearinghouse.ZeroAmount.selector);
        clearinghouse.deposit(alice.account, 0);
    }

    function test_deposit_limit_boundary() public {
        uint256 most = 2 ** 60;
        usdc.mint(address(this), most + 1);
        usdc.approve(address(treasury), most + 1);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.DepositTooLarge.selector, most + 1, most));
        clearinghouse.deposit(alice.account, most + 1);
        clearinghouse.deposit(alice.account, most);
        assertEq(_cash(alice.account), int256(most), "cash");
    }

    function createWith(address tokens) external returns (Clearinghouse) {
        return new Clearinghouse(address(this), address(usdc), address(engine), address(oracle), tokens);
    }

    function test_constructor_collateralOfAnotherHouse_reverts() public {
        bytes memory reason = abi.encodeWithSelector(
            IClearinghouse.CollateralOfAnother.selector, address(collateral), address(clearinghouse)
        );
        vm.expectRevert(reason);
        this.createWith(address(collateral));
        // The control: with one made for it.
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        Collateral own = new Collateral(next, address(spots));
        assertEq(address(this.createWith(address(own)).collateral()), address(own), "its own");
    }

    function test_deposit_tokenKeepsAFee_reverts() public {
        SkimmingDollar skim = new SkimmingDollar();
        Clearinghouse other = _newHouse(address(skim));
        skim.mint(address(this), 100);
        skim.approve(address(other.treasury()), 100);
        vm.expectRevert(abi.encodeWithSelector(ITreasury.TransferShort.selector, 99, 100));
        other.deposit(alice.account, 100);
    }

    function test_withdraw_noPositions_paysToTheUnit() public {
        _deposit(alice.account, 1_000e6);
        _withdraw(alice, 400e6, _noClaim());
        assertEq(_cash(alice.account), 600e6, "cash");
        assertEq(usdc.balanceOf(alice.owner), 400e6, "paid");
        _withdraw(alice, 600e6, _noClaim());
        assertEq(usdc.balanceOf(address(treasury)), 0, "left");
    }

    function test_withdraw_success_emits() public {
        _deposit(alice.account, 10e6);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.Withdrawn(alice.account, bob.owner, 10e6, 10e6);
        vm.prank(alice.owner);
        clearinghouse.withdraw(alice.account, 10e6, bob.owner, _noClaim());
        assertEq(usdc.balanceOf(bob.owner), 10e6, "paid to whom the owner names");
    }

    function test_withdraw_zero_reverts() public {
        _deposit(alice.account, 10e6);
        vm.expectRevert(IClearinghouse.ZeroAmount.selector);
        _withdraw(alice, 0, _noClaim());
    }

    function test_withdraw_notOwner_reverts() public {
        _deposit(alice.account, 10e6);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.NotOwner.selector, mallory.owner, alice.account));
        vm.prank(mallory.owner);
        clearinghouse.withdraw(alice.account, 1, mallory.owner, _noClaim());
        _withdraw(alice, 1, _noClaim());
    }

    function test_withdraw_oneUnitMoreThanCash_reverts() public {
        _deposit(alice.account, 10e6);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InsufficientCash.selector, alice.account, 10e6, 10e6 + 1));
        _withdraw(alice, 10e6 + 1, _noClaim());
        _withdraw(alice, 10e6, _noClaim());
    }

    function test_withdraw_hugeAmount_reverts() public {
        _deposit(alice.account, 10e6);
        vm.expectRevert();
        _withdraw(alice, type(uint256).max, _noClaim());
        vm.expectRevert();
        _withdraw(alice, 2 ** 128 + 1, _noClaim());
    }

    function test_withdraw_ofOneSubAccount_leavesTheOther() public {
        bytes32 second = _account(alice.owner, 2);
        _deposit(alice.account, 10e6);
        _deposit(second, 20e6);
        _withdraw(alice, 10e6, _noClaim());
        assertEq(_cash(second), 20e6, "other sub-account");
    }

    function test_withdraw_toStandardMargin_passesAndOneUnitLessReverts() public {
        (int256 equity, uint256 required) = _longPerpetual();
        uint256 free = uint256(equity) - required;
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(required) - 1, required
            )
        );
        _withdraw(alice, free + 1, _noClaim());
        _withdraw(alice, free, _noClaim());
        assertEq(_equity(alice.account), int256(required), "equity at the requirement");
    }

    function test_withdraw_reserve_staysLocked() public {
        _longPerpetual();
        assertEq(uint256(clearinghouse.accountState(alice.account).reserve), RESERVE, "reserve");
        int256 cash = _cash(alice.account);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.InsufficientCash.selector, alice.account, cash, cash + 1));
        _withdraw(alice, uint256(cash) + 1, _noClaim());
    }

    function test_withdraw_staleSurface_revertsOnlyWithPositions() public {
        _longPerpetual();
        _deposit(carol.account, 1e6);
        vm.warp(block.timestamp + 2 hours + 1);
        _postSpot(BTC, BTC_SPOT);
        vm.expectPartialRevert(bytes4(keccak256("StaleMarket(uint128)")));
        _withdraw(alice, 1, _noClaim());
        _withdraw(carol, 1e6, _noClaim());
        _publish();
        _withdraw(alice, 1, _noClaim());
    }

    function test_withdraw_staleSpot_reverts() public {
        _longPerpetual();
        vm.warp(block.timestamp + MAX_SPOT_AGE);
        _withdraw(alice, 1, _noClaim());
        vm.warp(block.timestamp + 1);
        vm.expectRevert(abi.encodeWithSignature("StaleMarket(uint128)", _perpetual(BTC)));
        _withdraw(alice, 1, _noClaim());
    }

    /// @dev Delta-hedged: when spot rises the call gains on paper what the perpetual loses in money.
    function test_withdraw_againstUnrealisedOptionProfit_reverts() public {
        uint128 option = _call(BTC, FAR, _strike(BTC, 2));
        _deposit(alice.account, 8_000e6);
        _deposit(dealer.account, 10_000_000e6);
        _tradeAtMark(alice, dealer, option, 1000);
        _tradeAtMark(dealer, alice, _perpetual(BTC), 550);
        _withdraw(alice, 1, _noClaim());
        _advance(60, 72_000e8, ETH_SPOT);
        int256 exit = clearinghouse.netCash(alice.account) - 550 * int256(uint256(engine.markOf(_perpetual(BTC)))) / 1e5;
        assertTrue(exit < 0, "money alone is negative");
        assertTrue(_equity(alice.account) > int256(_health(alice.account).gridInitial), "margin alone would pass");
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.PhantomExit.selector, alice.account, exit - 1));
        _withdraw(alice, 1, _noClaim());
        // With that much more cash the same withdrawal passes.
        _deposit(alice.account, uint256(-exit) + 1);
        _withdraw(alice, 1, _noClaim());
    }

    function test_withdraw_creditOfAnOption_cannotLeaveBelowItsValue() public {
        // A covered short put spread: premium received is cash, but as much as the legs are worth must stay.
        uint128 low = _put(BTC, FAR, _strike(BTC, 1));
        uint128 high = _put(BTC, FAR, _strike(BTC, 2));
        _deposit(alice.account, 20_000e6);
        _deposit(dealer.account, 10_000_000e6);
        _tradeAtMark(alice, dealer, low, 1000);
        _tradeAtMark(dealer, alice, high, 1000);
        int256 cash = _cash(alice.account);
        int256 legs = _equity(alice.account) - cash;
        assertTrue(legs < 0, "a credit spread");
        // Standard margin asks more than the phantom rule; the stricter of the two holds.
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, uint256(cash + legs) + 1, _noClaim());
    }

    function test_owner_entryPoints_refuseOthers() public {
        bytes memory refused = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner);
        vm.startPrank(mallory.owner);
        vm.expectRevert(refused);
        clearinghouse.connectAuction(mallory.owner);
        vm.stopPrank();
    }

    function test_auctionEntryPoints_refuseOthers() public {
        bytes memory refused = abi.encodeWithSelector(IClearinghouse.NotAuction.selector, address(this));
        vm.expectRevert(refused);
        clearinghouse.lock(alice.account);
        vm.expectRevert(refused);
        clearinghouse.unlock(alice.account);
        vm.expectRevert(refused);
        clearinghouse.transferBook(alice.account, bob.account, true, 1e18, 0, 0);
        vm.expectRevert(refused);
        clearinghouse.payReserve(alice.account, bob.account, 1);
        vm.expectRevert(refused);
        clearinghouse.moveCash(alice.account, bob.account, 1);
    }

    function test_connectAuction_twice_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.AlreadyConnected.selector, address(auction)));
        clearinghouse.connectAuction(address(1));
    }

    /// @dev Alice is long one bitcoin by perpetual with 100,000 dollars.
    function _longPerpetual() private returns (int256 equity, uint256 required) {
        _deposit(alice.account, 100_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _tradeAtMark(alice, dealer, _perpetual(BTC), 1000);
        equity = _equity(alice.account);
        // Where the grid is lower than standard margin, the grid at 1.25 is what withdrawals need.
        required = _health(alice.account).gridInitial;
        uint256 standard = _health(alice.account).standardInitial;
        if (standard < required) required = standard;
    }
}
