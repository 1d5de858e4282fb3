// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Trades of a flagged account
/// @notice What the clearinghouse asks before and after: such a trade reduces the leg it touches, at a price near the mark, and
/// does not lower equity less requirement in any world of marks. Where it leaves less than half of the requirement in some world,
/// it is at the mark or better: else margin that is freed would become a gift to a friend, and the gift others' loss.
interface IFlaggedTrades {
    error NotClearinghouse(address caller);
    error NotReducing(bytes32 account, uint128 instrument, int64 lots);
    error PriceOutsideBand(uint64 price, uint64 mark);
    error GivesAway(bytes32 account, uint64 price, uint64 mark);
    error SurplusFell(bytes32 account, int256 before, int256 present);

    /// @notice Equity less requirement from the whole grid, in each world; one entry, its cash, for an account without legs.
    function surplusOf(bytes32 account) external view returns (int256[] memory);

    /// @notice Judges a trade that has been booked. What was sold of the book counts from the smaller book on.
    function afterTrade(bytes32 account, uint128 instrument, int64 lots, uint64 price, int256[] calldata before)
        external;
}
