// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {IMarginOracle} from "./interfaces/IMarginOracle.sol";
import {IMarketFeeds} from "./interfaces/IMarketFeeds.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {BpsLib} from "./libraries/BpsLib.sol";
import {LegsLib} from "./libraries/LegsLib.sol";
import {QuorumLib} from "./libraries/QuorumLib.sol";
import {Leg, MarginAttestation, MarginClaim, MarginLeaf, MarginRequest, Signature} from "./types/Types.sol";

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
    function initialMargin(MarginRequest calldata request, MarginClaim calldata claim)
        external
        view
        returns (int256 value, int256 exitValue, uint256 required)
    {
        // Priced in one pass: an account that presents a leaf needs the floor as well.
        uint256 mask = claim.leaf.epoch == 0 ? 0 : engine.floorMask() | _bit(claim.leaf.worstScenario);
        IRiskEngine.Assessment[] memory books = _assess(request, mask);
        Leg[] memory since;
        if (mask != 0 && _shortfall(request.cash, books) != 0) since = _requireUsable(request, claim);
        for (uint256 world; world < books.length; ++world) {
            int256 spare = _spare(request, claim.leaf, books[world], since, mask, world);
            if (world == 0 || books[world].exitValue < exitValue) exitValue = books[world].exitValue;
            if (world == 0 || spare < value - int256(required)) {
                (value, required) = (books[world].value, uint256(books[world].value - spare));
            }
        }
    }

    /// @dev Value of the book less what is required, in one world.
    function _spare(
        MarginRequest calldata request,
        MarginLeaf calldata leaf,
        IRiskEngine.Assessment memory book,
        Leg[] memory since,
        uint256 mask,
        uint256 world
    ) private view returns (int256) {
        uint256 required = book.standardInitial;
        if (request.cash + book.value < int256(required)) {
            uint256 discounted = mask != 0
                ? _attestedMargin(leaf.initialMargin, book, since, mask, world)
                : engine.gridInitialMargin(engine.assess(request.legs, engine.gridMask(), world));
            if (discounted < required) required = discounted;
        }
        return book.value - int256(required);
    }

    function _assess(MarginRequest calldata request, uint256 mask)
        private
        view
        returns (IRiskEngine.Assessment[] memory books)
    {
        books = new IRiskEngine.Assessment[](engine.worldCount(request.legs));
        for (uint256 world; world < books.length; ++world) {
            books[world] = engine.assess(request.legs, mask, world);
            if (books[world].staleInstrument != 0) revert StaleMarket(books[world].staleInstrument);
        }
    }

    /// @dev What equity lacks to the standard initial margin, most over the worlds: the discount that the account lives on.
    function _shortfall(int256 cash, IRiskEngine.Assessment[] memory books) private pure returns (uint256 most) {
        for (uint256 world; world < books.length; ++world) {
            int256 lacking = int256(books[world].standardInitial) - cash - books[world].value;
            if (lacking > int256(most)) most = uint256(lacking);
        }
    }

    /// @dev max(leaf + what was traded since, floor of the book), see docs/adr/0015-base-plus-since.md.
    function _attestedMargin(
        uint256 leafMargin,
        IRiskEngine.Assessment memory book,
        Leg[] memory since,
        uint256 mask,
        uint256 world
    ) private view returns (uint256) {
        uint256 floor = engine.floorInitialMargin(book);
        uint256 attested = leafMargin + (since.length == 0 ? 0 : _isolatedMargin(since, mask, world));
        return attested > floor ? attested : floor;
    }

    /// @dev Initial margin of lots on their own. Standard margin dominates their loss while the scan range is below the margin
    /// rates; beyond, the scenarios of the floor do. One micro-dollar a lot stands for the rounding, as in a leaf.
    function _isolatedMargin(Leg[] memory legs, uint256 mask, uint256 world) private view returns (uint256) {
        IRiskEngine.Assessment memory lone = engine.assess(legs, mask, world);
        uint256 loss = lone.worstLoss + lone.addOns;
        uint256 base = lone.standard > loss ? lone.standard : loss;
        return BpsLib.shareUp(base, engine.factors().initialBps) + _initialAddOns(legs, world) + LegsLib.size(legs);
    }

    /// @dev Add-ons that initial margin alone has; the engine has none yet.
    function _initialAddOns(Leg[] memory, uint256) private pure returns (uint256) {
        return 0;
    }

    /// @dev Reverts unless the claim is of this account, this epoch and this account's recent past.
    function _requireUsable(MarginRequest calldata request, MarginClaim calldata claim)
        private
        view
        returns (Leg[] memory)
    {
        MarginLeaf calldata leaf = claim.leaf;
        if (leaf.account != request.account) revert LeafOfOtherAccount(leaf.account, request.account);
        bytes32 positions = _positionsHash(request.mode, claim.base);
        if (leaf.positionsHash != positions) revert LeafOfOtherPositions(leaf.positionsHash, positions);
        if (leaf.initialMargin < leaf.maintenanceMargin) {
            revert LeafIncoherent(leaf.initialMargin, leaf.maintenanceMargin);
        }
        uint256 maxAge = LEAF_LIFE_EPOCHS * epochBlocks;
        if (block.number - _refBlock > maxAge) revert LeafTooOld(_refBlock, block.number, maxAge);
        if (request.voidSince >= _refTime) revert LeafVoid(_refTime, request.voidSince);
        uint128 expired = LegsLib.expired(claim.base);
        // The present book needs no look: an expired leg in it is a stale market.
        if (expired != 0) revert LeafOverExpiry(expired);
        verifyLeaf(leaf, claim.proof);
        return LegsLib.since(request.legs, claim.base);
    }

    /// @dev A sentinel names scenario 255, which is none; its margin is capped at standard margin anyway.
    function _bit(uint8 scenario) private view returns (uint256) {
        return (uint256(1) << scenario) & engine.gridMask();
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
