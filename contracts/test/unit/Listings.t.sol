// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Listings} from "../../src/Listings.sol";
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
        vm.stopPrank();
    }

    function test_setSpotToken_secondTime_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(IListings.SpotTokenExists.selector, BTC, address(btcToken)));
        listings.setSpotToken(BTC, address(ethToken));
    }

    function test_setSpotToken_tooFewDecimals_reverts() public {
        listings = new Listings(address(this), address(engine));
        TokenMock coarse = new TokenMock("Coarse", "C", 2);
        vm.expectRevert(abi.encodeWithSelector(IListings.TokenAmountNotWhole.selector, uint64(1), uint8(2)));
        listings.setSpotToken(BTC, address(coarse));
    }
}
