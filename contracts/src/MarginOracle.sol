// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttestationConfig} from "./AttestationConfig.sol";
import {Challenges} from "./Challenges.sol";
import {IMarginOracle} from "./interfaces/IMarginOracle.sol";
import {IRiskEngine} from "./interfaces/IRiskEngine.sol";
import {BpsLib} from "./libraries/BpsLib.sol";
import {DiscountBudget} from "./libraries/DiscountBudget.sol";
import {LegsLib} from "./libraries/LegsLib.sol";
import {Leg, MarginAttestation, MarginClaim, MarginLeaf, MarginRequest, Signature} from "./types/Types.sol";

/// @title Margin oracle
/// @notice See {IMarginOracle}, which documents every entry point, event and error.
contract MarginOracle is IMarginOracle, Challenges {
    using DiscountBudget for DiscountBudget.Budget;

    IRiskEngine public immutable engine;
    /// @inheritdoc IMarginOracle
    uint128 public immutable maxDiscountPerDay;

    /// @inheritdoc IMarginOracle
    address public clearinghouse;

    Latest private _latest;
    DiscountBudget.Budget private _budget;

    /// @dev The last attestation.
    struct Latest {
        uint64 epoch;
        uint64 refTime;
        uint32 leafCount;
        bytes32 marginRoot;
        bytes32 digest;
    }

    constructor(Settings memory settings) AttestationConfig(settings) {
        engine = IRiskEngine(settings.engine);
        maxDiscountPerDay = settings.maxDiscountPerDay;
        _setDiscountPerDay(settings.discountPerDay);
    }

    /* OWNER */

    /// @inheritdoc IMarginOracle
    function connectClearinghouse(address clearinghouse_) external onlyOwner {
        if (clearinghouse != address(0)) revert AlreadyConnected(clearinghouse);
        clearinghouse = clearinghouse_;
        emit ClearinghouseConnected(clearinghouse_);
    }

    /// @inheritdoc IMarginOracle
    function setDiscountPerDay(uint128 amount) external onlyOwner {
        _setDiscountPerDay(amount);
    }

    function _setDiscountPerDay(uint128 amount) private {
        if (amount > maxDiscountPerDay) revert DiscountAboveMaximum(amount, maxDiscountPerDay);
        emit DiscountPerDayChanged(_budget.perDay, amount);
        _budget.resize(amount);
    }

    /* ATTESTATION */

    /// @inheritdoc IMarginOracle
    function submit(MarginAttestation calldata attestation, Signature[] calldata signatures) external {
        bytes32 digest = attestationDigest(attestation);
        // Whoever front-runs a submission must not make the second one fail.
        if (digest == _latest.digest) return;
        uint8 threshold = _requireCurrent(attestation);
        _verify(attestation.configDigest, threshold, digest, signatures);
        _latest = Latest(attestation.epoch, attestation.refTime, attestation.leafCount, attestation.marginRoot, digest);
        emit Attested(attestation.epoch, attestation.marginRoot, digest, attestation);
    }

    function _requireCurrent(MarginAttestation calldata a) private view returns (uint8 threshold) {
        bool isIn;
        (isIn, threshold) = _quorumOf(a.epoch, a.configDigest);
        if (!isIn) revert WrongConfig(a.configDigest, configOf(a.epoch));
        if (!_isModelOf(a.epoch, a.modelHash)) revert WrongModel(a.modelHash, modelOf(a.epoch));
        if (a.marginRoot == 0 || a.bundleHash == 0 || a.leafCount == 0) revert EmptyRoot();
        if (a.epoch <= _latest.epoch) revert EpochNotAhead(a.epoch, _latest.epoch);
        // In 256 bits, so that an epoch near 2^64 cannot wrap around to a valid block.
        if (uint256(a.refBlock) != uint256(a.epoch) * epochBlocks) {
            revert WrongRefBlock(a.refBlock, uint64(uint256(a.epoch) * epochBlocks));
        }
        uint256 number = _source.number();
        if (a.refBlock >= number) revert RefBlockNotInPast(a.refBlock, number);
        if (number - a.refBlock > maxBlockAge) revert RefBlockTooOld(a.refBlock, number, maxBlockAge);
        bytes32 actual = _source.hashOf(a.refBlock);
        if (actual == 0 || actual != a.refBlockHash) revert WrongBlockHash(a.refBlock, a.refBlockHash, actual);
        if (a.refTime == 0 || a.refTime > block.timestamp) revert WrongRefTime(a.refTime, block.timestamp);
    }

    /// @dev No leaf has a proof against a root of zero.
    function _dropRoot() internal override returns (uint64) {
        _latest.marginRoot = 0;
        return _latest.epoch;
    }

    /* INITIAL MARGIN */

    /// @inheritdoc IMarginOracle
    function useInitialMargin(MarginRequest calldata request, MarginClaim calldata claim)
        external
        returns (Permission memory permission)
    {
        if (msg.sender != clearinghouse) revert NotClearinghouse(msg.sender);
        // Priced in one pass: an account that presents a leaf needs the floor as well.
        uint256 mask =
            claim.leaf.epoch == 0 || discountStopped ? 0 : engine.floorMask() | _bit(claim.leaf.worstScenario);
        IRiskEngine.Assessment[] memory books = engine.assessInAllWorlds(request.legs, mask);
        permission.staleInstrument = _staleIn(books);
        if (permission.staleInstrument != 0) return permission;
        Leg[] memory since;
        uint256 discount = _shortfall(request.cash, books);
        bool needsLeaf = mask != 0 && discount != 0;
        if (needsLeaf) since = _requireUsable(request, claim);
        permission = _tightest(request, claim.leaf, books, since, mask);
        // A leaf that is not enough gives nothing and costs nothing, neither the account nor the budget.
        if (!needsLeaf || request.cash + permission.value < int256(permission.required)) return permission;
        // Out of budget the grid decides, as if there were no leaf.
        if (!_budget.take(request.account, discount, request.voidSince)) {
            return _tightest(request, claim.leaf, books, since, 0);
        }
        permission.byLeaf = true;
    }

    /// @param mask of the leaf's scenarios, 0 where no leaf counts
    function _tightest(
        MarginRequest calldata request,
        MarginLeaf calldata leaf,
        IRiskEngine.Assessment[] memory books,
        Leg[] memory since,
        uint256 mask
    ) private view returns (Permission memory permission) {
        for (uint256 world; world < books.length; ++world) {
            (int256 value, int256 exitValue) = (books[world].value, books[world].exitValue);
            int256 spare = _spare(request, leaf, books[world], since, mask, world);
            if (world == 0 || exitValue < permission.exitValue) permission.exitValue = exitValue;
            if (world == 0 || spare < permission.value - int256(permission.required)) {
                (permission.value, permission.required) = (value, uint256(value - spare));
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
                : engine.gridInitialMargin(
                    engine.assess(request.legs, engine.gridMask(), world), engine.initialAddOns(request.legs, world)
                );
            if (discounted < required) required = discounted;
        }
        return book.value - int256(required);
    }

    function _staleIn(IRiskEngine.Assessment[] memory books) private pure returns (uint128 instrument) {
        for (uint256 world; world < books.length && instrument == 0; ++world) {
            instrument = books[world].staleInstrument;
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
        return
            BpsLib.shareUp(base, engine.factors().initialBps) + engine.initialAddOns(legs, world) + LegsLib.size(legs);
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
        uint256 number = _source.number();
        if (number - _refBlock() > maxAge) revert LeafTooOld(_refBlock(), number, maxAge);
        if (request.voidSince >= _latest.refTime) revert LeafVoid(_latest.refTime, request.voidSince);
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
        if (leaf.epoch != _latest.epoch) revert LeafFromOtherEpoch(leaf.epoch, _latest.epoch);
        _requireInTree(leaf, proof, _latest.marginRoot);
    }

    /// @inheritdoc IMarginOracle
    function latest() external view returns (uint64, uint64, uint64, uint32, bytes32, bytes32) {
        return (_latest.epoch, _refBlock(), _latest.refTime, _latest.leafCount, _latest.marginRoot, _latest.digest);
    }

    /// @inheritdoc IMarginOracle
    function discountBudget() external view returns (uint128 perDay, uint256 level) {
        return (_budget.perDay, _budget.level());
    }

    /// @inheritdoc IMarginOracle
    function discountPeak(bytes32 account) external view returns (uint256) {
        DiscountBudget.Peak memory peak = _budget.recent(account, 0);
        return peak.today > peak.yesterday ? peak.today : peak.yesterday;
    }

    /// @inheritdoc IMarginOracle
    function positionsHash(uint8 mode, Leg[] calldata legs) external pure returns (bytes32) {
        return _positionsHash(mode, legs);
    }

    function _refBlock() private view returns (uint64) {
        return _latest.epoch * epochBlocks;
    }

    function _positionsHash(uint8 mode, Leg[] memory legs) private pure returns (bytes32) {
        return keccak256(abi.encode(mode, legs));
    }
}
