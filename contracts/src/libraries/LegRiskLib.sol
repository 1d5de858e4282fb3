// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRiskEngine} from "../interfaces/IRiskEngine.sol";
import {InstrumentLib} from "./InstrumentLib.sol";
import {PricingLib} from "./PricingLib.sol";
import {ShockLib} from "./ShockLib.sol";

/// @title One leg's price, moved by scenarios, and what a short option asks in closed form
/// @notice Formulas: docs/model.md, Scenarios and Aggregation. Prices are wad.
library LegRiskLib {
    int256 internal constant WAD = 1e18;
    /// @dev lots * price(wad) * lot(wad) is in 1e-36 USD; micro-dollars are 1e-6.
    int256 internal constant TO_USD6 = 1e30;
    /// @dev Standard deviations from the forward beyond which skew and curvature shift vol no further.
    int256 internal constant MAX_MONEYNESS = 25e17;

    /// @dev One leg's instrument as priced now. `basePrice` is the forward, of an expired leg its last price, and spot where there
    /// is nothing else; k, variance and deviation are of an unexpired option, else 0.
    struct Priced {
        uint8 kind;
        bool expired;
        uint256 strike;
        uint256 mark;
        uint256 basePrice;
        int256 k;
        int256 variance;
        int256 deviation;
    }

    /// @dev Legs without vol: linear ones and expired options. Unchecked: lots * lot is below 2^123 and a price below 2^104,
    /// so a product with weight is below 2^241, and no book has the legs to fill the rest.
    function stressPrice(Priced memory p, ShockLib.Shock[] memory shocks, int256 size) internal pure {
        unchecked {
            bool isOption = InstrumentLib.isOption(p.kind);
            uint256 price = isOption ? p.basePrice : p.mark;
            for (uint256 j; j < shocks.length; ++j) {
                ShockLib.Shock memory s = shocks[j];
                uint256 value = _moved(price, s.growth);
                if (isOption) value = PricingLib.intrinsic(value, p.strike, p.kind == InstrumentLib.CALL);
                s.loss -= size * (int256(value) - int256(p.mark)) * s.weightBps / 10_000;
            }
        }
    }

    /// @dev Unchecked: as {stressPrice}; a vol factor is below 4 and a deviation below 2^80.
    function stressOption(
        uint256 forward,
        uint256 secondsLeft,
        Priced memory p,
        ShockLib.Shock[] memory shocks,
        int256 size
    ) internal pure {
        unchecked {
            int256 deviation = p.deviation;
            for (uint256 j; j < shocks.length; ++j) {
                ShockLib.Shock memory s = shocks[j];
                if (s.timeLeft != secondsLeft) {
                    secondsLeft = s.timeLeft;
                    deviation = PricingLib.deviation(p.variance, secondsLeft);
                }
                int256 factor = s.tilted ? ShockLib.volFactorAt(s, _moneyness(p)) : s.volFactor;
                uint256 moved = _moved(forward, s.growth);
                uint256 value = PricingLib.intrinsic(moved, p.strike, p.kind == InstrumentLib.CALL)
                    + PricingLib.timeValue(moved, p.strike, p.k - s.logGrowth, deviation * factor / WAD);
                s.loss -= size * (int256(value) - int256(p.mark)) * s.weightBps / 10_000;
            }
        }
    }

    /// @dev Standard deviations of the strike from the forward, capped.
    function _moneyness(Priced memory p) private pure returns (int256) {
        unchecked {
            // None is left where all but nothing of a settlement average has accrued.
            if (p.deviation == 0) return 0;
            return ShockLib.clamp(p.k * WAD / p.deviation, -MAX_MONEYNESS, MAX_MONEYNESS);
        }
    }

    function _moved(uint256 amount, int256 growth) private pure returns (uint256) {
        unchecked {
            return amount * uint256(growth) / 1e18;
        }
    }

    /// @notice What a short option asks per unit. Unchecked: prices are below 2^104, rates below 2^64.
    function shortOptionRate(Priced memory p, IRiskEngine.UnderlyingRisk memory risk)
        internal
        pure
        returns (uint256 required)
    {
        unchecked {
            bool isCall = p.kind == InstrumentLib.CALL;
            uint256 forward = p.basePrice;
            uint256 outOfTheMoney = PricingLib.intrinsic(forward, p.strike, !isCall);
            uint256 full = forward * risk.optionRate / 1e18;
            required = full > outOfTheMoney ? full - outOfTheMoney : 0;
            uint256 base = isCall || forward < p.strike ? forward : p.strike;
            uint256 floor = base * risk.optionFloor / 1e18;
            if (required < floor) required = floor;
            if (!isCall) {
                uint256 most = p.strike > p.mark ? p.strike - p.mark : 0;
                if (required > most) required = most;
            }
        }
    }

    /// @notice Micro-dollars of a requirement.
    function usd6Up(uint256 amount) internal pure returns (uint256) {
        return (amount + uint256(TO_USD6) - 1) / uint256(TO_USD6);
    }

    /// @notice Micro-dollars of a value.
    function usd6Down(int256 amount) internal pure returns (int256 quotient) {
        quotient = amount / TO_USD6;
        if (amount < 0 && quotient * TO_USD6 != amount) --quotient;
    }
}
