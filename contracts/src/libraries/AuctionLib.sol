// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BandLib} from "./BandLib.sol";
import {Leg} from "../types/Types.sol";

/// @title Arithmetic of the auction
/// @notice Pure; docs/model.md has the formulas and the reason of each constant. Money is micro-dollars, shares are wad.
library AuctionLib {
    int256 internal constant WAD = 1e18;
    uint256 internal constant DURATION = 30 minutes;
    /// @dev The line starts a little over equity, so that the first price is fair to the owner.
    int256 internal constant LINE_START = 102e16;
    uint256 internal constant MIN_FRACTION = 1e17;

    /// @dev Locked with the first leg, and more with every further one; nobody else's money pays who liquidates.
    uint64 internal constant RESERVE = 50e6;
    uint64 internal constant RESERVE_A_LEG = 3e6;
    uint256 internal constant BOUNTY_BASE = 20e6;
    uint256 internal constant BONUS_BASE = 10e6;
    uint256 internal constant FLAG_GAS = 150_000;
    uint256 internal constant FLAG_GAS_A_LEG = 17_000;
    uint256 internal constant BID_GAS = 500_000;
    uint256 internal constant BID_GAS_A_LEG = 150_000;

    /// @notice Price of the whole book `elapsed` seconds after the line began: from 1.02 of equity down to min(0, equity).
    function line(int256 equity, uint256 elapsed) internal pure returns (int256) {
        if (equity <= 0) return equity;
        if (elapsed >= DURATION) return 0;
        return equity * LINE_START / WAD * int256(DURATION - elapsed) / int256(DURATION);
    }

    /// @notice What an account of so many legs, at least one, has locked.
    function reserveOf(uint256 legs) internal pure returns (uint64) {
        return RESERVE + RESERVE_A_LEG * uint64(legs - 1);
    }

    /// @notice The share sold. What restores health, a new reserve included, solves E(1-f) + f*line >= (1-f)*IM + reserve, with a
    /// percent over IM because lots are rounded; the whole book when the line is at or below zero, or when every leg is too small
    /// to be divided.
    function share(
        uint256 wanted,
        int256 equity,
        int256 price,
        uint256 initial,
        uint256 legs,
        uint256 alreadySold,
        bool divisible
    ) internal pure returns (uint256) {
        uint256 whole = uint256(WAD);
        if (!divisible) return whole;
        uint256 cut = whole;
        if (price > 0) {
            int256 gap = int256(initial * 101 / 100) - equity;
            if (gap < 0) gap = 0;
            cut = uint256(((gap + int256(uint256(reserveOf(legs)))) * WAD + (gap + price) - 1) / (gap + price));
            if (cut > whole) cut = whole;
        }
        if (wanted < cut) cut = wanted;
        if (cut < MIN_FRACTION) cut = MIN_FRACTION;
        uint256 left = (whole - alreadySold) * (whole - cut) / whole;
        return left < MIN_FRACTION ? whole : cut;
    }

    /// @notice Whether a leg has ten lots or more: a tenth of fewer may round to nothing.
    function isDivisible(Leg[] memory legs) internal pure returns (bool) {
        for (uint256 i; i < legs.length; ++i) {
            if (legs[i].lots >= 10 || legs[i].lots <= -10) return true;
        }
        return false;
    }

    /// @notice Of a reserve: what the flagger earns, at most two fifths, and the first buyer, at most the rest.
    /// @dev A base and one and a half times the gas at the block's base fee. Never the transaction's own price: whoever builds
    /// the block could set that and have it paid back.
    /// @param gasPrice micro-dollars a million gas
    function bounties(uint256 reserve, uint256 legs, uint256 gasPrice)
        internal
        pure
        returns (uint256 bounty, uint256 bonus)
    {
        bounty = BOUNTY_BASE + (FLAG_GAS + FLAG_GAS_A_LEG * legs) * gasPrice * 3 / 2e6;
        bonus = BONUS_BASE + (BID_GAS + BID_GAS_A_LEG * legs) * gasPrice * 3 / 2e6;
        if (bounty > reserve * 2 / 5) bounty = reserve * 2 / 5;
        if (bonus > reserve - bounty) bonus = reserve - bounty;
    }

    /// @notice Whether a price is within the band of a flagged account's trades: the wider of 10 % of the mark and 0.5 % of spot.
    function isInBand(uint256 price, uint256 mark, uint256 spot) internal pure returns (bool) {
        return BandLib.isWithin(price, mark, spot, 1_000, 50);
    }

    /// @notice Whether a leg that now has `present` lots was only made smaller by `lots`.
    function isReduced(int64 present, int64 lots) internal pure returns (bool) {
        int256 before = int256(present) - lots;
        return before > 0 ? lots < 0 && present >= 0 : lots > 0 && present <= 0;
    }
}
