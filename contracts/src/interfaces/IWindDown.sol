// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Wind-down
/// @notice Ends an underlying whose feed is dead, so that nothing is stuck for ever. Its spot stands still for good; perpetuals,
/// futures and options settle at their marks of that moment by {IClearinghouse-settle}; SPOT tokens can be taken out.
interface IWindDown {
    event WoundDown(uint16 indexed underlying, uint64 price);

    error NotSilent(uint16 underlying, uint256 lastTime, uint256 blockTime);
    error SequencerDown();
    error SpotNotFresh(uint16 underlying);
    error PriceOutOfBand(uint64 price, uint64 spot, uint256 bandBps);

    /// @notice Anybody, after SILENCE without a new answer of the aggregator: at its last good price.
    function ofSilentSpot(uint16 underlying) external;

    /// @notice Anybody, after SILENCE without new marks: at the present spot, which must be fresh.
    function ofSilentMarks(uint16 underlying) external;

    /// @notice Owner: at a price within BAND_BPS of the last spot, for a migration or for a feed that lies without being silent.
    function byOwner(uint16 underlying, uint64 price) external;

    /// @notice Seconds without news after which a feed is dead.
    function SILENCE() external view returns (uint256);

    function BAND_BPS() external view returns (uint256);

    function feeds() external view returns (address);
}
