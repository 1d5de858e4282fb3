// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginAttestation, MarginLeaf} from "../types/Types.sol";

/// @title Rules of attestation
/// @notice Who signs, which model holds and how old a block may be, by epoch. The owner is meant to be a timelock; the guardian
/// only takes away.
interface IAttestationConfig {
    /// @param guard IGuard that names the guardian
    /// @param source IBlockHashSource of this chain
    /// @param maxBlockAge blocks from refBlock within which an attestation may be posted; at least twice the lag of finality
    /// @param discountPerDay micro-dollars of discount that leaves may newly give in 24 hours
    /// @param maxDiscountPerDay what the owner can raise that to
    struct Settings {
        address owner;
        address guard;
        address engine;
        address source;
        address[] signers;
        uint8 threshold;
        uint64 epochBlocks;
        uint64 maxBlockAge;
        uint128 discountPerDay;
        uint128 maxDiscountPerDay;
    }

    event SignersScheduled(bytes32 indexed configDigest, uint64 fromEpoch, address[] signers, uint8 threshold);
    event SignerRemoved(bytes32 indexed configDigest, address signer);
    event StandbySet(bytes32 indexed configDigest, address[] signers, uint8 threshold);
    event StandbyActivated(bytes32 indexed configDigest, uint64 fromEpoch);
    event ModelScheduled(bytes32 indexed modelHash, uint64 fromEpoch);

    error InvalidEpochBlocks(uint64 epochBlocks, uint64 maxBlockAge, uint64 reach);
    error SignerAlsoSignsFeeds(address signer);
    error EmptyModel();
    error NoStandby();
    error NotGuardian(address caller);

    /// @notice Owner: puts another signer set in force from a later epoch on. Until then the old one signs, and what it signed
    /// for its epochs stays valid after.
    function scheduleSigners(address[] calldata signers, uint8 threshold, uint64 fromEpoch)
        external
        returns (bytes32 configDigest);

    /// @notice Owner: names the set that stands by.
    function setStandby(address[] calldata signers, uint8 threshold) external returns (bytes32 configDigest);

    /// @notice Guardian or owner: ends the present set at once, root and all, and lets the standby sign from the next epoch on.
    function activateStandby() external;

    /// @notice Guardian or owner: from now on that key's signature no longer counts in that set. One more than the threshold stay.
    function removeSigner(bytes32 configDigest, address signer) external;

    /// @notice Owner: puts another model in force from a later epoch on; the present model calls the change off.
    function scheduleModel(bytes32 modelHash, uint64 fromEpoch) external;

    /// @notice Digest of the signer set that signs an epoch, of the present one or later. Read at the epoch's refBlock it is final.
    function configOf(uint64 epoch) external view returns (bytes32 configDigest);

    /// @notice Hash of the one model of an epoch, of the present one or later.
    function modelOf(uint64 epoch) external view returns (bytes32 modelHash);

    /// @notice Signers of a set whose signatures count, ascending.
    function signersOf(bytes32 configDigest) external view returns (address[] memory);

    function thresholdOf(bytes32 configDigest) external view returns (uint8);

    /// @notice Whether a key may sign now, later or as standby.
    function isSigner(address who) external view returns (bool);

    function standby() external view returns (bytes32 configDigest);

    function guard() external view returns (address);

    /// @notice Where block numbers and hashes come from.
    function source() external view returns (address);

    function epochBlocks() external view returns (uint64);

    function maxBlockAge() external view returns (uint64);

    /// @notice The epoch of the present block, as the source counts.
    function currentEpoch() external view returns (uint64);

    /// @notice EIP-712 digest that margin signers sign.
    function attestationDigest(MarginAttestation calldata attestation) external view returns (bytes32);

    function leafHash(MarginLeaf calldata leaf) external pure returns (bytes32);
}
