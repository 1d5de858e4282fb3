// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AuctionLib} from "../../src/libraries/AuctionLib.sol";
import {SpeedLib} from "../../src/libraries/SpeedLib.sol";
import {StoredQuote} from "../../src/types/Types.sol";

/// @notice Properties that halmos proves for every input within the bounds that each states; `make halmos`, docs/invariants.md. The
/// controls in controls.toml break one line each, and halmos must refute the check then.
contract LineChecks {
    /// @dev At or below zero equity it is equity, at any time.
    function check_line_belowZero_isEquity(int128 equity, uint32 elapsed) external pure {
        if (equity > 0) return;
        assert(AuctionLib.line(equity, elapsed) == equity);
    }

    /// @dev At its end nothing is asked for what is worth something.
    function check_line_endsAtZero(uint128 equity, uint32 later) external pure {
        assert(AuctionLib.line(int256(uint256(equity)), AuctionLib.DURATION + later) == 0);
    }
}

contract ClampChecks {
    /// @dev BTC's limits as shipped.
    function _limits() private pure returns (SpeedLib.Limits memory) {
        return SpeedLib.Limits(3e17, 18e16, 12e17, 92e15);
    }

    function _within(uint64 from, uint64 to, int256 divisor) private pure returns (bool) {
        StoredQuote memory a;
        StoredQuote memory b;
        (a.ratio, b.ratio) = (from, to);
        return SpeedLib.isWithin(a, b, _limits(), 0, divisor);
    }

    /// @dev The same seen from either end, for every pair of ratios.
    function check_clamp_isSymmetric(uint64 from, uint64 to) external pure {
        assert(_within(from, to, 3) == _within(to, from, 3));
    }

    /// @dev Down to the foot of one reference, up to its top, and from there up to the top of the next: three thirds lie within the
    /// whole, but for a unit. Ratios of 8 bits: only their quotients count.
    function check_clamp_threeThirdsAreTheWhole(uint8 low, uint8 reference_, uint8 next, uint8 high) external pure {
        if (!_within(reference_, low, 3) || !_within(reference_, next, 3) || !_within(next, high, 3)) return;
        assert(low > high || _within(low, high, 1));
    }

    /// @dev What is accepted at once is at most 3.12 % away. Ratios of 8 bits.
    function check_clamp_thirdIsAThird(uint8 from, uint8 to) external pure {
        if (!_within(from, to, 3)) return;
        assert(uint256(to) * 10_000 <= uint256(from) * 10_312);
        assert(uint256(from) * 10_000 <= uint256(to) * 10_312);
    }
}
