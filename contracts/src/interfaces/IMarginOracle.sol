// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Leg, MarginAttestation, MarginClaim, MarginLeaf, Signature} from "../types/Types.sol";

/// @title Margin oracle
/// @notice Keeps the last attestation of a k-of-n quorum and answers one question: which initial margin applies to new
/// risk and withdrawals. Nothing here is read when an account is flagged: no signature can liquidate anybody.
interface IMarginOracle {
    event Attested(uint64 indexed epoch, bytes32 indexed marginRoot, bytes32 digest, MarginAttestation attestation);

    error WrongConfig(bytes32 given, bytes32 expected);
    error WrongModel(bytes32 given, bytes32 expected);
    error EmptyRoot();
    error EpochNotAhead(uint64 epoch, uint64 stored);
    error WrongRefBlock(uint64 refBlock, uint64 expected);
    error RefBlockNotInPast(uint64 refBlock, uint256 blockNumber);
    error RefBlockTooOld(uint64 refBlock, uint256 blockNumber, uint256 maxAge);
    error WrongBlockHash(uint64 refBlock, bytes32 given, bytes32 actual);
    error WrongRefTime(uint64 refTime, uint256 blockTime);
    error SignerAlsoSignsFeeds(address signer);
    error DifferentFeeds(address given, address ofEngine);
    error LeafFromOtherEpoch(uint64 epoch, uint64 current);
    error LeafOfOtherAccount(bytes32 leafAccount, bytes32 account);
    error LeafOfOtherPositions(bytes32 leafHash, bytes32 positionsHash);
    error LeafIncoherent(uint128 initialMargin, uint128 maintenanceMargin);
    error LeafTooOld(uint64 refBlock, uint256 blockNumber, uint256 maxAge);
    error InvalidProof(bytes32 leaf, bytes32 root);
    error StaleMarket(uint128 instrument);

    /// @notice Stores an attestation. Anybody may submit; the same digest again is a no-op.
    function submit(MarginAttestation calldata attestation, Signature[] calldata signatures) external;

    /// @notice The margin that equity must reach for new risk or a withdrawal.
    /// @param legs the book after the change
    /// @param traded net lots traded since the leaf's book; zero lots for a withdrawal
    /// @return value marked value of the legs
    /// @return exitValue value that may leave as cash
    /// @return required min(SM_im, max(leaf, floor)) with a claim, min(SM_im, grid) without; SM_im where equity reaches it
    function initialMargin(
        bytes32 account,
        uint8 mode,
        int256 cash,
        Leg[] calldata legs,
        Leg calldata traded,
        MarginClaim calldata claim
    ) external view returns (int256 value, int256 exitValue, uint256 required);

    /// @notice Reverts unless the leaf is of the current epoch's root.
    function verifyLeaf(MarginLeaf calldata leaf, bytes32[] calldata proof) external view;

    function latest()
        external
        view
        returns (uint64 epoch, uint64 refBlock, uint64 refTime, uint32 leafCount, bytes32 marginRoot, bytes32 digest);

    function attestationDigest(MarginAttestation calldata attestation) external view returns (bytes32);

    function leafHash(MarginLeaf calldata leaf) external pure returns (bytes32);

    function positionsHash(uint8 mode, Leg[] calldata legs) external pure returns (bytes32);

    function configDigest() external view returns (bytes32);

    function modelHash() external view returns (bytes32);

    function epochBlocks() external view returns (uint64);

    function isSigner(address who) external view returns (bool);

    function signers() external view returns (address[] memory);

    function threshold() external view returns (uint8);
}
