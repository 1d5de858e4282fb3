// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ExpiryQuote, MarginAttestation, MarginClaim, MarginLeaf} from "../../src/types/Types.sol";
import {Merkle} from "../support/Merkle.sol";
import {People} from "./People.sol";

/// @title What stolen keys may do
/// @notice All margin keys sign whatever they like, all feed keys publish whatever the limits let pass, the guardian stops, the owner
/// moves the budget.
abstract contract Signers is People {
    /// @dev A leaf of no margin for somebody, who takes out whatever it lets him.
    function leafWithdraw(uint256 word) external act {
        Actor memory a = _who(word % 3);
        MarginClaim memory claim = _stolenLeaf(a.account, word);
        int256 cash = _cash(a.account);
        for (uint256 cut = 1; cut <= 16; cut *= 2) {
            vm.prank(a.owner);
            try clearinghouse.withdraw(a.account, uint256(cash) / cut, PAYEE, claim) {
                return _requireNoPhantom(a.account);
            } catch {}
        }
        revert("the floor holds");
    }

    /// @dev Leaves of any numbers for anybody, unused.
    function attest(uint256 word) external act {
        _stolenLeaf(_who(word).account, word);
    }

    function _stolenLeaf(bytes32 account, uint256 word) internal returns (MarginClaim memory) {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](2);
        uint128 margin = word >> 254 == 0 ? uint128(word) : 0;
        leaves[0] = _leaf(epoch, account, margin, margin);
        leaves[0].worstScenario = uint8((word >> 200) % 48);
        leaves[1] = MarginLeaf(epoch, bytes32(word), bytes32(word), uint128(word), uint128(word), uint8(word));
        MarginAttestation memory a = _attestation(epoch, Merkle.root(_hashes(leaves)), 2);
        a.bundleHash = keccak256(abi.encode(word));
        _submit(a);
        return _claim(leaves, 0);
    }

    /// @dev Every expiry moved by up to 1.1 times the limit, each its own way: the mark, a pending world, or refused.
    function publish(uint256 word) external act {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        ExpiryQuote[] memory q = _present(u, 0);
        uint256 strength = word >> 1 & 1 == 0 ? 3_000 : 11_000;
        for (uint256 i; i < q.length; ++i) {
            uint256 way = _word(word, i);
            q[i].ratio = uint64(_scaled(q[i].ratio, way, strength * (u == BTC ? 920 : 1_220) / 10_000));
            q[i].confidence = uint64((way >> 192) % 1e18);
            if (q[i].expiry == 0) continue;
            uint256 of_ = strength * (u == BTC ? 3_000 : 2_500) / 10_000;
            q[i].a = int64(int256(_scaled(uint64(q[i].a), way >> 64, of_)));
            q[i].b = int64(int256(_scaled(uint64(q[i].b), way >> 64, of_)));
        }
        _update(u, q);
    }

    /// @dev The same again ten minutes later.
    function confirm(uint256 word) external act {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        if (!feeds.hasPendingWorld(u)) u = u == BTC ? ETH : BTC;
        if (!feeds.hasPendingWorld(u)) revert("nothing pending");
        ExpiryQuote[] memory q = _present(u, 1);
        _pass(10 minutes, _spotOf(BTC), _spotOf(ETH));
        _update(u, q);
    }

    /// @dev Guardian and owner in turn: stop the discount, allow it again, move its budget anywhere.
    function govern(uint256 word) external act {
        if (word % 3 == 0) {
            vm.prank(guardian);
            oracle.stopDiscount();
        } else if (word % 3 == 1) {
            oracle.restoreDiscount();
        } else {
            oracle.setDiscountPerDay(uint128((word >> 8) % (oracle.maxDiscountPerDay() + 1)));
        }
    }

    /// @dev Up to `bps` up or down.
    function _scaled(uint64 value, uint256 word, uint256 bps) private pure returns (uint256) {
        return uint256(value) * (10_000 - bps + word % (2 * bps + 1)) / 10_000;
    }
}
