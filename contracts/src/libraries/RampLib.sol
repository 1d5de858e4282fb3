// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What a governance act raises, raised slowly
/// @notice A value rises in a straight line over RAMP and falls at once. Whoever may set it bounds the target by twice what is in
/// force, so a day adds a seventh of it at most, less than the 15 % by which the market itself may raise a scan range.
/// @custom:invariant RA1 at the time of the act nothing has risen
library RampLib {
    uint256 internal constant RAMP = 7 days;

    /// @param start when the target was set
    function valueAt(uint256 from, uint256 to, uint256 start) internal view returns (uint256) {
        uint256 passed = block.timestamp - start;
        if (to <= from || passed >= RAMP) return to;
        return from + (to - from) * passed / RAMP;
    }
}
