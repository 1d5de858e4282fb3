// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../types/Types.sol";

/// @title Add-ons of the initial margin
/// @notice What no scenario moves: formulas and reasons in docs/model.md, Add-ons of the initial margin. They never enter what liquidates.
interface IInitialAddOns {
    /// @notice Rates are wad fractions of spot or forward, `concentrationMost` a multiple, terms seconds.
    struct Rules {
        uint64 liquidityNear;
        uint64 liquidityFar;
        uint32 liquidityTermSeconds;
        uint64 concentrationDepthUsd;
        uint64 concentrationMost;
        uint64 basis;
        uint32 basisLongestSeconds;
        uint64 basisPerpetual;
        uint64 vega;
        uint64 confidenceThreshold;
        uint64 confidenceFactor;
        uint64 depegThreshold;
        uint64 depegFactor;
        uint64 pin;
        uint64 pinWidth;
        uint32 pinSeconds;
    }

    /// @notice Micro-dollars, each rounded up.
    struct AddOns {
        uint256 concentration;
        uint256 basis;
        uint256 vega;
        uint256 confidence;
        uint256 depeg;
        uint256 pin;
    }

    error UnknownUnderlying(uint16 underlying);

    /// @notice The add-ons of a book, at the marks of one world. Total, as valuation is.
    function addOns(Leg[] calldata legs, uint256 world) external view returns (AddOns memory);

    /// @notice Their sum.
    function total(Leg[] calldata legs, uint256 world) external view returns (uint256);

    function rules() external view returns (Rules memory);

    /// @notice Where open interest is read.
    function clearinghouse() external view returns (address);

    /// @notice Price of the settlement coin in 1e-8 USD, and whether one is configured. Without an answer it counts as worth nothing.
    function coinPrice() external view returns (uint64 price, bool configured);

    /// @notice Where that comes from; zero where nothing is configured.
    function coinFeed() external view returns (address aggregator, uint32 maxAge);
}
