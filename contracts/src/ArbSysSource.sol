// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBlockHashSource} from "./interfaces/IBlockHashSource.sol";

/// @dev The part of Arbitrum's precompile that is used.
interface IArbSys {
    function arbBlockNumber() external view returns (uint256);

    function arbBlockHash(uint256 blockNumber) external view returns (bytes32);
}

/// @title Block hashes from Arbitrum's ArbSys
/// @notice There `block.number` is of the parent chain, so numbers and hashes both come from the precompile. Reaches 256 blocks.
contract ArbSysSource is IBlockHashSource {
    IArbSys internal constant ARB_SYS = IArbSys(address(100));

    error NotArbSys(address where);

    /// @inheritdoc IBlockHashSource
    uint64 public constant reach = 256;

    constructor() {
        (bool ok, bytes memory data) = address(ARB_SYS).staticcall(abi.encodeCall(IArbSys.arbBlockNumber, ()));
        if (!ok || data.length != 32 || abi.decode(data, (uint256)) == 0) revert NotArbSys(address(ARB_SYS));
    }

    /// @inheritdoc IBlockHashSource
    function number() external view returns (uint256) {
        return ARB_SYS.arbBlockNumber();
    }

    /// @inheritdoc IBlockHashSource
    /// @dev The precompile reverts outside its window.
    function hashOf(uint256 blockNumber) external view returns (bytes32) {
        (bool ok, bytes memory data) = address(ARB_SYS).staticcall(abi.encodeCall(IArbSys.arbBlockHash, (blockNumber)));
        return ok && data.length == 32 ? abi.decode(data, (bytes32)) : bytes32(0);
    }
}
