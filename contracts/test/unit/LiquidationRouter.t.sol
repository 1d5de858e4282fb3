// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {LiquidationRouter} from "../../src/LiquidationRouter.sol";
import {Treasury} from "../../src/Treasury.sol";
import {Clearinghouse} from "../../src/Clearinghouse.sol";
import {UsdCoin} from "../../src/mocks/UsdCoin.sol";
import {ILiquidationAuction} from "../../src/interfaces/ILiquidationAuction.sol";
import {ILiquidationCallback, ILiquidationRouter} from "../../src/interfaces/ILiquidationRouter.sol";
import {ExpiryQuote, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice A liquidator without a dollar of its own: it borrows when it is called back.
contract Borrower is ILiquidationCallback {
    LiquidationRouter private immutable router;
    Clearinghouse private immutable house;

    constructor(LiquidationRouter router_, Clearinghouse house_) {
        router = router_;
        house = house_;
        ILiquidationAuction(address(router_.auction())).approveBidder(address(router_), true);
    }

    function account() public view returns (bytes32) {
        return bytes32(bytes20(address(this))) | bytes32(uint256(1));
    }

    function go(bytes32 victim, uint8 scenario, uint256 margin) external returns (uint256) {
        ILiquidationRouter.BidOrder memory order =
            ILiquidationRouter.BidOrder(account(), 1e18, type(int256).min, uint64(block.timestamp));
        return router.liquidate(victim, scenario, new address[](0), new bytes[](0), order, true, abi.encode(margin));
    }

    function onFlagged(bytes32, bytes32 buyer, bytes calldata data) external {
        uint256 margin = abi.decode(data, (uint256));
        UsdCoin coin = UsdCoin(house.usdc());
        coin.mint(address(this), margin); // a flash loan
        coin.approve(address(house.treasury()), margin);
        house.deposit(buyer, margin);
    }
}

contract LiquidationRouterTest is Fixture {
    LiquidationRouter private router;

    function setUp() public override {
        super.setUp();
        router = new LiquidationRouter(address(auction), address(feeds), address(oracle));
        _deposit(dealer.account, 10_000_000e6);
        _deposit(carol.account, 12_050e6);
        _trade(carol, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        _deposit(liquidator.account, 100_000e6);
        vm.prank(liquidator.owner);
        auction.approveBidder(address(router), true);
    }

    function _order(bytes32 buyer, uint256 fraction) private view returns (ILiquidationRouter.BidOrder memory) {
        return ILiquidationRouter.BidOrder(buyer, fraction, type(int256).min, uint64(block.timestamp));
    }

    function _go(Actor memory who, ILiquidationRouter.BidOrder memory order) private returns (uint256) {
        vm.prank(who.owner);
        return router.liquidate(carol.account, FALL, new address[](0), new bytes[](0), order, false, "");
    }

    /// @dev Below half of the requirement there is no grace: one call does it.
    function test_liquidate_deep_flagsAndBidsAtOnce() public {
        _advance(60, 50_000e8, ETH_SPOT);
        assertTrue(_go(liquidator, _order(liquidator.account, 1e18)) > 0, "sold");
        assertTrue(_lots(liquidator.account, _perpetual(BTC)) > 0, "bought");
        assertEq(_cash(_account(address(router), 0)), 20e6, "the flagger is the router");
    }

    function test_liquidate_withFreshMarks_submitsFirst() public {
        vm.warp(block.timestamp + 60);
        _postSpot(BTC, 50_000e8);
        ExpiryQuote[] memory quotes = _quotes(BTC);
        uint64 time = uint64(block.timestamp);
        Signature[] memory signed = _signatures(feedKeys, FEED_THRESHOLD, feeds.updateDigest(BTC, time, quotes));
        address[] memory targets = new address[](2);
        bytes[] memory submissions = new bytes[](2);
        (targets[0], targets[1]) = (address(feeds), address(oracle));
        submissions[0] = abi.encodeCall(feeds.updateSurface, (BTC, time, quotes, signed));
        submissions[1] = hex"deadbeef"; // fails, and stops nothing
        vm.prank(liquidator.owner);
        router.liquidate(carol.account, FALL, targets, submissions, _order(liquidator.account, 1e18), false, "");
        assertEq(uint256(feeds.quote(BTC, 0).time), time, "posted");
        assertTrue(_lots(liquidator.account, _perpetual(BTC)) > 0, "bought");
    }

    function test_liquidate_callback_bringsTheMargin() public {
        _advance(60, 50_000e8, ETH_SPOT);
        Borrower borrower = new Borrower(router, clearinghouse);
        assertTrue(borrower.go(carol.account, FALL, 20_000e6) > 0, "sold");
        assertTrue(_lots(borrower.account(), _perpetual(BTC)) > 0, "bought");
    }

    function test_liquidate_flagOnly_thenBidOfTheOpenAuction() public {
        _advance(60, 52_000e8, ETH_SPOT);
        assertEq(_go(liquidator, _order(liquidator.account, 0)), 0, "no bid");
        vm.warp(auction.auction(carol.account).startedAt);
        assertTrue(_go(liquidator, _order(liquidator.account, 1e18)) > 0, "sold");
    }

    function test_liquidate_intoAnAccountOfSomebodyElse_reverts() public {
        _advance(60, 50_000e8, ETH_SPOT);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationRouter.NotOwner.selector, mallory.owner, liquidator.account));
        this.goAs(mallory, liquidator.account);
        // Nor without the owner's approval.
        vm.expectRevert(abi.encodeWithSelector(ILiquidationAuction.NotBuyer.selector, address(router), mallory.account));
        this.goAs(mallory, mallory.account);
    }

    function test_liquidate_otherTarget_reverts() public {
        address[] memory targets = new address[](1);
        targets[0] = address(usdc);
        vm.prank(liquidator.owner);
        vm.expectRevert(abi.encodeWithSelector(ILiquidationRouter.UnknownTarget.selector, address(usdc)));
        router.liquidate(carol.account, FALL, targets, new bytes[](1), _order(liquidator.account, 1e18), false, "");
    }

    function goAs(Actor memory who, bytes32 buyer) external {
        _go(who, _order(buyer, 1e18));
    }
}
