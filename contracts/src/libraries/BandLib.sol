// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BpsLib} from "./BpsLib.sol";

/// @title Price bands
/// @notice How far from a mark a trade may be. Reasons of the widths: docs/model.md.
library BandLib {
    /// @notice Whether a price is no farther from the mark than the wider of a share of the mark and a share of spot, in basis points.
    function isWithin(uint256 price, uint256 mark, uint256 spot, uint256 markBps, uint256 spotBps)
        internal
        pure
        returns (bool)
    {
        uint256 ofMark = mark * markBps / BpsLib.BPS;
        uint256 ofSpot = spot * spotBps / BpsLib.BPS;
        uint256 width = ofMark > ofSpot ? ofMark : ofSpot;
        return price <= mark + width && price + width >= mark;
    }
}
