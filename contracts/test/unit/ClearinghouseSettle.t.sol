// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {Fixture} from "../support/Fixture.sol";

contract ClearinghouseSettleTest is Fixture {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 1_000_000e6);
        _deposit(bob.account, 1_000_000e6);
    }

    /// @dev Fixes NEAR of bitcoin at `price`.
    function _expire(uint256 price) private {
        vm.warp(NEAR + 1);
        _postSpot(BTC, BTC_SPOT);
        _fixAt(BTC, NEAR, price);
        _postSpot(ETH, ETH_SPOT);
        _publish();
    }

    function test_settle_callInTheMoney_paysIntrinsic() public {
        uint128 id = _call(BTC, NEAR, _strike(BTC, 2));
        _trade(alice, bob, id, 10, 1_000e8);
        _expire(63_000e8);
        vm.expectEmit(address(clearinghouse));
        emit IClearinghouse.Settled(alice.account, id, 10, 63_000e8, 30e6);
        assertEq(clearinghouse.settle(alice.account), 1, "count");
        clearinghouse.settle(bob.account);
        assertEq(_cash(alice.account), 1_000_000e6 - 10e6 + 30e6, "long");
        assertEq(_cash(bob.account), 1_000_000e6 + 10e6 - 30e6, "short");
        assertEq(clearinghouse.openInterest(id), 0, "open interest");
    }

    function test_settle_putInTheMoney_paysIntrinsic() public {
        _trade(alice, bob, _put(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        _expire(57_000e8);
        clearinghouse.settle(alice.account);
        assertEq(_cash(alice.account), 1_000_000e6 - 10e6 + 30e6, "long");
    }

    function test_settle_outOfTheMoney_paysNothingAndRemovesTheLeg() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        _expire(60_000e8);
        clearinghouse.settle(alice.account);
        clearinghouse.settle(bob.account);
        assertEq(_cash(alice.account), 1_000_000e6 - 10e6, "at the strike exactly");
        assertEq(_cash(bob.account), 1_000_000e6 + 10e6, "keeps the premium");
        assertEq(clearinghouse.legsOf(alice.account).length, 0, "gone");
    }

    function test_settle_future_paysDifferenceToEntry() public {
        _trade(alice, bob, _future(BTC, NEAR), 10, 61_000e8);
        _expire(63_000e8);
        clearinghouse.settle(alice.account);
        clearinghouse.settle(bob.account);
        assertEq(_cash(alice.account), 1_000_000e6 + 20e6, "long");
        assertEq(_cash(bob.account), 1_000_000e6 - 20e6, "short");
    }

    /// @dev 1e-8 dollars over a whole unit: the long gets the unit, the short pays one more.
    function test_settle_fractionOfAUnit_roundsDownOnBothSides() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 1, 1_000e8);
        _expire(63_000e8 + 1);
        clearinghouse.settle(alice.account);
        clearinghouse.settle(bob.account);
        assertEq(_cash(alice.account), 1_000_000e6 - 1e6 + 3e6, "long, down");
        assertEq(_cash(bob.account), 1_000_000e6 + 1e6 - 3e6 - 1, "short, down");
    }

    function test_settle_beforeThePriceIsFixed_doesNothing() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        vm.warp(NEAR + 1);
        assertEq(clearinghouse.settle(alice.account), 0, "count");
        assertEq(clearinghouse.legsOf(alice.account).length, 1, "still there");
    }

    function test_settle_twice_secondDoesNothing() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        _expire(63_000e8);
        clearinghouse.settle(alice.account);
        int256 cash = _cash(alice.account);
        assertEq(clearinghouse.settle(alice.account), 0, "count");
        assertEq(_cash(alice.account), cash, "cash");
    }

    function test_settle_onlyExpiredLegs_areTouched() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        _trade(alice, bob, _call(BTC, FAR, _strike(BTC, 2)), 10, 2_000e8);
        _trade(alice, bob, _call(ETH, NEAR, _strike(ETH, 2)), 10, 10e8);
        _expire(63_000e8);
        assertEq(clearinghouse.settle(alice.account), 1, "only bitcoin's near expiry has a price");
        assertEq(clearinghouse.legsOf(alice.account).length, 2, "two stay");
        assertTrue(clearinghouse.accountState(alice.account).reserve != 0, "reserve stays with them");
    }

    function test_settle_severalExpiredLegs_allAtOnce() public {
        for (uint256 i; i < 5; ++i) {
            _tradeAtMark(alice, bob, _call(BTC, NEAR, _strike(BTC, i)), 1);
            _tradeAtMark(alice, bob, _put(BTC, NEAR, _strike(BTC, i)), 1);
        }
        _expire(60_000e8);
        assertEq(clearinghouse.settle(alice.account), 10, "count");
        assertEq(clearinghouse.legsOf(alice.account).length, 0, "none left");
        assertEq(uint256(clearinghouse.accountState(alice.account).reserve), 0, "reserve released");
    }

    function test_withdraw_settlesFirst() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 1000, 1_000e8);
        _expire(63_000e8);
        _withdraw(alice, 1_002_000e6, _noClaim());
        assertEq(_cash(alice.account), 0, "payout and reserve are cash at once");
    }

    function test_trade_settlesBothSidesFirst() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 1000, 1_000e8);
        _expire(63_000e8);
        _tradeAtMark(alice, bob, _perpetual(BTC), 1);
        assertEq(clearinghouse.legsOf(alice.account).length, 1, "alice");
        assertEq(clearinghouse.legsOf(bob.account).length, 1, "bob");
    }

    function test_lens_settledButNotYetCollected_countsAtTheFixedPrice() public {
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), 10, 1_000e8);
        _expire(63_000e8);
        int256 before = _equity(alice.account);
        clearinghouse.settle(alice.account);
        // The reserve comes back with the last leg; nothing else changes.
        assertEq(_cash(alice.account), before + int256(RESERVE), "equity before is cash after");
    }

    /// @dev Rounded down on both sides: never creates money, and takes at most one unit a leg.
    function testFuzz_settle_oddPrices_neverCreateMoney(uint256 price, uint256 lots, uint256 entry) public {
        price = bound(price, 55_000e8, 65_000e8);
        uint64 n = uint64(bound(lots, 1, 999));
        uint64 paid = uint64(bound(entry, 59_000e8, 61_000e8));
        _trade(alice, bob, _future(BTC, NEAR), n, paid);
        _trade(alice, bob, _call(BTC, NEAR, _strike(BTC, 2)), n, paid / 50);
        _trade(bob, alice, _put(BTC, NEAR, _strike(BTC, 3)), n, paid / 10);
        _expire(price);
        clearinghouse.settle(alice.account);
        clearinghouse.settle(bob.account);
        int256 total = _cash(alice.account) + _cash(bob.account);
        assertLe(total, 2_000_000e6, "not created");
        assertLe(2_000_000e6 - 3, total, "at most one unit a contract");
    }
}
