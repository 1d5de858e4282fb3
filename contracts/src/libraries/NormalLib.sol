// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title Standard normal distribution in 18 decimals
/// @notice Rational approximation of Hart (1968, algorithm 5666) in the form of West, "Better approximations to
/// cumulative normal functions" (Wilmott, 2005): about 1e-15 in double precision.
library NormalLib {
    int256 private constant WAD = 1e18;
    /// @dev Beyond 8 standard deviations the tail is below 1e-15.
    int256 private constant TAIL = 8e18;
    /// @dev West switches to a continued fraction at 10/sqrt(2).
    int256 private constant SWITCH = 7_071067811865475000;
    int256 private constant SQRT_2PI = 2_506628274631000502;

    /// @notice N(x), wad in and out.
    function cdf(int256 x) internal pure returns (int256) {
        // |x| is at most 2^128: what is divided by a standard deviation of at least 1e8.
        unchecked {
            int256 y = x < 0 ? -x : x;
            int256 tail = y >= TAIL ? int256(0) : upperTail(y);
            return x < 0 ? tail : WAD - tail;
        }
    }

    /// @notice phi(x), wad in and out.
    function densityAt(int256 x) internal pure returns (int256) {
        int256 y = x < 0 ? -x : x;
        if (y >= TAIL) return 0;
        return FixedPointMathLib.expWad(-(y * y) / (2 * WAD)) * WAD / SQRT_2PI;
    }

    /// @dev Unchecked: y is in [0, 8e18) and every partial sum stays below 1e24.
    function upperTail(int256 y) private pure returns (int256 tail) {
        unchecked {
            int256 density = FixedPointMathLib.expWad(-(y * y) / (2 * WAD));
            if (y >= SWITCH) {
                int256 f = y + 65e16;
                f = y + 4e36 / f;
                f = y + 3e36 / f;
                f = y + 2e36 / f;
                f = y + 1e36 / f;
                return density * WAD / f * WAD / SQRT_2PI;
            }
            int256 n = 35_262496599891100;
            n = n * y / WAD + 700_383064443688000;
            n = n * y / WAD + 6_373962203531650000;
            n = n * y / WAD + 33_912866078383000000;
            n = n * y / WAD + 112_079291497871000000;
            n = n * y / WAD + 221_213596169931000000;
            n = n * y / WAD + 220_206867912376000000;
            int256 d = 88_388347648318400;
            d = d * y / WAD + 1_755667163182640000;
            d = d * y / WAD + 16_064177579207000000;
            d = d * y / WAD + 86_780732202946100000;
            d = d * y / WAD + 296_564248779674000000;
            d = d * y / WAD + 637_333633378831000000;
            d = d * y / WAD + 793_826512519948000000;
            d = d * y / WAD + 440_413735824752000000;
            return density * n / d;
        }
    }
}
