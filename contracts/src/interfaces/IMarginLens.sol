// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./IClearinghouse.sol";
import {ICollateral} from "./ICollateral.sol";
import {AccrualLib} from "../libraries/AccrualLib.sol";
import {StoredQuote} from "../types/Types.sol";

/// @title Margin lens
/// @notice Raw words in batches: what keepers and front ends read in one `eth_call`.
interface IMarginLens {
    struct ForwardView {
        uint40 expiry;
        StoredQuote quote;
        uint64 settlement;
        AccrualLib.Accrual accrual;
    }

    struct MarketView {
        uint16 underlying;
        uint64 lot;
        uint64 spot;
        uint64 spotTime;
        bool spotFresh;
        uint64 scanRange;
        ForwardView[] forwards;
        uint32[] observedDays;
        uint64[] observedPrices;
    }

    struct ListingView {
        uint128 instrument;
        uint64 openInterest;
        uint64 settlement;
    }

    struct AccountView {
        bytes32 account;
        int128 cash;
        uint64 reserve;
        uint8 mode;
        bool locked;
        IClearinghouse.Position[] positions;
        ICollateral.Balance[] pledged;
    }

    /// @notice A collateral token as it counts now; id 0 is the settlement coin, which is cash.
    struct TokenView {
        uint16 id;
        uint8 decimals;
        uint64 price;
        uint64 haircut;
    }

    /// @notice One account under the full grid, as the contracts see it now. Money is micro-dollars.
    struct HealthView {
        int256 equity;
        uint256 standard;
        uint256 standardInitial;
        uint256 maintenance;
        uint256 initialAddOns;
        uint256 gridInitial;
        uint256 worstLoss;
        uint8 worstScenario;
    }

    function markets() external view returns (MarketView[] memory);

    function listings(uint256 from, uint256 count) external view returns (ListingView[] memory);

    /// @notice All collateral tokens, the settlement coin first; none where there are none and the coin has no aggregator.
    function tokens() external view returns (TokenView[] memory);

    function accounts(uint256 from, uint256 count) external view returns (AccountView[] memory);

    function account(bytes32 id) external view returns (AccountView memory);

    /// @notice Equity and requirements from the scenarios in `scenarioMask`.
    function health(bytes32 id, uint256 scenarioMask) external view returns (HealthView memory);
}
