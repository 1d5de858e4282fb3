// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title OpenZeppelin's standard tree, for small n
/// @notice Leaves sorted by hash, complete binary tree in an array, pairs sorted before hashing.
library Merkle {
    function root(bytes32[] memory leaves) internal pure returns (bytes32) {
        return build(leaves)[0];
    }

    function proof(bytes32[] memory leaves, bytes32 leaf) internal pure returns (bytes32[] memory path) {
        bytes32[] memory tree = build(leaves);
        uint256 position;
        for (uint256 i = leaves.length - 1; i < tree.length; ++i) {
            if (tree[i] == leaf) position = i;
        }
        uint256 depth;
        for (uint256 i = position; i != 0; i = (i - 1) / 2) {
            ++depth;
        }
        path = new bytes32[](depth);
        for (uint256 d; d < depth; ++d) {
            path[d] = tree[position % 2 == 0 ? position - 1 : position + 1];
            position = (position - 1) / 2;
        }
    }

    function build(bytes32[] memory leaves) internal pure returns (bytes32[] memory tree) {
        bytes32[] memory sorted = sort(leaves);
        uint256 n = sorted.length;
        tree = new bytes32[](2 * n - 1);
        for (uint256 i; i < n; ++i) {
            tree[2 * n - 2 - i] = sorted[i];
        }
        for (uint256 i = n - 1; i != 0; --i) {
            tree[i - 1] = hashPair(tree[2 * i - 1], tree[2 * i]);
        }
    }

    function hashPair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    function sort(bytes32[] memory values) internal pure returns (bytes32[] memory sorted) {
        sorted = new bytes32[](values.length);
        for (uint256 i; i < values.length; ++i) {
            uint256 j = i;
            for (; j != 0 && sorted[j - 1] > values[i]; --j) {
                sorted[j] = sorted[j - 1];
            }
            sorted[j] = values[i];
        }
    }
}
