// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IAttestationConfig} from "./interfaces/IAttestationConfig.sol";
import {IBlockHashSource} from "./interfaces/IBlockHashSource.sol";
import {IFeedSigners} from "./interfaces/IFeedSigners.sol";
import {IGuard} from "./interfaces/IGuard.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {EpochSchedule} from "./libraries/EpochSchedule.sol";
import {QuorumLib} from "./libraries/QuorumLib.sol";
import {SignerSets} from "./libraries/SignerSets.sol";
import {MarginAttestation, MarginLeaf, Signature} from "./types/Types.sol";

/// @title Rules of attestation
/// @notice See {IAttestationConfig}, which documents every entry point, event and error.
abstract contract AttestationConfig is IAttestationConfig, EIP712, Ownable2Step {
    using EpochSchedule for EpochSchedule.Schedule;
    using SignerSets for SignerSets.Registry;

    uint256 internal constant LEAF_LIFE_EPOCHS = 2;

    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "MarginAttestation(bytes32 configDigest,uint64 epoch,uint64 refBlock,uint64 refTime,uint32 leafCount,bytes32 refBlockHash,bytes32 modelHash,bytes32 marginRoot,bytes32 bundleHash)"
    );
    bytes32 internal constant LEAF_TYPEHASH = keccak256(
        "MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,uint128 maintenanceMargin,uint8 worstScenario)"
    );

    IFeedSigners private immutable _feeds;
    IGuard private immutable _guard;
    IBlockHashSource internal immutable _source;
    /// @inheritdoc IAttestationConfig
    uint64 public immutable epochBlocks;
    /// @inheritdoc IAttestationConfig
    uint64 public immutable maxBlockAge;

    /// @inheritdoc IAttestationConfig
    bytes32 public standby;
    SignerSets.Registry private _sets;
    EpochSchedule.Schedule private _configs;
    EpochSchedule.Schedule private _models;

    modifier onlyGuardian() {
        if (!_guard.isGuardian(msg.sender)) revert NotGuardian(msg.sender);
        _;
    }

    constructor(Settings memory settings) EIP712("MarginOracle", "1") Ownable(settings.owner) {
        uint64 reach = IBlockHashSource(settings.source).reach();
        uint256 leafLife = settings.epochBlocks * LEAF_LIFE_EPOCHS;
        if (leafLife == 0 || leafLife > settings.maxBlockAge || settings.maxBlockAge > reach) {
            revert InvalidEpochBlocks(settings.epochBlocks, settings.maxBlockAge, reach);
        }
        IRiskEngine engine_ = IRiskEngine(settings.engine);
        _feeds = IFeedSigners(engine_.feeds());
        _guard = IGuard(settings.guard);
        _source = IBlockHashSource(settings.source);
        epochBlocks = settings.epochBlocks;
        maxBlockAge = settings.maxBlockAge;
        _configs.start(_addSet(settings.signers, settings.threshold), settings.threshold);
        _models.start(engine_.modelHash(), 0);
    }

    /* OWNER AND GUARDIAN */

    /// @inheritdoc IAttestationConfig
    function scheduleSigners(address[] calldata signers, uint8 threshold, uint64 fromEpoch)
        external
        onlyOwner
        returns (bytes32 digest)
    {
        digest = _addSet(signers, threshold);
        _configs.change(digest, threshold, fromEpoch, currentEpoch());
        emit SignersScheduled(digest, fromEpoch, signers, threshold);
    }

    /// @inheritdoc IAttestationConfig
    function setStandby(address[] calldata signers, uint8 threshold) external onlyOwner returns (bytes32 digest) {
        digest = _addSet(signers, threshold);
        standby = digest;
        emit StandbySet(digest, signers, threshold);
    }

    /// @inheritdoc IAttestationConfig
    function activateStandby() external onlyGuardian {
        bytes32 digest = standby;
        if (digest == 0) revert NoStandby();
        // Feeds may have taken on new signers since the set was named.
        _requireDisjoint(_sets.liveSigners(digest));
        standby = 0;
        uint64 epoch = currentEpoch();
        _configs.replace(digest, _sets.sets[digest].threshold, _dropRoot(), epoch);
        emit StandbyActivated(digest, epoch + 1);
    }

    /// @inheritdoc IAttestationConfig
    function removeSigner(bytes32 digest, address signer) external onlyGuardian {
        _sets.remove(digest, signer);
        emit SignerRemoved(digest, signer);
    }

    /// @inheritdoc IAttestationConfig
    function scheduleModel(bytes32 modelHash, uint64 fromEpoch) external onlyOwner {
        if (modelHash == 0) revert EmptyModel();
        _models.change(modelHash, 0, fromEpoch, currentEpoch());
        emit ModelScheduled(modelHash, fromEpoch);
    }

    function _addSet(address[] memory signers, uint8 threshold) private returns (bytes32) {
        _requireDisjoint(signers);
        return _sets.add(signers, threshold);
    }

    /// @dev Whoever signs margins must not move marks as well.
    function _requireDisjoint(address[] memory signers) private view {
        for (uint256 i; i < signers.length; ++i) {
            if (_feeds.isSigner(signers[i])) revert SignerAlsoSignsFeeds(signers[i]);
        }
    }

    /// @dev Makes the stored root worthless and returns its epoch.
    function _dropRoot() internal virtual returns (uint64);

    /* VIEWS */

    /// @inheritdoc IAttestationConfig
    function configOf(uint64 epoch) public view returns (bytes32) {
        return _configs.keyOf(epoch);
    }

    /// @inheritdoc IAttestationConfig
    function modelOf(uint64 epoch) public view returns (bytes32) {
        return _models.keyOf(epoch);
    }

    /// @inheritdoc IAttestationConfig
    function signersOf(bytes32 digest) external view returns (address[] memory) {
        return _sets.liveSigners(digest);
    }

    /// @inheritdoc IAttestationConfig
    function thresholdOf(bytes32 digest) public view returns (uint8) {
        return _sets.sets[digest].threshold;
    }

    /// @inheritdoc IAttestationConfig
    function isSigner(address who) external view returns (bool) {
        return _sets.sets[_configs.present].isLive[who] || _sets.sets[_configs.next].isLive[who]
            || _sets.sets[standby].isLive[who];
    }

    /// @inheritdoc IAttestationConfig
    function guard() external view returns (address) {
        return address(_guard);
    }

    /// @inheritdoc IAttestationConfig
    function source() external view returns (address) {
        return address(_source);
    }

    /// @inheritdoc IAttestationConfig
    function currentEpoch() public view returns (uint64) {
        return uint64(_source.number() / epochBlocks);
    }

    /// @inheritdoc IAttestationConfig
    function attestationDigest(MarginAttestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ATTESTATION_TYPEHASH, attestation)));
    }

    /// @inheritdoc IAttestationConfig
    function leafHash(MarginLeaf calldata leaf) public pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(abi.encode(LEAF_TYPEHASH, leaf))));
    }

    /* INTERNAL */

    /// @dev Whether that set signs the epoch, and how many of it have to.
    function _quorumOf(uint64 epoch, bytes32 digest) internal view returns (bool, uint8) {
        return _configs.covers(digest, epoch);
    }

    function _isModelOf(uint64 epoch, bytes32 modelHash) internal view returns (bool isIn) {
        (isIn,) = _models.covers(modelHash, epoch);
    }

    function _verify(bytes32 configDigest, uint8 threshold, bytes32 digest, Signature[] calldata signatures)
        internal
        view
    {
        QuorumLib.verify(_sets.sets[configDigest].isLive, threshold, digest, signatures);
    }
}
