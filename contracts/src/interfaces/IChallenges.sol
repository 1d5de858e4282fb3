// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarginAttestation, MarginLeaf, Signature} from "../types/Types.sol";

/// @title Challenges
/// @notice Two proofs that a quorum broke its word. Anybody may bring them, at any time while the guilty set is in force;
/// the only effect is that leaves count for nobody until the owner restores them. Standing positions are not touched.
interface IChallenges {
    event DiscountStopped(address indexed by, bytes32 configDigest, uint64 epoch);
    event DiscountRestored();

    error NotThePresentConfig(bytes32 given, bytes32 present);
    error NoEquivocation();
    error NoDuplicateLeaf();
    error DiscountAlreadyStopped();
    error InvalidProof(bytes32 leaf, bytes32 root);

    /// @notice Proves two signed statements about one epoch at one block.
    function proveEquivocation(
        MarginAttestation calldata a,
        Signature[] calldata signaturesA,
        MarginAttestation calldata b,
        Signature[] calldata signaturesB
    ) external;

    /// @notice Proves two leaves of one account, of other content, in one signed root.
    function proveDuplicateLeaf(
        MarginAttestation calldata attestation,
        Signature[] calldata signatures,
        MarginLeaf calldata a,
        bytes32[] calldata proofA,
        MarginLeaf calldata b,
        bytes32[] calldata proofB
    ) external;

    /// @notice Guardian or owner: stops the discount without a proof. New risk then pays the grid or standard margin.
    function stopDiscount() external;

    /// @notice Owner: leaves count again. The same proof works again while the guilty set is in force: change the set first.
    function restoreDiscount() external;

    function discountStopped() external view returns (bool);
}
