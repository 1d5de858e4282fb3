// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBlockHashSource} from "./interfaces/IBlockHashSource.sol";

/// @title Block hashes from the history contract of EIP-2935
/// @notice Reaches 8191 blocks. The ring needs as many blocks after its activation to be full; until then old hashes are zero.
contract HistorySource is IBlockHashSource {
    /// @dev Address and code are those of the EIP; only that code is known to answer for nothing but its own ring.
    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    bytes32 internal constant HISTORY_CODE_HASH = keccak256(
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500"
    );

    error NotTheHistoryContract(address where, bytes32 codeHash);

    /// @inheritdoc IBlockHashSource
    uint64 public constant reach = 8191;

    constructor() {
        if (HISTORY.codehash != HISTORY_CODE_HASH) revert NotTheHistoryContract(HISTORY, HISTORY.codehash);
    }

    /// @inheritdoc IBlockHashSource
    function number() external view returns (uint256) {
        return block.number;
    }

    /// @inheritdoc IBlockHashSource
    /// @dev The contract reverts outside its window, and takes exactly one word.
    function hashOf(uint256 blockNumber) external view returns (bytes32) {
        (bool ok, bytes memory data) = HISTORY.staticcall(abi.encode(blockNumber));
        return ok && data.length == 32 ? abi.decode(data, (bytes32)) : bytes32(0);
    }
}
