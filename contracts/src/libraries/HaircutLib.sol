// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Value of pledged tokens
/// @notice In integers that keeper/margin/collateral.py repeats.
library HaircutLib {
    uint256 internal constant WAD = 1e18;
    /// @dev price(1e-8) * wad is in 1e-26 USD; micro-dollars are 1e-6.
    uint256 internal constant TO_USD6 = 1e20;

    /// @notice Micro-dollars, rounded down. Below 2^252: 128 bits of base units, 64 of price, 60 of what the haircut leaves.
    function value(uint256 amount, uint256 price, uint256 haircut, uint8 decimals) internal pure returns (uint256) {
        return amount * price * (WAD - haircut) / (10 ** decimals * TO_USD6);
    }
}
