// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SpeedLib} from "../libraries/SpeedLib.sol";
import {ExpiryQuote, Signature, StoredQuote} from "../types/Types.sol";

/// @title Market feeds
/// @notice Forwards as ratio to spot and one SVI smile per expiry, by k-of-n signed updates. What moves faster than the limits allow is
/// a pending world beside the current one until it is confirmed or dies. Settlement prices are averages of aggregator rounds.
interface IMarketFeeds {
    event UnderlyingAdded(uint16 indexed underlying, SpeedLib.Limits limits);
    event ExpiryAdded(uint16 indexed underlying, uint40 indexed expiry);
    event SurfaceUpdated(uint16 indexed underlying, uint64 time, uint256 quotes);
    event WorldOpened(uint16 indexed underlying, uint64 time);
    event WorldConfirmed(uint16 indexed underlying, uint64 time);
    event SettlementFixed(uint16 indexed underlying, uint40 indexed expiry, uint64 price);

    error UnknownUnderlying(uint16 underlying);
    error UnderlyingExists(uint16 underlying);
    error InvalidLimits(uint16 underlying);
    error ExpiryExists(uint16 underlying, uint40 expiry);
    error ExpiryNotAhead(uint40 expiry, uint256 blockTime);
    error TooManyExpiries(uint256 count, uint256 maximum);
    error StaleUpdate(uint64 time, uint64 stored);
    error UpdateOutOfTime(uint64 time, uint256 blockTime);
    error NotASlot(uint64 time, uint256 slotSeconds);
    error BeyondShock(uint16 underlying);
    error PendingTooSoon(uint16 underlying, uint64 lastPending);
    error PendingTooYoung(uint16 underlying, uint64 pending);
    error PendingDiffers(uint16 underlying);
    error IncompleteUpdate(uint256 quotes, uint256 liveExpiries);
    error WrongExpiry(uint256 position, uint40 expiry, uint40 expected);
    error QuoteOutOfBounds(uint40 expiry, bytes32 field, int256 value);
    error NotExpired(uint40 expiry, uint256 blockTime);
    error SettlementOutOfBand(uint64 price, uint64 spot);
    error SettlementExists(uint16 underlying, uint40 expiry);
    error UnderlyingNotClosed(uint16 underlying);

    /// @notice The SpotFeeds that spots, daily prices and settlement averages come from.
    function spots() external view returns (address);

    /// @notice Whether an update beyond the limits waits: signed less than 30 minutes ago, and not confirmed.
    function hasPendingWorld(uint16 underlying) external view returns (bool);

    function quote(uint16 underlying, uint40 expiry) external view returns (StoredQuote memory);

    /// @notice All that the risk engine needs of one expiry in one call.
    /// @param world 1 is the pending world, where the underlying has one; else the current one
    function market(uint16 underlying, uint40 expiry, uint256 world)
        external
        view
        returns (StoredQuote memory stored, uint64 settlementPrice);

    /// @notice Settlement price of an expiry in 1e-8 USD; 0 until it is fixed.
    function settlement(uint16 underlying, uint40 expiry) external view returns (uint64);

    function isExpiry(uint16 underlying, uint40 expiry) external view returns (bool);

    /// @notice Expiries of the underlying that are live or wait for their settlement price, ascending; the first is 0, the perpetual.
    function expiries(uint16 underlying) external view returns (uint40[] memory);

    /// @notice Publishes forwards and smiles of every live expiry of one underlying. Anybody may send what k signers signed.
    /// @dev An update within a third of the shock of the reference (the mark of a day ago at the least) is the mark. One within the
    /// whole shock opens the pending world, at most one in six hours, or confirms it ten minutes later within a third of the shock
    /// of it. One beyond is refused: signers then publish the farthest quotes that pass.
    /// @param time signed, a multiple of 60 seconds, at most 60 seconds old
    function updateSurface(
        uint16 underlying,
        uint64 time,
        ExpiryQuote[] calldata quotes,
        Signature[] calldata signatures
    ) external;

    /// @notice Fixes the price of an expiry: the average over the last SETTLEMENT_WINDOW, each aggregator round weighted by its lifetime.
    /// The same result whoever calls, whenever. Reverts with fewer than three rounds or a gap.
    /// @param firstRound the last good round at or before the start of the window
    function fixSettlement(uint16 underlying, uint40 expiry, uint80 firstRound) external;

    /// @notice Where no average can be formed: a price signed by k feed signers, 24 hours after expiry at the earliest, between half and
    /// twice the spot.
    function fixSignedSettlement(uint16 underlying, uint40 expiry, uint64 price, Signature[] calldata signatures)
        external;

    /// @notice Seconds before expiry over which the settlement price is averaged.
    function SETTLEMENT_WINDOW() external view returns (uint256);

    /// @notice Lets the funding of an underlying that was wound down stand still; anybody may.
    function endFunding(uint16 underlying) external;

    /// @notice Wad dollars that one unit of the perpetual has paid from long to short since the beginning, negative where shorts paid.
    function fundingIndex(uint16 underlying) external view returns (int256);

    /// @notice Admits an underlying that SpotFeeds knows.
    function addUnderlying(uint16 underlying, SpeedLib.Limits calldata limits_) external;

    function addExpiry(uint16 underlying, uint40 expiry) external;

    function limits(uint16 underlying) external view returns (SpeedLib.Limits memory);

    /// @notice EIP-712 digest that a feed signer signs.
    function updateDigest(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) external view returns (bytes32);

    /// @notice EIP-712 digest that a feed signer signs for {fixSignedSettlement}.
    function settlementDigest(uint16 underlying, uint40 expiry, uint64 price) external view returns (bytes32);
}
