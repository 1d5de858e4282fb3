// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Signature} from "../types/Types.sol";

/// @title k-of-n signatures
/// @notice Exactly k compact signatures of registered plain keys, recovered addresses strictly ascending. That one comparison
/// refuses the zero address, duplicates and disorder. No ERC-1271: an EOA with EIP-7702 code must verify like any other.
library QuorumLib {
    error NotEnoughSignatures(uint256 given, uint256 threshold);
    error InvalidSigner(address recovered, uint256 position);
    error InvalidSignerSet();

    /// @notice Registers a signer set: ascending, no zero, no duplicate, 0 < k <= n, 2k > n, so that two quorums overlap.
    function register(mapping(address => bool) storage registry, address[] memory signers, uint8 threshold) internal {
        if (threshold == 0 || threshold > signers.length || 2 * uint256(threshold) <= signers.length) {
            revert InvalidSignerSet();
        }
        address last;
        for (uint256 i; i < signers.length; ++i) {
            if (signers[i] <= last) revert InvalidSignerSet();
            last = signers[i];
            registry[last] = true;
        }
    }

    function verify(
        mapping(address => bool) storage registry,
        uint8 threshold,
        bytes32 digest,
        Signature[] calldata signatures
    ) internal view {
        if (signatures.length != threshold) revert NotEnoughSignatures(signatures.length, threshold);
        address last;
        for (uint256 i; i < signatures.length; ++i) {
            (address recovered,,) = ECDSA.tryRecover(digest, signatures[i].r, signatures[i].vs);
            if (recovered <= last || !registry[recovered]) revert InvalidSigner(recovered, i);
            last = recovered;
        }
    }
}
