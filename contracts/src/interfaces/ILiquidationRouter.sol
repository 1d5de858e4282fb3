// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Liquidation router
/// @notice Posts fresh marks or an attestation, flags and bids in one transaction. It holds nothing and may do nothing that its
/// caller could not do in three: whoever wants it to bid approves it at the auction, and it bids into accounts of its caller alone.
interface ILiquidationRouter {
    /// @notice What to bid; see {ILiquidationAuction.bid}. A `fraction` of 0 bids nothing.
    struct BidOrder {
        bytes32 buyer;
        uint256 fraction;
        int256 minCashToBuyer;
        uint64 deadline;
    }

    error NotOwner(address caller, bytes32 buyer);
    error UnknownTarget(address target);

    /// @notice Submits, flags an account that is not flagged yet, calls the caller back, and bids.
    /// @param targets each MarketFeeds or MarginOracle
    /// @param submissions calls on them; one that fails is passed over, as somebody else may have been first
    /// @param callBack whether to call {ILiquidationCallback.onFlagged} of the caller before the bid, who brings the margin
    /// @return sold share of the book that was sold
    function liquidate(
        bytes32 account,
        uint8 scenario,
        address[] calldata targets,
        bytes[] calldata submissions,
        BidOrder calldata order,
        bool callBack,
        bytes calldata data
    ) external returns (uint256 sold);
}

/// @title What a liquidating contract answers
interface ILiquidationCallback {
    /// @notice The account is in auction and its bid comes next: borrow, hedge, and pay the margin in. What is borrowed is paid
    /// back after the router returns, in the same transaction.
    function onFlagged(bytes32 account, bytes32 buyer, bytes calldata data) external;
}
