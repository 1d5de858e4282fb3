// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {MarginOracle} from "../../src/MarginOracle.sol";
import {IAttestationConfig} from "../../src/interfaces/IAttestationConfig.sol";
import {IMarginOracle} from "../../src/interfaces/IMarginOracle.sol";
import {IFeedSigners} from "../../src/interfaces/IFeedSigners.sol";
import {EpochSchedule} from "../../src/libraries/EpochSchedule.sol";
import {QuorumLib} from "../../src/libraries/QuorumLib.sol";
import {SignerSets} from "../../src/libraries/SignerSets.sol";
import {MarginAttestation, Signature} from "../../src/types/Types.sol";
import {Fixture} from "../support/Fixture.sol";

/// @notice Who signs and by which model, epoch by epoch: rotation without a gap, removal, standby. Numbers are those of
/// the list of attacks on attestations.
contract MarginOracleConfigTest is Fixture {
    uint256[] private newKeys;
    uint64 private epoch;
    bytes32 private oldConfig;

    function setUp() public override {
        super.setUp();
        newKeys = _sortedKeys("next margin signer", 4);
        epoch = _newEpoch();
        oldConfig = oracle.configOf(epoch);
    }

    /* ROTATION */

    function test_scheduleSigners_digestCoversChainContractCountSignersAndThreshold() public {
        bytes32 digest = oracle.scheduleSigners(_addresses(newKeys), 3, epoch + 2);
        bytes32 expected =
            keccak256(abi.encode(block.chainid, address(oracle), uint64(2), _addresses(newKeys), uint8(3)));
        assertEq(digest, expected, "digest");
        assertEq(oracle.configOf(epoch + 1), oldConfig, "before");
        assertEq(oracle.configOf(epoch + 2), digest, "from then on");
        assertEq(uint256(oracle.thresholdOf(digest)), 3, "threshold");
    }

    /// @dev 9: the old set signs until the last epoch before the switch, and not one further.
    function test_19_rotation_inFlightAttestationOfTheOldSetStaysValid() public {
        bytes32 next = oracle.scheduleSigners(_addresses(newKeys), 3, epoch + 1);
        MarginAttestation memory inFlight = _attestation(epoch, keccak256("old"), 3);
        Signature[] memory signatures = _by(marginKeys, inFlight);
        // The switch has passed when it lands.
        uint64 later = _newEpoch();
        assertEq(uint256(later), epoch + 1, "the new set's epoch");
        uint256 snapshot = vm.snapshotState();
        oracle.submit(inFlight, signatures);
        assertStored(epoch);
        // And the new set goes on from there: no gap.
        _submitBy(newKeys, _attestation(later, keccak256("new"), 3));
        assertStored(later);
        assertTrue(vm.revertToState(snapshot), "revert");
        MarginAttestation memory old = _attestation(later, keccak256("old again"), 3);
        old.configDigest = oldConfig;
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.WrongConfig.selector, oldConfig, next));
        this.submitBy(marginKeys, old);
        old.configDigest = next;
        vm.expectPartialRevert(QuorumLib.InvalidSigner.selector);
        this.submitBy(marginKeys, old);
        inFlight.configDigest = next;
        vm.expectPartialRevert(IMarginOracle.WrongConfig.selector);
        this.submitBy(newKeys, inFlight);
    }

    function test_scheduleSigners_notAheadOrTooFar_reverts() public {
        address[] memory list = _addresses(newKeys);
        uint64[4] memory bad = [uint64(0), epoch, epoch + 100_001, type(uint64).max];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(
                abi.encodeWithSelector(EpochSchedule.EpochOutOfNotice.selector, bad[i], epoch, uint64(100_000))
            );
            oracle.scheduleSigners(list, 3, bad[i]);
        }
        oracle.scheduleSigners(list, 3, epoch + 1);
        oracle.scheduleSigners(list, 3, epoch + 100_000);
    }

    function test_scheduleSigners_twice_secondReplacesThePendingFirst() public {
        bytes32 first = oracle.scheduleSigners(_addresses(newKeys), 3, epoch + 1);
        bytes32 second = oracle.scheduleSigners(_addresses(marginKeys), 4, epoch + 2);
        uint64 later = _newEpoch();
        assertEq(oracle.configOf(later), oldConfig, "the first never came");
        MarginAttestation memory a = _attestation(later, keccak256("root"), 3);
        a.configDigest = first;
        vm.expectPartialRevert(IMarginOracle.WrongConfig.selector);
        this.submitBy(newKeys, a);
        a.configDigest = oldConfig;
        _submitBy(marginKeys, a);
        assertEq(oracle.configOf(later + 1), second, "the second did");
    }

    function test_scheduleSigners_chainOfChanges_eachInItsEpochs() public {
        bytes32 second = oracle.scheduleSigners(_addresses(newKeys), 3, epoch + 1);
        uint64 later = _newEpoch();
        bytes32 third = oracle.scheduleSigners(_addresses(marginKeys), 3, later + 1);
        _submitBy(newKeys, _attestation(later, keccak256("root"), 3));
        uint64 last = _newEpoch();
        assertEq(oracle.configOf(later), last == later + 1 ? second : bytes32(0), "second");
        assertEq(oracle.configOf(last), third, "third");
        _submit(_attestation(last, keccak256("root"), 3));
        assertStored(last);
    }

    /// @dev 16, 18.
    function test_16_18_signerSets_badOnesAndStrangersRefused() public {
        address[] memory list = _addresses(newKeys);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        vm.prank(guardian);
        oracle.scheduleSigners(list, 3, epoch + 1);
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        vm.prank(guardian);
        oracle.setStandby(list, 3);
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IAttestationConfig.NotGuardian.selector, mallory.owner));
        oracle.activateStandby();
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        vm.prank(guardian);
        oracle.scheduleModel(keccak256("model"), epoch + 1);
        uint8[4] memory bad = [0, 2, 5, 255];
        for (uint256 i; i < 4; ++i) {
            vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
            oracle.scheduleSigners(list, bad[i], epoch + 1);
        }
        address[] memory wrong = _addresses(newKeys);
        wrong[0] = address(0);
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        oracle.scheduleSigners(wrong, 3, epoch + 1);
        wrong[0] = wrong[1];
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        oracle.scheduleSigners(wrong, 3, epoch + 1);
        vm.expectRevert(QuorumLib.InvalidSignerSet.selector);
        oracle.scheduleSigners(_addresses(_sortedKeys("many", 33)), 17, epoch + 1);
        oracle.scheduleSigners(_addresses(_sortedKeys("many", 32)), 17, epoch + 1);
        oracle.scheduleSigners(list, 3, epoch + 1);
    }

    function test_signersOfFeeds_neverSignMargins() public {
        address[] memory mixed = new address[](1);
        mixed[0] = vm.addr(feedKeys[0]);
        bytes memory refused = abi.encodeWithSelector(IAttestationConfig.SignerAlsoSignsFeeds.selector, mixed[0]);
        vm.expectRevert(refused);
        oracle.scheduleSigners(mixed, 1, epoch + 1);
        vm.expectRevert(refused);
        oracle.setStandby(mixed, 1);
        // A key that the feeds took on after it was named to stand by.
        oracle.setStandby(_addresses(newKeys), 3);
        address turned = vm.addr(newKeys[2]);
        vm.mockCall(address(feeds), abi.encodeCall(IFeedSigners.isSigner, (turned)), abi.encode(true));
        vm.expectRevert(abi.encodeWithSelector(IAttestationConfig.SignerAlsoSignsFeeds.selector, turned));
        oracle.activateStandby();
        vm.clearMockedCalls();
        vm.prank(guardian);
        oracle.activateStandby();
    }

    function test_isSigner_presentNextAndStandby() public {
        uint256[] memory third = _sortedKeys("standby", 3);
        assertTrue(oracle.isSigner(vm.addr(marginKeys[0])), "present");
        assertFalse(oracle.isSigner(vm.addr(newKeys[0])), "not yet");
        oracle.scheduleSigners(_addresses(newKeys), 3, epoch + 1);
        oracle.setStandby(_addresses(third), 2);
        assertTrue(oracle.isSigner(vm.addr(newKeys[0])), "next");
        assertTrue(oracle.isSigner(vm.addr(third[0])), "standby");
        assertFalse(oracle.isSigner(mallory.owner), "nobody");
    }

    /* REMOVAL */

    /// @dev 8: the removed one's signature no longer counts, the rest of the old digest does.
    function test_08_removeSigner_othersGoOnUnderTheSameDigest() public {
        bytes32 wide = oracle.scheduleSigners(_addresses(_sortedKeys("wide", 5)), 3, epoch + 1);
        uint256[] memory wideKeys = _sortedKeys("wide", 5);
        epoch = _newEpoch();
        MarginAttestation memory a = _attestation(epoch, keccak256("root"), 3);
        uint256 snapshot = vm.snapshotState();
        // Positive control: before, the first three are a quorum.
        _submitBy(wideKeys, a);
        assertTrue(vm.revertToState(snapshot), "revert");
        address removed = vm.addr(wideKeys[0]);
        vm.prank(guardian);
        oracle.removeSigner(wide, removed);
        vm.expectRevert(abi.encodeWithSelector(QuorumLib.InvalidSigner.selector, removed, 0));
        this.submitBy(wideKeys, a);
        uint256[] memory rest = new uint256[](3);
        (rest[0], rest[1], rest[2]) = (wideKeys[1], wideKeys[2], wideKeys[4]);
        assertEq(oracle.configOf(epoch), wide, "same digest");
        assertEq(oracle.signersOf(wide).length, 4, "four are left");
        _submitBy(rest, a);
        assertStored(epoch);
        // One more than the threshold stays, whoever asks.
        address second = vm.addr(wideKeys[1]);
        vm.prank(guardian);
        vm.expectRevert(abi.encodeWithSelector(SignerSets.TooFewSignersLeft.selector, 3, 3));
        oracle.removeSigner(wide, second);
        vm.expectRevert(abi.encodeWithSelector(SignerSets.UnknownSigner.selector, wide, removed));
        oracle.removeSigner(wide, removed);
        vm.prank(mallory.owner);
        vm.expectRevert(abi.encodeWithSelector(IAttestationConfig.NotGuardian.selector, mallory.owner));
        oracle.removeSigner(wide, second);
    }

    /* STANDBY */

    function test_activateStandby_endsTheOldSetAtOnce() public {
        vm.expectRevert(IAttestationConfig.NoStandby.selector);
        oracle.activateStandby();
        bytes32 standby = oracle.setStandby(_addresses(newKeys), 3);
        _submit(_attestation(epoch, keccak256("root"), 3));
        uint64 later = _newEpoch();
        MarginAttestation memory stolen = _attestation(later, keccak256("stolen"), 3);
        Signature[] memory signatures = _by(marginKeys, stolen);
        oracle.activateStandby();
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.WrongConfig.selector, oldConfig, standby));
        oracle.submit(stolen, signatures);
        (,,,, bytes32 root,) = oracle.latest();
        assertEq(root, bytes32(0), "the stored root counts no more");
        stolen = _attestation(_newEpoch(), keccak256("honest"), 3);
        assertEq(stolen.configDigest, standby, "from the next epoch on");
        _submitBy(newKeys, stolen);
        assertStored(stolen.epoch);
        vm.expectRevert(IAttestationConfig.NoStandby.selector);
        oracle.activateStandby();
    }

    function test_activateStandby_callsAPendingRotationOff() public {
        bytes32 standby = oracle.setStandby(_addresses(newKeys), 3);
        oracle.scheduleSigners(_addresses(_sortedKeys("pending", 3)), 2, epoch + 1);
        oracle.activateStandby();
        assertEq(oracle.configOf(epoch + 1), standby, "standby");
        assertEq(oracle.configOf(epoch + 100), standby, "for good");
    }

    /* MODEL */

    /// @dev 20: a change does not judge a stored epoch anew.
    function test_20_scheduleModel_oneModelAnEpoch() public {
        bytes32 next = keccak256("the next model");
        oracle.scheduleModel(next, epoch + 1);
        assertEq(oracle.modelOf(epoch), MODEL_HASH, "before");
        assertEq(oracle.modelOf(epoch + 1), next, "after");
        MarginAttestation memory a = _attestation(epoch, keccak256("root"), 3);
        a.modelHash = next;
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.WrongModel.selector, next, MODEL_HASH));
        this.submitBy(marginKeys, a);
        uint64 later = _newEpoch();
        // In flight, under the old model, for its own epoch.
        a.modelHash = MODEL_HASH;
        _submitBy(marginKeys, a);
        assertStored(epoch);
        a = _attestation(later, keccak256("root"), 3);
        a.modelHash = MODEL_HASH;
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.WrongModel.selector, MODEL_HASH, next));
        this.submitBy(marginKeys, a);
        a.modelHash = next;
        _submitBy(marginKeys, a);
        assertStored(later);
    }

    function test_scheduleModel_calledOffByThePresentOne() public {
        oracle.scheduleModel(keccak256("mistake"), epoch + 5);
        oracle.scheduleModel(MODEL_HASH, epoch + 1);
        assertEq(oracle.modelOf(epoch + 5), MODEL_HASH, "no change");
        vm.roll(uint256(epoch + 6) * EPOCH_BLOCKS + 1);
        _submit(_attestation(epoch + 6, keccak256("root"), 3));
        vm.expectRevert(IAttestationConfig.EmptyModel.selector);
        oracle.scheduleModel(0, epoch + 9);
    }

    function test_ownership_movesInTwoSteps() public {
        oracle.transferOwnership(bob.owner);
        assertEq(oracle.owner(), address(this), "not yet");
        vm.prank(bob.owner);
        oracle.acceptOwnership();
        assertEq(oracle.owner(), bob.owner, "accepted");
    }

    function test_connectClearinghouse_onceAndByTheOwner() public {
        vm.expectRevert(abi.encodeWithSelector(IMarginOracle.AlreadyConnected.selector, address(clearinghouse)));
        oracle.connectClearinghouse(mallory.owner);
        MarginOracle fresh = new MarginOracle(_settings());
        vm.expectPartialRevert(Ownable.OwnableUnauthorizedAccount.selector);
        vm.prank(mallory.owner);
        fresh.connectClearinghouse(mallory.owner);
        fresh.connectClearinghouse(address(clearinghouse));
    }

    /* HELPERS */

    function submitBy(uint256[] memory keys, MarginAttestation memory a) external {
        _submitBy(keys, a);
    }

    function _submitBy(uint256[] memory keys, MarginAttestation memory a) private {
        oracle.submit(a, _by(keys, a));
    }

    function _by(uint256[] memory keys, MarginAttestation memory a) private view returns (Signature[] memory) {
        return _signatures(keys, 3, oracle.attestationDigest(a));
    }

    function assertStored(uint64 expected) private view {
        (uint64 stored,,,,,) = oracle.latest();
        assertEq(uint256(stored), expected, "stored epoch");
    }
}
