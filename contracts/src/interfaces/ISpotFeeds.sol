// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccrualLib} from "../libraries/AccrualLib.sol";
import {ScanLib} from "../libraries/ScanLib.sol";

/// @title Spot feeds
/// @notice Spot of each underlying from an aggregator of Chainlink's shape; a ring of daily prices, each proven by the round in force
/// at 00:00 UTC; and the scan range that follows from the ring. Nothing here depends on who calls, or when.
interface ISpotFeeds {
    event UnderlyingAdded(uint16 indexed underlying, address indexed aggregator, uint32 maxAge);
    event Observed(uint16 indexed underlying, uint32 indexed day, uint64 price, uint80 roundId);
    event ScanRangeSet(uint16 indexed underlying, uint64 scanRange, uint256 observations);
    event ScanFloorSet(uint16 indexed underlying, uint24 fromMillionths, uint24 toMillionths);
    event WindDownConnected(address windDown);
    event Closed(uint16 indexed underlying, uint64 price);

    error UnknownUnderlying(uint16 underlying);
    error UnderlyingExists(uint16 underlying);
    error InvalidSpot(uint16 underlying);
    error LengthMismatch(uint256 daysGiven, uint256 roundsGiven);
    error DayNotBegun(uint32 day, uint256 blockTime);
    error NoScanRange(uint16 underlying);
    error ScanFloorTooHigh(uint16 underlying, uint256 floor, uint256 most);
    error UnderlyingClosed(uint16 underlying);
    error NotWindDown(address caller);
    error AlreadyConnected(address windDown);

    /// @notice All that the risk engine needs of an underlying, from one look at the aggregator.
    /// @dev Total: never reverts for a known underlying, whatever the aggregator does.
    /// @return price spot in 1e-8 USD; the last good answer when the aggregator fails
    /// @return updatedAt its time
    /// @return fresh whether it is the aggregator's own, young enough for new risk, and the sequencer has been up for the grace period
    /// @return scanRange wad, from the ring, or the floor above it; 0 while the ring holds fewer than MIN_OBSERVATIONS days
    function reading(uint16 underlying)
        external
        view
        returns (uint64 price, uint64 updatedAt, bool fresh, uint64 scanRange);

    /// @notice Remembers the present spot as the last good one. Anybody may call; a surface update does it as well.
    function poke(uint16 underlying) external;

    /// @notice Adds up the rounds of the window before an expiry, as far as time has come. Anybody may call, however often: the sum up
    /// to a time is the same. A surface update does it as well.
    /// @dev Total for a live underlying: without effect outside the window, and where the rounds up to now cannot be read.
    function accrue(uint16 underlying, uint40 expiry) external;

    /// @notice How far the settlement average of an expiry has come; all 0 where nothing of it was added up.
    function accrual(uint16 underlying, uint40 expiry) external view returns (AccrualLib.Accrual memory);

    /// @notice Writes daily prices into the ring and, if any is new, computes the scan range. Anybody may call. Days that stand
    /// already are passed over, so that nobody can make a batch fail by being first.
    /// @param days_ UTC days (unix time / 86400), of the ring's span or newer
    /// @param roundIds of each day the last good round at or before 00:00, fresh then, proven by the next good one
    function observe(uint16 underlying, uint32[] calldata days_, uint80[] calldata roundIds) external;

    /// @notice Owner: a scan range below which the ring's does not count, 0 for none. It rises from the present range over seven days
    /// in a straight line, to twice the present range and to the cap of the rule at most.
    function setScanFloor(uint16 underlying, uint24 millionths) external;

    /// @return present the floor in force, wad
    /// @return target what it rises to
    function scanFloor(uint16 underlying) external view returns (uint256 present, uint256 target);

    /// @notice Owner, once: names the contract that may close an underlying.
    function connectWindDown(address windDown) external;

    /// @notice WindDown: makes `price` the last one. From then on the spot is never fresh.
    function close(uint16 underlying, uint64 price) external;

    /// @notice When an underlying was closed; 0 while it lives. Never reverts.
    function closedAt(uint16 underlying) external view returns (uint40);

    function windDown() external view returns (address);

    /// @notice The days that the ring holds, ascending, and their prices in 1e-8 USD.
    function observations(uint16 underlying) external view returns (uint32[] memory days_, uint64[] memory prices);

    /// @notice Average of the rounds in force over [from, to), in 1e-8 USD, rounded down.
    /// @param firstRound the round in force at `from`; the others follow it
    /// @dev Reverts where fewer than three rounds have a weight, one lives longer than maxAge, or none is at or after `to`.
    function averageOver(uint16 underlying, uint80 firstRound, uint256 from, uint256 to) external view returns (uint64);

    /// @notice Whether the L2's sequencer is up, and has been for the grace period. Always so where no uptime feed is configured.
    function isSequencerUp() external view returns (bool);

    /// @notice Block time from which clocks of auctions may run: the sequencer's last return and its grace period. 0 where there is no
    /// uptime feed or no usable answer of it, 2^64 - 1 while the sequencer is down, for 7 days at most: no feed holds up auctions for ever.
    function resumedAt() external view returns (uint256);

    function isUnderlying(uint16 underlying) external view returns (bool);

    function underlyings() external view returns (uint16[] memory);

    function aggregatorOf(uint16 underlying) external view returns (address);

    /// @notice Seconds for which an answer of its aggregator is fresh.
    function maxAgeOf(uint16 underlying) external view returns (uint32);

    function scanRule() external view returns (ScanLib.Rule memory);

    function scanSigmas(uint16 underlying) external view returns (ScanLib.Sigmas memory);

    /// @param maxAge seconds for which an answer is fresh: the aggregator's heartbeat and a margin
    function addUnderlying(uint16 underlying, address aggregator, uint32 maxAge, ScanLib.Sigmas calldata sigmas)
        external;
}
