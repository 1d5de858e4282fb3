// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IListings} from "./interfaces/IListings.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {BandLib} from "./libraries/BandLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {OwnedByHouse} from "./OwnedByHouse.sol";

/// @title Listings
/// @notice See {IListings}, which documents every entry point, event and error.
contract Listings is IListings, OwnedByHouse {
    using InstrumentLib for uint128;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant BAND_MARK_BPS = 2_500;
    uint256 internal constant BAND_SPOT_BPS = 500;

    IRiskEngine public immutable engine;
    IMarketFeeds public immutable feeds;
    ISpotFeeds public immutable spots;

    /// @dev `number` counts from 1 in the array of all, 0 is not listed.
    struct Entry {
        uint64 number;
        bool closeOnly;
    }

    uint128[] private _instruments;
    mapping(uint128 instrument => Entry) private _entries;
    /// @inheritdoc IListings
    mapping(uint16 underlying => address) public spotToken;
    /// @inheritdoc IListings
    mapping(uint16 underlying => uint64) public openInterestCap;

    /// @dev The clearinghouse creates it.
    constructor(address engine_) OwnedByHouse(msg.sender) {
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(IRiskEngine(engine_).feeds());
        spots = ISpotFeeds(feeds.spots());
    }

    /* OWNER */

    /// @inheritdoc IListings
    function list(uint128[] calldata instruments) external onlyOwner {
        for (uint256 i; i < instruments.length; ++i) {
            uint128 id = instruments[i];
            if (!id.isCanonical() || engine.lotOf(id.underlyingOf()) == 0) revert InvalidInstrument(id);
            if (!feeds.isExpiry(id.underlyingOf(), id.expiryOf())) revert InvalidInstrument(id);
            if (_isExpired(id)) revert InstrumentExpired(id);
            if (isListed(id)) revert AlreadyListed(id);
            _instruments.push(id);
            _entries[id].number = uint64(_instruments.length);
            emit InstrumentListed(id);
        }
    }

    /// @inheritdoc IListings
    function setCloseOnly(uint128[] calldata instruments) external onlyOwner {
        for (uint256 i; i < instruments.length; ++i) {
            uint128 id = instruments[i];
            if (!isListed(id)) revert NotListed(id);
            _entries[id].closeOnly = true;
            emit InstrumentCloseOnly(id);
        }
    }

    /// @inheritdoc IListings
    function setOpenInterestCap(uint16 underlying, uint64 lots) external onlyOwner {
        emit OpenInterestCapChanged(underlying, openInterestCap[underlying], lots);
        openInterestCap[underlying] = lots;
    }

    /// @inheritdoc IListings
    function setSpotToken(uint16 underlying, address token) external onlyOwner {
        if (spotToken[underlying] != address(0)) revert SpotTokenExists(underlying, spotToken[underlying]);
        _tokenAmount(underlying, 1, token);
        spotToken[underlying] = token;
        emit SpotTokenSet(underlying, token);
    }

    /* ANYBODY */

    /// @inheritdoc IListings
    function delist(uint128 instrument) external {
        Entry memory entry = _entries[instrument];
        if (entry.number == 0) revert NotListed(instrument);
        if (!entry.closeOnly && !_isExpired(instrument)) revert StillOpen(instrument);
        if (clearinghouse.isHeld(instrument)) revert StillHeld(instrument);
        uint128 last = _instruments[_instruments.length - 1];
        _instruments[entry.number - 1] = last;
        _entries[last].number = entry.number;
        _instruments.pop();
        delete _entries[instrument];
        emit InstrumentDelisted(instrument);
    }

    /* VIEWS */

    /// @inheritdoc IListings
    function requireTradable(uint128 instrument, uint64 price) external view returns (bool closeOnly) {
        Entry memory entry = _entries[instrument];
        if (entry.number == 0 || instrument.kindOf() == InstrumentLib.SPOT) revert NotListed(instrument);
        if (_isExpired(instrument)) revert InstrumentExpired(instrument);
        uint64 mark = engine.markOf(instrument);
        (uint64 spot,) = _spotOf(instrument.underlyingOf());
        if (!BandLib.isWithin(price, mark, spot, BAND_MARK_BPS, BAND_SPOT_BPS)) revert PriceOutsideBand(price, mark);
        return entry.closeOnly;
    }

    /// @inheritdoc IListings
    function isListed(uint128 instrument) public view returns (bool) {
        return _entries[instrument].number != 0;
    }

    /// @inheritdoc IListings
    function stageOf(uint128 instrument) external view returns (Stage) {
        Entry memory entry = _entries[instrument];
        if (entry.number == 0) return Stage.None;
        if (_isExpired(instrument)) return Stage.Expired;
        return entry.closeOnly ? Stage.CloseOnly : Stage.Open;
    }

    /// @inheritdoc IListings
    function spotTokens(uint16 underlying, uint64 lots, bool adding)
        external
        view
        returns (uint128 instrument, address token, uint256 amount)
    {
        token = spotToken[underlying];
        if (token == address(0)) revert NoSpotToken(underlying);
        instrument = InstrumentLib.pack(underlying, 0, InstrumentLib.SPOT, 0);
        if (!isListed(instrument)) revert NotListed(instrument);
        if (adding) {
            if (_entries[instrument].closeOnly) revert IsCloseOnly(instrument);
            (, bool fresh) = _spotOf(underlying);
            // At a dead price tokens would be worth more to a margin than to a market.
            if (!fresh) revert StaleSpot(underlying);
        }
        amount = _tokenAmount(underlying, lots, token);
    }

    /// @inheritdoc IListings
    function listingCount() external view returns (uint256) {
        return _instruments.length;
    }

    /// @inheritdoc IListings
    function listingAt(uint256 index) external view returns (uint128) {
        return _instruments[index];
    }

    function _spotOf(uint16 underlying) private view returns (uint64 price, bool fresh) {
        (price,, fresh,) = spots.reading(underlying);
    }

    function _isExpired(uint128 instrument) private view returns (bool) {
        uint40 expiry = instrument.expiryOf();
        return expiry != 0 && expiry <= block.timestamp;
    }

    function _tokenAmount(uint16 underlying, uint64 lots, address token) private view returns (uint256 amount) {
        uint8 decimals = IERC20Metadata(token).decimals();
        uint256 scaled = uint256(lots) * engine.lotOf(underlying) * 10 ** decimals;
        amount = scaled / WAD;
        if (amount == 0 || amount * WAD != scaled) revert TokenAmountNotWhole(lots, decimals);
    }
}
