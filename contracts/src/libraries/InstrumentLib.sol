// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Instrument id
/// @notice Packs and reads `underlying 16 | expiry 40 | kind 8 | strike 64`. See docs/encodings.md.
library InstrumentLib {
    uint8 internal constant SPOT = 1;
    uint8 internal constant PERPETUAL = 2;
    uint8 internal constant FUTURE = 3;
    uint8 internal constant CALL = 4;
    uint8 internal constant PUT = 5;

    function pack(uint16 underlying, uint40 expiry, uint8 kind, uint64 strike) internal pure returns (uint128) {
        return (uint128(underlying) << 112) | (uint128(expiry) << 72) | (uint128(kind) << 64) | strike;
    }

    function underlyingOf(uint128 id) internal pure returns (uint16) {
        return uint16(id >> 112);
    }

    function expiryOf(uint128 id) internal pure returns (uint40) {
        return uint40(id >> 72);
    }

    function kindOf(uint128 id) internal pure returns (uint8) {
        return uint8(id >> 64);
    }

    function strikeOf(uint128 id) internal pure returns (uint64) {
        return uint64(id);
    }

    function isOption(uint8 kind) internal pure returns (bool) {
        return kind == CALL || kind == PUT;
    }

    /// @notice Whether a position of this kind pays its profit against an entry value instead of its price up front.
    function isLinear(uint8 kind) internal pure returns (bool) {
        return kind == PERPETUAL || kind == FUTURE;
    }

    function isCanonical(uint128 id) internal pure returns (bool) {
        uint8 kind = kindOf(id);
        if (underlyingOf(id) == 0 || kind < SPOT || kind > PUT) return false;
        bool expires = kind >= FUTURE;
        return expires == (expiryOf(id) != 0) && isOption(kind) == (strikeOf(id) != 0);
    }
}
