// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ExpiryQuote} from "../../src/types/Types.sol";
import {Fixture} from "./Fixture.sol";

/// @title Random books and markets from one seed
abstract contract RandomBooks is Fixture {
    function _word(uint256 seed, uint256 i) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, i)));
    }

    /// @dev Up to `most` legs of any kind, long and short, against a dealer without limits. SPOT by deposit.
    function _randomBook(Actor memory who, uint256 seed, uint256 most) internal {
        uint128[] memory ids = _allInstruments();
        uint256 n = 1 + seed % most;
        for (uint256 i; i < n; ++i) {
            uint256 word = _word(seed, i);
            uint128 id = ids[word % ids.length];
            uint64 lots = uint64(1 + (word >> 16) % 5_000);
            if (uint8(id >> 64) == SPOT) _depositSpot(who, uint16(id >> 112), lots);
            else if (word >> 255 == 1) _tradeAtMark(who, dealer, id, lots);
            else _tradeAtMark(dealer, who, id, lots);
        }
    }

    /// @dev Spots anywhere from a third to three times the first, smiles anywhere within what a market could show.
    function _randomMarket(uint256 seed, uint256 secs) internal {
        vm.warp(block.timestamp + secs);
        vm.roll(block.number + secs / 12 + 1);
        _postSpot(BTC, BTC_SPOT / 3 + _word(seed, 1) % (BTC_SPOT * 8 / 3));
        _postSpot(ETH, ETH_SPOT / 3 + _word(seed, 2) % (ETH_SPOT * 8 / 3));
        _update(BTC, _randomQuotes(BTC, seed));
        _update(ETH, _randomQuotes(ETH, seed));
    }

    function _randomQuotes(uint16 u, uint256 seed) internal view returns (ExpiryQuote[] memory q) {
        q = _quotes(u);
        for (uint256 i; i < q.length; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, u, i)));
            q[i].ratio = uint64(0.95e18 + word % 0.1e18);
            if (q[i].expiry == 0) continue;
            q[i].a = int64(int256((word >> 16) % 1.5e18));
            q[i].b = int64(int256((word >> 80) % 1e18));
            q[i].rho = int64(int256((word >> 100) % 1.9e18) - 0.95e18);
            q[i].m = int64(int256((word >> 140) % 0.6e18) - 0.3e18);
            q[i].sigma = int64(int256((word >> 180) % 0.9e18) + 1e15);
        }
    }
}
