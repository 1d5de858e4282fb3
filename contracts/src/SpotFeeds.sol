// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IAggregatorV3} from "./interfaces/IAggregatorV3.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {AccrualLib} from "./libraries/AccrualLib.sol";
import {DailyRingLib} from "./libraries/DailyRingLib.sol";
import {RampLib} from "./libraries/RampLib.sol";
import {RoundsLib} from "./libraries/RoundsLib.sol";
import {ScanLib} from "./libraries/ScanLib.sol";

/// @title Spot feeds
/// @notice See {ISpotFeeds}, which documents every entry point, event and error.
contract SpotFeeds is ISpotFeeds, Ownable2Step {
    using DailyRingLib for DailyRingLib.Ring;
    using RoundsLib for RoundsLib.Feed;

    /// @notice Days below which the ring gives no scan range: with fewer the stress start weighs more than half.
    uint256 public constant MIN_OBSERVATIONS = 30;
    /// @notice Rounds that a settlement average needs.
    uint256 public constant MIN_ROUNDS = 3;

    /// @dev `lastSpot` remembers the last good answer, so that valuation survives a dead aggregator; once closed it is final. The
    /// floor of the scan range is kept in millionths, so that all of this is one word.
    struct Source {
        RoundsLib.Feed feed;
        uint64 lastSpot;
        uint40 lastSpotTime;
        bool closed;
        uint64 scanRange;
        uint24 floorFrom;
        uint24 floorTo;
        uint32 floorSince;
    }

    uint256 internal constant MILLIONTH = 1e12;
    /// @dev As long as a feed may be silent before its underlying is wound down.
    uint256 internal constant LONGEST_HALT = 7 days;

    /// @notice The L2's uptime feed (answer 0 is up); zero where there is none.
    address public immutable sequencerFeed;
    /// @notice Seconds after a restart of the sequencer for which no spot is fresh.
    uint32 public immutable sequencerGrace;
    /// @inheritdoc ISpotFeeds
    address public windDown;

    ScanLib.Rule private _rule;
    uint16[] private _underlyings;
    mapping(uint16 underlying => Source) private _sources;
    mapping(uint16 underlying => ScanLib.Sigmas) private _sigmas;
    mapping(uint16 underlying => DailyRingLib.Ring) private _rings;
    mapping(uint16 underlying => mapping(uint40 expiry => AccrualLib.Accrual)) private _accruals;

    constructor(address owner_, ScanLib.Rule memory rule, address sequencerFeed_, uint32 sequencerGrace_)
        Ownable(owner_)
    {
        ScanLib.requireValid(rule);
        _rule = rule;
        sequencerFeed = sequencerFeed_;
        sequencerGrace = sequencerGrace_;
    }

    /* OWNER */

    /// @inheritdoc ISpotFeeds
    function addUnderlying(uint16 underlying, address aggregator, uint32 maxAge, ScanLib.Sigmas calldata sigmas)
        external
        onlyOwner
    {
        if (underlying == 0) revert UnknownUnderlying(underlying);
        if (isUnderlying(underlying)) revert UnderlyingExists(underlying);
        ScanLib.requireValid(sigmas);
        Source storage source = _sources[underlying];
        source.feed = RoundsLib.connect(aggregator, maxAge);
        _sigmas[underlying] = sigmas;
        _underlyings.push(underlying);
        _remember(source);
        if (source.lastSpot == 0) revert InvalidSpot(underlying);
        emit UnderlyingAdded(underlying, aggregator, maxAge);
    }

    /// @inheritdoc ISpotFeeds
    function setScanFloor(uint16 underlying, uint24 millionths) external onlyOwner {
        Source storage source = _live(underlying);
        uint256 present = _scanRange(source);
        if (present == 0) revert NoScanRange(underlying);
        uint256 most = 2 * present < _rule.cap ? 2 * present : _rule.cap;
        if (millionths * MILLIONTH > most) revert ScanFloorTooHigh(underlying, millionths * MILLIONTH, most);
        uint24 from = uint24(present / MILLIONTH);
        (source.floorFrom, source.floorTo, source.floorSince) = (from, millionths, uint32(block.timestamp));
        emit ScanFloorSet(underlying, from, millionths);
    }

    /// @inheritdoc ISpotFeeds
    function connectWindDown(address windDown_) external onlyOwner {
        if (windDown != address(0)) revert AlreadyConnected(windDown);
        windDown = windDown_;
        emit WindDownConnected(windDown_);
    }

    /* WIND-DOWN */

    /// @inheritdoc ISpotFeeds
    function close(uint16 underlying, uint64 price) external {
        if (msg.sender != windDown) revert NotWindDown(msg.sender);
        Source storage source = _live(underlying);
        if (price == 0) revert InvalidSpot(underlying);
        (source.lastSpot, source.lastSpotTime, source.closed) = (price, uint40(block.timestamp), true);
        emit Closed(underlying, price);
    }

    /* ANYBODY */

    /// @inheritdoc ISpotFeeds
    function poke(uint16 underlying) external {
        _remember(_live(underlying));
    }

    /// @inheritdoc ISpotFeeds
    function accrue(uint16 underlying, uint40 expiry) external {
        RoundsLib.Feed memory feed = _live(underlying).feed;
        AccrualLib.Accrual storage accrual_ = _accruals[underlying][expiry];
        uint256 from = accrual_.until == 0 ? expiry - AccrualLib.WINDOW : accrual_.until;
        uint256 to = block.timestamp < expiry ? block.timestamp : expiry;
        if (to <= from) return;
        (bool known, uint256 sum) = feed.sumOver(from, to);
        if (known) (accrual_.until, accrual_.sum) = (uint40(to), uint128(accrual_.sum + sum));
    }

    /// @inheritdoc ISpotFeeds
    function observe(uint16 underlying, uint32[] calldata days_, uint80[] calldata roundIds) external {
        if (days_.length != roundIds.length) revert LengthMismatch(days_.length, roundIds.length);
        RoundsLib.Feed memory feed = _live(underlying).feed;
        DailyRingLib.Ring storage ring = _rings[underlying];
        bool changed;
        for (uint256 i; i < days_.length; ++i) {
            uint32 day = days_[i];
            uint256 midnight = uint256(day) * 1 days;
            if (midnight >= block.timestamp) revert DayNotBegun(day, block.timestamp);
            uint64 price = feed.priceAt(roundIds[i], midnight);
            if (!ring.put(day, price)) continue;
            changed = true;
            emit Observed(underlying, day, price, roundIds[i]);
        }
        if (changed) _setScanRange(underlying, ring);
    }

    /* VIEWS */

    /// @inheritdoc ISpotFeeds
    function reading(uint16 underlying)
        external
        view
        returns (uint64 price, uint64 updatedAt, bool fresh, uint64 scanRange)
    {
        Source memory source = _sources[underlying];
        if (!source.closed) (price, updatedAt) = source.feed.latest();
        if (price == 0) (price, updatedAt) = (source.lastSpot, source.lastSpotTime);
        else fresh = block.timestamp <= uint256(updatedAt) + source.feed.maxAge && isSequencerUp();
        scanRange = _scanRange(source);
    }

    /// @inheritdoc ISpotFeeds
    function observations(uint16 underlying) external view returns (uint32[] memory days_, uint64[] memory prices) {
        return _rings[underlying].window();
    }

    /// @inheritdoc ISpotFeeds
    function averageOver(uint16 underlying, uint80 firstRound, uint256 from, uint256 to)
        external
        view
        returns (uint64)
    {
        return _live(underlying).feed.averageOver(firstRound, from, to, MIN_ROUNDS);
    }

    /// @inheritdoc ISpotFeeds
    function accrual(uint16 underlying, uint40 expiry) external view returns (AccrualLib.Accrual memory) {
        return _accruals[underlying][expiry];
    }

    /// @inheritdoc ISpotFeeds
    function isSequencerUp() public view returns (bool) {
        if (sequencerFeed == address(0)) return true;
        (uint256 status, uint256 since) = _sequencer();
        return status == 0 && since != 0 && block.timestamp - since > sequencerGrace;
    }

    /// @inheritdoc ISpotFeeds
    function resumedAt() external view returns (uint256) {
        if (sequencerFeed == address(0)) return 0;
        (uint256 status, uint256 since) = _sequencer();
        if (since == 0) return 0;
        if (status == 0) return since + sequencerGrace;
        return block.timestamp - since > LONGEST_HALT ? 0 : type(uint64).max;
    }

    /// @return status 0 is up
    /// @return since not after the present; 0 where the feed says nothing usable
    function _sequencer() private view returns (uint256 status, uint256 since) {
        (bool ok, bytes memory data) = sequencerFeed.staticcall(abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (!ok || data.length < 160) return (0, 0);
        (, status, since,,) = abi.decode(data, (uint256, uint256, uint256, uint256, uint256));
        // By the clock of another chain a round may be a little ahead: it is one of now.
        if (since > block.timestamp) since = block.timestamp;
    }

    /// @inheritdoc ISpotFeeds
    function isUnderlying(uint16 underlying) public view returns (bool) {
        return _sources[underlying].feed.aggregator != address(0);
    }

    /// @inheritdoc ISpotFeeds
    function closedAt(uint16 underlying) external view returns (uint40) {
        Source storage source = _sources[underlying];
        return source.closed ? source.lastSpotTime : 0;
    }

    /// @inheritdoc ISpotFeeds
    function scanFloor(uint16 underlying) external view returns (uint256 present, uint256 target) {
        Source memory source = _sources[underlying];
        return (_floor(source), source.floorTo * MILLIONTH);
    }

    /// @inheritdoc ISpotFeeds
    function underlyings() external view returns (uint16[] memory) {
        return _underlyings;
    }

    /// @inheritdoc ISpotFeeds
    function aggregatorOf(uint16 underlying) external view returns (address) {
        return _sources[underlying].feed.aggregator;
    }

    /// @inheritdoc ISpotFeeds
    function maxAgeOf(uint16 underlying) external view returns (uint32) {
        return _sources[underlying].feed.maxAge;
    }

    /// @inheritdoc ISpotFeeds
    function scanRule() external view returns (ScanLib.Rule memory) {
        return _rule;
    }

    /// @inheritdoc ISpotFeeds
    function scanSigmas(uint16 underlying) external view returns (ScanLib.Sigmas memory) {
        return _sigmas[underlying];
    }

    /* INTERNAL */

    function _live(uint16 underlying) private view returns (Source storage source) {
        if (!isUnderlying(underlying)) revert UnknownUnderlying(underlying);
        source = _sources[underlying];
        if (source.closed) revert UnderlyingClosed(underlying);
    }

    /// @dev The ring's range, or the owner's floor above it; zero where the ring gives none.
    function _scanRange(Source memory source) private view returns (uint64) {
        uint256 floor = source.floorTo == 0 ? 0 : _floor(source);
        return source.scanRange != 0 && floor > source.scanRange ? uint64(floor) : source.scanRange;
    }

    function _floor(Source memory source) private view returns (uint256) {
        return RampLib.valueAt(source.floorFrom * MILLIONTH, source.floorTo * MILLIONTH, source.floorSince);
    }

    function _remember(Source storage source) private {
        (uint64 price, uint64 updatedAt) = source.feed.latest();
        if (price != 0) (source.lastSpot, source.lastSpotTime) = (price, uint40(updatedAt));
    }

    function _setScanRange(uint16 underlying, DailyRingLib.Ring storage ring) private {
        (, uint64[] memory prices) = ring.window();
        uint64 range;
        if (prices.length >= MIN_OBSERVATIONS) {
            range = uint64(ScanLib.scanRange(prices, _rule, _sigmas[underlying]));
        }
        _sources[underlying].scanRange = range;
        emit ScanRangeSet(underlying, range, prices.length);
    }
}
