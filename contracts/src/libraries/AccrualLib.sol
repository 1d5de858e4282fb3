// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Price of what settles by an average, while that average comes about
/// @notice Rule and reasons: docs/model.md, Settlement window. keeper/margin/accrual.py is the same in integers.
library AccrualLib {
    /// @dev Seconds before expiry over which the settlement price is averaged.
    uint256 internal constant WINDOW = 30 minutes;

    /// @dev What of an average has come about: price in 1e-8 USD times seconds, over the window up to `until`; 0 where nothing has.
    struct Accrual {
        uint40 until;
        uint128 sum;
    }

    /// @notice Whether the average of an expiry comes about at `time`, or may have since.
    function isWithin(uint40 expiry, uint256 time) internal pure returns (bool) {
        return expiry != 0 && time + WINDOW > expiry;
    }

    /// @notice What the average is expected to be where the rest of the window is worth `price`, in wad rounded down to 1e-8 USD.
    /// @return moving share of it that follows `price`, wad
    /// @dev Unchecked: a price is below 2^96 and a sum below 2^128. Where no price is known, or nothing accrued, the price stands.
    /// Else the expectation is not zero, as no second of a good round was worth less than 1e-8.
    function expected(Accrual memory accrual, uint40 expiry, uint256 price)
        internal
        pure
        returns (uint256, uint256 moving)
    {
        if (accrual.until == 0 || price < 1e10) return (price, 1e18);
        unchecked {
            uint256 mean = (accrual.sum + (expiry - accrual.until) * (price / 1e10)) / WINDOW;
            return (mean * 1e10, (mean - accrual.sum / WINDOW) * 1e18 / mean);
        }
    }
}
