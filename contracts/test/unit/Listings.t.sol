// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Listings} from "../../src/Listings.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IListings} from "../../src/interfaces/IListings.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Fixture} from "../support/Fixture.sol";

contract ListingsTest is Fixture {
    function test_list_refusals_besideAnAcceptedListing() public {
        _refuseListing(_id(0, 0, SPOT, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(3, 0, SPOT, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, 0, 0, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, 0, 6, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, 0, PERPETUAL, 1), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, NEAR, PERPETUAL, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, NEAR, CALL, 0), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, 0, CALL, 1), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, NEAR, FUTURE, 1), IListings.InvalidInstrument.selector);
        _refuseListing(_id(BTC, NEAR + 1, CALL, 1), IListings.InvalidInstrument.selector);
        _refuseListing(_perpetual(BTC), IListings.AlreadyListed.selector);
        uint128 fresh = _call(BTC, NEAR, 61_000e8);
        _list(fresh);
        assertTrue(listings.isListed(fresh), "listed");
        vm.warp(NEAR);
        _refuseListing(_call(BTC, NEAR, 62_000e8), IListings.InstrumentExpired.selector);
    }

    function _refuseListing(uint128 id, bytes4 selector) private {
        vm.expectRevert(abi.encodeWithSelector(selector, id));
        _list(id);
    }

    function _list(uint128 id) private {
        uint128[] memory ids = new uint128[](1);
        ids[0] = id;
        listings.list(ids);
    }

    function test_owner_entryPoints_refuseOthers() public {
        bytes memory refused = abi.encodeWithSignature("OwnableUnauthorizedAccount(address)", mallory.owner);
        vm.startPrank(mallory.owner);
        vm.expectRevert(refused);
        listings.list(new uint128[](0));
        vm.expectRevert(refused);
        listings.setSpotToken(BTC, address(btcToken));
        vm.expectRevert(refused);
        listings.setCloseOnly(new uint128[](0));
        vm.expectRevert(refused);
        listings.setOpenInterestCap(BTC, 1);
        vm.stopPrank();
    }

    function test_setSpotToken_secondTime_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IListings.SpotTokenExists.selector, BTC, address(btcToken)));
        listings.setSpotToken(BTC, address(ethToken));
    }

    function test_setSpotToken_tooFewDecimals_reverts() public {
        TokenMock coarse = new TokenMock("Coarse", "C", 2);
        vm.startPrank(address(clearinghouse));
        Listings fresh = new Listings(address(engine));
        vm.stopPrank();
        vm.expectRevert(abi.encodeWithSelector(IListings.TokenAmountNotWhole.selector, uint64(1), uint8(2)));
        fresh.setSpotToken(BTC, address(coarse));
    }

    /* LIFECYCLE */

    function test_stages_listCloseOnlyExpiredDelisted() public {
        uint128 id = _call(BTC, NEAR, _strike(BTC, 2));
        assertEq(uint256(listings.stageOf(_call(BTC, NEAR, 1))), uint256(IListings.Stage.None), "unlisted");
        assertEq(uint256(listings.stageOf(id)), uint256(IListings.Stage.Open), "open");
        _closeOnly(id);
        assertEq(uint256(listings.stageOf(id)), uint256(IListings.Stage.CloseOnly), "close-only");
        vm.warp(NEAR);
        assertEq(uint256(listings.stageOf(id)), uint256(IListings.Stage.Expired), "expired");
        uint256 count = listings.listingCount();
        listings.delist(id);
        assertEq(uint256(listings.stageOf(id)), uint256(IListings.Stage.None), "delisted");
        assertEq(listings.listingCount(), count - 1, "one fewer");
        for (uint256 i; i < count - 1; ++i) {
            assertTrue(listings.isListed(listings.listingAt(i)), "the others stay");
        }
    }

    function test_closeOnly_bothSidesMayOnlyReduce() public {
        uint128 id = _perpetual(BTC);
        _fund();
        _trade(alice, bob, id, 100, BTC_SPOT);
        _trade(carol, bob, id, 10, BTC_SPOT);
        _closeOnly(id);
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.CloseOnly.selector, bob.account, id));
        this.trade(alice, bob, id, 1);
        // Carol gets smaller, but Alice larger; the maker is looked at first.
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.CloseOnly.selector, alice.account, id));
        this.trade(alice, carol, id, 1);
        // Through zero is an opening, too.
        vm.expectRevert(abi.encodeWithSelector(IClearinghouse.CloseOnly.selector, carol.account, id));
        this.trade(bob, carol, id, 11);
        _trade(bob, carol, id, 10, BTC_SPOT);
        _trade(bob, alice, id, 40, BTC_SPOT);
        assertEq(_lots(alice.account, id), 60, "reduced");
    }

    function test_closeOnly_legIsStillFlaggedAndSold() public {
        uint128 id = _perpetual(BTC);
        _deposit(alice.account, 12_050e6);
        _deposit(dealer.account, 1_000_000e6);
        _deposit(liquidator.account, 1_000_000e6);
        _trade(alice, dealer, id, 1_000, BTC_SPOT);
        _closeOnly(id);
        _advance(60, 52_000e8, ETH_SPOT);
        _flagAndWait(alice.account, FALL);
        _bid(liquidator, alice.account, 1e18);
        assertTrue(_lots(liquidator.account, id) != 0, "moved");
    }

    function test_closeOnly_spot_takesNoMoreButGoesOut() public {
        _deposit(alice.account, 1_000e6);
        _depositSpot(alice, BTC, 10);
        _closeOnly(_spot(BTC));
        btcToken.mint(alice.owner, 1e8);
        vm.startPrank(alice.owner);
        btcToken.approve(address(clearinghouse), 1e8);
        vm.expectRevert(abi.encodeWithSelector(IListings.IsCloseOnly.selector, _spot(BTC)));
        clearinghouse.depositSpot(alice.account, BTC, 1);
        clearinghouse.withdrawSpot(alice.account, BTC, 10, alice.owner);
        vm.stopPrank();
        listings.delist(_spot(BTC));
    }

    function test_delist_heldOpenOrUnknown_reverts() public {
        uint128 id = _future(BTC, NEAR);
        _fund();
        _trade(alice, bob, id, 100, engine.markOf(id));
        vm.expectRevert(abi.encodeWithSelector(IListings.StillOpen.selector, id));
        listings.delist(id);
        _closeOnly(id);
        vm.expectRevert(abi.encodeWithSelector(IListings.StillHeld.selector, id));
        listings.delist(id);
        vm.expectRevert(abi.encodeWithSelector(IListings.NotListed.selector, _call(BTC, NEAR, 1)));
        listings.delist(_call(BTC, NEAR, 1));
    }

    /// @dev The longs have settled and open interest is zero, but a short is still to pay.
    function test_delist_oneSideSettled_reverts() public {
        uint128 id = _future(BTC, NEAR);
        _fund();
        _trade(alice, bob, id, 100, engine.markOf(id));
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, BTC_SPOT);
        clearinghouse.settle(alice.account);
        assertEq(clearinghouse.openInterest(id), 0, "no longs");
        vm.expectRevert(abi.encodeWithSelector(IListings.StillHeld.selector, id));
        listings.delist(id);
        clearinghouse.settle(bob.account);
        listings.delist(id);
    }

    function test_list_delistedInstrument_isListedAnew() public {
        uint128 id = _call(BTC, NEAR, _strike(BTC, 0));
        _closeOnly(id);
        listings.delist(id);
        _list(id);
        assertEq(uint256(listings.stageOf(id)), uint256(IListings.Stage.Open), "open again");
    }

    /* CAPS */

    function test_cap_bindsWhatRaisesOpenInterest() public {
        _fund();
        _trade(alice, bob, _perpetual(BTC), 100, BTC_SPOT);
        listings.setOpenInterestCap(BTC, 150);
        uint128 future = _future(BTC, NEAR);
        _tradeAtMark(alice, bob, future, 50);
        vm.expectRevert(
            abi.encodeWithSelector(IClearinghouse.OpenInterestOverCap.selector, BTC, uint64(151), uint64(150))
        );
        this.trade(alice, bob, future, 1);
        // From hand to hand, and from nobody's cap: passes.
        _trade(carol, alice, _perpetual(BTC), 100, BTC_SPOT);
        _tradeAtMark(alice, bob, _perpetual(ETH), 1_000);
        listings.setOpenInterestCap(BTC, 0);
        _trade(bob, carol, _perpetual(BTC), 60, BTC_SPOT);
        assertEq(clearinghouse.openInterestOf(BTC), 90, "counted over instruments");
    }

    function test_cap_ofSpot_isApartFromThatOfContracts() public {
        listings.setOpenInterestCap(BTC, 1_000);
        _deposit(alice.account, 1_000_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _depositSpot(alice, BTC, 1_000);
        assertEq(clearinghouse.openInterestOf(BTC), 0, "a token is nobody's contract");
        _trade(alice, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        assertEq(clearinghouse.openInterestOf(BTC), 1_000, "as many contracts besides");
    }

    function test_cap_neverBlocksLiquidation() public {
        _deposit(alice.account, 12_050e6);
        _deposit(dealer.account, 1_000_000e6);
        _deposit(liquidator.account, 1_000_000e6);
        _trade(alice, dealer, _perpetual(BTC), 1_000, BTC_SPOT);
        listings.setOpenInterestCap(BTC, 0);
        _advance(60, 52_000e8, ETH_SPOT);
        _flagAndWait(alice.account, FALL);
        _bid(liquidator, alice.account, 1e18);
        assertEq(clearinghouse.openInterestOf(BTC), 1_000, "the same lots");
    }

    /* BANDS */

    function test_band_boundary() public {
        _fund();
        uint128 id = _perpetual(BTC);
        uint64 mark = engine.markOf(id);
        uint64 width = mark / 4;
        vm.expectRevert(abi.encodeWithSelector(IListings.PriceOutsideBand.selector, mark + width + 1, mark));
        listings.requireTradable(id, mark + width + 1);
        vm.expectRevert(abi.encodeWithSelector(IListings.PriceOutsideBand.selector, mark - width - 1, mark));
        listings.requireTradable(id, mark - width - 1);
        assertFalse(listings.requireTradable(id, mark + width), "the upper end");
        assertFalse(listings.requireTradable(id, mark - width), "the lower end");
    }

    function test_band_cheapOption_isAShareOfSpot() public {
        uint128 id = _call(BTC, NEAR, _strike(BTC, 4));
        uint64 mark = engine.markOf(id);
        assertLe(uint256(mark), 3_000e8, "cheap");
        listings.requireTradable(id, mark + 3_000e8);
        vm.expectRevert(abi.encodeWithSelector(IListings.PriceOutsideBand.selector, mark + 3_000e8 + 1, mark));
        listings.requireTradable(id, mark + 3_000e8 + 1);
    }

    function trade(Actor calldata buyer, Actor calldata seller, uint128 id, uint64 lots) external {
        _tradeAtMark(buyer, seller, id, lots);
    }

    function _fund() private {
        _deposit(alice.account, 1_000_000e6);
        _deposit(bob.account, 1_000_000e6);
        _deposit(carol.account, 1_000_000e6);
    }

    function _closeOnly(uint128 id) private {
        uint128[] memory ids = new uint128[](1);
        ids[0] = id;
        listings.setCloseOnly(ids);
    }
}
