// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../types/Types.sol";

/// @title A book of legs
/// @notice Sorted, one slot a leg: `instrument 128 | lots 64 | lots when its sale began 64`. Entry values of linear
/// legs stand beside it.
library PositionsLib {
    uint256 internal constant MAX_LEGS = 32;
    /// @dev With cells below 2^34 micro-dollars a lot, 32 legs stay below 2^63 in the keeper's int64 sums.
    int64 internal constant MAX_LOTS = 2 ** 24 - 1;
    uint256 internal constant WAD = 1e18;

    error LotsOverLimit(uint128 instrument, int256 lots);

    struct Book {
        uint256[] words;
        mapping(uint128 instrument => int256) cost;
    }

    /// @notice Lots of one leg that a bid moves.
    struct Sale {
        uint128 instrument;
        int64 lots;
    }

    function count(Book storage book) internal view returns (uint256) {
        return book.words.length;
    }

    function legs(Book storage book) internal view returns (Leg[] memory list) {
        uint256 n = book.words.length;
        list = new Leg[](n);
        for (uint256 i; i < n; ++i) {
            uint256 word = book.words[i];
            list[i] = Leg(uint128(word >> 128), int64(uint64(word >> 64)));
        }
    }

    /// @notice Adds signed lots to one leg, inserting or deleting it. Keeps the order.
    function add(Book storage book, uint128 instrument, int64 lots) internal returns (int64 before, int64 present) {
        uint256[] storage words = book.words;
        uint256 n = words.length;
        uint256 i;
        while (i < n && uint128(words[i] >> 128) < instrument) ++i;
        bool found = i < n && uint128(words[i] >> 128) == instrument;
        uint64 base = found ? uint64(words[i]) : 0;
        before = found ? int64(uint64(words[i] >> 64)) : int64(0);
        int256 sum = int256(before) + lots;
        if (sum > MAX_LOTS || sum < -MAX_LOTS) revert LotsOverLimit(instrument, sum);
        present = int64(sum);
        if (present == 0) {
            if (found) _remove(words, i);
        } else {
            uint256 word = _pack(instrument, present, base);
            if (found) words[i] = word;
            else _insert(words, i, word);
        }
    }

    /// @notice Books the notional of a linear leg: opening adds to its entry value, shrinking realises a share of it.
    /// @return cashFlow what the account receives now
    function enter(Book storage book, uint128 instrument, int64 before, int64 lots, int256 notional)
        internal
        returns (int256 cashFlow)
    {
        int256 cost = book.cost[instrument];
        bool grows = before == 0 || (before > 0) == (lots > 0);
        if (grows) {
            book.cost[instrument] = cost + notional;
            return 0;
        }
        int256 size = before < 0 ? -int256(before) : int256(before);
        int256 change = lots < 0 ? -int256(lots) : int256(lots);
        int256 closed = change < size ? change : size;
        // The part that closes keeps its share of the notional; the rest, if any, opens the other side.
        int256 closingNotional = notional * closed / change;
        int256 released = cost * closed / size;
        book.cost[instrument] = cost - released + (notional - closingNotional);
        return -closingNotional - released;
    }

    /// @notice Remembers the present lots of every leg as what a sale in fractions starts from.
    function markBase(Book storage book) internal {
        uint256 n = book.words.length;
        for (uint256 i; i < n; ++i) {
            uint256 word = book.words[i];
            book.words[i] = (word >> 64 << 64) | uint64(word >> 64);
        }
    }

    /// @notice Lots of each leg still to move so that `round(fraction * base)` are gone in all: the rounding never adds up.
    function plannedSales(Book storage book, uint256 cumulativeFraction) internal view returns (Sale[] memory sales) {
        uint256 n = book.words.length;
        sales = new Sale[](n);
        for (uint256 i; i < n; ++i) {
            uint256 word = book.words[i];
            int64 base = int64(uint64(word));
            int64 lots = int64(uint64(word >> 64));
            uint256 size = uint256(int256(base < 0 ? -base : base));
            int64 target = int64(int256((size * cumulativeFraction + WAD / 2) / WAD));
            sales[i] = Sale(uint128(word >> 128), (base < 0 ? -target : target) - (base - lots));
        }
    }

    function _pack(uint128 instrument, int64 lots, uint64 base) private pure returns (uint256) {
        return (uint256(instrument) << 128) | (uint256(uint64(lots)) << 64) | base;
    }

    function _insert(uint256[] storage words, uint256 index, uint256 word) private {
        words.push(word);
        for (uint256 i = words.length - 1; i > index; --i) {
            words[i] = words[i - 1];
        }
        words[index] = word;
    }

    function _remove(uint256[] storage words, uint256 index) private {
        for (uint256 i = index + 1; i < words.length; ++i) {
            words[i - 1] = words[i];
        }
        words.pop();
    }
}
