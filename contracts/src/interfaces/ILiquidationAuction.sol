// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Liquidation auction
/// @notice Flag by one named scenario, one Dutch auction of a fraction of the book, bounty from the account's own reserve.
/// Reads positions and MarketFeeds only; it holds no reference to MarginOracle.
interface ILiquidationAuction {
    /// @notice An open auction.
    /// @param startedAt block time of the flag
    /// @param fractionSold share of the book at the flag that has been sold, wad
    /// @param scenario by which the account was flagged
    /// @param flagger who earns the bounty
    struct Auction {
        uint64 startedAt;
        uint64 fractionSold;
        uint8 scenario;
        address flagger;
    }

    event Flagged(bytes32 indexed account, address indexed flagger, uint8 scenario, int256 equity, uint256 required);
    event Bid(
        bytes32 indexed account,
        bytes32 indexed buyer,
        uint256 fraction,
        int256 equity,
        int256 line,
        int256 cashToBuyer,
        uint256 lotsMoved
    );
    event Cured(bytes32 indexed account, int256 equity, uint256 required);
    event DeficitTaken(bytes32 indexed account, uint256 covered, uint256 remaining);
    event Emptied(bytes32 indexed account, uint256 deficitCovered, uint256 deficitRemaining);

    error AlreadyFlagged(bytes32 account);
    error NotFlagged(bytes32 account);
    error Healthy(bytes32 account, int256 equity, uint256 required);
    error StillUnhealthy(bytes32 account, int256 equity, uint256 required);
    error NoPositions(bytes32 account);
    error NoDeficit(bytes32 account);
    error NotBuyer(address caller, bytes32 buyer);
    error BidExpired(uint64 deadline, uint256 blockTime);
    error DiscountTooSmall(int256 cashToBuyer, int256 minimum);
    error ProtectedAccount(bytes32 account);

    /// @notice Starts an auction when the account's equity is below min(SM, max(loss in `scenario`, minimum charge) + add-ons).
    function flag(bytes32 account, uint8 scenario) external;

    /// @notice Buys a share of a flagged book into a fresh account of the caller that already holds the margin for it. Runs the
    /// grid, so that a weak scenario of the flagger decides nothing; refused while equity covers maintenance margin.
    /// @param fraction share of the present book wanted, wad; cut to what restores health, at least a tenth of the book, and the
    /// whole rest where less than a tenth of it would remain
    /// @param minCashToBuyer least cash that must come with the book (negative: most that the bidder pays over marks)
    /// @return sold share of the present book that was sold, 0 when its last legs had settled and the auction ended
    function bid(bytes32 account, bytes32 buyer, uint256 fraction, int256 minCashToBuyer, uint64 deadline)
        external
        returns (uint256 sold);

    /// @notice Ends an auction when equity reaches SM, or the grid at initial level. Anybody may call. Nothing else ends it while
    /// legs are left, and its clock never starts again.
    function cure(bytes32 account) external;

    /// @notice Covers the negative cash of an unflagged account without legs from the loss reserve. Anybody may call, again once
    /// the reserve has been refilled.
    function takeDeficit(bytes32 account) external returns (uint256 covered, uint256 remaining);

    function auction(bytes32 account) external view returns (Auction memory);

    /// @notice Price line for the whole book after equity `equity`, at block time.
    function line(bytes32 account, int256 equity) external view returns (int256);
}
