// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBlockHashSource} from "./interfaces/IBlockHashSource.sol";

/// @title Block hashes by the BLOCKHASH instruction
/// @notice For chains whose `block.number` counts their own blocks. Reaches 256 blocks.
contract BlockhashSource is IBlockHashSource {
    /// @inheritdoc IBlockHashSource
    uint64 public constant reach = 256;

    /// @inheritdoc IBlockHashSource
    function number() external view returns (uint256) {
        return block.number;
    }

    /// @inheritdoc IBlockHashSource
    function hashOf(uint256 blockNumber) external view returns (bytes32) {
        return blockhash(blockNumber);
    }
}
