// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
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

    constructor(address clearinghouse_, address engine_, address feeds_) {
        clearinghouse = IClearinghouse(clearinghouse_);
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(feeds_);
        spots = ISpotFeeds(IMarketFeeds(feeds_).spots());
    }

    /// @inheritdoc IMarginLens
    function markets() external view returns (MarketView[] memory list) {
        uint16[] memory ids = spots.underlyings();
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
        return AccountView(id, state.cash, state.reserve, state.mode, state.locked, clearinghouse.positionsOf(id));
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
        }
    }
}
