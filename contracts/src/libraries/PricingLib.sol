// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {NormalLib} from "./NormalLib.sol";
import {StoredQuote} from "../types/Types.sol";

/// @title Black-76 on an SVI smile, 18 decimals
/// @notice Total: every input of a listed instrument has a price. Sources: Black (1976), Gatheral (2004).
library PricingLib {
    int256 internal constant WAD = 1e18;
    uint256 internal constant YEAR = 365 days;
    /// @dev Vol between 1 % and 500 % a year.
    int256 internal constant MIN_VARIANCE = 1e14;
    int256 internal constant MAX_VARIANCE = 25e18;
    /// @dev Below this standard deviation the option is worth its intrinsic value to the last digit.
    int256 internal constant MIN_DEVIATION = 1e8;
    /// @dev exp(40) and d beyond 40 deviations change nothing in 18 decimals.
    int256 internal constant MAX_DEVIATION = 40e18;

    /// @notice ln(strike / forward), wad.
    /// @dev Unchecked: a strike is below 2^98.
    function logMoneyness(uint256 forward, uint256 strike) internal pure returns (int256) {
        unchecked {
            // Neither a forward nor a ratio below the last digit may stop a valuation.
            uint256 ratio = strike * 1e18 / (forward == 0 ? 1 : forward);
            return FixedPointMathLib.lnWad(int256(ratio == 0 ? 1 : ratio));
        }
    }

    /// @notice Variance a year of the smile at log-moneyness k, clamped.
    /// @dev Unchecked: |k| is below 2^68 and the members are below 2^63.
    function variancePerYear(StoredQuote memory smile, int256 k) internal pure returns (int256 variance) {
        unchecked {
            int256 distance = k - smile.m;
            int256 sigma = smile.sigma;
            int256 root = int256(FixedPointMathLib.sqrt(uint256(distance * distance + sigma * sigma)));
            variance = int256(smile.a) + int256(smile.b) * (int256(smile.rho) * distance / WAD + root) / WAD;
            if (variance < MIN_VARIANCE) return MIN_VARIANCE;
            if (variance > MAX_VARIANCE) return MAX_VARIANCE;
        }
    }

    /// @notice The same where only a share of the forward moves, as its settlement average comes about.
    /// @param moving that share, wad
    function variancePerYear(StoredQuote memory smile, int256 k, uint256 moving)
        internal
        pure
        returns (int256 variance)
    {
        variance = variancePerYear(smile, k);
        if (moving != 1e18) variance = variance * int256(moving) / WAD * int256(moving) / WAD;
    }

    /// @notice Standard deviation of ln(F) over `secondsLeft`, wad.
    function deviation(int256 variance, uint256 secondsLeft) internal pure returns (int256) {
        // Below 2^65 times 2^60, and 2^40 seconds.
        unchecked {
            return int256(FixedPointMathLib.sqrt(uint256(variance) * 1e18 / YEAR * secondsLeft));
        }
    }

    /// @notice Undiscounted Black-76, within its no-arbitrage bounds and in put-call parity to the last digit.
    /// @param k ln(strike / forward)
    /// @param sd standard deviation of ln(F) to expiry
    function price(uint256 forward, uint256 strike, int256 k, int256 sd, bool isCall) internal pure returns (uint256) {
        // Neither is above 2^128.
        unchecked {
            return intrinsic(forward, strike, isCall) + timeValue(forward, strike, k, sd);
        }
    }

    /// @notice What a call or a put is worth beside its intrinsic value: between 0 and the smaller of forward and strike.
    /// @dev F phi(d1) = K phi(d2), so that one exponential serves both tails: N(-|d2|) K = F bell(d1) tailRatio(d2).
    /// Unchecked: forward and strike are below 2^128, |k| below 2^68, sd from 1e8 to 4e19, bell and ratios at most 1e18.
    function timeValue(uint256 forward, uint256 strike, int256 k, int256 sd) internal pure returns (uint256) {
        unchecked {
            if (sd < MIN_DEVIATION) return 0;
            if (sd > MAX_DEVIATION) sd = MAX_DEVIATION;
            int256 d1 = firstDeviation(k, sd);
            int256 d2 = d1 - (sd << 64) / WAD;
            bool isBetween = d1 > 0 && d2 < 0;
            uint256 most = forward < strike ? forward : strike;
            int256 bell = NormalLib.bell(d1);
            if (bell == 0) return isBetween ? most : 0;
            uint256 tails = forward * uint256(bell) * _tailRatios(d1, d2, isBetween) / 1e36;
            if (!isBetween) return tails < most ? tails : most;
            return tails < most ? most - tails : 0;
        }
    }

    /// @notice d1 of Black-76 in units of 2^-64: at most 2^107 in size.
    function firstDeviation(int256 k, int256 sd) internal pure returns (int256) {
        unchecked {
            return (sd << 63) / WAD - (k << 64) / sd;
        }
    }

    /// @dev Sum of both where the strike lies between the deviations, else the difference.
    function _tailRatios(int256 d1, int256 d2, bool isBetween) private pure returns (uint256) {
        unchecked {
            int256 first = NormalLib.tailRatio(d1);
            int256 second = NormalLib.tailRatio(d2);
            return uint256(isBetween ? first + second : first > second ? first - second : second - first);
        }
    }

    function intrinsic(uint256 underlyingPrice, uint256 strike, bool isCall) internal pure returns (uint256) {
        if (isCall) return underlyingPrice > strike ? underlyingPrice - strike : 0;
        return strike > underlyingPrice ? strike - underlyingPrice : 0;
    }
}
