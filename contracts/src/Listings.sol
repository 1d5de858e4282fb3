// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {IListings} from "./interfaces/IListings.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";

/// @title Listings
/// @notice See {IListings}, which documents every entry point, event and error.
contract Listings is IListings, Ownable2Step {
    using InstrumentLib for uint128;

    uint256 internal constant WAD = 1e18;

    IRiskEngine public immutable engine;
    IMarketFeeds public immutable feeds;

    uint128[] private _instruments;
    /// @inheritdoc IListings
    mapping(uint128 instrument => bool) public isListed;
    /// @inheritdoc IListings
    mapping(uint16 underlying => address) public spotToken;

    constructor(address owner_, address engine_) Ownable(owner_) {
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(IRiskEngine(engine_).feeds());
    }

    /* OWNER */

    /// @inheritdoc IListings
    function list(uint128[] calldata instruments) external onlyOwner {
        for (uint256 i; i < instruments.length; ++i) {
            uint128 id = instruments[i];
            if (!id.isCanonical() || engine.lotOf(id.underlyingOf()) == 0) revert InvalidInstrument(id);
            if (!feeds.isExpiry(id.underlyingOf(), id.expiryOf())) revert InvalidInstrument(id);
            if (id.expiryOf() != 0 && id.expiryOf() <= block.timestamp) revert InstrumentExpired(id);
            if (isListed[id]) revert AlreadyListed(id);
            isListed[id] = true;
            _instruments.push(id);
            emit InstrumentListed(id);
        }
    }

    /// @inheritdoc IListings
    function setSpotToken(uint16 underlying, address token) external onlyOwner {
        if (spotToken[underlying] != address(0)) revert SpotTokenExists(underlying, spotToken[underlying]);
        _tokenAmount(underlying, 1, token);
        spotToken[underlying] = token;
        emit SpotTokenSet(underlying, token);
    }

    /* VIEWS */

    /// @inheritdoc IListings
    function requireTradable(uint128 instrument) external view {
        if (!isListed[instrument] || instrument.kindOf() == InstrumentLib.SPOT) revert NotListed(instrument);
        uint40 expiry = instrument.expiryOf();
        if (expiry != 0 && expiry <= block.timestamp) revert InstrumentExpired(instrument);
    }

    /// @inheritdoc IListings
    function spotTokens(uint16 underlying, uint64 lots)
        external
        view
        returns (uint128 instrument, address token, uint256 amount)
    {
        token = spotToken[underlying];
        if (token == address(0)) revert NoSpotToken(underlying);
        instrument = InstrumentLib.pack(underlying, 0, InstrumentLib.SPOT, 0);
        if (!isListed[instrument]) revert NotListed(instrument);
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

    function _tokenAmount(uint16 underlying, uint64 lots, address token) private view returns (uint256 amount) {
        uint8 decimals = IERC20Metadata(token).decimals();
        uint256 scaled = uint256(lots) * engine.lotOf(underlying) * 10 ** decimals;
        amount = scaled / WAD;
        if (amount == 0 || amount * WAD != scaled) revert TokenAmountNotWhole(lots, decimals);
    }
}
