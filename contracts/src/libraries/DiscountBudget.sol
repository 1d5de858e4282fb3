// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Discount budget
/// @notice A leaky bucket for the discount that leaves newly give, over all accounts. An account is charged only for what
/// exceeds its own peak of today and yesterday (UTC days of use), so standing positions cost nothing and a day's growth is bounded.
/// @custom:invariant B1 over any 24 hours the charges sum up to at most the largest `perDay` of that time
/// @custom:invariant B2 what an account lives on by leaves is at most what it was charged since its peaks began
library DiscountBudget {
    uint256 internal constant WINDOW = 1 days;

    /// @dev Micro-dollars. `time` 0 means never used.
    struct Peak {
        uint104 today;
        uint104 yesterday;
        uint48 time;
    }

    struct Budget {
        uint128 perDay;
        uint128 filled;
        uint48 time;
        mapping(bytes32 account => Peak) peaks;
    }

    /// @notice Charges an account that lives on `discount`. False, and nothing charged, where the bucket has no room.
    /// @param voidSince a peak of that time or before is forgotten: an account that was bid on begins anew
    function take(Budget storage self, bytes32 account, uint256 discount, uint40 voidSince) internal returns (bool) {
        if (discount > type(uint104).max) return false;
        Peak memory peak = recent(self, account, voidSince);
        uint256 known = peak.today > peak.yesterday ? peak.today : peak.yesterday;
        if (discount > known) {
            uint256 total = level(self) + discount - known;
            if (total > capacity(self)) return false;
            (self.filled, self.time) = (uint128(total), uint48(block.timestamp));
        }
        if (discount > peak.today) peak.today = uint104(discount);
        peak.time = uint48(block.timestamp);
        self.peaks[account] = peak;
        return true;
    }

    /// @notice Changes the size; what has leaked so far leaked at the old one.
    function resize(Budget storage self, uint128 perDay) internal {
        (self.filled, self.time) = (uint128(level(self)), uint48(block.timestamp));
        self.perDay = perDay;
    }

    /// @notice Half of a day's budget: full at once, and leaked in a day, it makes the whole in any 24 hours.
    function capacity(Budget storage self) internal view returns (uint256) {
        return self.perDay / 2;
    }

    /// @notice What fills the bucket now.
    function level(Budget storage self) internal view returns (uint256) {
        uint256 leaked = capacity(self) * (block.timestamp - self.time) / WINDOW;
        return leaked < self.filled ? self.filled - leaked : 0;
    }

    /// @notice The peaks of an account as of today.
    function recent(Budget storage self, bytes32 account, uint40 voidSince) internal view returns (Peak memory peak) {
        peak = self.peaks[account];
        if (peak.time == 0 || peak.time <= voidSince) return Peak(0, 0, peak.time);
        uint256 passed = block.timestamp / WINDOW - peak.time / WINDOW;
        if (passed != 0) (peak.today, peak.yesterday) = (0, passed == 1 ? peak.today : 0);
    }
}
