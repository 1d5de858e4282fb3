// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IMarginOracle} from "./interfaces/IMarginOracle.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {BpsLib} from "./libraries/BpsLib.sol";
import {QuorumLib} from "./libraries/QuorumLib.sol";
import {Leg, MarginAttestation, MarginClaim, MarginLeaf, Signature} from "./types/Types.sol";

/// @title Margin oracle
/// @notice See {IMarginOracle}, which documents every entry point, event and error.
contract MarginOracle is IMarginOracle, EIP712 {
    uint256 internal constant MAX_BLOCK_AGE = 128;
    uint256 internal constant LEAF_LIFE_EPOCHS = 2;
    uint64 internal constant CONFIG_COUNT = 1;

    bytes32 internal constant ATTESTATION_TYPEHASH = keccak256(
        "MarginAttestation(bytes32 configDigest,uint64 epoch,uint64 refBlock,uint64 refTime,uint32 leafCount,bytes32 refBlockHash,bytes32 modelHash,bytes32 marginRoot,bytes32 bundleHash)"
    );
    bytes32 internal constant LEAF_TYPEHASH = keccak256(
        "MarginLeaf(uint64 epoch,bytes32 account,bytes32 positionsHash,uint128 initialMargin,uint128 maintenanceMargin,uint8 worstScenario)"
    );

    IRiskEngine public immutable engine;
    /// @inheritdoc IMarginOracle
    bytes32 public immutable configDigest;
    /// @inheritdoc IMarginOracle
    bytes32 public immutable modelHash;
    /// @inheritdoc IMarginOracle
    uint64 public immutable epochBlocks;
    /// @inheritdoc IMarginOracle
    uint8 public immutable threshold;

    mapping(address who => bool) private _isSigner;
    address[] private _signers;

    uint64 private _epoch;
    uint64 private _refBlock;
    uint64 private _refTime;
    uint32 private _leafCount;
    bytes32 private _marginRoot;
    bytes32 private _digest;

    constructor(address engine_, address feeds, address[] memory signers_, uint8 threshold_, uint64 epochBlocks_)
        EIP712("MarginOracle", "1")
    {
        if (epochBlocks_ == 0 || epochBlocks_ * LEAF_LIFE_EPOCHS > MAX_BLOCK_AGE) {
            revert WrongRefBlock(epochBlocks_, uint64(MAX_BLOCK_AGE / LEAF_LIFE_EPOCHS));
        }
        if (feeds != IRiskEngine(engine_).feeds()) revert DifferentFeeds(feeds, IRiskEngine(engine_).feeds());
        QuorumLib.register(_isSigner, signers_, threshold_);
        for (uint256 i; i < signers_.length; ++i) {
            // Whoever signs margins must not move marks as well.
            if (IMarketFeeds(feeds).isSigner(signers_[i])) revert SignerAlsoSignsFeeds(signers_[i]);
        }
        engine = IRiskEngine(engine_);
        modelHash = IRiskEngine(engine_).modelHash();
        _signers = signers_;
        threshold = threshold_;
        epochBlocks = epochBlocks_;
        configDigest = keccak256(abi.encode(block.chainid, address(this), CONFIG_COUNT, signers_, threshold_));
    }

    /* ATTESTATION */

    /// @inheritdoc IMarginOracle
    function submit(MarginAttestation calldata attestation, Signature[] calldata signatures) external {
        bytes32 digest = attestationDigest(attestation);
        // Whoever front-runs a submission must not make the second one fail.
        if (digest == _digest) return;
        _requireCurrent(attestation);
        QuorumLib.verify(_isSigner, threshold, digest, signatures);
        _epoch = attestation.epoch;
        _refBlock = attestation.refBlock;
        _refTime = attestation.refTime;
        _leafCount = attestation.leafCount;
        _marginRoot = attestation.marginRoot;
        _digest = digest;
        emit Attested(attestation.epoch, attestation.marginRoot, digest, attestation);
    }

    function _requireCurrent(MarginAttestation calldata a) private view {
        if (a.configDigest != configDigest) revert WrongConfig(a.configDigest, configDigest);
        if (a.modelHash != modelHash) revert WrongModel(a.modelHash, modelHash);
        if (a.marginRoot == 0 || a.bundleHash == 0 || a.leafCount == 0) revert EmptyRoot();
        if (a.epoch <= _epoch) revert EpochNotAhead(a.epoch, _epoch);
        // In 256 bits, so that an epoch near 2^64 cannot wrap around to a valid block.
        if (uint256(a.refBlock) != uint256(a.epoch) * epochBlocks) {
            revert WrongRefBlock(a.refBlock, uint64(uint256(a.epoch) * epochBlocks));
        }
        if (a.refBlock >= block.number) revert RefBlockNotInPast(a.refBlock, block.number);
        if (block.number - a.refBlock > MAX_BLOCK_AGE) {
            revert RefBlockTooOld(a.refBlock, block.number, MAX_BLOCK_AGE);
        }
        bytes32 actual = blockhash(a.refBlock);
        if (actual == 0 || actual != a.refBlockHash) revert WrongBlockHash(a.refBlock, a.refBlockHash, actual);
        if (a.refTime == 0 || a.refTime > block.timestamp) revert WrongRefTime(a.refTime, block.timestamp);
    }

    /* INITIAL MARGIN */

    /// @inheritdoc IMarginOracle
    function initialMargin(
        bytes32 account,
        uint8 mode,
        int256 cash,
        Leg[] calldata legs,
        Leg calldata traded,
        MarginClaim calldata claim
    ) external view returns (int256, int256, uint256) {
        IRiskEngine.Assessment memory plain = engine.assess(legs, 0, 0);
        if (plain.staleInstrument != 0) revert StaleMarket(plain.staleInstrument);
        uint256 standard = plain.standardInitial;
        // Standard margin is the cap either way, so scenarios are priced only for accounts that need the discount.
        if (cash + plain.value >= int256(standard)) return (plain.value, plain.exitValue, standard);
        uint256 required = claim.leaf.epoch != 0
            ? _attestedMargin(account, mode, legs, traded, claim)
            : engine.gridInitialMargin(engine.assess(legs, engine.gridMask(), 0), engine.initialAddOns(legs, 0));
        return (plain.value, plain.exitValue, required < standard ? required : standard);
    }

    /// @dev max(leaf + initial factor on the standard margin of what was traded since, floor). Sound because worst loss is
    /// subadditive and standard margin dominates it leg by leg.
    function _attestedMargin(
        bytes32 account,
        uint8 mode,
        Leg[] calldata legs,
        Leg calldata traded,
        MarginClaim calldata claim
    ) private view returns (uint256) {
        MarginLeaf calldata leaf = claim.leaf;
        _requireUsable(account, _positionsHash(mode, _without(legs, traded)), leaf);
        verifyLeaf(leaf, claim.proof);
        uint256 mask = engine.floorMask() | _bit(leaf.worstScenario);
        uint256 floor = engine.floorInitialMargin(engine.assess(legs, mask, 0));
        uint256 attested = leaf.initialMargin;
        if (traded.lots != 0) {
            attested += BpsLib.shareUp(engine.assess(_single(traded), 0, 0).standard, engine.factors().initialBps);
        }
        return attested > floor ? attested : floor;
    }

    function _requireUsable(bytes32 account, bytes32 positions, MarginLeaf calldata leaf) private view {
        if (leaf.account != account) revert LeafOfOtherAccount(leaf.account, account);
        if (leaf.positionsHash != positions) revert LeafOfOtherPositions(leaf.positionsHash, positions);
        if (leaf.initialMargin < leaf.maintenanceMargin) {
            revert LeafIncoherent(leaf.initialMargin, leaf.maintenanceMargin);
        }
        uint256 maxAge = LEAF_LIFE_EPOCHS * epochBlocks;
        if (block.number - _refBlock > maxAge) revert LeafTooOld(_refBlock, block.number, maxAge);
    }

    /// @dev A sentinel names scenario 255, which is none; its margin is capped at standard margin anyway.
    function _bit(uint8 scenario) private view returns (uint256) {
        return (uint256(1) << scenario) & engine.gridMask();
    }

    function _single(Leg calldata leg) private pure returns (Leg[] memory legs) {
        legs = new Leg[](1);
        legs[0] = leg;
    }

    /// @dev The book before `traded` was added: sorted, without zero lots.
    function _without(Leg[] calldata legs, Leg calldata traded) private pure returns (Leg[] memory base) {
        if (traded.lots == 0) return legs;
        base = new Leg[](legs.length + 1);
        uint256 n;
        bool done;
        for (uint256 i; i < legs.length; ++i) {
            Leg calldata leg = legs[i];
            if (!done && leg.instrument >= traded.instrument) {
                done = true;
                bool same = leg.instrument == traded.instrument;
                int64 before = same ? leg.lots - traded.lots : -traded.lots;
                if (before != 0) base[n++] = Leg(traded.instrument, before);
                if (same) continue;
            }
            base[n++] = leg;
        }
        if (!done) base[n++] = Leg(traded.instrument, -traded.lots);
        // Shortens the array in place: only its length word changes, and only downwards.
        assembly ("memory-safe") {
            mstore(base, n)
        }
    }

    /* VIEWS */

    /// @inheritdoc IMarginOracle
    function verifyLeaf(MarginLeaf calldata leaf, bytes32[] calldata proof) public view {
        if (leaf.epoch != _epoch) revert LeafFromOtherEpoch(leaf.epoch, _epoch);
        bytes32 hash = leafHash(leaf);
        if (!MerkleProof.verifyCalldata(proof, _marginRoot, hash)) revert InvalidProof(hash, _marginRoot);
    }

    /// @inheritdoc IMarginOracle
    function latest() external view returns (uint64, uint64, uint64, uint32, bytes32, bytes32) {
        return (_epoch, _refBlock, _refTime, _leafCount, _marginRoot, _digest);
    }

    /// @inheritdoc IMarginOracle
    function attestationDigest(MarginAttestation calldata attestation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(ATTESTATION_TYPEHASH, attestation)));
    }

    /// @inheritdoc IMarginOracle
    function leafHash(MarginLeaf calldata leaf) public pure returns (bytes32) {
        return keccak256(abi.encode(keccak256(abi.encode(LEAF_TYPEHASH, leaf))));
    }

    /// @inheritdoc IMarginOracle
    function positionsHash(uint8 mode, Leg[] calldata legs) external pure returns (bytes32) {
        return _positionsHash(mode, legs);
    }

    /// @inheritdoc IMarginOracle
    function isSigner(address who) external view returns (bool) {
        return _isSigner[who];
    }

    /// @inheritdoc IMarginOracle
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    function _positionsHash(uint8 mode, Leg[] memory legs) private pure returns (bytes32) {
        return keccak256(abi.encode(mode, legs));
    }
}
