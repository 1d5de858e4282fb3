// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {FixedPointMathLib} from "solady/utils/FixedPointMathLib.sol";
import {IRiskEngine} from "../interfaces/IRiskEngine.sol";

/// @title Scenario rows as shocks of an underlying and of a term, in 18 decimals
/// @notice Formulas: docs/model.md, Scenarios. keeper/margin/shocks.py is the same in float64.
/// @dev Unchecked throughout: rows are below 2^23 in size, ranges below 2^64, and every quotient is clamped, so no product
/// leaves 2^200.
library ShockLib {
    int256 private constant WAD = 1e18;
    int256 private constant MIN_MOVE = -9e17;
    int256 private constant MAX_MOVE = 5e18;
    int256 private constant MAX_SHIFT = 12e17;
    int256 private constant MAX_STEEPNESS = 3e18;
    int256 private constant LN_30 = 3_401197381662155376;
    uint256 private constant VOL_TENOR = 30 days;
    /// @dev 0.8 days: below it a shorter tenor shocks vol no more.
    uint256 private constant MIN_VOL_TENOR = 69_120;
    uint256 private constant FRONT_BEGIN = 5 days;
    uint256 private constant FRONT_SPAN = 3 days;
    uint256 private constant ROLL_BEGIN = 30 hours;
    uint256 private constant ROLL_SPAN = 6 hours;
    /// @dev How much farther a forward of a year or more moves than its spot, where legs roll.
    int256 private constant CARRY = 1e17;
    uint256 private constant YEAR = 365 days;

    /// @dev One scenario as it acts on the present leg. `move` changes with the underlying, the rest with the term; `loss` sums
    /// over legs. `volFactor` is that of the forward; strikes differ where `tilted`.
    struct Shock {
        int256 move;
        int256 growth;
        int256 logGrowth;
        uint256 timeLeft;
        bool tilted;
        int256 volFactor;
        int256 shift;
        int256 skew;
        int256 curvature;
        int256 weightBps;
        int256 loss;
    }

    /// @dev Functions of 30 d / t, shared by rows with the same clock. `leverage` is what a twist of one does, negated; `factor` is the
    /// exponential of the last row's shift.
    struct Tenor {
        uint256 timeLeft;
        int256 root;
        bool slowKnown;
        int256 slow;
        int256 leverage;
        int256 shift;
        int256 factor;
    }

    /// @notice Moves the prices of an underlying.
    function enterUnderlying(
        Shock[] memory shocks,
        IRiskEngine.Scenario[] memory rows,
        uint16 underlying,
        uint256 scanRange
    ) internal pure {
        unchecked {
            for (uint256 j; j < shocks.length; ++j) {
                Shock memory s = shocks[j];
                IRiskEngine.Scenario memory row = rows[j];
                bool meant = row.focus == 0 || row.focus == underlying;
                int256 bps = meant ? row.spotBps : row.othersSpotBps;
                int256 move = clamp(bps * int256(scanRange) / 10_000, MIN_MOVE, MAX_MOVE);
                s.move = move;
                s.growth = WAD + move;
                s.logGrowth = move == 0 ? int256(0) : FixedPointMathLib.lnWad(WAD + move);
            }
        }
    }

    /// @notice Moves the clock, the vols and, where a row rolls, the prices of a term; `expiry` 0 never expires.
    function enterTerm(
        Shock[] memory shocks,
        IRiskEngine.Scenario[] memory rows,
        uint16 underlying,
        IRiskEngine.UnderlyingRisk memory risk,
        uint40 expiry,
        uint256 secondsLeft
    ) internal pure {
        Tenor memory tenor;
        tenor.timeLeft = type(uint256).max;
        tenor.factor = WAD;
        for (uint256 j; j < shocks.length; ++j) {
            Shock memory s = shocks[j];
            IRiskEngine.Scenario memory row = rows[j];
            if (row.rolls) _roll(s, expiry, secondsLeft);
            // What never expires has no vol, and what has expired has none left.
            if (secondsLeft == 0) continue;
            uint256 left = secondsLeft > row.clockSeconds ? secondsLeft - row.clockSeconds : 0;
            s.timeLeft = left;
            if (left != tenor.timeLeft) _setTenor(tenor, left);
            int256 bps = row.focus == 0 || row.focus == underlying ? row.volBps : row.othersVolBps;
            s.shift = _shift(tenor, row, risk, bps, secondsLeft);
            if (s.tilted) {
                int256 steepness = tenor.root < MAX_STEEPNESS ? tenor.root : MAX_STEEPNESS;
                s.skew = int256(row.skewBps) * steepness / 10_000;
                s.curvature = int256(row.curvatureBps) * steepness / 10_000;
            } else {
                if (s.shift != tenor.shift) (tenor.shift, tenor.factor) = (s.shift, _factor(s.shift));
                s.volFactor = tenor.factor;
            }
        }
    }

    /// @notice Moves only a share of the price, until the underlying is entered anew.
    /// @param moving that share, wad
    function holdBack(Shock[] memory shocks, uint256 moving) internal pure {
        unchecked {
            for (uint256 j; j < shocks.length; ++j) {
                Shock memory s = shocks[j];
                s.growth = WAD + (s.growth - WAD) * int256(moving) / WAD;
                s.logGrowth = FixedPointMathLib.lnWad(s.growth);
            }
        }
    }

    /// @notice exp of the shift of ln vol at a strike `z` standard deviations from the forward.
    function volFactorAt(Shock memory s, int256 z) internal pure returns (int256) {
        unchecked {
            int256 tilt = (s.skew * z + s.curvature * (z < 0 ? -z : z)) / WAD;
            return _factor(s.shift + tilt);
        }
    }

    function clamp(int256 x, int256 low, int256 high) internal pure returns (int256) {
        return x < low ? low : x > high ? high : x;
    }

    /// @dev A leg that expires within the clock's day settles at today's price; from 30 to 24 hours that phases in. What is left
    /// carries: a forward moves farther than its spot.
    function _roll(Shock memory s, uint40 expiry, uint256 secondsLeft) private pure {
        unchecked {
            int256 move = s.move;
            if (expiry != 0) {
                move = clamp(move * _reach(secondsLeft) / WAD, MIN_MOVE, MAX_MOVE);
                move = move * (WAD - _phase(ROLL_BEGIN, ROLL_SPAN, secondsLeft)) / WAD;
            }
            s.growth = WAD + move;
            s.logGrowth = FixedPointMathLib.lnWad(s.growth);
        }
    }

    /// @dev What a move of spot is multiplied by, from 1 at expiry to 1.1 at a year and beyond.
    function _reach(uint256 secondsLeft) private pure returns (int256) {
        unchecked {
            uint256 seconds_ = secondsLeft < YEAR ? secondsLeft : YEAR;
            return WAD + CARRY * int256(FixedPointMathLib.sqrt(seconds_ * 1e36 / YEAR)) / WAD;
        }
    }

    /// @dev 0 from `begin` seconds left, 1 from `span` fewer.
    function _phase(uint256 begin, uint256 span, uint256 secondsLeft) private pure returns (int256) {
        unchecked {
            if (secondsLeft >= begin) return 0;
            uint256 past = begin - secondsLeft;
            return past >= span ? WAD : int256(past * 1e18 / span);
        }
    }

    function _setTenor(Tenor memory tenor, uint256 left) private pure {
        uint256 seconds_ = left > MIN_VOL_TENOR ? left : MIN_VOL_TENOR;
        tenor.timeLeft = left;
        tenor.root = int256(FixedPointMathLib.sqrt(VOL_TENOR * 1e36 / seconds_));
        tenor.slowKnown = false;
    }

    function _setSlow(Tenor memory tenor) private pure {
        unchecked {
            uint256 seconds_ = tenor.timeLeft > MIN_VOL_TENOR ? tenor.timeLeft : MIN_VOL_TENOR;
            int256 logTenor = FixedPointMathLib.lnWad(int256(VOL_TENOR * 1e18 / seconds_));
            int256 slow = FixedPointMathLib.expWad(logTenor / 5);
            int256 place = clamp(-logTenor * WAD / LN_30, -WAD, WAD);
            tenor.slow = slow;
            tenor.leverage = place < 0 ? place * slow / WAD * slow / WAD : place;
            tenor.slowKnown = true;
        }
    }

    function _shift(
        Tenor memory tenor,
        IRiskEngine.Scenario memory row,
        IRiskEngine.UnderlyingRisk memory risk,
        int256 volBps,
        uint256 secondsLeft
    ) private pure returns (int256 shift) {
        unchecked {
            if (volBps != 0) shift = volBps * _level(risk, volBps) / 10_000 * tenor.root / WAD;
            int256 flatBps = row.flatBps;
            int256 twistBps = row.twistBps;
            if (flatBps != 0 || twistBps != 0) {
                if (!tenor.slowKnown) _setSlow(tenor);
                shift += flatBps * _level(risk, flatBps) / 10_000 * tenor.slow / WAD;
                shift -= twistBps * tenor.leverage / 10_000;
            }
            if (row.frontBps != 0) {
                shift += int256(row.frontBps) * _phase(FRONT_BEGIN, FRONT_SPAN, secondsLeft) / 10_000;
            }
        }
    }

    function _level(IRiskEngine.UnderlyingRisk memory risk, int256 bps) private pure returns (int256) {
        return int256(uint256(bps > 0 ? risk.volUp : risk.volDown));
    }

    function _factor(int256 shift) private pure returns (int256) {
        return shift == 0 ? WAD : FixedPointMathLib.expWad(clamp(shift, -MAX_SHIFT, MAX_SHIFT));
    }
}
