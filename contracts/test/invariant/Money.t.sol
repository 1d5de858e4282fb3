// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Leg} from "../../src/types/Types.sol";
import {Liquidators} from "./Liquidators.sol";

/// @notice P4: money is conserved to the unit. P5: solvency falls by real losses alone. P6: the order of withdrawals changes nobody's
/// total. Whatever everybody does in whatever order.
contract MoneyInvariantTest is Liquidators {
    uint256 private _solvency;
    mapping(bytes32 account => uint256) private _lossBefore;
    mapping(bytes32 account => int256) private _deficitBefore;

    function _acts() internal view override returns (bytes4[] memory list) {
        list = new bytes4[](14);
        (list[0], list[1], list[2], list[3]) =
        (this.trade.selector, this.pairTrade.selector, this.payIn.selector, this.takeOut.selector);
        (list[4], list[5], list[6], list[7]) =
        (this.tokens.selector, this.collect.selector, this.invest.selector, this.market.selector);
        (list[8], list[9], list[10], list[11]) =
        (this.expire.selector, this.leafWithdraw.selector, this.publish.selector, this.flag.selector);
        (list[12], list[13]) = (this.bid.selector, this.end.selector);
    }

    /* P4 */

    function invariant_P4_money_isConservedToTheUnit() public view {
        int256 total;
        uint256 rounded = settledLegs;
        for (uint256 i; i < ledger.length; ++i) {
            total += clearinghouse.netCash(ledger[i]) + int256(uint256(clearinghouse.accountState(ledger[i]).reserve));
            (int256 owed, uint256 legs) = _notYetCollected(ledger[i]);
            total += owed;
            rounded += legs;
        }
        uint256 out = usdc.balanceOf(PAYEE);
        assertEq(usdc.balanceOf(address(treasury)), treasury.assets(), "dollars of accounts");
        assertEq(usdc.balanceOf(address(fund)), fund.totalAssets(), "dollars of the fund");
        assertEq(treasury.assets() + fund.totalAssets() + out, uint256(paidIn), "dollars in and out");
        total += int256(_unpaidClaims() + out + fund.totalAssets());
        assertLe(total, paidIn, "nothing is created");
        assertLe(paidIn - total, int256(rounded), "less than a unit a settled leg and a perpetual stays behind");
        _requireOpenInterest();
    }

    /// @dev Longs equal shorts, and both the open interest, of contracts that no side has settled.
    function _requireOpenInterest() private view {
        uint128[3] memory ids = [_perpetual(BTC), _perpetual(ETH), _call(BTC, FAR, _strike(BTC, 2))];
        for (uint256 k; k < 3; ++k) {
            int256 longs;
            int256 net;
            for (uint256 i; i < ledger.length; ++i) {
                int64 lots = _lots(ledger[i], ids[k]);
                net += lots;
                if (lots > 0) longs += lots;
            }
            assertEq(net, 0, "longs equal shorts");
            assertEq(uint256(longs), clearinghouse.openInterest(ids[k]), "open interest");
        }
    }

    function _unpaidClaims() private view returns (uint256 unpaid) {
        uint256 advanced;
        for (uint256 i; i < treasury.claimCount(); ++i) {
            ITreasury.Claim memory claim = treasury.claimAt(i);
            unpaid += claim.amount - claim.paid;
            if (claim.paid != claim.amount) advanced += claim.paid;
        }
        assertEq(advanced, treasury.advanced(), "what open claims have received");
    }

    /// @dev What fixed settlement prices will still pay: one side of a contract may settle long before the other.
    function _notYetCollected(bytes32 account) private view returns (int256 owed, uint256 count) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        for (uint256 i; i < legs.length; ++i) {
            uint128 id = legs[i].instrument;
            // The funding that a perpetual owes is rounded up.
            if (uint8(id >> 64) == PERPETUAL) ++count;
            int256 price = int256(uint256(feeds.settlement(uint16(id >> 112), uint40(id >> 72))));
            if (price == 0) continue;
            int256 strike = int256(uint256(uint64(id)));
            if (uint8(id >> 64) == CALL) price = price > strike ? price - strike : int256(0);
            if (uint8(id >> 64) == PUT) price = price < strike ? strike - price : int256(0);
            int256 exact = int256(legs[i].lots) * price;
            int256 quotient = exact / 1e5;
            owed += exact < 0 && quotient * 1e5 != exact ? quotient - 1 : quotient;
            ++count;
        }
    }

    /* P5 */

    function invariant_P5_solvency_fallsByRealLossAlone() public view {
        _requireKept();
        uint256 total;
        for (uint256 i; i < ledger.length; ++i) {
            total += treasury.lossOf(ledger[i]);
        }
        assertEq(total, treasury.provisionalLoss(), "losses are those of known accounts");
    }

    function _before() internal override {
        _solvency = treasury.solvency();
        for (uint256 i; i < ledger.length; ++i) {
            _lossBefore[ledger[i]] = treasury.lossOf(ledger[i]);
            _deficitBefore[ledger[i]] = _isLocked(ledger[i]) ? _deficit(ledger[i]) : int256(0);
        }
    }

    /// @dev A loss that grew is one that the account owes in some world, now or before the act; and only such a one lowers solvency.
    function _after() internal override {
        bool grew;
        for (uint256 i; i < ledger.length; ++i) {
            uint256 loss = treasury.lossOf(ledger[i]);
            if (loss <= _lossBefore[ledger[i]]) continue;
            grew = true;
            int256 real = _deficit(ledger[i]);
            if (_deficitBefore[ledger[i]] > real) real = _deficitBefore[ledger[i]];
            _hold(int256(loss) <= real + ROUNDING, "P5: a loss was reported that is none");
        }
        // A wad's last digits: what is paid is rounded down.
        _hold(grew || treasury.solvency() + 1e6 >= _solvency, "P5: solvency fell without a loss");
    }

    /* P6 */

    function afterInvariant() public {
        _requireBusy(8);
        uint256 id = vm.snapshotState();
        uint256[4] memory forth = _everybodyLeaves(false);
        vm.revertToState(id);
        uint256[4] memory back = _everybodyLeaves(true);
        for (uint256 i; i < 4; ++i) {
            assertClose(forth[i], back[i], 4, "P6: the order of withdrawals changed a total");
        }
    }

    /// @dev Everybody takes what the grid leaves, and a day later what is due of the claims. Totals by person.
    function _everybodyLeaves(bool backwards) private returns (uint256[4] memory received) {
        uint256 claims = treasury.claimCount();
        for (uint256 k; k < 4; ++k) {
            uint256 i = backwards ? 3 - k : k;
            try this.depart(i) {} catch {}
        }
        vm.warp(vm.getBlockTimestamp() + 1 days + 1);
        for (uint256 round; round < 2; ++round) {
            for (uint256 c = claims; c < treasury.claimCount(); ++c) {
                try treasury.payClaim(c) {} catch {}
            }
        }
        for (uint256 i; i < 4; ++i) {
            received[i] = usdc.balanceOf(address(uint160(0xbeef00 + i)));
        }
    }

    function depart(uint256 i) external {
        Actor memory a = _who(i);
        int256 free = _cash(a.account);
        if (clearinghouse.legsOf(a.account).length != 0) {
            int256 spare = _equity(a.account) - int256(_health(a.account).gridInitial);
            if (spare < free) free = spare;
        }
        vm.prank(a.owner);
        clearinghouse.withdraw(a.account, uint256(free), address(uint160(0xbeef00 + i)), _noClaim());
    }
}
