// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {FeedSigners} from "./FeedSigners.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {AccrualLib} from "./libraries/AccrualLib.sol";
import {FundingLib} from "./libraries/FundingLib.sol";
import {SpeedLib} from "./libraries/SpeedLib.sol";
import {ExpiryQuote, Signature, StoredQuote} from "./types/Types.sol";

/// @title Market feeds
/// @notice See {IMarketFeeds}, which documents every entry point, event and error.
contract MarketFeeds is IMarketFeeds, EIP712, FeedSigners {
    using FundingLib for FundingLib.Funding;

    uint256 internal constant MAX_UPDATE_AGE = 60;
    uint256 internal constant SLOT = 60;
    uint256 internal constant MAX_EXPIRIES = 64;
    int256 internal constant WAD = 1e18;

    /// @dev Marks stay within a third of the shock of a reference that is renewed after a day at the earliest. Any 24 hours see two
    /// references at most, so marks move by the whole shock at most.
    int256 internal constant BAND = 3;
    uint256 internal constant REFERENCE_LIFE = 24 hours;
    uint256 internal constant PENDING_LIFE = 30 minutes;
    uint256 internal constant PENDING_LEAST_AGE = 10 minutes;
    uint256 internal constant PENDING_INTERVAL = 6 hours;

    /// @inheritdoc IMarketFeeds
    uint256 public constant SETTLEMENT_WINDOW = AccrualLib.WINDOW;
    uint256 internal constant SIGNED_SETTLEMENT_DELAY = 24 hours;

    bytes32 internal constant QUOTE_TYPEHASH = keccak256(
        "ExpiryQuote(uint40 expiry,uint64 ratio,uint64 confidence,int64 a,int64 b,int64 rho,int64 m,int64 sigma)"
    );
    bytes32 internal constant UPDATE_TYPEHASH = keccak256(
        "SurfaceUpdate(uint16 underlying,uint64 time,ExpiryQuote[] quotes)ExpiryQuote(uint40 expiry,uint64 ratio,uint64 confidence,int64 a,int64 b,int64 rho,int64 m,int64 sigma)"
    );

    bytes32 internal constant SETTLEMENT_TYPEHASH =
        keccak256("SettlementPrice(uint16 underlying,uint40 expiry,uint64 price)");

    /// @dev Times are signed ones, 0 where there is none. `pendingTime` stays behind when the pending world is confirmed or dies.
    struct Surface {
        bool known;
        bool confirmed;
        uint64 updateTime;
        uint64 referenceTime;
        uint64 pendingTime;
    }

    ISpotFeeds private immutable _spots;
    mapping(uint16 underlying => Surface) private _surfaces;
    mapping(uint16 underlying => SpeedLib.Limits) private _limits;
    mapping(uint16 underlying => uint40[]) private _expiries;
    mapping(uint16 underlying => mapping(uint40 expiry => bool)) private _known;
    mapping(uint16 underlying => mapping(uint40 expiry => StoredQuote)) private _quotes;
    mapping(uint16 underlying => mapping(uint40 expiry => StoredQuote)) private _pending;
    mapping(uint16 underlying => mapping(uint40 expiry => StoredQuote)) private _references;
    mapping(uint16 underlying => mapping(uint40 expiry => uint64)) private _settlements;
    mapping(uint16 underlying => FundingLib.Funding) private _funding;

    constructor(address owner_, address guard_, address spots_, address[] memory signers_, uint8 threshold_)
        EIP712("MarketFeeds", "1")
        FeedSigners(owner_, guard_, signers_, threshold_)
    {
        _spots = ISpotFeeds(spots_);
    }

    /* OWNER */

    /// @inheritdoc IMarketFeeds
    function addUnderlying(uint16 underlying, SpeedLib.Limits calldata limits_) external onlyOwner {
        if (!_spots.isUnderlying(underlying)) revert UnknownUnderlying(underlying);
        if (_surfaces[underlying].known) revert UnderlyingExists(underlying);
        if (limits_.volUp == 0 || limits_.volDown == 0 || limits_.volMost == 0 || limits_.ratio == 0) {
            revert InvalidLimits(underlying);
        }
        _surfaces[underlying].known = true;
        _limits[underlying] = limits_;
        _expiries[underlying].push(0);
        _known[underlying][0] = true;
        emit UnderlyingAdded(underlying, limits_);
    }

    /// @inheritdoc IMarketFeeds
    function addExpiry(uint16 underlying, uint40 expiry) external onlyOwner {
        if (!_surfaces[underlying].known) revert UnknownUnderlying(underlying);
        if (expiry <= block.timestamp) revert ExpiryNotAhead(expiry, block.timestamp);
        uint40[] storage list = _expiries[underlying];
        _dropSettled(underlying, list);
        if (list.length == MAX_EXPIRIES) revert TooManyExpiries(MAX_EXPIRIES + 1, MAX_EXPIRIES);
        if (_known[underlying][expiry]) revert ExpiryExists(underlying, expiry);
        _known[underlying][expiry] = true;
        list.push(expiry);
        for (uint256 i = list.length - 1; list[i - 1] > expiry; --i) {
            (list[i], list[i - 1]) = (list[i - 1], expiry);
        }
        emit ExpiryAdded(underlying, expiry);
    }

    /// @dev Settled expiries make room; their prices stay readable.
    function _dropSettled(uint16 underlying, uint40[] storage list) private {
        uint256 kept = 1;
        for (uint256 i = 1; i < list.length; ++i) {
            if (_settlements[underlying][list[i]] == 0) list[kept++] = list[i];
        }
        while (list.length > kept) {
            list.pop();
        }
    }

    /* SIGNED UPDATES */

    /// @inheritdoc IMarketFeeds
    function updateSurface(
        uint16 underlying,
        uint64 time,
        ExpiryQuote[] calldata quotes,
        Signature[] calldata signatures
    ) external {
        Surface storage surface = _surfaces[underlying];
        if (!surface.known) revert UnknownUnderlying(underlying);
        if (time <= surface.updateTime) revert StaleUpdate(time, surface.updateTime);
        if (time > block.timestamp || block.timestamp - time > MAX_UPDATE_AGE) {
            revert UpdateOutOfTime(time, block.timestamp);
        }
        if (time % SLOT != 0) revert NotASlot(time, SLOT);
        _verifySigned(updateDigest(underlying, time, quotes), signatures);
        _requireComplete(underlying, time, quotes);
        surface.updateTime = time;
        _spots.poke(underlying);
        _accrue(underlying, quotes);
        _renewReferences(underlying, surface, time, quotes);
        _accept(underlying, surface, time, quotes);
    }

    /// @dev Quotes must be exactly the live expiries, ascending: withholding one expiry would move calendars alone.
    function _requireComplete(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) private view {
        uint40[] storage list = _expiries[underlying];
        uint256 given;
        for (uint256 i; i < list.length; ++i) {
            uint40 expiry = list[i];
            if (expiry != 0 && expiry <= time) continue;
            if (given == quotes.length) revert IncompleteUpdate(quotes.length, given + 1);
            ExpiryQuote calldata q = quotes[given];
            if (q.expiry != expiry) revert WrongExpiry(given, q.expiry, expiry);
            _requireSane(q);
            ++given;
        }
        if (given != quotes.length) revert IncompleteUpdate(quotes.length, given);
    }

    /// @dev Complete updates begin with the perpetual; the expiries ahead follow, the nearest first.
    function _accrue(uint16 underlying, ExpiryQuote[] calldata quotes) private {
        for (uint256 i = 1; i < quotes.length; ++i) {
            uint40 expiry = quotes[i].expiry;
            if (!AccrualLib.isWithin(expiry, block.timestamp)) return;
            _spots.accrue(underlying, expiry);
        }
    }

    /// @dev Limits never accrue: the new reference is the last mark, however old.
    function _renewReferences(uint16 underlying, Surface storage surface, uint64 time, ExpiryQuote[] calldata quotes)
        private
    {
        if (time < surface.referenceTime + REFERENCE_LIFE) return;
        surface.referenceTime = time;
        for (uint256 i; i < quotes.length; ++i) {
            uint40 expiry = quotes[i].expiry;
            _references[underlying][expiry] = _quotes[underlying][expiry];
        }
    }

    /// @dev Near the reference an update is the mark; farther, within the whole shock, it is the pending world or confirms it.
    function _accept(uint16 underlying, Surface storage surface, uint64 time, ExpiryQuote[] calldata quotes) private {
        if (_isNear(underlying, _references, time, quotes, BAND)) {
            _setMarks(underlying, time, quotes);
        } else if (!_isNear(underlying, _references, time, quotes, 1)) {
            revert BeyondShock(underlying);
        } else if (!_isPending(surface, time)) {
            if (time < surface.pendingTime + PENDING_INTERVAL) revert PendingTooSoon(underlying, surface.pendingTime);
            surface.pendingTime = time;
            surface.confirmed = false;
            _store(underlying, _pending, time, quotes);
            emit WorldOpened(underlying, time);
        } else {
            if (time < surface.pendingTime + PENDING_LEAST_AGE) {
                revert PendingTooYoung(underlying, surface.pendingTime);
            }
            if (!_isNear(underlying, _pending, time, quotes, BAND)) revert PendingDiffers(underlying);
            surface.confirmed = true;
            surface.referenceTime = time;
            _store(underlying, _references, time, quotes);
            emit WorldConfirmed(underlying, time);
            _setMarks(underlying, time, quotes);
        }
    }

    /// @dev Complete updates begin with the perpetual.
    function _setMarks(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) private {
        _store(underlying, _quotes, time, quotes);
        (uint64 spot,,,) = _spots.reading(underlying);
        _funding[underlying].set(quotes[0].ratio, spot);
        emit SurfaceUpdated(underlying, time, quotes.length);
    }

    /// @dev Whether every quote lies within 1 / divisor of the shock; one without a past is near to whatever it is.
    function _isNear(
        uint16 underlying,
        mapping(uint16 => mapping(uint40 => StoredQuote)) storage past,
        uint64 time,
        ExpiryQuote[] calldata quotes,
        int256 divisor
    ) private view returns (bool) {
        SpeedLib.Limits memory limits_ = _limits[underlying];
        for (uint256 i; i < quotes.length; ++i) {
            uint40 expiry = quotes[i].expiry;
            StoredQuote memory before = past[underlying][expiry];
            if (before.time == 0) continue;
            uint256 secondsLeft = expiry > time ? expiry - time : 0;
            if (!SpeedLib.isWithin(before, _stored(quotes[i], time), limits_, secondsLeft, divisor)) return false;
        }
        return true;
    }

    /// @dev An expiry published for the first time becomes its own reference.
    function _store(
        uint16 underlying,
        mapping(uint16 => mapping(uint40 => StoredQuote)) storage target,
        uint64 time,
        ExpiryQuote[] calldata quotes
    ) private {
        for (uint256 i; i < quotes.length; ++i) {
            uint40 expiry = quotes[i].expiry;
            StoredQuote memory quote_ = _stored(quotes[i], time);
            target[underlying][expiry] = quote_;
            if (_references[underlying][expiry].time == 0) _references[underlying][expiry] = quote_;
        }
    }

    function _stored(ExpiryQuote calldata q, uint64 time) private pure returns (StoredQuote memory) {
        return StoredQuote(q.ratio, q.confidence, q.sigma, time, q.a, q.b, q.rho, q.m);
    }

    function _isPending(Surface storage surface, uint256 time) private view returns (bool) {
        return surface.pendingTime != 0 && !surface.confirmed && time < surface.pendingTime + PENDING_LIFE;
    }

    /// @dev Hard bands, inside which every price is finite: docs/model.md, Worlds. 64 bits hold them.
    function _requireSane(ExpiryQuote calldata q) private pure {
        if (q.ratio < 5e17 || q.ratio > 2e18) revert QuoteOutOfBounds(q.expiry, "ratio", int256(uint256(q.ratio)));
        if (q.confidence > 1e18) revert QuoteOutOfBounds(q.expiry, "confidence", int256(uint256(q.confidence)));
        if (q.expiry == 0) {
            if (q.a != 0 || q.b != 0 || q.rho != 0 || q.m != 0 || q.sigma != 0) {
                revert QuoteOutOfBounds(q.expiry, "smile", q.a);
            }
            return;
        }
        if (q.a < -9 * WAD || q.a > 9 * WAD) revert QuoteOutOfBounds(q.expiry, "a", q.a);
        if (q.b < 0 || q.b > 9 * WAD) revert QuoteOutOfBounds(q.expiry, "b", q.b);
        if (q.rho <= -WAD || q.rho >= WAD) revert QuoteOutOfBounds(q.expiry, "rho", q.rho);
        if (q.m < -2 * WAD || q.m > 2 * WAD) revert QuoteOutOfBounds(q.expiry, "m", q.m);
        if (q.sigma < 1e15 || q.sigma > 5 * WAD) revert QuoteOutOfBounds(q.expiry, "sigma", q.sigma);
    }

    /* SETTLEMENT */

    /// @inheritdoc IMarketFeeds
    function fixSettlement(uint16 underlying, uint40 expiry, uint80 firstRound) external {
        _requireUnsettled(underlying, expiry, expiry);
        uint64 price = _spots.averageOver(underlying, firstRound, expiry - SETTLEMENT_WINDOW, expiry);
        _settlements[underlying][expiry] = price;
        emit SettlementFixed(underlying, expiry, price);
    }

    /// @inheritdoc IMarketFeeds
    function fixSignedSettlement(uint16 underlying, uint40 expiry, uint64 price, Signature[] calldata signatures)
        external
    {
        _requireUnsettled(underlying, expiry, expiry + SIGNED_SETTLEMENT_DELAY);
        _verifySigned(settlementDigest(underlying, expiry, price), signatures);
        (uint64 spot,,,) = _spots.reading(underlying);
        if (price < spot / 2 || price > uint256(spot) * 2) revert SettlementOutOfBand(price, spot);
        _settlements[underlying][expiry] = price;
        emit SettlementFixed(underlying, expiry, price);
    }

    function _requireUnsettled(uint16 underlying, uint40 expiry, uint256 earliest) private view {
        if (!_known[underlying][expiry] || expiry == 0) revert WrongExpiry(0, expiry, 0);
        if (block.timestamp <= earliest) revert NotExpired(expiry, block.timestamp);
        if (_settlements[underlying][expiry] != 0) revert SettlementExists(underlying, expiry);
        // What settles at last marks must not find another price there for those who come later.
        if (_spots.closedAt(underlying) != 0) revert ISpotFeeds.UnderlyingClosed(underlying);
    }

    /// @inheritdoc IMarketFeeds
    function endFunding(uint16 underlying) external {
        if (_spots.closedAt(underlying) == 0) revert UnderlyingNotClosed(underlying);
        _funding[underlying].end();
    }

    /* VIEWS */

    /// @inheritdoc IMarketFeeds
    function spots() external view returns (address) {
        return address(_spots);
    }

    /// @inheritdoc IMarketFeeds
    function hasPendingWorld(uint16 underlying) public view returns (bool) {
        return _isPending(_surfaces[underlying], block.timestamp);
    }

    /// @inheritdoc IMarketFeeds
    function quote(uint16 underlying, uint40 expiry) external view returns (StoredQuote memory) {
        return _quotes[underlying][expiry];
    }

    /// @inheritdoc IMarketFeeds
    function market(uint16 underlying, uint40 expiry, uint256 world)
        external
        view
        returns (StoredQuote memory, uint64)
    {
        bool pending = world == 1 && hasPendingWorld(underlying);
        return ((pending ? _pending : _quotes)[underlying][expiry], _settlements[underlying][expiry]);
    }

    /// @inheritdoc IMarketFeeds
    function settlement(uint16 underlying, uint40 expiry) external view returns (uint64) {
        return _settlements[underlying][expiry];
    }

    /// @inheritdoc IMarketFeeds
    function fundingIndex(uint16 underlying) external view returns (int256) {
        // What settles at last marks owes the same whenever it settles.
        uint40 closedAt = _spots.closedAt(underlying);
        return _funding[underlying].indexAt(closedAt == 0 ? block.timestamp : closedAt);
    }

    /// @inheritdoc IMarketFeeds
    function isExpiry(uint16 underlying, uint40 expiry) external view returns (bool) {
        return _known[underlying][expiry];
    }

    /// @inheritdoc IMarketFeeds
    function expiries(uint16 underlying) external view returns (uint40[] memory) {
        return _expiries[underlying];
    }

    /// @inheritdoc IMarketFeeds
    function limits(uint16 underlying) external view returns (SpeedLib.Limits memory) {
        return _limits[underlying];
    }

    /// @inheritdoc IMarketFeeds
    function updateDigest(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) public view returns (bytes32) {
        bytes32[] memory hashes = new bytes32[](quotes.length);
        for (uint256 i; i < quotes.length; ++i) {
            hashes[i] = keccak256(abi.encode(QUOTE_TYPEHASH, quotes[i]));
        }
        // EIP-712 hashes an array as the bare concatenation of its elements; all are one word, so nothing can collide.
        bytes32 quotesHash = keccak256(abi.encodePacked(hashes));
        return _hashTypedDataV4(keccak256(abi.encode(UPDATE_TYPEHASH, underlying, time, quotesHash)));
    }

    /// @inheritdoc IMarketFeeds
    function settlementDigest(uint16 underlying, uint40 expiry, uint64 price) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(SETTLEMENT_TYPEHASH, underlying, expiry, price)));
    }
}
