// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IReducingTrades} from "./interfaces/IReducingTrades.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {LegsLib} from "./libraries/LegsLib.sol";
import {NotionalLib} from "./libraries/NotionalLib.sol";
import {Fill, Leg} from "./types/Types.sol";

/// @title Trades that only reduce
/// @notice See {IReducingTrades}, which documents every entry point and error.
abstract contract ReducingTrades is IReducingTrades {
    using InstrumentLib for uint128;
    using LegsLib for Leg[];

    /// @dev What funding of the lots before and after, and two notionals, may differ by through rounding, in micro-dollars.
    int256 internal constant PERPETUAL_ROUNDING = 2;

    IClearinghouse public immutable clearinghouse;
    IRiskEngine public immutable engine;
    ISpotFeeds internal immutable _spots;

    constructor(address clearinghouse_, address engine_) {
        clearinghouse = IClearinghouse(clearinghouse_);
        engine = IRiskEngine(engine_);
        _spots = ISpotFeeds(IMarketFeeds(IRiskEngine(engine_).feeds()).spots());
    }

    /// @inheritdoc IReducingTrades
    function surplusOf(bytes32 account) external view returns (int256[] memory surplus) {
        (surplus,,) = _surplus(clearinghouse.legsOf(account), clearinghouse.netCash(account));
    }

    /// @dev `deep`: equity is short of half of the requirement in some world; `stale`: a leg is at an old mark there
    function _surplus(Leg[] memory legs, int256 cash)
        private
        view
        returns (int256[] memory surplus, bool deep, bool stale)
    {
        if (legs.length == 0) {
            surplus = new int256[](1);
            surplus[0] = cash;
            return (surplus, cash < 0, false);
        }
        IRiskEngine.Assessment[] memory books = engine.assessInAllWorlds(legs, engine.gridMask());
        surplus = new int256[](books.length);
        for (uint256 world; world < surplus.length; ++world) {
            int256 required = int256(engine.maintenanceMargin(books[world]));
            surplus[world] = cash + books[world].value - required;
            if (surplus[world] < -(required - required / 2)) deep = true;
            if (books[world].staleInstrument != 0) stale = true;
        }
    }

    /// @inheritdoc IReducingTrades
    function afterTrade(bytes32 account, Fill calldata fill) external {
        if (msg.sender != address(clearinghouse)) revert NotClearinghouse(msg.sender);
        Leg[] memory legs = clearinghouse.legsOf(account);
        if (!AuctionLib.isReduced(legs.lotsOf(fill.instrument), fill.lots)) {
            revert NotReducing(account, fill.instrument, fill.lots);
        }
        int256 cash = clearinghouse.netCash(account);
        (int256[] memory present, bool deep,) = _surplus(legs, cash);
        bool flagged = clearinghouse.accountState(account).locked;
        if (deep && !flagged) revert NotFlagged(account);
        (int256[] memory before,, bool stale) = _surplus(legs.undo(fill.instrument, fill.lots), cash + _paid(fill));
        _requirePrice(account, fill, deep || stale || _hasStaleTokens(account));
        for (uint256 world; world < before.length; ++world) {
            // A book that no pending marks touch any more is the same in every world.
            int256 left = present[world < present.length ? world : present.length - 1];
            if (left < before[world]) revert SurplusFell(account, before[world], left);
        }
        // The next sale takes the smaller book as the new whole.
        if (flagged) _restart(account);
    }

    function _hasStaleTokens(bytes32 account) private view returns (bool) {
        (uint256 value, uint256 fresh) = clearinghouse.collateral().valueOf(account);
        return value != fresh;
    }

    /// @param strict where others may have to pay in the end: margin that is freed is not the owner's to give away
    function _requirePrice(bytes32 account, Fill calldata fill, bool strict) private view {
        (uint64 spot,,,) = _spots.reading(fill.instrument.underlyingOf());
        uint64 mark = engine.markOf(fill.instrument);
        if (!AuctionLib.isInBand(fill.price, mark, spot)) revert PriceOutsideBand(fill.price, mark);
        if (strict && (fill.lots > 0 ? fill.price > mark : fill.price < mark)) {
            revert GivesAway(account, fill.price, mark);
        }
    }

    /// @dev What the account was worth more before but for its legs: an option's premium, a linear leg's value at the price.
    function _paid(Fill calldata fill) private view returns (int256 paid) {
        uint64 lot = engine.lotOf(fill.instrument.underlyingOf());
        paid = NotionalLib.truncated(fill.lots, lot, int256(uint256(fill.price)) * 1e10);
        if (fill.instrument.kindOf() == InstrumentLib.PERPETUAL) paid += PERPETUAL_ROUNDING;
    }

    /// @dev Counts what has been sold, and asks for the worst scenario, from the present book on.
    function _restart(bytes32 account) internal virtual;
}
