// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC4626} from "@openzeppelin/contracts/interfaces/IERC4626.sol";

/// @title Insurance fund
/// @notice ERC-4626 vault of dollars that covers deficits of emptied accounts. It holds cash only, never positions. Whoever
/// leaves asks first, waits seven days, and takes the share price of the moment at which he leaves.
interface IInsuranceFund is IERC4626 {
    /// @notice Shares set aside to leave, from `readyAt` on, for the two days after it.
    struct Exit {
        uint192 shares;
        uint64 readyAt;
    }

    event ExitRequested(address indexed owner, uint256 shares, uint64 readyAt);
    event DeficitCovered(bytes32 indexed account, uint256 amount);

    error NotAuction(address caller);
    error TransferShort(uint256 received, uint256 expected);

    /// @notice Sets this many shares of the caller aside to leave, in place of an earlier request; 0 takes all back. They keep
    /// their part in losses until they leave.
    function requestExit(uint256 shares) external;

    /// @notice Pays into an account with negative cash, as far as the fund and the limit of a day reach. Only the auction, which
    /// asks for no more than the account owes.
    function cover(bytes32 account, uint256 deficit) external returns (uint256 covered);

    function exitOf(address owner) external view returns (Exit memory);

    /// @notice What {cover} would pay at most now.
    function coverRoom() external view returns (uint256);
}
