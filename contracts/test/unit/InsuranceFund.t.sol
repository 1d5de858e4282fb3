// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IInsuranceFund} from "../../src/interfaces/IInsuranceFund.sol";
import {Fixture} from "../support/Fixture.sol";

contract InsuranceFundTest is Fixture {
    uint64 private constant COOL_DOWN = 7 days;

    function _join(Actor memory who, uint256 amount) private returns (uint256 shares) {
        usdc.mint(who.owner, amount);
        vm.startPrank(who.owner);
        usdc.approve(address(fund), amount);
        shares = fund.deposit(amount, who.owner);
        vm.stopPrank();
    }

    function _request(Actor memory who, uint256 shares) private {
        vm.prank(who.owner);
        fund.requestExit(shares);
    }

    function redeemAs(Actor memory who, uint256 shares) external returns (uint256) {
        vm.prank(who.owner);
        return fund.redeem(shares, who.owner, who.owner);
    }

    function _cover(bytes32 account, uint256 deficit) private returns (uint256) {
        vm.prank(address(auction));
        return fund.cover(account, deficit);
    }

    /* LEAVING */

    function test_R13_5_redeem_onlyAfterTheCoolDownAndWithinItsWindow() public {
        uint256 shares = _join(alice, 1_000e6);
        vm.expectRevert();
        this.redeemAs(alice, shares);
        _request(alice, shares);
        vm.warp(block.timestamp + COOL_DOWN - 1);
        vm.expectRevert();
        this.redeemAs(alice, shares);
        vm.warp(block.timestamp + 1);
        uint256 snapshot = vm.snapshotState();
        assertEq(this.redeemAs(alice, shares), 1_000e6, "paid");
        assertTrue(vm.revertToState(snapshot), "revert");
        vm.warp(block.timestamp + 2 days);
        vm.expectRevert();
        this.redeemAs(alice, shares);
    }

    /// @dev A loss that comes between the request and the exit is borne by who leaves.
    function test_R13_6_redeem_burnsAtThePriceOfExecution() public {
        uint256 shares = _join(alice, 1_000e6);
        _join(bob, 1_000e6);
        _request(alice, shares);
        vm.warp(block.timestamp + COOL_DOWN - 1 hours);
        assertEq(_cover(carol.account, 500e6), 500e6, "a loss");
        vm.warp(block.timestamp + 1 hours);
        assertEq(this.redeemAs(alice, shares), 750e6, "half of what is left");
    }

    function test_R13_7_redeem_leavesWhatOpenAuctionsMayCost() public {
        uint256 shares = _join(alice, 10_000e6);
        _request(alice, shares);
        vm.warp(block.timestamp + COOL_DOWN);
        _advance(60, BTC_SPOT, ETH_SPOT);
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        assertEq(fund.maxWithdraw(alice.owner), 10_000e6, "nothing is open");
        _advance(60, 50_000e8, ETH_SPOT);
        _flag(carol.account, FALL);
        uint256 bound = auction.worstPayout();
        assertTrue(bound > 0, "may cost");
        assertClose(fund.maxWithdraw(alice.owner), 10_000e6 - bound, 1, "less that");
        vm.expectRevert();
        this.redeemAs(alice, shares);
        assertTrue(fund.maxWithdraw(alice.owner) > 4_000e6, "standard margin is held back until a bid has run the grid");
        _deposit(liquidator.account, 1_000_000e6);
        _bid(liquidator, carol.account, 0.1e18);
        // Not even the whole fund is locked by one small auction.
        assertTrue(this.redeemAs(alice, fund.maxRedeem(alice.owner)) > 7_000e6, "most leaves");
    }

    /// @dev Shares that wait cannot be sold with their place in the queue, nor lent a place.
    function test_requestExit_setsTheSharesAside() public {
        uint256 shares = _join(alice, 1_000e6);
        _request(alice, shares);
        assertEq(fund.balanceOf(alice.owner), 0, "aside");
        vm.expectRevert();
        _request(mallory, 1);
        vm.prank(alice.owner);
        vm.expectRevert();
        fund.transfer(mallory.owner, 1);
        _request(alice, shares / 4);
        assertEq(fund.balanceOf(alice.owner), shares - shares / 4, "the rest is back");
        assertEq(uint256(fund.exitOf(alice.owner).readyAt), block.timestamp + COOL_DOWN, "the clock starts anew");
        _request(alice, 0);
        assertEq(fund.balanceOf(alice.owner), shares, "all is back");
    }

    function test_redeem_byAnother_needsAllowance() public {
        uint256 shares = _join(alice, 1_000e6);
        _request(alice, shares);
        vm.warp(block.timestamp + COOL_DOWN);
        vm.prank(mallory.owner);
        vm.expectRevert();
        fund.redeem(shares, mallory.owner, alice.owner);
        vm.prank(alice.owner);
        fund.approve(bob.owner, shares);
        vm.prank(bob.owner);
        assertEq(fund.redeem(shares, bob.owner, alice.owner), 1_000e6, "allowed");
    }

    /* ASSETS */

    function test_donation_changesNothing() public {
        uint256 shares = _join(alice, 1_000e6);
        usdc.mint(address(fund), 1_000_000e6);
        assertEq(fund.totalAssets(), 1_000e6, "assets");
        assertEq(fund.previewRedeem(shares), 1_000e6, "price");
    }

    /// @dev The first depositor of one unit, and a donation: the second loses nothing worth the name.
    function test_inflation_firstDepositorGainsNothing() public {
        _join(mallory, 1);
        usdc.mint(address(fund), 1_000e6);
        uint256 shares = _join(alice, 1_000e6);
        assertClose(fund.previewRedeem(shares), 1_000e6, 1, "hers");
    }

    /// @dev Joining and leaving never pays more than was paid in, whatever happens in between.
    function testFuzz_joinAndLeave_neverGains(uint256 seed) public {
        uint256 first = 1 + seed % 1_000_000e6;
        uint256 second = 1 + (seed >> 64) % 1_000_000e6;
        _join(bob, first);
        uint256 shares = _join(alice, second);
        if (seed & 1 == 1) _cover(carol.account, (seed >> 128) % (first + second));
        _request(alice, shares);
        vm.warp(block.timestamp + COOL_DOWN);
        uint256 paid = this.redeemAs(alice, fund.maxRedeem(alice.owner));
        assertLe(paid, second, "no gain");
        assertEq(usdc.balanceOf(address(fund)), fund.totalAssets(), "to the unit");
    }

    /* COVER */

    function test_cover_ofOthers_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IInsuranceFund.NotAuction.selector, address(this)));
        fund.cover(carol.account, 1);
    }

    function test_cover_ofADay_isHalfOfTheFund() public {
        _join(alice, 1_000e6);
        assertEq(_cover(carol.account, 300e6), 300e6, "as asked");
        assertEq(fund.coverRoom(), 200e6, "the rest of half");
        assertEq(_cover(carol.account, 900e6), 200e6, "no more");
        assertEq(_cover(carol.account, 1), 0, "none");
        assertEq(_cash(carol.account), 500e6, "paid in");
        vm.warp(block.timestamp + 12 hours);
        assertEq(fund.coverRoom(), 125e6, "half of (500 and 250 still counted), less those");
        vm.warp(block.timestamp + 12 hours);
        assertEq(fund.coverRoom(), 250e6, "half of what is left");
    }

    /// @dev Else a shareholder would flag by a weak one and leave with what the auction may cost.
    function test_R13_8_worstPayout_isTheSameWhicheverScenarioFlags() public {
        _join(alice, 20_000e6);
        _deposit(carol.account, 12_050e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _advance(60, 48_500e8, ETH_SPOT);
        uint256 flags;
        uint256 first;
        for (uint8 s; s < 48; ++s) {
            uint256 id = vm.snapshotState();
            try auction.flag(carol.account, s) {
                if (flags++ == 0) first = auction.worstPayout();
                assertEq(auction.worstPayout(), first, "the same");
                assertTrue(first >= _worstByTheGrid(), "and no less than the grid's");
            } catch {}
            assertTrue(vm.revertToState(id), "revert");
        }
        assertLt(1, flags, "more than one scenario flags");
    }

    function _worstByTheGrid() private view returns (uint256) {
        int256 loss = int256(_health(carol.account).worstLoss) - _equity(carol.account);
        return loss > 0 ? uint256(loss) : 0;
    }
}
