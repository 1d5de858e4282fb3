// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {ICollateral} from "./interfaces/ICollateral.sol";
import {IInitialAddOns} from "./interfaces/IInitialAddOns.sol";
import {IListings} from "./interfaces/IListings.sol";
import {IMarginLens} from "./interfaces/IMarginLens.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {Leg} from "./types/Types.sol";

/// @title Margin lens
/// @notice See {IMarginLens}, which documents every entry point, event and error.
contract MarginLens is IMarginLens {
    using InstrumentLib for uint128;

    IClearinghouse public immutable clearinghouse;
    IRiskEngine public immutable engine;
    IMarketFeeds public immutable feeds;
    ISpotFeeds public immutable spots;
    ICollateral public immutable collateral;

    uint8 internal constant COIN_DECIMALS = 6;
    /// @dev Without an aggregator the coin is the unit of account.
    uint64 internal constant COIN_PRICE = 1e8;

    constructor(address clearinghouse_, address engine_, address feeds_) {
        clearinghouse = IClearinghouse(clearinghouse_);
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(feeds_);
        spots = ISpotFeeds(IMarketFeeds(feeds_).spots());
        collateral = IClearinghouse(clearinghouse_).collateral();
    }

    /// @inheritdoc IMarginLens
    function markets() external view returns (MarketView[] memory list) {
        uint16[] memory ids = _traded(spots.underlyings());
        list = new MarketView[](ids.length);
        for (uint256 i; i < ids.length; ++i) {
            uint16 id = ids[i];
            MarketView memory view_ = list[i];
            view_.underlying = id;
            view_.lot = engine.lotOf(id);
            view_.scanRange = engine.scanRangeOf(id);
            (view_.spot, view_.spotTime, view_.spotFresh,) = spots.reading(id);
            view_.forwards = _forwards(id);
            (view_.observedDays, view_.observedPrices) = spots.observations(id);
        }
    }

    /// @inheritdoc IMarginLens
    function listings(uint256 from, uint256 count) external view returns (ListingView[] memory list) {
        IListings listingBook = clearinghouse.listings();
        uint256 n = _batch(listingBook.listingCount(), from, count);
        list = new ListingView[](n);
        for (uint256 i; i < n; ++i) {
            uint128 id = listingBook.listingAt(from + i);
            uint64 settled = feeds.settlement(id.underlyingOf(), id.expiryOf());
            list[i] = ListingView(id, clearinghouse.openInterest(id), settled);
        }
    }

    /// @inheritdoc IMarginLens
    function tokens() external view returns (TokenView[] memory list) {
        (uint64 coin, bool configured) = IInitialAddOns(engine.addOns()).coinPrice();
        uint16 count = collateral.tokenCount();
        if (count == 0 && !configured) return list;
        list = new TokenView[](count + 1);
        list[0] = TokenView(0, COIN_DECIMALS, configured ? coin : COIN_PRICE, 0);
        for (uint16 id = 1; id <= count; ++id) {
            ICollateral.Token memory t = collateral.tokenAt(id);
            (uint64 price,,,) = spots.reading(t.source);
            list[id] = TokenView(id, t.decimals, price, t.haircut);
        }
    }

    /// @inheritdoc IMarginLens
    function accounts(uint256 from, uint256 count) external view returns (AccountView[] memory list) {
        uint256 n = _batch(clearinghouse.accountCount(), from, count);
        list = new AccountView[](n);
        for (uint256 i; i < n; ++i) {
            list[i] = account(clearinghouse.accountAt(from + i));
        }
    }

    /// @inheritdoc IMarginLens
    function account(bytes32 id) public view returns (AccountView memory) {
        IClearinghouse.AccountState memory state = clearinghouse.accountState(id);
        return AccountView(
            id,
            state.cash,
            state.reserve,
            state.mode,
            state.locked,
            clearinghouse.positionsOf(id),
            collateral.balancesOf(id)
        );
    }

    /// @inheritdoc IMarginLens
    function health(bytes32 id, uint256 scenarioMask) external view returns (HealthView memory view_) {
        Leg[] memory legs = clearinghouse.legsOf(id);
        IRiskEngine.Assessment memory a = engine.assess(legs, scenarioMask, 0);
        view_.equity = clearinghouse.netCash(id) + a.value;
        view_.standard = a.standard;
        view_.standardInitial = a.standardInitial;
        view_.maintenance = engine.maintenanceMargin(a);
        view_.initialAddOns = engine.initialAddOns(legs, 0);
        view_.gridInitial = engine.gridInitialMargin(a, view_.initialAddOns);
        view_.worstLoss = a.worstLoss;
        view_.worstScenario = a.worstScenario;
    }

    /// @dev The others only price a collateral token.
    function _traded(uint16[] memory all) private view returns (uint16[] memory ids) {
        uint256 n;
        for (uint256 i; i < all.length; ++i) {
            if (engine.lotOf(all[i]) != 0) all[n++] = all[i];
        }
        ids = new uint16[](n);
        for (uint256 i; i < n; ++i) {
            ids[i] = all[i];
        }
    }

    function _batch(uint256 total, uint256 from, uint256 count) private pure returns (uint256) {
        if (from >= total) return 0;
        return total - from < count ? total - from : count;
    }

    function _forwards(uint16 underlying) private view returns (ForwardView[] memory list) {
        uint40[] memory expiries = feeds.expiries(underlying);
        list = new ForwardView[](expiries.length);
        for (uint256 i; i < expiries.length; ++i) {
            list[i].expiry = expiries[i];
            (list[i].quote, list[i].settlement) = feeds.market(underlying, expiries[i], 0);
            list[i].accrual = spots.accrual(underlying, expiries[i]);
        }
    }
}
