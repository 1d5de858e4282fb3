// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Listings
/// @notice What may be traded, and which token stands for a SPOT position. The clearinghouse creates it and asks it.
interface IListings {
    event InstrumentListed(uint128 indexed instrument);
    event SpotTokenSet(uint16 indexed underlying, address indexed token);

    error NotListed(uint128 instrument);
    error AlreadyListed(uint128 instrument);
    error InvalidInstrument(uint128 instrument);
    error InstrumentExpired(uint128 instrument);
    error SpotTokenExists(uint16 underlying, address token);
    error NoSpotToken(uint16 underlying);
    error TokenAmountNotWhole(uint64 lots, uint8 decimals);

    /// @notice Lists instruments whose expiry the feeds know. Only the owner.
    function list(uint128[] calldata instruments) external;

    /// @notice Allows whole lots of `token` as SPOT positions of an underlying, once and for good. Only the owner.
    function setSpotToken(uint16 underlying, address token) external;

    /// @notice Reverts unless the instrument is listed, unexpired and not SPOT, which is deposited instead.
    function requireTradable(uint128 instrument) external view;

    /// @notice What whole lots of an underlying are as a SPOT position and as tokens.
    function spotTokens(uint16 underlying, uint64 lots)
        external
        view
        returns (uint128 instrument, address token, uint256 amount);

    function isListed(uint128 instrument) external view returns (bool);

    function spotToken(uint16 underlying) external view returns (address);

    function listingCount() external view returns (uint256);

    function listingAt(uint256 index) external view returns (uint128);
}
