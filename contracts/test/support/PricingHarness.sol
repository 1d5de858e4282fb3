// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {InstrumentLib} from "../../src/libraries/InstrumentLib.sol";
import {NormalLib} from "../../src/libraries/NormalLib.sol";
import {PricingLib} from "../../src/libraries/PricingLib.sol";
import {StoredQuote} from "../../src/types/Types.sol";

/// @title The libraries' internal functions, callable
contract PricingHarness {
    function price(uint256 forward, uint256 strike, uint256 yearly, uint256 secondsLeft, bool isCall)
        external
        pure
        returns (uint256)
    {
        int256 k = PricingLib.logMoneyness(forward, strike);
        int256 sd = PricingLib.deviation(int256(yearly), secondsLeft);
        return PricingLib.price(forward, strike, k, sd, isCall);
    }

    function logMoneyness(uint256 forward, uint256 strike) external pure returns (int256) {
        return PricingLib.logMoneyness(forward, strike);
    }

    function variance(StoredQuote memory smile, int256 k) external pure returns (int256) {
        return PricingLib.variancePerYear(smile, k);
    }

    function cdf(int256 x) external pure returns (int256) {
        int256 deviations = x * 2 ** 64 / 1e18;
        return NormalLib.cdf(deviations, NormalLib.bell(deviations));
    }

    function pack(uint16 underlying, uint40 expiry, uint8 kind, uint64 strike) external pure returns (uint128) {
        return InstrumentLib.pack(underlying, expiry, kind, strike);
    }

    function unpack(uint128 id) external pure returns (uint16, uint40, uint8, uint64) {
        return (
            InstrumentLib.underlyingOf(id),
            InstrumentLib.expiryOf(id),
            InstrumentLib.kindOf(id),
            InstrumentLib.strikeOf(id)
        );
    }

    function isCanonical(uint128 id) external pure returns (bool) {
        return InstrumentLib.isCanonical(id);
    }
}
