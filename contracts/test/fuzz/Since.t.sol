// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {Leg, MarginClaim, MarginRequest} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice Base plus since on random books: what a leaf of the base asks is never less than the book's own margin.
contract SinceTest is RandomBooks {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000_000e6);
        _deposit(dealer.account, 1_000_000_000_000e6);
    }

    /// @dev IM of the contract, all 48 scenarios, stands for the attested one.
    /// forge-config: default.fuzz.runs = 128
    function testFuzz_R2_basePlusSince_coversTheMarginOfTheBookAfter(uint256 seed) public {
        _randomBook(alice, seed, 6);
        Leg[] memory base = clearinghouse.legsOf(alice.account);
        if (base.length == 0) return;
        uint256 initial = _initial(base);
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(initial), uint128(initial));
        _randomBook(alice, _word(seed, 77), 6);
        Leg[] memory present = clearinghouse.legsOf(alice.account);
        if (present.length == 0) return;
        (,, uint256 used) = _useMargin(_poor(present), claim);
        uint256 own = _initial(present);
        uint256 standard = engine.assess(present, 0, 0).standardInitial;
        assertLe(own < standard ? own : standard, used + 2, "A(base) + since covers A(book)");
    }

    function _initial(Leg[] memory legs) private view returns (uint256) {
        return engine.initialMargin(engine.assess(legs, engine.gridMask(), 0));
    }

    /// @dev Without any cash, so that every account needs its discount.
    function _poor(Leg[] memory legs) private view returns (MarginRequest memory) {
        IClearinghouse.AccountState memory state = clearinghouse.accountState(alice.account);
        return MarginRequest(alice.account, state.mode, state.voidSince, -1e18, legs);
    }
}
