// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {Leg, MarginAttestation, MarginClaim, MarginRequest, Signature} from "../../src/types/Types.sol";
import {RandomBooks} from "../support/RandomBooks.sol";

/// @notice Attacks of the list in docs/invariants.md, by its numbers, that no other file tests. Alice is as in MarginOracleLeafTest.
contract AttacksTest is RandomBooks {
    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000e6);
        _deposit(dealer.account, 1_000_000_000e6);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 4)), 1_000);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 0)), 1_000);
        _withdraw(alice, uint256(_equity(alice.account) - int256(_health(alice.account).gridInitial)), _noClaim());
    }

    function _floor() private view returns (uint256) {
        return engine.floorInitialMargin(engine.assess(clearinghouse.legsOf(alice.account), engine.floorMask(), 0));
    }

    /// @dev The chain forks after the signatures: on the other branch refBlock has another hash.
    function test_29_attestationOfAnotherFork_reverts() public {
        uint64 epoch = _newEpoch();
        MarginAttestation memory a = _attestation(epoch, bytes32(uint256(1)), 1);
        Signature[] memory signed = _signatures(marginKeys, MARGIN_THRESHOLD, oracle.attestationDigest(a));
        uint256 id = vm.snapshotState();
        vm.setBlockhash(a.refBlock, keccak256("another branch"));
        vm.expectPartialRevert(IMarginOracle.WrongBlockHash.selector);
        oracle.submit(a, signed);
        vm.revertToState(id);
        oracle.submit(a, signed);
    }

    function test_31_storedTimes_areTheSignedOnes() public {
        uint64 epoch = _newEpoch();
        MarginAttestation memory a = _attestation(epoch, bytes32(uint256(1)), 1);
        vm.warp(block.timestamp + 300);
        _submit(a);
        (,, uint64 refTime,,,) = oracle.latest();
        assertEq(uint256(refTime), a.refTime, "not the block's");
    }

    /// @dev Dirty bits above an address, a 64-bit or a 128-bit word are refused, never read as something else.
    function test_41_dirtyHighBits_areRefused() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_floor()), 1e6);
        bytes memory call =
            abi.encodeWithSelector(clearinghouse.withdraw.selector, alice.account, 1e6, alice.owner, claim);
        // Words after the selector: to (2), leaf.epoch (4), initialMargin (7), maintenanceMargin (8), worstScenario (9).
        uint8[5] memory words = [2, 4, 7, 8, 9];
        for (uint256 i; i < words.length; ++i) {
            bytes memory dirty = bytes.concat(call);
            dirty[4 + 32 * uint256(words[i])] = 0x01;
            vm.prank(alice.owner);
            (bool passed,) = address(clearinghouse).call(dirty);
            assertFalse(passed, vm.toString(uint256(words[i])));
        }
        vm.prank(alice.owner);
        (bool clean,) = address(clearinghouse).call(call);
        assertTrue(clean, "the clean call passes");
    }

    /// @dev Equity is of the moment: what was paid in under an old leaf comes out again, and not a unit more.
    function test_43_topUpThenOldLeaf_takesOutTheTopUpAlone() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_floor()), 1e6);
        uint256 room = uint256(_equity(alice.account)) - _floor();
        _deposit(alice.account, 5_000e6);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, room + 5_000e6 + 1, claim);
        _withdraw(alice, room + 5_000e6, claim);
    }

    /// @dev In one block: the hedge is sold, then the leaf of the hedged book is shown. What was traded since is priced.
    function test_44_positionChangedInTheSameBlock_isPriced() public {
        _tradeAtMark(alice, dealer, _perpetual(BTC), 50);
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_floor()), 1e6);
        uint256 room = uint256(_equity(alice.account)) - _floor();
        _sellClaiming(alice, dealer, _perpetual(BTC), 50, engine.markOf(_perpetual(BTC)), claim);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, room, claim);
        uint256 id = vm.snapshotState();
        vm.revertToState(id);
        _withdraw(alice, 1e6, claim);
    }

    /// @dev For any book and market, whatever the leaf says, no more is asked than standard margin, and no less than the floor below it.
    /// forge-config: default.fuzz.runs = 32
    function testFuzz_47_required_isBetweenFloorAndStandardMargin(uint256 seed) public {
        _deposit(carol.account, 100_000_000e6);
        _randomBook(carol, seed, 10);
        _randomMarket(seed, 60);
        Leg[] memory legs = clearinghouse.legsOf(carol.account);
        uint256 most = engine.assess(legs, 0, 0).standardInitial;
        uint256 least = engine.floorInitialMargin(engine.assess(legs, engine.floorMask(), 0));
        if (least > most) least = most;
        uint128 attested = seed % 3 == 0 ? 0 : seed % 3 == 1 ? type(uint128).max : uint128(seed);
        MarginClaim memory claim = _attestedClaim(carol.account, attested, attested / 2);
        (,, uint256 required) = _useMargin(MarginRequest(carol.account, 2, 0, 0, legs), claim);
        assertLe(required, most, "at most SM");
        assertLe(least, required, "at least the floor");
    }

    /// @dev 61: he withdraws in front of an epoch that asks more. The old leaf holds what it attested, and not below the floor.
    function test_61_withdrawalInFrontOfATighterEpoch_stopsAtTheOldLeaf() public {
        uint128 attested = uint128(_floor() + 500e6);
        MarginClaim memory claim = _attestedClaim(alice.account, attested, 1e6);
        uint256 room = uint256(_equity(alice.account)) - attested;
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, room + 1, claim);
        _withdraw(alice, room, claim);
        MarginClaim memory tighter = _attestedClaim(alice.account, attested + 1_000e6, 1e6);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, 1, tighter);
    }
}
