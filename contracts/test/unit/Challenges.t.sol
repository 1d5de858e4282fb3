// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IClearinghouse} from "../../src/interfaces/IClearinghouse.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {IChallenges} from "../../src/interfaces/IChallenges.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {MarginAttestation, MarginClaim, MarginLeaf, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";
import {Merkle} from "../support/Merkle.sol";

/// @notice R16: what proves a quorum guilty, what does not, and that the only effect is "discount off".
contract ChallengesTest is Fixture {
    uint64 private epoch;

    function setUp() public override {
        super.setUp();
        epoch = _newEpoch();
    }

    /* EQUIVOCATION */

    function test_R16_equivocation_stopsTheDiscount() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        (Signature[] memory first, Signature[] memory second) = (_by(marginKeys, 3, a), _by(marginKeys, 3, b));
        vm.expectEmit(address(oracle));
        emit IChallenges.DiscountStopped(mallory.owner, a.configDigest, epoch);
        vm.prank(mallory.owner); // anybody
        oracle.proveEquivocation(a, first, b, second);
        assertTrue(oracle.discountStopped(), "stopped");
    }

    function test_R16_equivocation_oneDifferingFieldIsEnough() public {
        for (uint256 field; field < 5; ++field) {
            (MarginAttestation memory a, MarginAttestation memory b) = _two();
            b.marginRoot = a.marginRoot;
            if (field == 0) b.refTime -= 1;
            if (field == 1) b.leafCount += 1;
            if (field == 2) b.bundleHash = keccak256("other inputs");
            if (field == 3) b.marginRoot = keccak256("other root");
            if (field == 4) b.modelHash = keccak256("other model");
            _equivocate(a, b);
            assertTrue(oracle.discountStopped(), "stopped");
            oracle.restoreDiscount();
        }
    }

    /// @dev (ii) only the last root is stored, but the evidence is the signatures.
    function test_R16_evidenceOfAnEpoch_worksThreeEpochsLater() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        _submit(a);
        for (uint256 i; i < 3; ++i) {
            _submit(_attestation(_newEpoch(), keccak256("later"), 3));
        }
        vm.roll(block.number + 5_000);
        _equivocate(a, b);
        assertTrue(oracle.discountStopped(), "stopped");
    }

    function test_R16_58_otherBranchOfTheChain_isNoGuilt() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        b.refBlockHash = keccak256("reorged");
        vm.expectRevert(IChallenges.NoEquivocation.selector);
        this.equivocate(a, b);
        b.refBlockHash = a.refBlockHash;
        this.equivocate(a, b);
    }

    function test_R16_otherEpochOrTheSameMessage_isNoGuilt() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        vm.expectRevert(IChallenges.NoEquivocation.selector);
        this.equivocate(a, a);
        b.epoch += 1;
        vm.expectRevert(IChallenges.NoEquivocation.selector);
        this.equivocate(a, b);
    }

    /// @dev (iii) keys of an old set leak years later.
    function test_R16_keysOfAnOldSet_proveNothing() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        bytes32 present = oracle.scheduleSigners(_addresses(_sortedKeys("next", 4)), 3, epoch + 1);
        uint256 snapshot = vm.snapshotState();
        _equivocate(a, b); // still in force
        assertTrue(vm.revertToState(snapshot), "revert");
        _newEpoch();
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NotThePresentConfig.selector, a.configDigest, present));
        this.equivocate(a, b);
    }

    function test_R16_fewerThanTheThresholdOrOutsiders_proveNothing() public {
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        Signature[] memory good = _by(marginKeys, 3, a);
        Signature[] memory few = _by(marginKeys, 2, b);
        vm.expectPartialRevert(QuorumLib.NotEnoughSignatures.selector);
        oracle.proveEquivocation(a, good, b, few);
        Signature[] memory outsiders = _by(feedKeys, 3, b);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.proveEquivocation(a, good, b, outsiders);
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        oracle.proveEquivocation(a, good, b, good);
        this.equivocate(a, b);
    }

    /* DUPLICATE LEAF */

    function test_R16_39_twoLeavesOfOneAccount_stopTheDiscount() public {
        (MarginAttestation memory a, MarginLeaf[] memory leaves) = _tree(true);
        vm.expectEmit(address(oracle));
        emit IChallenges.DiscountStopped(address(this), a.configDigest, epoch);
        this.duplicate(a, leaves, 0, 2);
        assertTrue(oracle.discountStopped(), "stopped");
    }

    function test_R16_leavesOfTwoAccountsOrOneLeafTwice_areNoGuilt() public {
        (MarginAttestation memory a, MarginLeaf[] memory leaves) = _tree(true);
        vm.expectRevert(IChallenges.NoDuplicateLeaf.selector);
        this.duplicate(a, leaves, 0, 1);
        vm.expectRevert(IChallenges.NoDuplicateLeaf.selector);
        this.duplicate(a, leaves, 0, 0);
        this.duplicate(a, leaves, 2, 0);
    }

    function test_R16_leafThatIsNotInTheTree_isNoGuilt() public {
        (MarginAttestation memory a, MarginLeaf[] memory leaves) = _tree(true);
        MarginLeaf[] memory forged = new MarginLeaf[](3);
        (forged[0], forged[1], forged[2]) = (leaves[0], leaves[1], _leaf(epoch, alice.account, 7, 7));
        vm.expectPartialRevert(IChallenges.InvalidProof.selector);
        this.duplicate(a, forged, 0, 2);
        this.duplicate(a, leaves, 0, 2);
    }

    /* THE EFFECT */

    /// @dev Discount off: the grid decides with and without a leaf, nobody can be flagged for it, and restoring is the owner's.
    function test_R16_59_stopped_gridDecidesAndFlagsAreTheSame() public {
        _deposit(alice.account, 100_000e6);
        _deposit(dealer.account, 10_000_000e6);
        _tradeAtMark(dealer, alice, _call(BTC, FAR, _strike(BTC, 4)), 1_000);
        _tradeAtMark(dealer, alice, _put(BTC, FAR, _strike(BTC, 0)), 1_000);
        uint256 grid = _health(alice.account).gridInitial;
        _withdraw(alice, uint256(_equity(alice.account)) - grid - 1e6, _noClaim());
        MarginClaim memory claim = _attestedClaim(alice.account, uint128(grid - 10e6), 1e6);
        _withdraw(alice, 0.5e6, claim);
        (MarginAttestation memory a, MarginAttestation memory b) = _two();
        _equivocate(a, b);
        // As without a leaf: down to the grid and no further.
        _withdraw(alice, 0.5e6, claim);
        vm.expectRevert(
            abi.encodeWithSelector(IClearinghouse.InsufficientMargin.selector, alice.account, int256(grid) - 1, grid)
        );
        _withdraw(alice, 1, claim);
        for (uint8 s; s < 48; ++s) {
            vm.expectPartialRevert(bytes4(keccak256("Healthy(bytes32,int256,uint256)")));
            auction.flag(alice.account, s);
        }
        vm.prank(mallory.owner);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        oracle.restoreDiscount();
        vm.prank(guardian);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        oracle.restoreDiscount();
        oracle.restoreDiscount();
        _withdraw(alice, 1, claim);
        // Attestations go on meanwhile, so nothing has to be caught up with.
        _submit(_attestation(_newEpoch(), keccak256("root"), 3));
    }

    function test_stopDiscount_guardianOrOwner() public {
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IAttestationConfig.NotGuardian.selector, mallory.owner));
        oracle.stopDiscount();
        vm.prank(guardian);
        oracle.stopDiscount();
        vm.expectRevert(IChallenges.DiscountAlreadyStopped.selector);
        oracle.stopDiscount();
        oracle.restoreDiscount();
        oracle.stopDiscount();
    }

    /* BYTES */

    /// @dev 56: an honest epoch, one honest signed attestation and every leaf of its tree, with any byte changed.
    /// forge-config: default.fuzz.runs = 512
    function testFuzz_R16_56_honestEpochMutated_neverStops(uint256 where, uint8 flip) public {
        if (flip == 0) flip = 1;
        (MarginAttestation memory a, MarginLeaf[] memory leaves) = _tree(false);
        bytes32[] memory hashes = _hashes(leaves);
        Signature[] memory s = _by(marginKeys, 3, a);
        bytes[3] memory calls = [
            abi.encodeCall(oracle.proveEquivocation, (a, s, a, s)),
            abi.encodeCall(
                oracle.proveDuplicateLeaf,
                (a, s, leaves[0], Merkle.proof(hashes, hashes[0]), leaves[1], Merkle.proof(hashes, hashes[1]))
            ),
            abi.encodeCall(
                oracle.proveDuplicateLeaf,
                (a, s, leaves[0], Merkle.proof(hashes, hashes[0]), leaves[0], Merkle.proof(hashes, hashes[0]))
            )
        ];
        for (uint256 i; i < 3; ++i) {
            bytes memory data = calls[i];
            // The first word of each argument too, so offsets and lengths are hit; not the selector.
            uint256 index = 4 + where % (data.length - 4);
            data[index] = bytes1(uint8(data[index]) ^ flip);
            (bool ok,) = address(oracle).call(data);
            assertFalse(ok, "refused");
            assertFalse(oracle.discountStopped(), "not stopped");
        }
    }

    /* HELPERS */

    function equivocate(MarginAttestation memory a, MarginAttestation memory b) external {
        _equivocate(a, b);
    }

    function _equivocate(MarginAttestation memory a, MarginAttestation memory b) private {
        (Signature[] memory first, Signature[] memory second) = (_by(marginKeys, 3, a), _by(marginKeys, 3, b));
        oracle.proveEquivocation(a, first, b, second);
    }

    function duplicate(MarginAttestation memory a, MarginLeaf[] memory leaves, uint256 i, uint256 j) external {
        bytes32[] memory hashes = _hashes(leaves);
        (bytes32[] memory first, bytes32[] memory second) =
            (Merkle.proof(hashes, hashes[i]), Merkle.proof(hashes, hashes[j]));
        oracle.proveDuplicateLeaf(a, _by(marginKeys, 3, a), leaves[i], first, leaves[j], second);
    }

    function _two() private view returns (MarginAttestation memory a, MarginAttestation memory b) {
        (a, b) = (_attestation(epoch, keccak256("root"), 3), _attestation(epoch, keccak256("another root"), 3));
        // Whatever the present block: the evidence is of that epoch.
        a.refBlockHash = b.refBlockHash = keccak256(abi.encode(epoch));
        if (blockhash(a.refBlock) != 0) a.refBlockHash = b.refBlockHash = blockhash(a.refBlock);
    }

    /// @dev Three leaves; the third is another one of the first's account, or of a third account.
    function _tree(bool guilty) private view returns (MarginAttestation memory a, MarginLeaf[] memory leaves) {
        leaves = new MarginLeaf[](3);
        leaves[0] = _leaf(epoch, alice.account, 5e6, 4e6);
        leaves[1] = _leaf(epoch, bob.account, 5e6, 4e6);
        leaves[2] = _leaf(epoch, guilty ? alice.account : carol.account, 1e6, 1e6);
        a = _attestation(epoch, Merkle.root(_hashes(leaves)), 3);
    }

    function _by(uint256[] memory keys, uint256 count, MarginAttestation memory a)
        private
        view
        returns (Signature[] memory)
    {
        return _signatures(keys, count, oracle.attestationDigest(a));
    }
}
