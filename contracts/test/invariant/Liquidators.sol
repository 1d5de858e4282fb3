// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IRiskEngine} from "../../src/interfaces/IRiskEngine.sol";
import {Leg} from "../../src/types/Types.sol";
import {Signers} from "./Signers.sol";

/// @title What liquidators may do
/// @notice Flag whom they can, bid what they like from fresh accounts, and end what can be ended. Owners flag and buy themselves too.
abstract contract Liquidators is Signers {
    /// @dev A mark is rounded to 1e-8 USD and each leg's notional to the unit.
    int256 internal constant ROUNDING = 40;

    uint96 internal bids;

    /// @dev The spots jump until somebody can be flagged; whoever can be, is.
    function flag(uint256 word) external act {
        if (!_flagAfterJumps(word)) revert("all healthy");
    }

    function _flagAfterJumps(uint256 word) private returns (bool flagged) {
        // By a tenth, now and then by a quarter, three times the same way at most.
        uint256 width = word >> 253 == 0 ? 2_500 : 1_000;
        for (uint256 jump; jump < 3 && !flagged; ++jump) {
            _pass(60, _jumped(BTC, width, word), _jumped(ETH, width * 5 / 4, word >> 1));
            for (uint256 i; i < 3; ++i) {
                if (_flagOne(_who(i).account, word >> 64)) flagged = true;
            }
        }
    }

    function _jumped(uint16 u, uint256 width, uint256 word) private view returns (uint256) {
        return _spotOf(u) * (word & 1 == 0 ? 10_000 - width : 10_000 + width) / 10_000;
    }

    function _flagOne(bytes32 account, uint256 word) private returns (bool) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        if (_isLocked(account) || legs.length == 0) return false;
        bool safe = _coversStandard(account);
        for (uint256 k; k < 3; ++k) {
            uint8 scenario = k == 0 ? FALL : k == 1 ? RISE : uint8(word % 48);
            try this.flagAs(account, scenario) {
                _hold(!safe, "P1: an account that covers SM in some world was flagged");
                return true;
            } catch {}
        }
        return false;
    }

    function flagAs(bytes32 account, uint8 scenario) external {
        _flag(account, scenario);
    }

    /// @dev Whether equity covers standard margin in some world of marks.
    function _coversStandard(bytes32 account) internal view returns (bool) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        int256 cash = clearinghouse.netCash(account);
        uint256 worlds = engine.worldCount(legs);
        for (uint256 w; w < worlds; ++w) {
            IRiskEngine.Assessment memory a = engine.assess(legs, 0, w);
            if (cash + a.value >= int256(a.standard)) return true;
        }
        return false;
    }

    /// @dev Any share at any time of the line, by the liquidator or by the owner himself. What it earns at the marks is the line's
    /// discount, and the bonus out of the reserve.
    function bid(uint256 word) external act {
        if (_someLocked(word) == 0) _flagAfterJumps(word);
        bytes32 account = _someLocked(word);
        _pass((word >> 16) % 20 minutes, _spotOf(BTC), _spotOf(ETH));
        clearinghouse.settle(account);
        // What the jumps and the time did is done; from here on it is the bid.
        _before();
        Actor memory buyer = word >> 255 == 1 ? alice : liquidator;
        buyer.account = _account(buyer.owner, 1_000 + bids++);
        _pay(buyer.account, 300_000e6);
        int256 equity = _equityIn(account, 0);
        int256 line = auction.line(account, equity);
        int256 reserve = int256(uint256(clearinghouse.accountState(account).reserve));
        int256 sold = int256(_bid(buyer, account, bound(word >> 64, 1, 1e18)));
        int256 left = int256(uint256(clearinghouse.accountState(account).reserve));
        int256 gain = _worth(buyer.account) - 300_000e6;
        int256 discount = (equity - line) * sold / 1e18;
        _hold(gain <= discount + (reserve - left) + ROUNDING, "P7: a bidder gained more than the line");
        if (gain > 0) _hold(equity > 0 || gain <= reserve + ROUNDING, "P7: a bidder gained below zero");
    }

    function _worth(bytes32 account) internal view returns (int256) {
        return _equityIn(account, 0) + int256(uint256(clearinghouse.accountState(account).reserve));
    }

    /// @dev A cure, with or without money, the Backstop, a report, or a deficit.
    function end(uint256 word) external act {
        uint256 what = word >> 250 & 3;
        if (what == 3 || _someLocked(word) == 0) return _takeDeficit(word);
        bytes32 account = _someLocked(word);
        if (what == 0) return auction.report(account);
        if (what == 1) {
            _pay(account, 20_000e6);
            return auction.cure(account);
        }
        _pass(55 minutes, _spotOf(BTC), _spotOf(ETH));
        _before();
        _know(auction.takeOver(account));
    }

    function _takeDeficit(uint256 word) private {
        uint256 n = ledger.length;
        for (uint256 i; i < n; ++i) {
            bytes32 account = ledger[(i + word % n) % n];
            if (treasury.lossOf(account) != 0 && !_isLocked(account)) {
                auction.takeDeficit(account);
                return;
            }
        }
        revert("no deficit");
    }
}
