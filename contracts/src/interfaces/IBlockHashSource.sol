// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Source of block hashes
/// @notice A chain's own block numbers and the hashes of its recent blocks. One per deployment: see docs/adr/0016-attestation-by-epoch.md.
interface IBlockHashSource {
    /// @notice The block that is being built, as this chain counts.
    function number() external view returns (uint256);

    /// @notice Hash of a past block, zero for one that is not past or out of reach.
    function hashOf(uint256 blockNumber) external view returns (bytes32);

    /// @notice Age in blocks of the oldest block whose hash is known.
    function reach() external view returns (uint64);
}
