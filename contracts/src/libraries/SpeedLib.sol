// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {PricingLib} from "./PricingLib.sol";
import {StoredQuote} from "../types/Types.sol";

/// @title How far one quote of an expiry lies from another
/// @notice The forward by the logarithm of its ratio, the smile by that of its vol at the forward and two deviations to either side.
/// Reasons: docs/model.md, Worlds.
library SpeedLib {
    int256 private constant WAD = 1e18;
    uint256 private constant VOL_TENOR = 30 days;
    /// @dev As in ShockLib: below 0.8 days a shorter tenor shocks vol no more.
    uint256 private constant MIN_VOL_TENOR = 69_120;
    /// @dev Where the smile is compared beside the forward, in standard deviations, and at least so far in log-moneyness.
    int256 private constant WING = 2;
    int256 private constant MIN_WING = 5e16;

    /// @notice The table's own shock of one underlying, wad: of ln vol at 30 days, its cap at any term, and of the logarithm of forwards.
    struct Limits {
        uint64 volUp;
        uint64 volDown;
        uint64 volMost;
        uint64 ratio;
    }

    /// @notice Whether `present` lies within 1 / `divisor` of the limits around `reference_`.
    function isWithin(
        StoredQuote memory reference_,
        StoredQuote memory present,
        Limits memory limits,
        uint256 secondsLeft,
        int256 divisor
    ) internal pure returns (bool) {
        int256 most = FixedPointMathLib.expWad(int256(uint256(limits.ratio)) / divisor);
        int256 before = int256(uint256(reference_.ratio));
        int256 now_ = int256(uint256(present.ratio));
        if (now_ * WAD > before * most || before * WAD > now_ * most) return false;
        // The perpetual has no smile.
        if (secondsLeft == 0) return true;
        return _isSmileWithin(reference_, present, limits, secondsLeft, divisor);
    }

    function _isSmileWithin(
        StoredQuote memory reference_,
        StoredQuote memory present,
        Limits memory limits,
        uint256 secondsLeft,
        int256 divisor
    ) private pure returns (bool) {
        int256 atForward = PricingLib.variancePerYear(reference_, 0);
        int256 wing = WING * PricingLib.deviation(atForward, secondsLeft);
        if (wing < MIN_WING) wing = MIN_WING;
        // Variances move by the square of what vols do.
        int256 up = FixedPointMathLib.expWad(2 * _limit(limits.volUp, limits.volMost, secondsLeft) / divisor);
        int256 down = FixedPointMathLib.expWad(2 * _limit(limits.volDown, limits.volMost, secondsLeft) / divisor);
        for (int256 side = -1; side <= 1; ++side) {
            int256 before = PricingLib.variancePerYear(reference_, side * wing);
            int256 now_ = PricingLib.variancePerYear(present, side * wing);
            if (now_ * WAD > before * up || before * WAD > now_ * down) return false;
        }
        return true;
    }

    /// @dev Shocks of short terms are larger, by the root of 30 days over the term, as in the scenarios.
    function _limit(uint64 level, uint64 most, uint256 secondsLeft) private pure returns (int256) {
        uint256 term = secondsLeft > MIN_VOL_TENOR ? secondsLeft : MIN_VOL_TENOR;
        uint256 limit = uint256(level) * FixedPointMathLib.sqrt(VOL_TENOR * 1e36 / term) / 1e18;
        return int256(limit < most ? limit : most);
    }
}
