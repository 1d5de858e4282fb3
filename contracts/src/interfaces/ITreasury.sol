// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Treasury
/// @notice Holds the dollars of all accounts and pays withdrawals: at once within a daily share of all cash, a day later above
/// it, and never more than the share of a withdrawal that is there for everybody.
/// @dev Let A be the dollars held, P what open claims have received, D the losses reported that are beyond the insurance fund. Sums of accounts'
/// equity with claims are A - D, so those who are owed have A + D, and with what claims received A + P + D: solvency is
/// (A + P) / (A + P + D), and a payment leaves it as it is. Hence the order of withdrawals changes nobody's total.
interface ITreasury {
    /// @notice A withdrawal that was not paid in full at once.
    /// @param to who is paid, whoever calls
    /// @param readyAt block time from which more is paid
    /// @param amount what was withdrawn from the account
    /// @param paid what has been paid of it; equal to `amount` when the claim is closed
    struct Claim {
        address to;
        uint64 readyAt;
        uint128 amount;
        uint128 paid;
    }

    event Collected(address indexed from, uint256 amount);
    event Paid(address indexed to, uint256 amount);
    event ClaimOpened(uint256 indexed claim, address indexed to, uint256 amount, uint256 paid, uint64 readyAt);
    event ClaimPaid(uint256 indexed claim, address indexed to, uint256 amount);
    event LossReported(bytes32 indexed account, uint256 loss, uint256 total);
    event AuctionConnected(address indexed auction);

    error NotClearinghouse(address caller);
    error NotAuction(address caller);
    error TransferShort(uint256 received, uint256 expected);
    error UnknownClaim(uint256 claim, uint256 count);
    error ClaimNotReady(uint256 claim, uint64 readyAt, uint256 blockTime);
    error NothingDue(uint256 claim, uint256 amount, uint256 paid);

    /// @notice Takes dollars that `from` has approved for this contract. Only the clearinghouse.
    function collect(address from, uint256 amount) external;

    /// @notice Counts value that leaves as tokens against what may leave in a day. Only the clearinghouse.
    /// @return atOnce whether there was room; else nothing is counted, and it has to wait for a day
    function countOutflow(uint256 value) external returns (bool atOnce);

    /// @notice Pays a withdrawal as far as outflow and solvency allow, and opens a claim for the rest. Only the clearinghouse.
    /// @return paid what was paid at once
    function pay(address to, uint256 amount) external returns (uint256 paid);

    /// @notice Pays what is due of a claim to its address. Anybody may call, for any claim, in any order.
    function payClaim(uint256 claim) external returns (uint256 paid);

    /// @notice Sets the loss that an account leaves to others as things stand. Only the auction.
    function reportLoss(bytes32 account, uint256 loss) external;

    /// @notice Names the auction. Only the clearinghouse, once.
    function connect(address auction) external;

    /// @notice Share of every withdrawal that is paid, rounded down, wad.
    function solvency() external view returns (uint256);

    /// @notice What could be withdrawn at once now, were all losses covered.
    function outflowRoom() external view returns (uint256);

    /// @notice Dollars held for accounts and claims; what is sent here without {collect} does not count.
    function assets() external view returns (uint128);

    /// @notice What open claims have received.
    function advanced() external view returns (uint128);

    /// @notice Sum of reported losses.
    function provisionalLoss() external view returns (uint256);

    function lossOf(bytes32 account) external view returns (uint256);

    function claimCount() external view returns (uint256);

    function claimAt(uint256 claim) external view returns (Claim memory);
}
