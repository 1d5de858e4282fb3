"""What the snapshot alone decides of an attestation: leaves, root, bundle hash, header.

Keepers, auditors and `keeper digest` take it from here; only the chain's part (config digest, block
hash) is added by who has a chain.
"""

from __future__ import annotations

from dataclasses import dataclass

from keeper.attestation.leaves import MarginLeaves
from keeper.attestation.merkle import MerkleTree
from keeper.attestation.typed_data import MarginAttestation
from keeper.margin.portfolio import MarginBook
from keeper.state.body import bundle_hash
from keeper.state.snapshot import Head


@dataclass(frozen=True, slots=True, eq=False)
class Commitment:
    """One epoch, committed to. `bundle_hash` is the keccak of the canonical body."""

    head: Head
    leaves: MarginLeaves
    tree: MerkleTree
    bundle_hash: bytes

    def attestation(self, config_digest: bytes, ref_block_hash: bytes) -> MarginAttestation:
        """Return the message that is signed, given the chain's two hashes (32 bytes each)."""
        return MarginAttestation(
            config_digest=config_digest,
            epoch=self.head.epoch,
            ref_block=self.head.ref_block,
            ref_time=self.head.ref_time,
            leaf_count=len(self.leaves),
            ref_block_hash=ref_block_hash,
            model_hash=self.head.model_hash,
            margin_root=self.tree.root,
            bundle_hash=self.bundle_hash,
        )


def commit(head: Head, body: bytes, book: MarginBook) -> Commitment:
    """Return the commitment to a snapshot's body and the margins computed from it.

    Raises InputError where nobody holds a position: such an epoch has no root and is not attested.
    """
    leaves = MarginLeaves.of_book(head.epoch, book)
    return Commitment(head, leaves, MerkleTree.build(leaves.hashes()), bundle_hash(body))
