// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {IWindDown} from "./interfaces/IWindDown.sol";
import {BpsLib} from "./libraries/BpsLib.sol";

/// @title Wind-down
/// @notice See {IWindDown}, which documents every entry point, event and error.
/// @custom:invariant W1 an underlying is closed once, at one price, and its marks never change after
contract WindDown is IWindDown, Ownable2Step {
    /// @inheritdoc IWindDown
    uint256 public constant SILENCE = 7 days;
    /// @inheritdoc IWindDown
    uint256 public constant BAND_BPS = 1_000;

    IMarketFeeds private immutable _feeds;
    ISpotFeeds private immutable _spots;

    constructor(address owner_, address feeds_) Ownable(owner_) {
        _feeds = IMarketFeeds(feeds_);
        _spots = ISpotFeeds(IMarketFeeds(feeds_).spots());
    }

    /// @inheritdoc IWindDown
    function ofSilentSpot(uint16 underlying) external {
        (uint64 price, uint64 updatedAt,,) = _spots.reading(underlying);
        _requireSilent(underlying, updatedAt);
        _close(underlying, price);
    }

    /// @inheritdoc IWindDown
    function ofSilentMarks(uint16 underlying) external {
        _requireSilent(underlying, _feeds.quote(underlying, 0).time);
        (uint64 price,, bool fresh,) = _spots.reading(underlying);
        if (!fresh) revert SpotNotFresh(underlying);
        _close(underlying, price);
    }

    /// @inheritdoc IWindDown
    function byOwner(uint16 underlying, uint64 price) external onlyOwner {
        (uint64 spot,,,) = _spots.reading(underlying);
        uint256 distance = price > spot ? price - spot : spot - price;
        if (distance * BpsLib.BPS > spot * BAND_BPS) revert PriceOutOfBand(price, spot, BAND_BPS);
        _close(underlying, price);
    }

    /// @inheritdoc IWindDown
    function feeds() external view returns (address) {
        return address(_feeds);
    }

    /// @dev Where a sequencer was down, feeds were silent through no fault of theirs and speak again first. What never spoke holds
    /// nobody's position, and is not dead.
    function _requireSilent(uint16 underlying, uint256 lastTime) private view {
        if (!_spots.isSequencerUp()) revert SequencerDown();
        if (lastTime == 0 || block.timestamp <= lastTime + SILENCE) {
            revert NotSilent(underlying, lastTime, block.timestamp);
        }
    }

    function _close(uint16 underlying, uint64 price) private {
        _spots.close(underlying, price);
        // In the same act: who settles later must neither pay nor receive more than who settled at once.
        _feeds.endFunding(underlying);
        emit WoundDown(underlying, price);
    }
}
