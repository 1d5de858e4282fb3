// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {Leg, MarginClaim, MarginLeaf} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Model} from "../support/Model.sol";
import {Merkle} from "../support/Merkle.sol";

/// @notice What a leaf can and cannot do. Alice holds a delta-hedged short strangle: her grid margin is far above what a
/// leaf may attest, and her floor below it.
contract MarginOracleLeafTest is Fixture {
    uint256 private constant ASK = 1e6;

    function setUp() public override {
        super.setUp();
        _deposit(alice.account, 100_000e6);
        _deposit(bob.account, 100_000e6);
        _deposit(dealer.account, 10_000_000e6);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 4)), 1_000);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 0)), 1_000);
        // Down to the grid, to the unit: without a leaf nothing more leaves.
        _withdraw(alice, uint256(_equity(alice.account)) - _gridMargin(), _noClaim());
    }

    function test_setUp_leavesRoomOnlyForALeaf() public view {
        assertEq(_equity(alice.account), int256(_gridMargin()), "at the grid");
        assertLt(_floor(), _gridMargin(), "the floor is lower");
        assertLt(_gridMargin(), lens.health(alice.account, 0).standardInitial, "and so is the grid than SM");
    }

    function test_withdraw_withoutLeaf_revertsAndWithLeafPasses() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(_gridMargin() - ASK), _gridMargin()
            )
        );
        _withdraw(alice, ASK, _noClaim());
        _withdraw(alice, ASK, claim);
        assertEq(_equity(alice.account), int256(_gridMargin() - ASK), "below the grid by the leaf");
    }

    function test_withdraw_oneUnitBelowTheLeaf_reverts() public {
        uint256 attested = _gridMargin() - ASK;
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(attested), 1e6);
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(attested) - 1, attested
            )
        );
        _withdraw(alice, ASK + 1, claim);
        _withdraw(alice, ASK, claim);
    }

    /// @dev What stolen margin keys cannot go below.
    function test_withdraw_leafOfZeroMargin_stopsAtTheFloor() public {
        MarginClaim memory claim = _attestedClaim(alice.account, 0, 0);
        uint256 room = uint256(_equity(alice.account)) - _floor();
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(_floor()) - 1, _floor()
            )
        );
        _withdraw(alice, room + 1, claim);
        _withdraw(alice, room, claim);
        assertEq(_equity(alice.account), int256(_floor()), "at the floor");
    }

    function test_withdraw_leafOfMaximalMargin_isCappedAtStandardMargin() public {
        MarginClaim memory claim = _attestedClaim(alice.account, type(uint128).max, type(uint128).max);
        claim.leaf.worstScenario = 0;
        uint256 standard = lens.health(alice.account, 0).standardInitial;
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector,
                alice.account,
                _equity(alice.account) - int256(ASK),
                standard
            )
        );
        _withdraw(alice, ASK, claim);
        _deposit(alice.account, standard - uint256(_equity(alice.account)) + ASK);
        _withdraw(alice, ASK, claim);
    }

    /// @dev Scenario 255 of a sentinel is no scenario; it must not disturb the floor.
    function test_withdraw_sentinelLeaf_isStandardMargin() public {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](1);
        leaves[0] = _leaf(epoch, alice.account, type(uint128).max, type(uint128).max);
        leaves[0].worstScenario = 255;
        _attest(leaves);
        MarginClaim memory claim = _claim(leaves, 0);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, ASK, claim);
        _deposit(alice.account, lens.health(alice.account, 0).standardInitial);
        _withdraw(alice, ASK, claim);
    }

    /// @dev The leaf's own worst scenario joins the floor's ten.
    function test_withdraw_leafNamingAWorseScenario_hasAHigherFloor() public {
        uint256 floorMask = engine.floorMask();
        uint8 worst;
        uint256 most;
        for (uint8 s; s < Model.SCENARIOS; ++s) {
            if (floorMask >> s & 1 == 1) continue;
            uint256 loss = lens.health(alice.account, 1 << s).worstLoss;
            if (loss > most) (most, worst) = (loss, s);
        }
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](1);
        leaves[0] = _leaf(epoch, alice.account, 0, 0);
        leaves[0].worstScenario = worst;
        _attest(leaves);
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        uint256 floor = engine.floorInitialMargin(engine.assess(legs, floorMask | 1 << worst, 0));
        assertLe(_floor(), floor, "not lower");
        uint256 room = uint256(_equity(alice.account)) - floor;
        MarginClaim memory claim = _claim(leaves, 0);
        vm.expectPartialRevert(IClearinghouse.InsufficientMargin.selector);
        _withdraw(alice, room + 1, claim);
        _withdraw(alice, room, claim);
    }

    function test_withdraw_anotherAccountsLeaf_reverts() public {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = _three(epoch);
        leaves[1] = _leaf(epoch, bob.account, 1e6, 1e6);
        _attest(leaves);
        MarginClaim memory bobs = _claim(leaves, 1);
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafOfOtherAccount.selector, bob.account, alice.account));
        _withdraw(alice, ASK, bobs);
        // With the account field rewritten it is another leaf.
        bobs.leaf.account = alice.account;
        bobs.leaf.positionsHash = leaves[0].positionsHash;
        vm.expectPartialRevert(IMarginOracle.InvalidProof.selector);
        _withdraw(alice, ASK, bobs);
        _withdraw(alice, ASK, _claim(leaves, 0));
    }

    function test_withdraw_anotherEpochsLeaf_reverts() public {
        uint64 first = _newEpoch();
        MarginLeaf[] memory old = _three(first);
        _attest(old);
        MarginClaim memory stale = _claim(old, 0);
        uint64 second = _newEpoch();
        MarginLeaf[] memory fresh = _three(second);
        _attest(fresh);
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafFromOtherEpoch.selector, first, second));
        _withdraw(alice, ASK, stale);
        stale.leaf.epoch = second;
        bytes32[] memory path = Merkle.proof(_hashes(fresh), oracle.leafHash(fresh[0]));
        stale.proof = path;
        // Same content and epoch is the fresh leaf itself, so this one passes.
        _withdraw(alice, ASK, stale);
    }

    function test_withdraw_leafBeforeAnyAttestation_reverts() public {
        MarginLeaf[] memory leaves = _three(1);
        MarginClaim memory claim = _claim(leaves, 0);
        vm.expectRevert();
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_marginOffByOne_reverts() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        claim.leaf.initialMargin -= 1;
        _refuseProof(claim);
        claim.leaf.initialMargin += 2;
        _refuseProof(claim);
        claim.leaf.initialMargin -= 1;
        claim.leaf.maintenanceMargin += 1;
        _refuseProof(claim);
        claim.leaf.maintenanceMargin -= 2;
        _refuseProof(claim);
        claim.leaf.maintenanceMargin += 1;
        claim.leaf.worstScenario += 1;
        _refuseProof(claim);
        claim.leaf.worstScenario -= 1;
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_brokenProofs_revert() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        bytes32[] memory path = claim.proof;
        claim.proof = new bytes32[](0);
        _refuseProof(claim);
        claim.proof = new bytes32[](path.length - 1);
        for (uint256 i; i + 1 < path.length; ++i) {
            claim.proof[i] = path[i];
        }
        _refuseProof(claim);
        claim.proof = new bytes32[](path.length + 1);
        for (uint256 i; i < path.length; ++i) {
            claim.proof[i] = path[i];
        }
        _refuseProof(claim);
        claim.proof = new bytes32[](33);
        _refuseProof(claim);
        claim.proof = path;
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_eachProofByteFlipped_reverts() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        for (uint256 i; i < claim.proof.length; ++i) {
            for (uint256 bit; bit < 256; bit += 37) {
                claim.proof[i] = bytes32(uint256(claim.proof[i]) ^ 1 << bit);
                vm.expectPartialRevert(IMarginOracle.InvalidProof.selector);
                oracle.verifyLeaf(claim.leaf, claim.proof);
                claim.proof[i] = bytes32(uint256(claim.proof[i]) ^ 1 << bit);
            }
        }
        oracle.verifyLeaf(claim.leaf, claim.proof);
    }

    function test_withdraw_singleLeafTree_passesWithEmptyProof() public {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = new MarginLeaf[](1);
        leaves[0] = _leaf(epoch, alice.account, uint128(_gridMargin() - ASK), 1e6);
        _attest(leaves);
        MarginClaim memory claim = _claim(leaves, 0);
        assertEq(claim.proof.length, 0, "root is the leaf");
        _withdraw(alice, ASK, claim);
    }

    function test_verifyLeaf_treesOfManySizes_everyLeafProves() public {
        for (uint256 n = 1; n <= 9; ++n) {
            uint64 epoch = _newEpoch();
            MarginLeaf[] memory leaves = new MarginLeaf[](n);
            for (uint256 i; i < n; ++i) {
                leaves[i] = _leaf(epoch, _account(address(uint160(i + 1)), 0), uint128(i), uint128(i));
            }
            _attest(leaves);
            for (uint256 i; i < n; ++i) {
                MarginClaim memory claim = _claim(leaves, i);
                oracle.verifyLeaf(claim.leaf, claim.proof);
            }
        }
    }

    /// @dev An internal node is the hash of 64 bytes, a leaf the double hash of seven words: no claim of this type can
    /// hash to a node, and the signed root itself is not a leaf either.
    function test_verifyLeaf_internalNodeAsLeaf_cannotBeExpressed() public {
        uint64 epoch = _newEpoch();
        MarginLeaf[] memory leaves = _three(epoch);
        _attest(leaves);
        bytes32[] memory tree = Merkle.build(_hashes(leaves));
        MarginLeaf memory forged = leaves[0];
        forged.account = tree[1];
        forged.positionsHash = tree[2];
        vm.expectPartialRevert(IMarginOracle.InvalidProof.selector);
        oracle.verifyLeaf(forged, new bytes32[](0));
        bytes32[] memory one = new bytes32[](1);
        one[0] = tree[2];
        vm.expectPartialRevert(IMarginOracle.InvalidProof.selector);
        oracle.verifyLeaf(forged, one);
    }

    /// @dev A keeper quorum that builds its tree with single hashes gets no usable leaf: domain separation is in the hash.
    function test_verifyLeaf_singleHashedLeaf_reverts() public {
        uint64 epoch = _newEpoch();
        MarginLeaf memory leaf = _leaf(epoch, alice.account, 0, 0);
        bytes32 typehash = keccak256(
            "MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,uint128 maintenanceMargin,uint8 worstScenario)"
        );
        bytes32 inner = keccak256(abi.encode(typehash, leaf));
        assertEq(keccak256(abi.encode(inner)), oracle.leafHash(leaf), "double hash");
        _submit(_attestation(epoch, inner, 1));
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.InvalidProof.selector, oracle.leafHash(leaf), inner));
        oracle.verifyLeaf(leaf, new bytes32[](0));
    }

    function test_withdraw_afterPositionsChanged_reverts() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        bytes32 attested = claim.leaf.positionsHash;
        // Reducing risk needs the leaf as well, because the account stands at the grid; it buys one lot back.
        _tradeClaiming(alice, dealer, _put(BTC, FAR, _strike(BTC, 0)), 1, 500e8, claim);
        bytes32 present = oracle.positionsHash(2, clearinghouse.legsOf(alice.account));
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.LeafOfOtherPositions.selector, attested, present));
        _withdraw(alice, ASK, claim);
        // Back to the same book, the same leaf holds again (cash is not part of it: equity is computed now).
        _deposit(alice.account, 10_000e6);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 0)), 1);
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_age_twoEpochsPassOneBlockMoreReverts() public {
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() - ASK), 1e6);
        (, uint64 refBlock,,,,) = oracle.latest();
        vm.roll(uint256(refBlock) + 2 * EPOCH_BLOCKS + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginOracle.LeafTooOld.selector, refBlock, block.number, uint256(2 * EPOCH_BLOCKS))
        );
        _withdraw(alice, ASK, claim);
        vm.roll(block.number - 1);
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_incoherentLeaf_reverts() public {
        MarginClaim memory claim = _attestedClaim(alice.account, 100e6, 100e6 + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IMarginOracle.LeafIncoherent.selector, uint128(100e6), uint128(100e6 + 1))
        );
        _withdraw(alice, ASK, claim);
        claim = _attestedClaim(alice.account, 100e6, 100e6);
        _withdraw(alice, ASK, claim);
    }

    function test_withdraw_stalePrices_revertEvenWithALeaf() public {
        MarginClaim memory claim = _attestedClaim(alice.account, 0, 0);
        vm.warp(block.timestamp + 2 hours + 1);
        _postSpot(BTC, BTC_SPOT);
        vm.expectPartialRevert(IMarginOracle.StaleMarket.selector);
        _withdraw(alice, ASK, claim);
    }

    /* NEW RISK */

    /// @dev IM(leaf) + 1.3 SM(lots traded) stands for the margin of the book after the trade.
    function test_trade_basePlusTraded_isTheRequirement() public {
        uint256 attested = _gridMargin() - ASK;
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(attested), 1e6);
        uint128 id = _perpetual(BTC);
        Leg[] memory traded = new Leg[](1);
        traded[0] = Leg(id, 100);
        uint256 extra = (engine.assess(traded, 0, 0).standard * 13 + 9) / 10;
        // Bring equity to exactly base plus traded at the mark, less one unit.
        uint256 target = attested + extra;
        assertLt(_floor(), target, "floor does not bind");
        _withdraw(alice, uint256(_equity(alice.account)) - attested, claim);
        // The third leg locks three dollars more.
        _deposit(alice.account, extra + 3e6 - 1);
        uint64 mark = engine.markOf(id);
        int256 slip = 100 * int256(uint256(mark)) / 1e5;
        assertEq(slip * 1e5, 100 * int256(uint256(mark)), "no rounding in this price");
        vm.expectRevert(
            abi.encodeWithSelector(
                IClearinghouse.InsufficientMargin.selector, alice.account, int256(target) - 1, target
            )
        );
        this.tradeClaiming(id, 100, mark, claim);
        _deposit(alice.account, 1);
        this.tradeClaiming(id, 100, mark, claim);
    }

    function test_trade_leafOfTheBookAfter_reverts() public {
        // A leaf of a book that does not stand yet cannot be used to reach it.
        uint64 epoch = _newEpoch();
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        legs[0].lots -= 10;
        MarginLeaf[] memory leaves = new MarginLeaf[](1);
        leaves[0] = MarginLeaf(epoch, alice.account, oracle.positionsHash(2, legs), 0, 0, 0);
        _attest(leaves);
        MarginClaim memory claim = _claim(leaves, 0);
        uint128 id = legs[0].instrument;
        uint64 mark = engine.markOf(id);
        vm.expectPartialRevert(IMarginOracle.LeafOfOtherPositions.selector);
        this.sellClaiming(id, 10, mark, claim);
    }

    function test_trade_newLegAndClosedLeg_matchTheBaseHash() public {
        _deposit(alice.account, 100_000e6);
        _tradeAtMark(alice, dealer, _perpetual(BTC), 7);
        _withdrawToGrid();
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(_gridMargin() / 2), 1e6);
        // Closing a leg, opening one before all others and one behind all others: each from the same base.
        uint256 snapshot = vm.snapshotState();
        uint128 closing = _perpetual(BTC);
        this.sellClaiming(closing, 7, engine.markOf(closing), claim);
        assertEq(clearinghouse.legsOf(alice.account).length, 2, "closed");
        assertTrue(vm.revertToState(snapshot), "revert");
        snapshot = vm.snapshotState();
        uint128 last = _perpetual(ETH);
        this.tradeClaiming(last, 5, engine.markOf(last), claim);
        assertEq(clearinghouse.legsOf(alice.account).length, 4, "opened behind");
        assertTrue(vm.revertToState(snapshot), "revert");
        uint128 middle = _future(BTC, NEAR);
        this.tradeClaiming(middle, 5, engine.markOf(middle), claim);
        assertEq(clearinghouse.legsOf(alice.account).length, 4, "opened between");
    }

    function test_initialMargin_healthyAtStandardMargin_ignoresTheClaim() public {
        _deposit(alice.account, 1_000_000e6);
        MarginClaim memory nonsense;
        nonsense.leaf.epoch = 77;
        _withdraw(alice, ASK, nonsense);
    }

    /* HELPERS */

    function tradeClaiming(uint128 id, uint64 lots, uint64 price, MarginClaim memory claim) external {
        _tradeClaiming(alice, dealer, id, lots, price, claim);
    }

    function sellClaiming(uint128 id, uint64 lots, uint64 price, MarginClaim memory claim) external {
        _sellClaiming(alice, dealer, id, lots, price, claim);
    }

    function _withdrawToGrid() private {
        _withdraw(alice, uint256(_equity(alice.account)) - _gridMargin(), _noClaim());
    }

    function _three(uint64 epoch) private view returns (MarginLeaf[] memory leaves) {
        leaves = new MarginLeaf[](3);
        leaves[0] = _leaf(epoch, alice.account, uint128(_gridMargin() - ASK), 1e6);
        leaves[1] = _leaf(epoch, _account(address(0xb0b), 1), 2e6, 2e6);
        leaves[2] = _leaf(epoch, _account(address(0xca1), 1), 3e6, 3e6);
    }

    function _refuseProof(MarginClaim memory claim) private {
        bytes32 hash = oracle.leafHash(claim.leaf);
        (,,,, bytes32 root,) = oracle.latest();
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.InvalidProof.selector, hash, root));
        _withdraw(alice, ASK, claim);
    }

    function _gridMargin() private view returns (uint256) {
        return _health(alice.account).gridInitial;
    }

    function _floor() private view returns (uint256) {
        Leg[] memory legs = clearinghouse.legsOf(alice.account);
        return engine.floorInitialMargin(engine.assess(legs, engine.floorMask() | 1, 0));
    }
}
