// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title Standard normal distribution: deviations in units of 2^-64, probabilities in 18 decimals
/// @notice Rational approximation of Hart (1968, algorithm 5666), whose coefficients West gives in "Better approximations to
/// cumulative normal functions" (Wilmott, 2005). Theirs ends at 10/sqrt(2) deviations; beyond, it errs by less than 1e-18 of probability.
/// @dev A shift is cheaper than a division, and loses less.
library NormalLib {
    int256 private constant WAD = 1e18;
    int256 private constant SQRT_2PI = 2_506628274631000502;

    /// @notice exp(-x^2 / 2): 0 beyond 9.2 deviations.
    /// @dev Unchecked: |x| is at most 2^107.
    function bell(int256 x) internal pure returns (int256) {
        unchecked {
            return FixedPointMathLib.expWad(-((x * x >> 64) * WAD >> 65));
        }
    }

    /// @notice The density where the bell is `bell_`.
    function density(int256 bell_) internal pure returns (int256) {
        return bell_ * WAD / SQRT_2PI;
    }

    /// @notice N(x), where the bell of x is `bell_`.
    function cdf(int256 x, int256 bell_) internal pure returns (int256) {
        // Where the bell is 0, x may be too large for the polynomials.
        if (bell_ == 0) return x < 0 ? int256(0) : WAD;
        int256 tail = bell_ * tailRatio(x) / WAD;
        return x < 0 ? tail : WAD - tail;
    }

    /// @notice N(-|x|) / exp(-x^2 / 2): from 1/2 down.
    /// @dev Unchecked: |x| is below 64 deviations and every partial sum below 2^128.
    function tailRatio(int256 x) internal pure returns (int256) {
        unchecked {
            int256 y = x < 0 ? -x : x;
            int256 n = 650478250178244363;
            n = (n * y >> 64) + 12919787143353136591;
            n = (n * y >> 64) + 117578849504046139487;
            n = (n * y >> 64) + 625581961353917287603;
            n = (n * y >> 64) + 2067498006223917203771;
            n = (n * y >> 64) + 4080670594171652639713;
            n = (n * y >> 64) + 4062099735652764000329;
            int256 d = 1630477228166597029;
            d = (d * y >> 64) + 32386342837845824709;
            d = (d * y >> 64) + 296331772558254578451;
            d = (d * y >> 64) + 1600821957476871612086;
            d = (d * y >> 64) + 5470644798650576484342;
            d = (d * y >> 64) + 11756730424506726822414;
            d = (d * y >> 64) + 14643514515380871948050;
            d = (d * y >> 64) + 8124199471305528000658;
            return n * WAD / d;
        }
    }
}
