// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../../src/types/Types.sol";
import {Stage} from "./Stage.sol";

/// @title What owners of accounts may do
/// @notice Anybody's trades, a pair of friends who trade all they can with each other, deposits, withdrawals, tokens, claims, shares of the
/// fund, and time.
abstract contract People is Stage {
    function trade(uint256 word) external act {
        Actor memory a = _who(word);
        Actor memory b = _who(word + 1 + (word >> 8) % 3);
        uint128 id = _pick(word >> 16);
        // Up to 3 % off the mark either way, odd to the last digit.
        uint256 mark = engine.markOf(id);
        uint64 price = uint64(mark * 97 / 100 + (word >> 128) % (mark * 6 / 100 + 1));
        _trade(a, b, id, uint64(1 + (word >> 64) % 400), price);
    }

    /// @dev Two colluding accounts, long and short the same perpetual as far as margin lets them.
    function pairTrade(uint256 word) external act {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        uint256 least = uint256(_free(alice) < _free(bob) ? _free(alice) : _free(bob));
        uint256 lots = least * 1e5 * 5 / _spotOf(u);
        for (uint256 cut = 1; cut < 5; ++cut) {
            try this.tradeAtMark(word >> 1 & 1 == 0, _perpetual(u), uint64(lots / cut)) {
                return;
            } catch {}
        }
        revert("no margin");
    }

    function tradeAtMark(bool aliceBuys, uint128 id, uint64 lots) external {
        if (aliceBuys) _tradeAtMark(alice, bob, id, lots);
        else _tradeAtMark(bob, alice, id, lots);
    }

    function payIn(uint256 word) external act {
        _pay(_who(word).account, 1 + (word >> 8) % 8_000e6);
    }

    /// @dev Any amount, or just what the grid leaves free.
    function takeOut(uint256 word) external act {
        Actor memory a = _who(word);
        uint256 amount = uint256(_free(a));
        if (word >> 255 == 1) amount = 1 + (word >> 8) % amount;
        vm.prank(a.owner);
        clearinghouse.withdraw(a.account, amount, PAYEE, _noClaim());
        _requireNoPhantom(a.account);
    }

    /// @dev What is left after a withdrawal stands without the profit of options, in every world.
    function _requireNoPhantom(bytes32 account) internal {
        Leg[] memory legs = clearinghouse.legsOf(account);
        if (legs.length == 0) return;
        int256 cash = clearinghouse.netCash(account);
        for (uint256 w; w < engine.worldCount(legs); ++w) {
            _hold(cash + engine.assess(legs, 0, w).exitValue >= 0, "P9: unrealised profit of options left as cash");
        }
    }

    /// @dev Whole lots of a token in or out.
    function tokens(uint256 word) external act {
        Actor memory a = _who(word);
        uint16 u = word >> 8 & 1 == 0 ? BTC : ETH;
        uint64 held = uint64(_lots(a.account, _spot(u)));
        if (held == 0 || word >> 9 & 1 == 0) return _depositSpot(a, u, uint64(1 + (word >> 16) % 400));
        vm.prank(a.owner);
        clearinghouse.withdrawSpot(a.account, u, uint64(1 + (word >> 16) % held), a.owner);
    }

    function collect(uint256 word) external act {
        uint256 n = treasury.claimCount();
        if (word >> 255 == 1) vm.warp(vm.getBlockTimestamp() + 1 days);
        treasury.payClaim(word % n);
    }

    /// @dev A holder of the fund's shares asks to leave, leaves where he may, or adds.
    function invest(uint256 word) external act {
        if (word % 3 == 0) fund.requestExit(bound(word >> 8, 1, fund.balanceOf(address(this))));
        else if (word % 3 == 1) _redeem();
        else _insureMore(1 + (word >> 8) % 2_000e6);
    }

    function _redeem() private {
        uint256 shares = fund.maxRedeem(address(this));
        fund.redeem(shares, PAYEE, address(this));
    }

    function _insureMore(uint256 amount) private {
        _insure(amount);
        paidIn += int256(amount);
    }

    /// @dev A minute to half an hour, spots up to 8 % away, now and then a day.
    function market(uint256 word) external act {
        uint256 secs = 60 + word % 29 minutes;
        if (word >> 252 == 0) secs = 1 days;
        _pass(secs, _moved(BTC, word >> 32), _moved(ETH, word >> 64));
    }

    /// @dev To the end of the near expiry, and its price is fixed.
    function expire(uint256 word) external act {
        if (word % 4 != 0) revert("another time");
        if (vm.getBlockTimestamp() <= NEAR) {
            _pass(NEAR + 1 - vm.getBlockTimestamp(), _spotOf(BTC), _spotOf(ETH));
        }
        _fixAt(BTC, NEAR, _moved(BTC, word >> 32));
        _fixAt(ETH, NEAR, _moved(ETH, word >> 64));
    }

    function settle(uint256 word) external act {
        clearinghouse.settle(ledger[word % ledger.length]);
    }

    function _moved(uint16 u, uint256 word) private view returns (uint256) {
        return _spotOf(u) * (9_200 + word % 1_601) / 10_000 + word % 97;
    }

    /// @dev Cash that the grid leaves free; reverts where there is none.
    function _free(Actor memory a) private view returns (int256 free) {
        free = _cash(a.account);
        if (clearinghouse.legsOf(a.account).length != 0) {
            int256 spare = _equity(a.account) - int256(_health(a.account).gridInitial);
            if (spare < free) free = spare;
        }
        if (free <= 0) revert("nothing free");
    }

    /// @dev A few instruments only, so that legs grow, shrink, flip and meet.
    function _pick(uint256 word) private pure returns (uint128) {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        uint256 kind = (word >> 1) % 6;
        if (kind < 2) return _perpetual(u);
        if (kind == 2) return _future(u, NEAR);
        if (kind == 3) return _call(u, NEAR, _strike(u, 2));
        if (kind == 4) return _put(u, FAR, _strike(u, 1 + (word >> 4) % 3));
        return _call(u, FAR, _strike(u, 2));
    }
}
