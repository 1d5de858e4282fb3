// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginClaim} from "../types/Types.sol";

/// @title Collateral
/// @notice Tokens pledged beside cash. After a haircut they count in equity, and in no requirement: a token that offsets risk is a SPOT
/// position. Valuation, flags, bids and settlement read balances of this contract and never call a token.
interface ICollateral {
    /// @notice An allowed token. `source` is the underlying of SpotFeeds whose price it has, `haircut` is wad, `cap` micro-dollars of all
    /// that is held, before haircut; `held` is base units.
    struct Token {
        address token;
        uint8 decimals;
        uint16 source;
        uint64 haircut;
        uint128 cap;
        uint128 held;
    }

    /// @notice Base units of one token. Ids count from 1; 0 is the settlement coin, which is cash.
    struct Balance {
        uint16 id;
        uint128 amount;
    }

    /// @notice Tokens on their way out, held back for a day because they exceed what may leave at once.
    struct Claim {
        address to;
        uint64 readyAt;
        uint16 id;
        uint128 amount;
    }

    event TokenAdded(uint16 indexed id, address indexed token, uint16 source, uint64 haircut, uint128 cap);
    event CapChanged(uint16 indexed id, uint128 before, uint128 present);
    event Pledged(bytes32 indexed account, uint16 indexed id, uint256 amount);
    event Released(bytes32 indexed account, uint16 indexed id, uint256 amount, address to);
    event Seized(bytes32 indexed from, bytes32 indexed to, uint16 indexed id, uint256 amount);
    event ClaimOpened(uint256 indexed claim, address indexed to, uint16 indexed id, uint256 amount, uint64 readyAt);
    event ClaimPaid(uint256 indexed claim, address indexed to, uint16 indexed id, uint256 amount);

    error NotClearinghouse(address caller);
    error NotOwner(address caller, bytes32 account);
    error AccountIsLocked(bytes32 account);
    error InvalidToken(address token);
    error TokenExists(address token);
    error TooManyTokens(uint256 maximum);
    error UnsupportedDecimals(address token, uint8 decimals);
    error HaircutOutOfBounds(uint64 haircut, uint64 least);
    error CapTooLarge(uint128 cap, uint128 maximum);
    error UnknownToken(uint16 id);
    error UnknownSource(uint16 source);
    error ZeroAmount();
    error OverCap(uint16 id, uint256 value, uint128 cap);
    error StalePrice(uint16 id);
    error TransferShort(uint256 received, uint256 expected);
    error InsufficientTokens(bytes32 account, uint16 id, uint256 held, uint256 wanted);
    error UnknownClaim(uint256 claim, uint256 count);
    error ClaimNotReady(uint256 claim, uint64 readyAt, uint256 blockTime);

    /// @notice Allows a token of 6, 8 or 18 decimals, at most eight in all; haircut and source are for good. Only the owner.
    function addToken(address token, uint16 source, uint64 haircut, uint128 cap) external returns (uint16 id);

    /// @notice Changes how much of a token is taken; what is held already stays, and counts. Only the owner.
    function setCap(uint16 id, uint128 cap) external;

    /// @notice Pledges tokens of the caller to his own account. What arrives must be what was sent: a fee on transfer is refused.
    function deposit(bytes32 account, uint16 id, uint256 amount) external;

    /// @notice Takes tokens out, as {IClearinghouse-withdraw} does dollars: initial margin holds after it without prices that are stale,
    /// and what exceeds the outflow of a day waits for a day.
    function withdraw(bytes32 account, uint16 id, uint256 amount, address to, MarginClaim calldata claim) external;

    /// @notice Pays out tokens whose day has passed. Anybody may call.
    function payClaim(uint256 claim) external;

    /// @notice Moves a cumulative fraction of each token from a flagged account to a buyer's. Only the clearinghouse.
    /// @param first whether the present balances are the whole that fractions count from
    /// @return value haircut value that the seller gave up, micro-dollars: what the buyer owes
    function seize(bytes32 from, bytes32 to, bool first, uint256 cumulativeFraction) external returns (uint256 value);

    /// @notice What the tokens of an account count for, micro-dollars, each rounded down. Never reverts.
    /// @return value at the last good prices
    /// @return fresh without the tokens whose price is stale
    function valueOf(bytes32 account) external view returns (uint256 value, uint256 fresh);

    function holds(bytes32 account) external view returns (bool);

    function balancesOf(bytes32 account) external view returns (Balance[] memory);

    function tokenCount() external view returns (uint16);

    function tokenAt(uint16 id) external view returns (Token memory);

    function claimAt(uint256 claim) external view returns (Claim memory);

    function claimCount() external view returns (uint256);
}
