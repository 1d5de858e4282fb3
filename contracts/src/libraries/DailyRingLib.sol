// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Ring of daily prices
/// @notice Four days a word: `days / 4` in 16 bits, then four prices of 60 bits, 0 where a day is missing. 32 words hold the newest
/// day's four and the 31 before: 125 to 128 days.
library DailyRingLib {
    uint256 internal constant WORDS = 32;
    uint256 internal constant DAYS_A_WORD = 4;
    uint256 private constant PRICE_BITS = 60;
    uint256 private constant PRICE_MASK = 2 ** 60 - 1;
    uint256 private constant STAMP_SHIFT = 240;

    struct Ring {
        uint32 newest;
        uint256[32] words;
    }

    error DayTooOld(uint256 day, uint256 oldest);

    /// @notice Writes the price of a day, which may be newer than all or fill a gap; never over another. False where it stood already.
    function put(Ring storage ring, uint32 day, uint64 price) internal returns (bool) {
        uint256 group = day / DAYS_A_WORD;
        uint256 last = ring.newest / DAYS_A_WORD;
        if (group + WORDS <= last) revert DayTooOld(day, (last + 1 - WORDS) * DAYS_A_WORD);
        uint256 word = ring.words[group % WORDS];
        if (word >> STAMP_SHIFT != group) word = group << STAMP_SHIFT;
        uint256 shift = (day % DAYS_A_WORD) * PRICE_BITS;
        if ((word >> shift) & PRICE_MASK != 0) return false;
        ring.words[group % WORDS] = word | (uint256(price) << shift);
        if (day > ring.newest) ring.newest = day;
        return true;
    }

    /// @notice All days that the ring holds, ascending, and their prices.
    function window(Ring storage ring) internal view returns (uint32[] memory days_, uint64[] memory prices) {
        days_ = new uint32[](WORDS * DAYS_A_WORD);
        prices = new uint64[](WORDS * DAYS_A_WORD);
        uint256 last = ring.newest / DAYS_A_WORD;
        uint256 n;
        for (uint256 group = last < WORDS ? 0 : last + 1 - WORDS; group <= last; ++group) {
            uint256 word = ring.words[group % WORDS];
            if (word >> STAMP_SHIFT != group) continue;
            for (uint256 i; i < DAYS_A_WORD; ++i) {
                uint256 price = (word >> (i * PRICE_BITS)) & PRICE_MASK;
                if (price == 0) continue;
                days_[n] = uint32(group * DAYS_A_WORD + i);
                prices[n++] = uint64(price);
            }
        }
        // Both were made too long; only the count of what is there has to change.
        assembly ("memory-safe") {
            mstore(days_, n)
            mstore(prices, n)
        }
    }
}
