// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Funding of perpetuals
/// @notice What one unit long has paid to one unit short since the beginning, as a sum over time. The rate stands from one accepted
/// quote to the next, so that the sum is the same whoever reads or pokes, whenever. Formula and constants: docs/model.md, Funding.
library FundingLib {
    int256 internal constant WAD = 1e18;
    /// @dev The premium over spot, less what is free, is paid in so many seconds.
    int256 internal constant PERIOD = 8 hours;
    int256 internal constant FREE = 5e14;
    /// @dev Largest share of spot that is paid in a period.
    int256 internal constant MOST = 1e15;
    /// @dev A rate dies with its quote: silence of the feed signers costs nobody anything.
    uint256 internal constant LIFE = 2 hours;

    /// @dev Wad dollars a unit, and wad dollars a unit and second.
    struct Funding {
        int128 index;
        int88 rate;
        uint40 since;
    }

    function indexAt(Funding storage funding, uint256 time) internal view returns (int256) {
        uint256 elapsed = time > funding.since ? time - funding.since : 0;
        return int256(funding.index) + int256(funding.rate) * int256(elapsed < LIFE ? elapsed : LIFE);
    }

    /// @notice From now on longs pay the premium of a perpetual at `ratio` (wad) to a spot of 1e-8 dollars.
    function set(Funding storage funding, uint256 ratio, uint256 spot) internal {
        funding.index = int128(indexAt(funding, block.timestamp));
        int256 premium = int256(ratio) - WAD;
        premium = _clamp(premium - _clamp(premium, FREE), MOST);
        funding.rate = int88(int256(spot) * 1e10 * premium / WAD / PERIOD);
        funding.since = uint40(block.timestamp);
    }

    /// @notice Stands still from now on.
    function end(Funding storage funding) internal {
        (funding.index, funding.rate) = (int128(indexAt(funding, block.timestamp)), 0);
    }

    function _clamp(int256 x, int256 most) private pure returns (int256) {
        return x > most ? most : x < -most ? -most : x;
    }
}
