// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {ICollateral} from "./interfaces/ICollateral.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {HaircutLib} from "./libraries/HaircutLib.sol";
import {OwnedByHouse} from "./OwnedByHouse.sol";
import {MarginClaim} from "./types/Types.sol";

/// @title Collateral
/// @notice See {ICollateral}, which documents every entry point, event and error.
contract Collateral is ICollateral, OwnedByHouse, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    uint256 internal constant WAD = 1e18;
    uint256 internal constant MAX_TOKENS = 8;
    /// @dev What a buyer of a flagged account's tokens earns at the least.
    uint64 internal constant LEAST_HAIRCUT = 2e16;
    /// @dev Eight of them stay below 2^60 micro-dollars, the most that an account may have for an attested margin.
    uint128 internal constant MAX_CAP = 2 ** 56;
    uint64 internal constant CLAIM_DELAY = 24 hours;

    /// @dev `base` is the amount when the present sale began.
    struct Holding {
        uint128 amount;
        uint128 base;
    }

    ISpotFeeds public immutable spots;

    Token[] private _tokens;
    Claim[] private _claims;
    mapping(address token => bool) private _known;
    /// @dev Bit `id` is set where a balance may be.
    mapping(bytes32 account => uint256) private _held;
    mapping(bytes32 account => mapping(uint16 id => Holding)) private _holdings;

    modifier onlyClearinghouse() {
        if (msg.sender != address(clearinghouse)) revert NotClearinghouse(msg.sender);
        _;
    }

    /// @param clearinghouse_ which is created next, with this one's address, and refuses any that names another
    constructor(address clearinghouse_, address spots_) OwnedByHouse(clearinghouse_) {
        spots = ISpotFeeds(spots_);
    }

    /* OWNER */

    /// @inheritdoc ICollateral
    function addToken(address token, uint16 source, uint64 haircut, uint128 cap)
        external
        onlyOwner
        returns (uint16 id)
    {
        if (token == clearinghouse.usdc()) revert InvalidToken(token);
        if (_known[token]) revert TokenExists(token);
        if (_tokens.length == MAX_TOKENS) revert TooManyTokens(MAX_TOKENS);
        if (!spots.isUnderlying(source)) revert UnknownSource(source);
        if (haircut < LEAST_HAIRCUT || haircut >= WAD) revert HaircutOutOfBounds(haircut, LEAST_HAIRCUT);
        uint8 decimals = IERC20Metadata(token).decimals();
        if (decimals != 6 && decimals != 8 && decimals != 18) revert UnsupportedDecimals(token, decimals);
        _requireCap(cap);
        _known[token] = true;
        _tokens.push(Token(token, decimals, source, haircut, cap, 0));
        id = uint16(_tokens.length);
        emit TokenAdded(id, token, source, haircut, cap);
    }

    /// @inheritdoc ICollateral
    function setCap(uint16 id, uint128 cap) external onlyOwner {
        Token storage t = _token(id);
        _requireCap(cap);
        emit CapChanged(id, t.cap, cap);
        t.cap = cap;
    }

    function _requireCap(uint128 cap) private pure {
        if (cap > MAX_CAP) revert CapTooLarge(cap, MAX_CAP);
    }

    /* IN AND OUT */

    /// @inheritdoc ICollateral
    function deposit(bytes32 account, uint16 id, uint256 amount) external nonReentrant {
        _requireOwner(account);
        if (clearinghouse.accountState(account).locked) revert AccountIsLocked(account);
        if (amount == 0) revert ZeroAmount();
        Token storage t = _token(id);
        _requireRoom(id, t, amount);
        IERC20 token = IERC20(t.token);
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferShort(received, amount);
        t.held += uint128(amount);
        _add(account, id, uint128(amount));
        emit Pledged(account, id, amount);
    }

    function _requireRoom(uint16 id, Token storage t, uint256 amount) private view {
        (uint64 price,, bool fresh,) = spots.reading(t.source);
        if (!fresh) revert StalePrice(id);
        uint256 total = t.held + amount;
        if (total > type(uint128).max) revert OverCap(id, type(uint256).max, t.cap);
        uint256 value = HaircutLib.value(total, price, 0, t.decimals);
        if (value > t.cap) revert OverCap(id, value, t.cap);
    }

    /// @inheritdoc ICollateral
    function withdraw(bytes32 account, uint16 id, uint256 amount, address to, MarginClaim calldata claim)
        external
        nonReentrant
    {
        _requireOwner(account);
        if (amount == 0) revert ZeroAmount();
        Token storage t = _token(id);
        uint256 present = _holdings[account][id].amount;
        if (amount > present) revert InsufficientTokens(account, id, present, amount);
        _remove(account, id, uint128(amount));
        t.held -= uint128(amount);
        (uint64 price,,,) = spots.reading(t.source);
        uint256 value = HaircutLib.value(amount, price, 0, t.decimals);
        bool atOnce = clearinghouse.releaseCollateral(account, value, claim);
        emit Released(account, id, amount, to);
        if (atOnce) IERC20(t.token).safeTransfer(to, amount);
        else _openClaim(to, id, uint128(amount));
    }

    function _openClaim(address to, uint16 id, uint128 amount) private {
        uint64 readyAt = uint64(block.timestamp) + CLAIM_DELAY;
        _claims.push(Claim(to, readyAt, id, amount));
        emit ClaimOpened(_claims.length - 1, to, id, amount, readyAt);
    }

    /// @inheritdoc ICollateral
    function payClaim(uint256 claim) external nonReentrant {
        Claim memory c = claimAt(claim);
        if (block.timestamp < c.readyAt) revert ClaimNotReady(claim, c.readyAt, block.timestamp);
        if (c.amount == 0) revert ZeroAmount();
        clearinghouse.guard().requireOpen(IGuard.Switch.Withdrawals);
        _claims[claim].amount = 0;
        emit ClaimPaid(claim, c.to, c.id, c.amount);
        IERC20(_token(c.id).token).safeTransfer(c.to, c.amount);
    }

    /* LIQUIDATION */

    /// @inheritdoc ICollateral
    function seize(bytes32 from, bytes32 to, bool first, uint256 cumulativeFraction)
        external
        onlyClearinghouse
        returns (uint256 value)
    {
        uint256 held = _held[from];
        if (held == 0) return 0;
        (uint256 before,) = valueOf(from);
        for (uint16 id = 1; held >> id != 0; ++id) {
            if (held >> id & 1 == 0) continue;
            Holding storage holding = _holdings[from][id];
            if (first) holding.base = holding.amount;
            // Of the whole that the sale began with, so that roundings of many bids never add up.
            uint256 gone = (uint256(holding.base) * cumulativeFraction + WAD / 2) / WAD;
            uint128 moved = holding.amount - (holding.base - uint128(gone));
            _remove(from, id, moved);
            _add(to, id, moved);
            emit Seized(from, to, id, moved);
        }
        (uint256 present,) = valueOf(from);
        value = before - present;
    }

    /* VIEWS */

    /// @inheritdoc ICollateral
    /// @dev Unchecked: eight values below 2^252.
    function valueOf(bytes32 account) public view returns (uint256 value, uint256 fresh) {
        unchecked {
            uint256 held = _held[account];
            for (uint16 id = 1; held >> id != 0; ++id) {
                if (held >> id & 1 == 0) continue;
                Token storage t = _tokens[id - 1];
                (uint64 price,, bool isFresh,) = spots.reading(t.source);
                uint256 each = HaircutLib.value(_holdings[account][id].amount, price, t.haircut, t.decimals);
                value += each;
                if (isFresh) fresh += each;
            }
        }
    }

    /// @inheritdoc ICollateral
    function holds(bytes32 account) external view returns (bool) {
        return _held[account] != 0;
    }

    /// @inheritdoc ICollateral
    function balancesOf(bytes32 account) external view returns (Balance[] memory list) {
        uint256 n;
        for (uint16 id = 1; id <= _tokens.length; ++id) {
            if (_holdings[account][id].amount != 0) ++n;
        }
        list = new Balance[](n);
        unchecked {
            for (uint16 id = uint16(_tokens.length); n != 0; --id) {
                uint128 amount = _holdings[account][id].amount;
                if (amount != 0) list[--n] = Balance(id, amount);
            }
        }
    }

    /// @inheritdoc ICollateral
    function tokenCount() external view returns (uint16) {
        return uint16(_tokens.length);
    }

    /// @inheritdoc ICollateral
    function tokenAt(uint16 id) external view returns (Token memory) {
        return _token(id);
    }

    /// @inheritdoc ICollateral
    function claimAt(uint256 claim) public view returns (Claim memory) {
        if (claim >= _claims.length) revert UnknownClaim(claim, _claims.length);
        return _claims[claim];
    }

    /// @inheritdoc ICollateral
    function claimCount() external view returns (uint256) {
        return _claims.length;
    }

    /* INTERNAL */

    function _token(uint16 id) private view returns (Token storage) {
        if (id == 0 || id > _tokens.length) revert UnknownToken(id);
        return _tokens[id - 1];
    }

    function _requireOwner(bytes32 account) private view {
        if (address(bytes20(account)) != msg.sender) revert NotOwner(msg.sender, account);
    }

    function _add(bytes32 account, uint16 id, uint128 amount) private {
        if (amount == 0) return;
        _holdings[account][id].amount += amount;
        _held[account] |= uint256(1) << id;
    }

    function _remove(bytes32 account, uint16 id, uint128 amount) private {
        uint128 left = _holdings[account][id].amount - amount;
        _holdings[account][id].amount = left;
        if (left == 0) _held[account] &= ~(uint256(1) << id);
    }
}
