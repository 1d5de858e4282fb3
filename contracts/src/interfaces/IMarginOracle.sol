// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg, MarginAttestation, MarginClaim, MarginLeaf, MarginRequest, Signature} from "../types/Types.sol";

/// @title Margin oracle
/// @notice Keeps the last attestation of a k-of-n quorum and answers one question: which initial margin applies to new
/// risk and withdrawals. Nothing here is read when an account is flagged: no signature can liquidate anybody.
interface IMarginOracle {
    /// @notice What applies to an account in the world of marks where least is left over. Micro-dollars.
    /// @param value marked value of the legs in that world
    /// @param exitValue value that may leave as cash, least over the worlds
    /// @param required initial margin
    /// @param byLeaf whether the account was let below standard margin by its leaf
    /// @param staleInstrument a leg whose market is stale, missing or expired: then the rest is zero, and nothing is permitted
    struct Permission {
        int256 value;
        int256 exitValue;
        uint256 required;
        bool byLeaf;
        uint128 staleInstrument;
    }

    event Attested(uint64 indexed epoch, bytes32 indexed marginRoot, bytes32 digest, MarginAttestation attestation);

    event ClearinghouseConnected(address clearinghouse);
    event DiscountPerDayChanged(uint128 before, uint128 present);

    error WrongConfig(bytes32 given, bytes32 expected);
    error WrongModel(bytes32 given, bytes32 expected);
    error EmptyRoot();
    error EpochNotAhead(uint64 epoch, uint64 stored);
    error WrongRefBlock(uint64 refBlock, uint64 expected);
    error RefBlockNotInPast(uint64 refBlock, uint256 blockNumber);
    error RefBlockTooOld(uint64 refBlock, uint256 blockNumber, uint256 maxAge);
    error WrongBlockHash(uint64 refBlock, bytes32 given, bytes32 actual);
    error WrongRefTime(uint64 refTime, uint256 blockTime);
    error LeafFromOtherEpoch(uint64 epoch, uint64 current);
    error LeafOfOtherAccount(bytes32 leafAccount, bytes32 account);
    error LeafOfOtherPositions(bytes32 leafHash, bytes32 positionsHash);
    error LeafIncoherent(uint128 initialMargin, uint128 maintenanceMargin);
    error LeafTooOld(uint64 refBlock, uint256 blockNumber, uint256 maxAge);
    error LeafVoid(uint64 refTime, uint40 voidSince);
    error LeafOverExpiry(uint128 instrument);
    error StaleMarket(uint128 instrument);
    error NotClearinghouse(address caller);
    error AlreadyConnected(address clearinghouse);
    error DiscountAboveMaximum(uint128 given, uint128 maximum);

    /// @notice Stores an attestation. Anybody may submit; the same digest again is a no-op.
    function submit(MarginAttestation calldata attestation, Signature[] calldata signatures) external;

    /// @notice Names the clearinghouse, once and for good.
    function connectClearinghouse(address clearinghouse) external;

    /// @notice Owner: micro-dollars of discount that leaves may newly give in 24 hours, up to the maximum of the deployment.
    function setDiscountPerDay(uint128 amount) external;

    /// @notice For the clearinghouse alone: what equity must reach for new risk or a withdrawal, in the world of marks where
    /// least is left over.
    /// @dev In each world: SM_im where equity reaches it; else min(SM_im, max(A, floor of the book)) with a claim and
    /// min(SM_im, IM_grid) without. A = leaf + initial factor * standard margin of the net lots traded since its book
    /// + their other add-ons. What equity lacks to SM_im under a leaf that is enough is charged to the discount budget; out of budget, or with the discount
    /// stopped, the grid decides. Reverts with an unusable claim; an account may always present none.
    function useInitialMargin(MarginRequest calldata request, MarginClaim calldata claim)
        external
        returns (Permission memory);

    /// @notice Reverts unless the leaf is of the current epoch's root.
    function verifyLeaf(MarginLeaf calldata leaf, bytes32[] calldata proof) external view;

    function latest()
        external
        view
        returns (uint64 epoch, uint64 refBlock, uint64 refTime, uint32 leafCount, bytes32 marginRoot, bytes32 digest);

    function positionsHash(uint8 mode, Leg[] calldata legs) external pure returns (bytes32);

    function clearinghouse() external view returns (address);

    /// @return perDay micro-dollars in 24 hours; half of it at once
    /// @return level how much of that half is taken now
    function discountBudget() external view returns (uint128 perDay, uint256 level);

    /// @notice The largest discount that an account has lived on by leaves today and yesterday, which costs it nothing more.
    function discountPeak(bytes32 account) external view returns (uint256);

    function maxDiscountPerDay() external view returns (uint128);
}
