// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IMarginLens} from "../../src/interfaces/IMarginLens.sol";
import {PriceFeedMock} from "../../src/mocks/PriceFeedMock.sol";
import {TokenMock} from "../../src/mocks/TokenMock.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";

contract MarginLensTest is Fixture {
    function test_markets_sourceThatOnlyPricesAToken_isLeftOut() public {
        PriceFeedMock feed = new PriceFeedMock(8, "SOL / USD");
        feed.post(100e8);
        spots.addUnderlying(3, address(feed), MAX_SPOT_AGE, Model.sigmas()[0]);
        IMarginLens.MarketView[] memory list = lens.markets();
        assertEq(list.length, 2, "two markets");
        assertEq(uint256(list[0].underlying), BTC, "first");
        assertEq(uint256(list[1].underlying), ETH, "second");
        assertEq(uint256(list[1].spot), ETH_SPOT, "spot");
        assertTrue(list[1].spotFresh, "fresh");
        assertEq(uint256(list[1].lot), engine.lotOf(ETH), "lot");
        assertEq(uint256(list[1].scanRange), engine.scanRangeOf(ETH), "scan range");
        assertEq(list[1].forwards.length, 3, "perpetual and two expiries");
        assertEq(uint256(list[1].forwards[1].expiry), NEAR, "nearest expiry");
        assertEq(uint256(list[1].forwards[1].quote.ratio), uint256(feeds.quote(ETH, NEAR).ratio), "its ratio");
        assertEq(uint256(list[1].forwards[1].settlement), 0, "not settled");
    }

    function test_listings_batches_joinToTheWholeAndEndAtTheEnd() public {
        IMarginLens.ListingView[] memory all = lens.listings(0, type(uint256).max);
        assertEq(all.length, listings.listingCount(), "all");
        IMarginLens.ListingView[] memory tail = lens.listings(40, 20);
        assertEq(tail.length, all.length - 40, "what is left");
        assertEq(uint256(tail[0].instrument), uint256(all[40].instrument), "goes on where the first ended");
        assertEq(lens.listings(0, 40).length, 40, "as many as asked");
        assertEq(lens.listings(all.length, 1).length, 0, "nothing beyond");
    }

    function test_listings_openInterestAndSettlement_areTheContracts() public {
        _deposit(alice.account, 1_000_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _future(BTC, NEAR), 7, BTC_SPOT);
        vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, 61_000e8);
        IMarginLens.ListingView[] memory all = lens.listings(0, 100);
        uint256 found;
        for (uint256 i; i < all.length; ++i) {
            if (all[i].instrument != _future(BTC, NEAR)) continue;
            assertEq(uint256(all[i].openInterest), 7, "open interest");
            assertEq(uint256(all[i].settlement), 61_000e8, "settlement");
            ++found;
        }
        assertEq(found, 1, "once");
    }

    function test_tokens_noneAllowed_isEmptyAndOneBringsTheCoin() public {
        assertEq(lens.tokens().length, 0, "no token, no coin");
        uint16 id = collateral.addToken(address(btcToken), BTC, 0.1e18, 1_000_000e6);
        IMarginLens.TokenView[] memory list = lens.tokens();
        assertEq(list.length, 2, "coin and token");
        assertEq(uint256(list[0].id), 0, "the coin first");
        assertEq(uint256(list[0].price), 1e8, "a dollar where no feed says more");
        assertEq(uint256(list[1].id), id, "the token");
        assertEq(uint256(list[1].price), BTC_SPOT, "its price");
        assertEq(uint256(list[1].haircut), 0.1e18, "its haircut");
        assertEq(uint256(list[1].decimals), 8, "its decimals");
    }

    function test_accounts_batches_holdCashPositionsAndTokens() public {
        uint16 id = collateral.addToken(address(btcToken), BTC, 0.1e18, 10_000_000e6);
        _deposit(alice.account, 1_000_000e6);
        _deposit(dealer.account, 2_000_000e6);
        _trade(alice, dealer, _perpetual(ETH), 5, ETH_SPOT);
        btcToken.mint(alice.owner, 1e8);
        vm.startPrank(alice.owner);
        btcToken.approve(address(collateral), 1e8);
        collateral.deposit(alice.account, id, 1e8);
        vm.stopPrank();
        IMarginLens.AccountView[] memory list = lens.accounts(0, 10);
        assertEq(list.length, clearinghouse.accountCount(), "all");
        assertEq(lens.accounts(1, 10).length, list.length - 1, "from the second");
        assertEq(lens.accounts(list.length, 1).length, 0, "nothing beyond");
        IMarginLens.AccountView memory hers = lens.account(alice.account);
        assertEq(int256(hers.cash), _cash(alice.account), "cash");
        assertEq(hers.positions.length, 1, "one leg");
        assertEq(hers.pledged.length, 1, "one token");
        assertEq(uint256(hers.pledged[0].amount), 1e8, "its amount");
    }

    function test_health_isWhatTheEngineSays() public {
        _deposit(alice.account, 1_000_000e6);
        _deposit(dealer.account, 1_000_000e6);
        _trade(alice, dealer, _perpetual(BTC), 100, BTC_SPOT);
        IMarginLens.HealthView memory health = lens.health(alice.account, uint256(1) << FALL);
        assertEq(health.equity, _equity(alice.account), "equity");
        assertEq(uint256(health.worstScenario), FALL, "scenario");
        assertTrue(health.maintenance <= health.standard, "capped by standard margin");
        assertTrue(health.gridInitial > health.maintenance, "initial above maintenance");
    }
}
