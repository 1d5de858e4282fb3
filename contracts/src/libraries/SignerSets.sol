// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {QuorumLib} from "./QuorumLib.sol";

/// @title Signer sets
/// @notice Sets by their digest, which covers chain, contract, count, signers and threshold. A set never gains a member;
/// removing one leaves its digest, so what the others sign in the same minute stays valid.
library SignerSets {
    uint256 internal constant MAX_SIGNERS = 32;

    error UnknownSigner(bytes32 configDigest, address signer);
    error TooFewSignersLeft(uint256 left, uint8 threshold);

    struct SignerSet {
        uint8 threshold;
        uint8 live;
        address[] signers;
        mapping(address who => bool) isLive;
    }

    struct Registry {
        uint64 count;
        mapping(bytes32 configDigest => SignerSet) sets;
    }

    function add(Registry storage self, address[] memory signers, uint8 threshold) internal returns (bytes32 digest) {
        if (signers.length > MAX_SIGNERS) revert QuorumLib.InvalidSignerSet();
        digest = keccak256(abi.encode(block.chainid, address(this), ++self.count, signers, threshold));
        SignerSet storage set = self.sets[digest];
        QuorumLib.register(set.isLive, signers, threshold);
        (set.threshold, set.live, set.signers) = (threshold, uint8(signers.length), signers);
    }

    /// @notice Takes a member out. At least one more than the threshold stay, so that no single key can stop the rest.
    function remove(Registry storage self, bytes32 digest, address signer) internal {
        SignerSet storage set = self.sets[digest];
        if (!set.isLive[signer]) revert UnknownSigner(digest, signer);
        uint8 left = set.live - 1;
        if (left <= set.threshold) revert TooFewSignersLeft(left, set.threshold);
        set.isLive[signer] = false;
        set.live = left;
    }

    function liveSigners(Registry storage self, bytes32 digest) internal view returns (address[] memory list) {
        SignerSet storage set = self.sets[digest];
        list = new address[](set.live);
        uint256 n;
        for (uint256 i; i < set.signers.length; ++i) {
            if (set.isLive[set.signers[i]]) list[n++] = set.signers[i];
        }
    }
}
