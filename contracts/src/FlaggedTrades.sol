// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "./interfaces/IClearinghouse.sol";
import {IFlaggedTrades} from "./interfaces/IFlaggedTrades.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {ISpotFeeds} from "./interfaces/ISpotFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {AuctionLib} from "./libraries/AuctionLib.sol";
import {InstrumentLib} from "./libraries/InstrumentLib.sol";
import {Leg} from "./types/Types.sol";

/// @title Trades of a flagged account
/// @notice See {IFlaggedTrades}, which documents every entry point and error.
abstract contract FlaggedTrades is IFlaggedTrades {
    using InstrumentLib for uint128;

    IClearinghouse public immutable clearinghouse;
    IRiskEngine public immutable engine;

    constructor(address clearinghouse_, address engine_) {
        clearinghouse = IClearinghouse(clearinghouse_);
        engine = IRiskEngine(engine_);
    }

    /// @inheritdoc IFlaggedTrades
    function surplusOf(bytes32 account) external view returns (int256[] memory surplus) {
        (surplus,) = _surplus(account);
    }

    /// @dev `deep`: equity is short of half of the requirement in some world
    function _surplus(bytes32 account) private view returns (int256[] memory surplus, bool deep) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        int256 cash = clearinghouse.netCash(account);
        if (legs.length == 0) {
            surplus = new int256[](1);
            surplus[0] = cash;
            return (surplus, cash < 0);
        }
        IRiskEngine.Assessment[] memory books = engine.assessInAllWorlds(legs, engine.gridMask());
        surplus = new int256[](books.length);
        for (uint256 world; world < surplus.length; ++world) {
            int256 required = int256(engine.maintenanceMargin(books[world]));
            surplus[world] = cash + books[world].value - required;
            if (surplus[world] < -(required - required / 2)) deep = true;
        }
    }

    /// @inheritdoc IFlaggedTrades
    function afterTrade(bytes32 account, uint128 instrument, int64 lots, uint64 price, int256[] calldata before)
        external
    {
        if (msg.sender != address(clearinghouse)) revert NotClearinghouse(msg.sender);
        if (!AuctionLib.isReduced(_lotsOf(account, instrument), lots)) revert NotReducing(account, instrument, lots);
        (uint64 spot,,,) = ISpotFeeds(IMarketFeeds(engine.feeds()).spots()).reading(instrument.underlyingOf());
        uint64 mark = engine.markOf(instrument);
        if (!AuctionLib.isInBand(price, mark, spot)) revert PriceOutsideBand(price, mark);
        (int256[] memory present, bool deep) = _surplus(account);
        // The margin that a trade frees is not the owner's to give away where others may have to pay in the end.
        if (deep && (lots > 0 ? price > mark : price < mark)) revert GivesAway(account, price, mark);
        for (uint256 world; world < before.length && world < present.length; ++world) {
            if (present[world] < before[world]) revert SurplusFell(account, before[world], present[world]);
        }
        // The next sale takes the smaller book as the new whole.
        _restart(account);
    }

    function _lotsOf(bytes32 account, uint128 instrument) private view returns (int64) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].instrument == instrument) return legs[i].lots;
        }
        return 0;
    }

    /// @dev Counts what has been sold, and asks for the worst scenario, from the present book on.
    function _restart(bytes32 account) internal virtual;
}
