// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Fill} from "../types/Types.sol";

/// @title Trades that only reduce
/// @notice What an account may trade that is in auction, or that initial margin does not permit anything more: equity is short of
/// it, or a leg's market is stale. Such a trade reduces the leg it touches, at a price near the mark, and does not lower equity less
/// requirement in any world of marks. Where it leaves less than half of the requirement in some world, the account has to be flagged,
/// so that what it leaves to others is booked. There, and where the price of a leg or of a token is stale, it trades at the mark or
/// better: else margin that is freed would become a gift to a friend, and the gift others' loss.
interface IReducingTrades {
    error NotClearinghouse(address caller);
    error NotFlagged(bytes32 account);
    error NotReducing(bytes32 account, uint128 instrument, int64 lots);
    error PriceOutsideBand(uint64 price, uint64 mark);
    error GivesAway(bytes32 account, uint64 price, uint64 mark);
    error SurplusFell(bytes32 account, int256 before, int256 present);

    /// @notice Equity less requirement from the whole grid, in each world; one entry, its cash, for an account without legs.
    function surplusOf(bytes32 account) external view returns (int256[] memory);

    /// @notice Judges a fill that has been booked. Of a flagged account, what was sold of the book counts from the smaller book on.
    function afterTrade(bytes32 account, Fill calldata fill) external;
}
