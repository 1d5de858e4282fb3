// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IAggregatorV3} from "./interfaces/IAggregatorV3.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {QuorumLib} from "./libraries/QuorumLib.sol";
import {ExpiryQuote, Signature, StoredQuote} from "./types/Types.sol";

/// @title Market feeds
/// @notice See {IMarketFeeds}, which documents every entry point, event and error.
contract MarketFeeds is IMarketFeeds, EIP712, Ownable2Step {
    uint8 internal constant DECIMALS = 8;
    uint256 internal constant MAX_UPDATE_AGE = 60;
    uint256 internal constant MAX_EXPIRIES = 64;
    uint256 internal constant MAX_BAD_ROUNDS = 16;
    /// @dev An answer above is as unusable as none, so that every mark (at most twice the spot) fits 64 bits.
    int256 internal constant MAX_SPOT = 2 ** 62;
    int256 internal constant WAD = 1e18;

    bytes32 internal constant QUOTE_TYPEHASH = keccak256(
        "ExpiryQuote(uint40 expiry,uint64 ratio,uint64 confidence,int64 a,int64 b,int64 rho,int64 m,int64 sigma)"
    );
    bytes32 internal constant UPDATE_TYPEHASH = keccak256(
        "SurfaceUpdate(uint16 underlying,uint64 time,ExpiryQuote[] quotes)ExpiryQuote(uint40 expiry,uint64 ratio,uint64 confidence,int64 a,int64 b,int64 rho,int64 m,int64 sigma)"
    );

    /// @dev `lastSpot` remembers the last good answer, so that valuation survives a dead aggregator.
    struct Underlying {
        address aggregator;
        uint64 maxSpotAge;
        uint64 lastSpot;
        uint64 lastSpotTime;
        uint64 updateTime;
    }

    /// @inheritdoc IMarketFeeds
    uint8 public immutable threshold;

    mapping(address who => bool) private _isSigner;
    address[] private _signers;
    uint16[] private _underlyings;
    mapping(uint16 underlying => Underlying) private _state;
    mapping(uint16 underlying => uint40[]) private _expiries;
    mapping(uint16 underlying => mapping(uint40 expiry => bool)) private _known;
    mapping(uint16 underlying => mapping(uint40 expiry => StoredQuote)) private _quotes;
    mapping(uint16 underlying => mapping(uint40 expiry => uint64)) private _settlements;

    constructor(address owner_, address[] memory signers_, uint8 threshold_)
        EIP712("MarketFeeds", "1")
        Ownable(owner_)
    {
        QuorumLib.register(_isSigner, signers_, threshold_);
        _signers = signers_;
        threshold = threshold_;
    }

    /* OWNER */

    /// @inheritdoc IMarketFeeds
    function addUnderlying(uint16 underlying, address aggregator, uint64 maxSpotAge) external onlyOwner {
        if (underlying == 0) revert UnknownUnderlying(underlying);
        if (_state[underlying].aggregator != address(0)) revert UnderlyingExists(underlying);
        uint8 decimals = IAggregatorV3(aggregator).decimals();
        if (decimals != DECIMALS) revert WrongDecimals(aggregator, decimals, DECIMALS);
        _state[underlying].aggregator = aggregator;
        _state[underlying].maxSpotAge = maxSpotAge;
        _underlyings.push(underlying);
        _expiries[underlying].push(0);
        _known[underlying][0] = true;
        _remember(underlying);
        if (_state[underlying].lastSpot == 0) revert InvalidSpot(underlying, 0);
        emit UnderlyingAdded(underlying, aggregator, maxSpotAge);
    }

    /// @inheritdoc IMarketFeeds
    function addExpiry(uint16 underlying, uint40 expiry) external onlyOwner {
        if (_state[underlying].aggregator == address(0)) revert UnknownUnderlying(underlying);
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
    function poke(uint16 underlying) external {
        if (_state[underlying].aggregator == address(0)) revert UnknownUnderlying(underlying);
        _remember(underlying);
    }

    /// @inheritdoc IMarketFeeds
    function updateSurface(
        uint16 underlying,
        uint64 time,
        ExpiryQuote[] calldata quotes,
        Signature[] calldata signatures
    ) external {
        Underlying storage state = _state[underlying];
        if (state.aggregator == address(0)) revert UnknownUnderlying(underlying);
        if (time <= state.updateTime) revert StaleUpdate(time, state.updateTime);
        if (time > block.timestamp || block.timestamp - time > MAX_UPDATE_AGE) {
            revert UpdateOutOfTime(time, block.timestamp);
        }
        QuorumLib.verify(_isSigner, threshold, updateDigest(underlying, time, quotes), signatures);
        state.updateTime = time;
        _remember(underlying);
        _store(underlying, time, quotes);
        emit SurfaceUpdated(underlying, time, quotes.length);
    }

    /// @dev Quotes must be exactly the live expiries, ascending: withholding one expiry would move calendars alone.
    function _store(uint16 underlying, uint64 time, ExpiryQuote[] calldata quotes) private {
        uint40[] storage list = _expiries[underlying];
        uint256 given;
        for (uint256 i; i < list.length; ++i) {
            uint40 expiry = list[i];
            if (expiry != 0 && expiry <= time) continue;
            if (given == quotes.length) revert IncompleteUpdate(quotes.length, given + 1);
            ExpiryQuote calldata q = quotes[given];
            if (q.expiry != expiry) revert WrongExpiry(given, q.expiry, expiry);
            _requireSane(q);
            _quotes[underlying][expiry] = StoredQuote(q.ratio, q.confidence, q.sigma, time, q.a, q.b, q.rho, q.m);
            ++given;
        }
        if (given != quotes.length) revert IncompleteUpdate(quotes.length, given);
    }

    /// @dev Bounds inside which every price is finite. Speed limits and hard bands on marks come with the second mark.
    function _requireSane(ExpiryQuote calldata q) private pure {
        if (q.ratio < 5e17 || q.ratio > 2e18) revert QuoteOutOfBounds(q.expiry, "ratio", int256(uint256(q.ratio)));
        if (q.confidence > 1e18) revert QuoteOutOfBounds(q.expiry, "confidence", int256(uint256(q.confidence)));
        if (q.expiry == 0) {
            if (q.a != 0 || q.b != 0 || q.rho != 0 || q.m != 0 || q.sigma != 0) {
                revert QuoteOutOfBounds(q.expiry, "smile", q.a);
            }
            return;
        }
        if (q.a < -WAD || q.a > 9 * WAD) revert QuoteOutOfBounds(q.expiry, "a", q.a);
        if (q.b < 0 || q.b > 5 * WAD) revert QuoteOutOfBounds(q.expiry, "b", q.b);
        if (q.rho <= -WAD || q.rho >= WAD) revert QuoteOutOfBounds(q.expiry, "rho", q.rho);
        if (q.m < -2 * WAD || q.m > 2 * WAD) revert QuoteOutOfBounds(q.expiry, "m", q.m);
        if (q.sigma < 1e15 || q.sigma > 5 * WAD) revert QuoteOutOfBounds(q.expiry, "sigma", q.sigma);
    }

    /* SETTLEMENT */

    /// @inheritdoc IMarketFeeds
    function fixSettlement(uint16 underlying, uint40 expiry, uint80 roundId) external {
        if (!_known[underlying][expiry] || expiry == 0) revert WrongExpiry(0, expiry, 0);
        if (block.timestamp <= expiry) revert NotExpired(expiry, block.timestamp);
        if (_settlements[underlying][expiry] != 0) revert SettlementExists(underlying, expiry);
        address aggregator = _state[underlying].aggregator;
        (int256 answer, uint256 updatedAt) = _round(aggregator, roundId);
        uint256 nextUpdatedAt = _nextGoodRound(aggregator, roundId);
        if (updatedAt == 0 || updatedAt > expiry || nextUpdatedAt <= expiry) {
            revert NotRoundAtExpiry(roundId, updatedAt, nextUpdatedAt, expiry);
        }
        if (!_isUsable(answer)) revert InvalidSpot(underlying, answer);
        _settlements[underlying][expiry] = uint64(uint256(answer));
        emit SettlementFixed(underlying, expiry, uint64(uint256(answer)), roundId);
    }

    /// @dev Time of the next round with a usable answer, 0 when there is none yet: a settlement needs one after expiry, so that
    /// the round in force at expiry cannot change later. Chainlink numbers rounds `phase << 64 | n`.
    function _nextGoodRound(address aggregator, uint80 roundId) private view returns (uint256) {
        for (uint256 i; i < MAX_BAD_ROUNDS; ++i) {
            (int256 answer, uint256 updatedAt) = _round(aggregator, ++roundId);
            if (updatedAt == 0) {
                roundId = (((roundId >> 64) + 1) << 64) | 1;
                (answer, updatedAt) = _round(aggregator, roundId);
            }
            if (updatedAt == 0) return 0;
            if (_isUsable(answer)) return updatedAt;
        }
        return 0;
    }

    function _round(address aggregator, uint80 roundId) private view returns (int256 answer, uint256 updatedAt) {
        return _answer(aggregator, abi.encodeCall(IAggregatorV3.getRoundData, (roundId)));
    }

    /* VIEWS */

    /// @inheritdoc IMarketFeeds
    function spot(uint16 underlying) external view returns (uint64, uint64) {
        Underlying storage state = _state[underlying];
        (uint64 price, uint64 updatedAt) = _read(state.aggregator);
        return price != 0 ? (price, updatedAt) : (state.lastSpot, state.lastSpotTime);
    }

    /// @inheritdoc IMarketFeeds
    function isSpotFresh(uint16 underlying) external view returns (bool) {
        Underlying storage state = _state[underlying];
        (uint64 price, uint64 updatedAt) = _read(state.aggregator);
        return price != 0 && block.timestamp <= uint256(updatedAt) + state.maxSpotAge;
    }

    /// @inheritdoc IMarketFeeds
    function quote(uint16 underlying, uint40 expiry) external view returns (StoredQuote memory) {
        return _quotes[underlying][expiry];
    }

    /// @inheritdoc IMarketFeeds
    function market(uint16 underlying, uint40 expiry) external view returns (StoredQuote memory, uint64) {
        return (_quotes[underlying][expiry], _settlements[underlying][expiry]);
    }

    /// @inheritdoc IMarketFeeds
    function settlement(uint16 underlying, uint40 expiry) external view returns (uint64) {
        return _settlements[underlying][expiry];
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
    function underlyings() external view returns (uint16[] memory) {
        return _underlyings;
    }

    /// @inheritdoc IMarketFeeds
    function aggregatorOf(uint16 underlying) external view returns (address) {
        return _state[underlying].aggregator;
    }

    /// @inheritdoc IMarketFeeds
    function isSigner(address who) external view returns (bool) {
        return _isSigner[who];
    }

    /// @inheritdoc IMarketFeeds
    function signers() external view returns (address[] memory) {
        return _signers;
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

    /* INTERNAL */

    function _remember(uint16 underlying) private {
        Underlying storage state = _state[underlying];
        (uint64 price, uint64 updatedAt) = _read(state.aggregator);
        if (price != 0) (state.lastSpot, state.lastSpotTime) = (price, updatedAt);
    }

    /// @dev Zero when the aggregator reverts or answers nothing usable.
    function _read(address aggregator) private view returns (uint64 price, uint64 updatedAt) {
        (int256 answer, uint256 time) = _answer(aggregator, abi.encodeCall(IAggregatorV3.latestRoundData, ()));
        if (!_isUsable(answer) || time > block.timestamp) return (0, 0);
        return (uint64(uint256(answer)), uint64(time));
    }

    function _isUsable(int256 answer) private pure returns (bool) {
        return answer > 0 && answer <= MAX_SPOT;
    }

    /// @dev A low-level call, because `try` does not catch an answer that cannot be decoded, and valuation must not stop for it.
    function _answer(address aggregator, bytes memory request) private view returns (int256 answer, uint256 updatedAt) {
        (bool ok, bytes memory data) = aggregator.staticcall(request);
        if (!ok || data.length < 160) return (0, 0);
        (, answer,, updatedAt,) = abi.decode(data, (uint256, int256, uint256, uint256, uint256));
    }
}
