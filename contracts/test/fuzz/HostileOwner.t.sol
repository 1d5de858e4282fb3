// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice R11 and R12 with an owner who does whatever she may: no account makes itself unliquidatable, and nobody gains by
/// liquidating himself. Alice has friends, a second account that bids, and a hundred thousand dollars beside.
contract HostileOwnerTest is RandomBooks {
    uint256 private constant STEPS = 8;

    uint96 private _buyers;

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
        _deposit(mallory.account, 1_000_000e6);
    }

    /// @dev Whatever she did before and while flagged: below its requirement the account is flagged, and emptied or made
    /// healthy by others within a bounded number of calls.
    /// forge-config: default.fuzz.runs = 48
    function testFuzz_R12_4_hostileOwner_accountStaysLiquidatable(uint256 seed) public {
        _atLeastMargin(seed);
        for (uint256 i; i < STEPS; ++i) {
            try this.hostile(_word(seed, 50 + i)) {} catch {}
        }
        _advance(60, BTC_SPOT * (70 + _word(seed, 9) % 61) / 100, ETH_SPOT * (70 + _word(seed, 10) % 61) / 100);
        for (uint256 calls; calls < 24 && _isUnhealthy(); ++calls) {
            if (!clearinghouse.accountState(alice.account).locked) {
                _flag(alice.account, _health(alice.account).worstScenario);
                continue;
            }
            vm.warp(block.timestamp + 15 minutes);
            _postSpot(BTC, _spotOf(BTC));
            try this.buy(uint256(1e18)) {}
            catch {
                auction.takeOver(alice.account);
            }
        }
        assertFalse(_isUnhealthy(), "emptied or healthy");
    }

    /// @dev R11: she flags herself, bids for herself, cures, hands legs to a friend. All that is hers together is never worth
    /// more than if she had done nothing: what the account owes is no more than it would owe then.
    /// forge-config: default.fuzz.runs = 48
    function testFuzz_R11_1_ownerLiquidatesHerself_gainsNothing(uint256 seed) public {
        _atLeastMargin(seed);
        _advance(60, BTC_SPOT * (70 + _word(seed, 9) % 61) / 100, ETH_SPOT * (70 + _word(seed, 10) % 61) / 100);
        // What time alone would have made of it.
        uint256 snapshot = vm.snapshotState();
        for (uint256 i; i < STEPS; ++i) {
            vm.warp(vm.getBlockTimestamp() + _word(seed, 90 + i) % 10 minutes);
        }
        int256 idle = _allOfHers();
        assertTrue(vm.revertToState(snapshot), "revert");
        for (uint256 i; i < STEPS; ++i) {
            try this.hostile(_word(seed, 50 + i)) {} catch {}
            vm.warp(vm.getBlockTimestamp() + _word(seed, 90 + i) % 10 minutes);
        }
        // The reserve pays flagger and buyer before it pays losses; a unit a leg and call is rounding.
        assertLe(_allOfHers(), idle + 143e6 + 200, "no gain");
    }

    /* HOSTILE */

    function hostile(uint256 word) external {
        uint256 what = word % 8;
        if (what == 0) _deposit(alice.account, 1 + (word >> 8) % 5);
        else if (what == 1) _flag(alice.account, _health(alice.account).worstScenario);
        else if (what == 2) _selfBid(bound(word >> 8, 1, 1e18));
        else if (what == 3) auction.cure(alice.account);
        else if (what == 4) _handOver(word >> 8);
        else if (what == 5) auction.report(alice.account);
        else if (what == 6) _withdraw(alice, 1 + (word >> 8) % 1_000e6, _noClaim());
        else clearinghouse.settle(alice.account);
    }

    /// @dev A leg, or part of it, to a friend at a price of her choice.
    function _handOver(uint256 word) private {
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        Leg memory leg = legs[word % legs.length];
        uint64 lots = uint64(leg.lots > 0 ? leg.lots : -leg.lots);
        lots = 1 + uint64((word >> 16) % lots);
        uint256 mark = engine.markOf(leg.instrument);
        uint64 price = uint64(mark * (85 + (word >> 80) % 31) / 100);
        if (leg.lots > 0) _trade(mallory, alice, leg.instrument, lots, price);
        else _trade(alice, mallory, leg.instrument, lots, price);
    }

    function _selfBid(uint256 fraction) private {
        Actor memory own = alice;
        own.account = _account(alice.owner, 100 + _buyers++);
        _deposit(own.account, 1_000_000e6);
        _bid(own, alice.account, fraction);
    }

    function buy(uint256 fraction) external {
        Actor memory buyer = liquidator;
        buyer.account = _account(liquidator.owner, 100 + _buyers++);
        _deposit(buyer.account, 100_000_000e6);
        _bid(buyer, alice.account, fraction);
    }

    /* HELPERS */

    /// @dev Equity and reserves of her accounts, of her friend and of the flagger whom she pays, less what they paid in since. What
    /// the flagged account owes is not hers to pay.
    function _allOfHers() private view returns (int256 all) {
        all = _worth(alice.account);
        if (all < 0) all = 0;
        all += _worth(mallory.account) + _worth(flagger.account);
        for (uint96 i; i < _buyers; ++i) {
            int256 worth = _worth(_account(alice.owner, 100 + i));
            if (worth != 0) all += worth - 1_000_000e6;
        }
        all += int256(usdc.balanceOf(alice.owner));
    }

    function _worth(bytes32 account) private view returns (int256) {
        return _equity(account) + int256(uint256(clearinghouse.accountState(account).reserve));
    }

    function _isUnhealthy() private view returns (bool) {
        if (clearinghouse.legsOf(alice.account).length == 0) return false;
        return auction.surplusOf(alice.account)[0] < 0;
    }

    function _spotOf(uint16 u) private view returns (uint256 price) {
        (price,,,) = spots.reading(u);
    }

    function _atLeastMargin(uint256 seed) private {
        _randomBook(alice, seed, 6);
        int256 free = _equity(alice.account) - int256(_health(alice.account).gridInitial);
        if (free > _cash(alice.account)) free = _cash(alice.account);
        if (free > 0) try this.takeOut(uint256(free)) {} catch {}
    }

    function takeOut(uint256 amount) external {
        _withdraw(alice, amount, _noClaim());
    }
}
