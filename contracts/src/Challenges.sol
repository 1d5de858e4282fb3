// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {AttestationConfig} from "./AttestationConfig.sol";
import {IChallenges} from "./interfaces/IChallenges.sol";
import {MarginAttestation, MarginLeaf, Signature} from "./types/Types.sol";

/// @title Challenges
/// @notice See {IChallenges}, which documents every entry point, event and error.
abstract contract Challenges is IChallenges, AttestationConfig {
    /// @inheritdoc IChallenges
    bool public discountStopped;

    /// @inheritdoc IChallenges
    function proveEquivocation(
        MarginAttestation calldata a,
        Signature[] calldata signaturesA,
        MarginAttestation calldata b,
        Signature[] calldata signaturesB
    ) external {
        bytes32 digestA = _requireSigned(a, signaturesA);
        bytes32 digestB = _requireSigned(b, signaturesB);
        // Another refBlockHash is another branch of the chain: to sign both is what an honest signer does after a reorg.
        if (digestA == digestB || a.epoch != b.epoch || a.refBlockHash != b.refBlockHash) revert NoEquivocation();
        _stop(a.configDigest, a.epoch);
    }

    /// @inheritdoc IChallenges
    function proveDuplicateLeaf(
        MarginAttestation calldata attestation,
        Signature[] calldata signatures,
        MarginLeaf calldata a,
        bytes32[] calldata proofA,
        MarginLeaf calldata b,
        bytes32[] calldata proofB
    ) external {
        _requireSigned(attestation, signatures);
        bytes32 hashA = _requireInTree(a, proofA, attestation.marginRoot);
        bytes32 hashB = _requireInTree(b, proofB, attestation.marginRoot);
        if (a.account != b.account || hashA == hashB) revert NoDuplicateLeaf();
        _stop(attestation.configDigest, attestation.epoch);
    }

    /// @inheritdoc IChallenges
    function stopDiscount() external onlyGuardian {
        _stop(0, 0);
    }

    /// @inheritdoc IChallenges
    function restoreDiscount() external onlyOwner {
        discountStopped = false;
        emit DiscountRestored();
    }

    function _stop(bytes32 configDigest, uint64 epoch) private {
        if (discountStopped) revert DiscountAlreadyStopped();
        discountStopped = true;
        emit DiscountStopped(msg.sender, configDigest, epoch);
    }

    /// @dev The keys of an old set may leak years later, so only the present set can be proven guilty.
    function _requireSigned(MarginAttestation calldata a, Signature[] calldata signatures)
        private
        view
        returns (bytes32 digest)
    {
        bytes32 present = configOf(currentEpoch());
        if (a.configDigest != present) revert NotThePresentConfig(a.configDigest, present);
        digest = attestationDigest(a);
        _verify(present, thresholdOf(present), digest, signatures);
    }

    function _requireInTree(MarginLeaf calldata leaf, bytes32[] calldata proof, bytes32 root)
        internal
        pure
        returns (bytes32 hash)
    {
        hash = leafHash(leaf);
        if (!MerkleProof.verifyCalldata(proof, root, hash)) revert InvalidProof(hash, root);
    }
}
