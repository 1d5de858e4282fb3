// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../types/Types.sol";
import {InstrumentLib} from "./InstrumentLib.sol";

/// @title Lists of legs
/// @notice Books as the contracts pass them: sorted by instrument, each once, no zero lots.
library LegsLib {
    using InstrumentLib for uint128;

    /// @notice Net lots that turn `base` into `present`, leg by leg; legs that did not change are left out.
    function since(Leg[] calldata present, Leg[] calldata base) internal pure returns (Leg[] memory legs) {
        legs = new Leg[](present.length + base.length);
        uint256 n;
        uint256 i;
        uint256 j;
        while (i < present.length || j < base.length) {
            bool isPresent = i < present.length && (j == base.length || present[i].instrument <= base[j].instrument);
            bool isBase = j < base.length && (i == present.length || base[j].instrument <= present[i].instrument);
            uint128 instrument = isPresent ? present[i].instrument : base[j].instrument;
            int64 lots = isPresent ? present[i++].lots : int64(0);
            if (isBase) lots -= base[j++].lots;
            if (lots != 0) legs[n++] = Leg(instrument, lots);
        }
        // Shortens the array in place: only its length word changes, and only downwards.
        assembly ("memory-safe") {
            mstore(legs, n)
        }
    }

    /// @notice The book that became `present` when `lots` of one instrument, not the whole of what it now has, were added.
    function undo(Leg[] memory present, uint128 instrument, int64 lots) internal pure returns (Leg[] memory before) {
        uint256 place;
        while (place < present.length && present[place].instrument < instrument) ++place;
        bool held = place < present.length && present[place].instrument == instrument;
        before = new Leg[](held ? present.length : present.length + 1);
        for (uint256 i; i < before.length; ++i) {
            if (i == place) before[i] = Leg(instrument, (held ? present[i].lots : int64(0)) - lots);
            else before[i] = present[held || i < place ? i : i - 1];
        }
    }

    /// @notice Lots of one instrument, 0 where there is no such leg.
    function lotsOf(Leg[] memory legs, uint128 instrument) internal pure returns (int64) {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].instrument == instrument) return legs[i].lots;
        }
        return 0;
    }

    /// @notice Lots without their signs, summed.
    function size(Leg[] memory legs) internal pure returns (uint256 lots) {
        for (uint256 i; i < legs.length; ++i) {
            int256 each = legs[i].lots;
            lots += uint256(each < 0 ? -each : each);
        }
    }

    /// @notice The first leg whose expiry has passed, 0 when there is none.
    function expired(Leg[] calldata legs) internal view returns (uint128) {
        for (uint256 i; i < legs.length; ++i) {
            uint40 expiry = legs[i].instrument.expiryOf();
            if (expiry != 0 && expiry <= block.timestamp) return legs[i].instrument;
        }
        return 0;
    }
}
