// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What lots at a price are worth
/// @notice Signed micro-dollars of signed lots, from the size of a lot and a price, both in wad.
library NotionalLib {
    /// @dev lots * price(wad) * lot(wad) is in 1e-36 USD; micro-dollars are 1e-6.
    int256 internal constant UNIT = 1e30;

    /// @notice Towards zero: what a buyer pays is what the seller receives, so a trade conserves money.
    function truncated(int64 lots, uint64 lot, int256 price) internal pure returns (int256) {
        return _exact(lots, lot, price) / UNIT;
    }

    /// @notice Towards minus infinity: settlements of both sides add up to zero or less, so they never create money.
    function floored(int64 lots, uint64 lot, int256 price) internal pure returns (int256) {
        int256 exact = _exact(lots, lot, price);
        int256 quotient = exact / UNIT;
        return exact < 0 && quotient * UNIT != exact ? quotient - 1 : quotient;
    }

    function _exact(int64 lots, uint64 lot, int256 price) private pure returns (int256) {
        return int256(lots) * int256(uint256(lot)) * price;
    }
}
