// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Shares in basis points
library BpsLib {
    uint256 internal constant BPS = 10_000;

    /// @notice `amount * bps / 10000`, rounded up: for requirements.
    function shareUp(uint256 amount, uint256 bps) internal pure returns (uint256) {
        return (amount * bps + BPS - 1) / BPS;
    }
}
