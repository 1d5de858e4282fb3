// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {ITreasury} from "../../src/interfaces/ITreasury.sol";
import {Leg} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";
import {Vm} from "../support/Vm.sol";

/// @notice Money is conserved: cash, reserves, entry values and funding of all accounts are what was deposited less what was
/// withdrawn, but for the units that settlement and unpaid funding round away. Whatever happens in whatever order.
contract ConservationTest is RandomBooks {
    bytes32[] private ledger;
    mapping(bytes32 account => bool) private known;
    int256 private paidIn;
    address private constant PAYEE = address(0xca54);
    uint256 private bids;

    uint256 private constant STEPS = 28;

    function setUp() public override {
        super.setUp();
        _pay(alice.account, 15_000e6);
        _pay(bob.account, 15_000e6);
        _pay(carol.account, 15_000e6);
        _pay(dealer.account, 200_000e6);
        _insured();
        _know(flagger.account);
        _know(auction.backstopAccount());
        // Who calls for a take-over has its bonus.
        _know(_account(address(this), 0));
    }

    /// forge-config: default.fuzz.runs = 128
    function testFuzz_anySequence_conservesMoney(uint256 seed) public {
        vm.recordLogs();
        uint256 settled;
        for (uint256 i; i < STEPS; ++i) {
            try this.step(_word(seed, i)) {} catch {}
            settled += _settledLegs();
            _assertConserved(settled);
        }
    }

    /* STEPS */

    function step(uint256 word) external {
        uint256 what = word % 17;
        // An open auction draws bidders.
        if (word >> 254 == 0 && clearinghouse.accountState(_someLocked(word)).locked) what = 14;
        Actor memory a = _who(word >> 8);
        Actor memory b = _who((word >> 8) + 1 + (word >> 16) % 3);
        uint128 id = _pick(word >> 32);
        uint64 lots = uint64(1 + (word >> 64) % 2_500);
        if (what < 5) _tradeAround(a, b, id, lots, word >> 80);
        else if (what == 5) _pay(a.account, 1 + (word >> 80) % 20_000e6);
        else if (what == 6) _takeOut(a, word >> 80);
        else if (what == 7) _depositSpot(a, word >> 24 & 1 == 0 ? BTC : ETH, lots);
        else if (what == 8) _withdrawSpot(a, word >> 24 & 1 == 0 ? BTC : ETH, lots);
        else if (what == 9) _moveMarket(word >> 80, 60);
        else if (what == 10) _expire();
        else if (what == 11) clearinghouse.settle(a.account);
        else if (what < 14) _flagTheWorst(word >> 80);
        else if (what == 14) _buy(_someLocked(word), bound(word >> 80, 1, 1e18));
        else if (what == 15) _endings(_someLocked(word), word >> 80);
        else treasury.payClaim((word >> 80) % treasury.claimCount());
    }

    function _tradeAround(Actor memory a, Actor memory b, uint128 id, uint64 lots, uint256 word) private {
        // Up to 5 % off the mark either way, odd to the last digit.
        uint256 mark = engine.markOf(id);
        _trade(a, b, id, lots, uint64(mark * 95 / 100 + word % (mark / 10 + 1)));
    }

    /// @dev Any amount, or just what the grid leaves free.
    function _takeOut(Actor memory a, uint256 word) private {
        int256 free = _equity(a.account) - int256(_health(a.account).gridInitial);
        if (free > _cash(a.account)) free = _cash(a.account);
        uint256 amount = word & 1 == 0 && free > 0 ? uint256(free) : (word >> 1) % 20_000e6;
        vm.prank(a.owner);
        clearinghouse.withdraw(a.account, amount, PAYEE, _noClaim());
    }

    function _withdrawSpot(Actor memory a, uint16 u, uint64 lots) private {
        vm.prank(a.owner);
        clearinghouse.withdrawSpot(a.account, u, lots, a.owner);
    }

    function _moveMarket(uint256 word, uint256 secs) private {
        vm.warp(block.timestamp + secs);
        vm.roll(block.number + 5);
        _postSpot(BTC, BTC_SPOT * (70 + word % 61) / 100 + word % 997);
        _postSpot(ETH, ETH_SPOT * (60 + (word >> 32) % 81) / 100 + word % 997);
        perpetualRatio = uint64(0.995e18 + (word >> 64) % 0.01e18);
        _publish();
    }

    function _expire() private {
        if (block.timestamp < NEAR) {
            vm.warp(NEAR - 60);
            _moveMarket(_word(uint256(vm.getBlockTimestamp()), 3), 10);
            vm.warp(NEAR);
            _moveMarket(_word(7, 3), 10);
        }
        if (block.timestamp <= NEAR) vm.warp(NEAR + 1);
        _fixAt(BTC, NEAR, BTC_SPOT * (70 + _word(5, 3) % 61) / 100);
        _fixAt(ETH, NEAR, ETH_SPOT * (70 + _word(6, 3) % 61) / 100);
    }

    /// @dev A jump of the market, then everybody is flagged who can be.
    function _flagTheWorst(uint256 word) private {
        _moveMarket(word, 60);
        for (uint256 i; i < 4; ++i) {
            bytes32 account = _who(i).account;
            try this.flagAs(account, lens.health(account, engine.gridMask()).worstScenario) {} catch {}
        }
    }

    function _someLocked(uint256 word) private view returns (bytes32 account) {
        for (uint256 i; i < 4; ++i) {
            account = _who(i + (word >> 8)).account;
            if (clearinghouse.accountState(account).locked) return account;
            // A book of the Backstop.
            account = bytes32(uint256(auction.backstopAccount()) + 1 + i);
            if (clearinghouse.accountState(account).locked) return account;
        }
    }

    function flagAs(bytes32 account, uint8 scenario) external {
        _flag(account, scenario);
    }

    function _buy(bytes32 account, uint256 fraction) private {
        Actor memory buyer = liquidator;
        buyer.account = _account(liquidator.owner, uint96(100 + bids++));
        _pay(buyer.account, 100_000e6);
        vm.warp(block.timestamp + fraction % 50 minutes);
        _bid(buyer, account, fraction);
    }

    function _endings(bytes32 account, uint256 word) private {
        if (word % 4 == 0) auction.cure(account);
        else if (word % 4 == 1) _takeDeficits();
        else _know(auction.takeOver(account));
    }

    function _takeDeficits() private {
        for (uint256 i; i < 4; ++i) {
            try auction.takeDeficit(_who(i).account) {} catch {}
        }
    }

    /* LEDGER */

    function _assertConserved(uint256 settled) private view {
        int256 total;
        for (uint256 i; i < ledger.length; ++i) {
            total += clearinghouse.netCash(ledger[i]) + int256(uint256(clearinghouse.accountState(ledger[i]).reserve));
            (int256 owed, uint256 legs) = _notYetCollected(ledger[i]);
            total += owed;
            settled += legs;
        }
        uint256 owedToClaims = _unpaidClaims();
        assertEq(usdc.balanceOf(address(treasury)), treasury.assets(), "dollars held");
        assertEq(usdc.balanceOf(address(fund)), fund.totalAssets(), "dollars insured");
        assertEq(treasury.assets() + fund.totalAssets() + usdc.balanceOf(PAYEE), uint256(paidIn), "dollars paid in");
        total += int256(owedToClaims + usdc.balanceOf(PAYEE) + fund.totalAssets());
        assertLe(total, paidIn, "nothing is created");
        assertLe(paidIn - total, int256(settled), "less than a unit a settled leg and a perpetual is lost");
        _assertOpenInterest();
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

    /// @dev What the fixed settlement prices will still pay: one side of a contract may settle long before the other.
    function _notYetCollected(bytes32 account) private view returns (int256 owed, uint256 count) {
        Leg[] memory legs = clearinghouse.legsOf(account);
        for (uint256 i; i < legs.length; ++i) {
            uint128 id = legs[i].instrument;
            // The funding that it owes is rounded up.
            if (uint8(id >> 64) == PERPETUAL) ++count;
            int256 price = int256(uint256(feeds.settlement(uint16(id >> 112), uint40(id >> 72))));
            if (price == 0) continue;
            int256 strike = int256(uint256(uint64(id)));
            if (uint8(id >> 64) == CALL) price = price > strike ? price - strike : int256(0);
            if (uint8(id >> 64) == PUT) price = price < strike ? strike - price : int256(0);
            int256 exact = int256(legs[i].lots) * price;
            int256 rounded = exact / 1e5;
            owed += exact < 0 && rounded * 1e5 != exact ? rounded - 1 : rounded;
            ++count;
        }
    }

    /// @dev Longs equal shorts, and both equal the open interest, until one side has settled.
    function _assertOpenInterest() private view {
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

    function _settledLegs() private returns (uint256 count) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] == IClearinghouse.Settled.selector) ++count;
        }
    }

    function _pay(bytes32 account, uint256 amount) private {
        _know(account);
        _deposit(account, amount);
        paidIn += int256(amount);
    }

    /// @dev What the fund pays in later is counted as paid in now.
    function _insured() private {
        _insure(1_000e6);
        paidIn += 1_000e6;
    }

    function _know(bytes32 account) private {
        if (known[account]) return;
        known[account] = true;
        ledger.push(account);
    }

    function _who(uint256 i) private view returns (Actor memory) {
        i = i % 4;
        return i == 0 ? alice : i == 1 ? bob : i == 2 ? carol : dealer;
    }

    /// @dev A few instruments only, so that legs grow, shrink, flip and meet.
    function _pick(uint256 word) private pure returns (uint128) {
        uint16 u = word & 1 == 0 ? BTC : ETH;
        uint256 kind = (word >> 1) % 5;
        if (kind == 0) return _perpetual(u);
        if (kind == 1) return _future(u, NEAR);
        if (kind == 2) return _call(u, NEAR, _strike(u, 2));
        if (kind == 3) return _put(u, NEAR, _strike(u, 1 + (word >> 4) % 3));
        return _call(u, FAR, _strike(u, 2));
    }
}
