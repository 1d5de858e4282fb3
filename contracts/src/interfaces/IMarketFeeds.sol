// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ExpiryQuote, Signature, StoredQuote} from "../types/Types.sol";

/// @title Market feeds
/// @notice Spot by Chainlink-shaped aggregators; forwards as ratio to spot and one SVI smile per expiry by k-of-n
/// signed updates; settlement prices from the aggregator round in force at expiry.
interface IMarketFeeds {
    event UnderlyingAdded(uint16 indexed underlying, address indexed aggregator, uint64 maxSpotAge);
    event ExpiryAdded(uint16 indexed underlying, uint40 indexed expiry);
    event SurfaceUpdated(uint16 indexed underlying, uint64 time, uint256 quotes);
    event SettlementFixed(uint16 indexed underlying, uint40 indexed expiry, uint64 price, uint80 roundId);

    error UnknownUnderlying(uint16 underlying);
    error UnderlyingExists(uint16 underlying);
    error WrongDecimals(address aggregator, uint8 decimals, uint8 expected);
    error ExpiryExists(uint16 underlying, uint40 expiry);
    error ExpiryNotAhead(uint40 expiry, uint256 blockTime);
    error TooManyExpiries(uint256 count, uint256 maximum);
    error InvalidSpot(uint16 underlying, int256 answer);
    error StaleUpdate(uint64 time, uint64 stored);
    error UpdateOutOfTime(uint64 time, uint256 blockTime);
    error IncompleteUpdate(uint256 quotes, uint256 liveExpiries);
    error WrongExpiry(uint256 position, uint40 expiry, uint40 expected);
    error QuoteOutOfBounds(uint40 expiry, bytes32 field, int256 value);
    error NotExpired(uint40 expiry, uint256 blockTime);
    error NotRoundAtExpiry(uint80 roundId, uint256 updatedAt, uint256 nextUpdatedAt, uint40 expiry);
    error SettlementExists(uint16 underlying, uint40 expiry);

    /// @notice Spot in 1e-8 USD and its time; the last good answer when the aggregator fails. Zero only before the first.
    function spot(uint16 underlying) external view returns (uint64 price, uint64 updatedAt);

    /// @notice Whether the spot itself, not a remembered one, is positive and young enough for new risk.
    function isSpotFresh(uint16 underlying) external view returns (bool);

    function quote(uint16 underlying, uint40 expiry) external view returns (StoredQuote memory);

    /// @notice All that the risk engine needs of one expiry in one call.
    function market(uint16 underlying, uint40 expiry)
        external
        view
        returns (StoredQuote memory stored, uint64 settlementPrice);

    /// @notice Settlement price of an expiry in 1e-8 USD; 0 until it is fixed.
    function settlement(uint16 underlying, uint40 expiry) external view returns (uint64);

    function isExpiry(uint16 underlying, uint40 expiry) external view returns (bool);

    /// @notice Expiries of the underlying that are live or wait for their settlement price, ascending; the first is 0, the perpetual.
    function expiries(uint16 underlying) external view returns (uint40[] memory);

    function underlyings() external view returns (uint16[] memory);

    /// @notice Publishes forwards and smiles of every live expiry of one underlying. Anybody may send what k signers signed.
    function updateSurface(
        uint16 underlying,
        uint64 time,
        ExpiryQuote[] calldata quotes,
        Signature[] calldata signatures
    ) external;

    /// @notice Remembers the present spot as the last good one. Anybody may call; a surface update does it as well.
    function poke(uint16 underlying) external;

    /// @notice Fixes the price of an expiry from the last good round at or before expiry: the same result whoever calls, whenever.
    /// @param roundId that round; the next good one, in the same or the next phase of the aggregator, must lie after expiry
    function fixSettlement(uint16 underlying, uint40 expiry, uint80 roundId) external;

    function addUnderlying(uint16 underlying, address aggregator, uint64 maxSpotAge) external;

    function addExpiry(uint16 underlying, uint40 expiry) external;

    /// @notice The aggregator behind an underlying's spot.
    function aggregatorOf(uint16 underlying) external view returns (address);

    function isSigner(address who) external view returns (bool);

    function signers() external view returns (address[] memory);

    function threshold() external view returns (uint8);

    /// @notice EIP-712 digest that a feed signer signs.
    function updateDigest(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) external view returns (bytes32);
}
