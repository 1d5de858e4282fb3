// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A budget that comes back with time
/// @notice What was used drains away at the rate of one capacity a period. Unused budget never accrues: the level stops at zero.
library LeakyBucketLib {
    struct Bucket {
        uint128 level;
        uint64 time;
    }

    /// @notice What is still counted as used, rounded up.
    function used(Bucket storage bucket, uint256 capacity, uint256 period) internal view returns (uint256) {
        uint256 drained = capacity * (block.timestamp - bucket.time) / period;
        uint256 level = bucket.level;
        return level > drained ? level - drained : 0;
    }

    /// @notice What may be used now.
    function room(Bucket storage bucket, uint256 capacity, uint256 period) internal view returns (uint256) {
        uint256 level = used(bucket, capacity, period);
        return capacity > level ? capacity - level : 0;
    }

    /// @notice Sets the level as of now.
    function set(Bucket storage bucket, uint256 level) internal {
        bucket.level = uint128(level);
        bucket.time = uint64(block.timestamp);
    }
}
