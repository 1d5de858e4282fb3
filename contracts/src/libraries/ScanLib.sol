// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";

/// @title Scan range from daily prices
/// @notice Formulas: docs/model.md, Scan range. keeper/margin/volatility.py is the same in Python's integers, to the last unit.
/// @dev Unchecked: prices are below 2^60, members of the rule at most 1e19, variances at most 1e38, so no product reaches 2^200.
library ScanLib {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant DAYS_PER_YEAR = 365;

    /// @notice How a range follows volatility, wad. docs/model.md gives each member its reason.
    struct Rule {
        uint64 kappa;
        uint64 decay;
        uint64 stressWeight;
        uint64 winsor;
        uint64 cap;
        uint64 rise;
        uint64 fall;
    }

    /// @notice Floor and stress volatility of one underlying, a year, wad.
    struct Sigmas {
        uint64 floor;
        uint64 stress;
    }

    error InvalidScanRule(bytes32 member, uint256 value);

    function requireValid(Rule memory rule) internal pure {
        if (rule.kappa == 0 || rule.kappa > 10 * WAD) revert InvalidScanRule("kappa", rule.kappa);
        if (rule.decay == 0 || rule.decay >= WAD) revert InvalidScanRule("decay", rule.decay);
        if (rule.stressWeight > WAD) revert InvalidScanRule("stressWeight", rule.stressWeight);
        if (rule.winsor == 0 || rule.winsor > WAD) revert InvalidScanRule("winsor", rule.winsor);
        if (rule.cap == 0 || rule.cap > WAD) revert InvalidScanRule("cap", rule.cap);
        if (rule.rise < WAD || rule.rise > 2 * WAD) revert InvalidScanRule("rise", rule.rise);
        if (rule.fall == 0 || rule.fall > WAD) revert InvalidScanRule("fall", rule.fall);
    }

    function requireValid(Sigmas memory sigmas) internal pure {
        if (sigmas.floor == 0 || sigmas.floor > 10 * WAD) revert InvalidScanRule("sigmaFloor", sigmas.floor);
        if (sigmas.stress == 0 || sigmas.stress > 10 * WAD) revert InvalidScanRule("sigmaStress", sigmas.stress);
    }

    /// @notice The range after the last of these prices, wad; prices are positive, in order of their days.
    /// @dev The start is the range of the stress volatility, as nothing is known yet.
    function scanRange(uint64[] memory prices, Rule memory rule, Sigmas memory sigmas)
        internal
        pure
        returns (uint256 range)
    {
        unchecked {
            uint256 stress = _daily(sigmas.stress);
            uint256 floor = _daily(sigmas.floor);
            uint256 variance = stress * stress;
            range = _target(variance, floor, stress, rule);
            for (uint256 i = 1; i < prices.length; ++i) {
                uint256 r = _return(prices[i - 1], prices[i], rule.winsor);
                variance = (rule.decay * variance + (WAD - rule.decay) * r * r) / WAD;
                range = _limited(range, _target(variance, floor, stress, rule), rule);
            }
        }
    }

    /// @dev Absolute simple return, winsorised.
    function _return(uint256 before, uint256 present, uint256 winsor) private pure returns (uint256 size) {
        unchecked {
            size = (present > before ? present - before : before - present) * WAD / before;
            if (size > winsor) size = winsor;
        }
    }

    function _target(uint256 variance, uint256 floor, uint256 stress, Rule memory rule)
        private
        pure
        returns (uint256 target)
    {
        unchecked {
            uint256 sigma = FixedPointMathLib.sqrt(variance);
            if (sigma < floor) sigma = floor;
            uint256 blend = (WAD - rule.stressWeight) * sigma + rule.stressWeight * stress;
            target = rule.kappa * blend / (WAD * WAD);
            if (target > rule.cap) target = rule.cap;
        }
    }

    /// @dev One observation is one step, however many days it spans: limits never accrue.
    function _limited(uint256 before, uint256 target, Rule memory rule) private pure returns (uint256) {
        unchecked {
            uint256 highest = before * rule.rise / WAD;
            uint256 lowest = before * rule.fall / WAD;
            if (target > highest) target = highest;
            return target < lowest ? lowest : target;
        }
    }

    function _daily(uint256 annual) private pure returns (uint256) {
        return FixedPointMathLib.sqrt(annual * annual / DAYS_PER_YEAR);
    }
}
