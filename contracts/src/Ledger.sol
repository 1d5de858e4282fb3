// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {ICollateral} from "./interfaces/ICollateral.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {NotionalLib} from "./libraries/NotionalLib.sol";
import {PositionsLib} from "./libraries/PositionsLib.sol";
import {OwnedByHouse} from "./OwnedByHouse.sol";
import {Leg} from "./types/Types.sol";

/// @title Ledger
/// @notice Accounts: cash, reserve, books, and the only ways in which they change.
abstract contract Ledger is IClearinghouse {
    using InstrumentLib for uint128;
    using InstrumentLib for uint8;
    using PositionsLib for PositionsLib.Book;

    uint8 internal constant PORTFOLIO_MODE = 2;

    IRiskEngine public immutable engine;
    IMarketFeeds public immutable feeds;

    /// @inheritdoc IClearinghouse
    ICollateral public immutable collateral;

    mapping(bytes32 account => AccountState) internal _accounts;
    mapping(bytes32 account => PositionsLib.Book) internal _books;
    bytes32[] private _accountIds;
    mapping(uint128 instrument => Interest) private _interest;
    /// @inheritdoc IClearinghouse
    mapping(uint16 underlying => uint64) public openInterestOf;

    /// @dev Lots held long and short: the same but for SPOT, and while an expired contract settles account by account.
    struct Interest {
        uint64 long;
        uint64 short;
    }

    constructor(address engine_, address collateral_) {
        engine = IRiskEngine(engine_);
        feeds = IMarketFeeds(engine.feeds());
        // Created before, because what creates it would not fit the size of a creation.
        address house = address(OwnedByHouse(collateral_).clearinghouse());
        if (house != address(this)) revert CollateralOfAnother(collateral_, house);
        collateral = ICollateral(collateral_);
    }

    /* VIEWS */

    /// @inheritdoc IClearinghouse
    function accountState(bytes32 account) external view returns (AccountState memory) {
        return _accounts[account];
    }

    /// @inheritdoc IClearinghouse
    function netCash(bytes32 account) public view returns (int256) {
        return _netCash(account, _books[account].legs());
    }

    /// @param legs the account's own
    function _netCash(bytes32 account, Leg[] memory legs) internal view returns (int256) {
        (uint256 pledged,) = collateral.valueOf(account);
        return _ownCash(account, legs) + int256(pledged);
    }

    /// @dev Without tokens.
    function _ownCash(bytes32 account, Leg[] memory legs) internal view returns (int256 cash) {
        PositionsLib.Book storage book = _books[account];
        cash = _accounts[account].cash;
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].instrument.kindOf().isLinear()) cash -= _costOf(book, legs[i]);
        }
    }

    /// @inheritdoc IClearinghouse
    function legsOf(bytes32 account) external view returns (Leg[] memory) {
        return _books[account].legs();
    }

    /// @inheritdoc IClearinghouse
    function positionsOf(bytes32 account) external view returns (Position[] memory list) {
        PositionsLib.Book storage book = _books[account];
        Leg[] memory legs = book.legs();
        list = new Position[](legs.length);
        for (uint256 i; i < legs.length; ++i) {
            list[i] = Position(legs[i].instrument, legs[i].lots, int128(_costOf(book, legs[i])));
        }
    }

    /// @dev Entry value; of a perpetual with the funding that it owes since, rounded up.
    function _costOf(PositionsLib.Book storage book, Leg memory leg) private view returns (int256 cost) {
        uint8 kind = leg.instrument.kindOf();
        if (!kind.isLinear()) return 0;
        cost = book.cost[leg.instrument];
        if (kind == InstrumentLib.PERPETUAL) {
            uint16 underlying = leg.instrument.underlyingOf();
            cost -= NotionalLib.floored(leg.lots, engine.lotOf(underlying), -feeds.fundingIndex(underlying));
        }
    }

    /// @inheritdoc IClearinghouse
    function openInterest(uint128 instrument) public view returns (uint64) {
        return _interest[instrument].long;
    }

    /// @inheritdoc IClearinghouse
    function isHeld(uint128 instrument) external view returns (bool) {
        Interest memory interest = _interest[instrument];
        return interest.long | interest.short != 0;
    }

    /// @inheritdoc IClearinghouse
    function accountCount() external view returns (uint256) {
        return _accountIds.length;
    }

    /// @inheritdoc IClearinghouse
    function accountAt(uint256 index) external view returns (bytes32) {
        return _accountIds[index];
    }

    /* CHANGES */

    /// @dev Changes one leg by `lots` against `notional` micro-dollars (what a buyer pays, negative when received). A linear
    /// leg keeps the notional as entry value and realises its share when it shrinks; every other kind pays at once.
    function _move(bytes32 account, uint128 id, int64 lots, int256 notional) internal returns (int64 present) {
        _enlist(account);
        PositionsLib.Book storage book = _books[account];
        int64 before;
        (before, present) = book.add(id, lots);
        if (id.kindOf() == InstrumentLib.SPOT && present < 0) revert ShortSpot(account, id);
        if (book.count() > PositionsLib.MAX_LEGS) revert TooManyLegs(account, PositionsLib.MAX_LEGS);
        int256 cashFlow = id.kindOf().isLinear() ? book.enter(id, before, lots, notional) : -notional;
        _accounts[account].cash += int128(cashFlow);
        _countInterest(id, before, present);
        emit PositionChanged(account, id, present, cashFlow);
    }

    function _countInterest(uint128 id, int64 before, int64 present) private {
        Interest storage interest = _interest[id];
        (uint64 longBefore, uint64 long) = (_positive(before), _positive(present));
        interest.short = interest.short + _positive(-present) - _positive(-before);
        if (long == longBefore) return;
        interest.long = interest.long + long - longBefore;
        if (id.kindOf() == InstrumentLib.SPOT) return;
        uint16 underlying = id.underlyingOf();
        openInterestOf[underlying] = openInterestOf[underlying] + long - longBefore;
    }

    function _positive(int64 lots) private pure returns (uint64) {
        return lots > 0 ? uint64(lots) : 0;
    }

    /// @dev After a change by the account itself: a book needs its reserve, an empty account gets it back.
    function _syncReserve(bytes32 account) internal {
        if (_books[account].count() == 0) return _releaseReserve(account);
        AccountState storage state = _accounts[account];
        if (state.locked) return;
        uint64 missing = _takeReserve(account);
        if (missing != 0 && state.cash < 0) {
            revert InsufficientCash(account, int256(state.cash) + int64(missing), missing);
        }
    }

    /// @dev Fills the reserve up to what the present legs ask; it never shrinks before the book is empty.
    function _takeReserve(bytes32 account) internal returns (uint64 missing) {
        uint64 needed = AuctionLib.reserveOf(_books[account].count());
        AccountState storage state = _accounts[account];
        if (state.reserve >= needed) return 0;
        missing = needed - state.reserve;
        state.cash -= int128(uint128(missing));
        state.reserve = needed;
    }

    function _releaseReserve(bytes32 account) internal {
        AccountState storage state = _accounts[account];
        if (state.locked || state.reserve == 0 || _books[account].count() != 0) return;
        state.cash += int128(uint128(state.reserve));
        state.reserve = 0;
    }

    /// @dev Whoever holds a leg must be enumerable, or no keeper would see it; whoever does not costs no keeper anything.
    function _enlist(bytes32 account) internal {
        AccountState storage state = _accounts[account];
        if (state.enlisted) return;
        state.enlisted = true;
        state.mode = PORTFOLIO_MODE;
        _accountIds.push(account);
    }

    /// @dev What a buyer of `lots` pays; the seller receives the same integer, so money is conserved. A perpetual is entered at its
    /// price less the funding index: whatever it owes later is then its lots times the index, with nothing to settle between.
    function _notional(uint128 id, int64 lots, uint64 price) internal view returns (int256) {
        return NotionalLib.truncated(lots, engine.lotOf(id.underlyingOf()), _entryPrice(id, price));
    }

    function _floorNotional(uint128 id, int64 lots, uint64 price) internal view returns (int256) {
        return NotionalLib.floored(lots, engine.lotOf(id.underlyingOf()), _entryPrice(id, price));
    }

    /// @dev In wad.
    function _entryPrice(uint128 id, uint64 price) private view returns (int256 entry) {
        entry = int256(uint256(price)) * 1e10;
        if (id.kindOf() == InstrumentLib.PERPETUAL) entry -= feeds.fundingIndex(id.underlyingOf());
    }

    /* CHECKS */

    function _requireOwner(bytes32 account) internal view {
        if (address(bytes20(account)) != msg.sender) revert NotOwner(msg.sender, account);
    }

    function _requireUnlocked(bytes32 account) internal view {
        if (_accounts[account].locked) revert AccountIsLocked(account);
    }
}
