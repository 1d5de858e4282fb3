"""Attesting an epoch: snapshot, margins, leaves, root, digest, signatures, submission.

Everything up to the digest is a function of chain state at one block, so that keepers sign the same
digest without talking to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from keeper.attestation.commitment import commit
from keeper.attestation.epoch import latest_closed_epoch, ref_block
from keeper.attestation.leaves import MarginLeaves
from keeper.attestation.merkle import MerkleTree
from keeper.attestation.typed_data import MarginAttestation, oracle_domain
from keeper.chain.attestations import attestation_words, latest_attestation
from keeper.chain.client import BlockRef
from keeper.chain.lens import read_snapshot
from keeper.errors import ConfigError, VerificationMismatch
from keeper.jobs.context import KeeperContext
from keeper.margin.one_account import account_index, account_row
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.quorum.collect import SignedAttestation, collect
from keeper.state.body import encode
from keeper.state.snapshot import Snapshot
from keeper.tx.sender import TxOutcome, TxRequest

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EpochWork:
    """One epoch, computed: all that is needed to sign it, submit it and prove leaves of it."""

    epoch: int
    at: BlockRef
    snapshot: Snapshot
    body: bytes
    bundle_hash: bytes
    margin_book: MarginBook
    leaves: MarginLeaves
    tree: MerkleTree
    attestation: MarginAttestation
    digest: bytes

    def base_of(self, account: bytes) -> list[tuple[int, int]]:
        """Return the legs (instrument id, lots) that the account's leaf speaks of."""
        row = account_row(self.snapshot, account_index(self.snapshot, account))
        return [(leg.instrument, leg.lots) for leg in row.legs]


@dataclass(frozen=True, slots=True)
class EpochMargins:
    """The part of an epoch before its leaves: what is known at its reference block."""

    epoch: int
    at: BlockRef
    snapshot: Snapshot
    margin_book: MarginBook


def measure_epoch(ctx: KeeperContext, epoch: int) -> EpochMargins:
    """Read the state at the epoch's reference block and compute every margin."""
    at = ctx.client.block(ref_block(epoch, epoch_blocks(ctx)))
    snapshot = read_snapshot(ctx.client, ctx.deployment, ctx.model, at, epoch=epoch)
    return EpochMargins(epoch, at, snapshot, margin_book(snapshot, ctx.model))


def build_epoch(ctx: KeeperContext, epoch: int) -> EpochWork:
    """Compute an epoch up to its digest.

    Raises InputError where nobody holds a position, ConfigError where the oracle expects the epoch
    under another model.
    """
    return seal_epoch(ctx, measure_epoch(ctx, epoch))


def seal_epoch(ctx: KeeperContext, margins: EpochMargins) -> EpochWork:
    """Put measured margins into leaves, a root and the digest that is signed."""
    _require_model(ctx, margins)
    body = encode(margins.snapshot)
    commitment = commit(margins.snapshot.head, body, margins.margin_book)
    oracle = ctx.deployment.margin_oracle
    attestation = commitment.attestation(
        config_digest=ctx.client.call(oracle, "configOf", (margins.epoch,), at=margins.at),
        ref_block_hash=margins.at.hash,
    )
    return EpochWork(
        epoch=margins.epoch,
        at=margins.at,
        snapshot=margins.snapshot,
        body=body,
        bundle_hash=commitment.bundle_hash,
        margin_book=margins.margin_book,
        leaves=commitment.leaves,
        tree=commitment.tree,
        attestation=attestation,
        digest=attestation.digest(oracle_domain(ctx.deployment.chain_id, oracle.address)),
    )


def _require_model(ctx: KeeperContext, margins: EpochMargins) -> None:
    """Refuse to sign what the oracle would refuse to take: models change from epoch to epoch."""
    oracle, ours = ctx.deployment.margin_oracle, margins.snapshot.head.model_hash
    wanted: bytes = ctx.client.call(oracle, "modelOf", (margins.epoch,), at=margins.at)
    if wanted != ours:
        raise ConfigError(
            f"model_file: its hash is 0x{ours.hex()}, but the MarginOracle at {oracle.address} "
            f"takes epoch {margins.epoch} under 0x{wanted.hex()}: use that model"
        )


def sign_epoch(ctx: KeeperContext, work: EpochWork) -> list[SignedAttestation]:
    """Sign with every key of this keeper, each signature recorded in the signing log before."""
    if not ctx.signers:
        return []
    if ctx.signing_log is None:
        raise ConfigError("signing_log is missing: without one a keeper could contradict itself")
    domain = oracle_domain(ctx.deployment.chain_id, ctx.deployment.margin_oracle.address)
    signed = [ctx.signing_log.sign(work.attestation, domain, signer) for signer in ctx.signers]
    log.info("epoch_signed", epoch=work.epoch, digest=work.digest, signers=len(signed))
    return signed


def submit_epoch(
    ctx: KeeperContext, work: EpochWork, signatures: Sequence[SignedAttestation]
) -> TxOutcome | None:
    """Post the attestation unless it stands already.

    Raises QuorumNotReached when too few signatures agree, and VerificationMismatch when another
    digest stands for this epoch: then either this keeper or the quorum is wrong.
    """
    head = ctx.client.head()
    if is_attested(ctx, work, head):
        return None
    oracle = ctx.deployment.margin_oracle
    config = work.attestation.config_digest
    registered: list[str] = ctx.client.call(oracle, "signersOf", (config,), at=head)
    threshold: int = ctx.client.call(oracle, "thresholdOf", (config,), at=head)
    chosen = collect(signatures, work.digest, registered, threshold)
    words = [(signature.r, signature.vs) for signature in chosen]
    return ctx.sender.send(
        TxRequest(
            contract=oracle,
            function="submit",
            args=(attestation_words(work.attestation), words),
            reason=f"epoch {work.epoch}, {len(work.leaves)} leaves",
        )
    )


def is_attested(ctx: KeeperContext, work: EpochWork, at: BlockRef) -> bool:
    """Whether this or a newer epoch stands. Raises VerificationMismatch on another digest."""
    latest = latest_attestation(ctx.client, ctx.deployment, at)
    if latest.epoch == work.epoch and latest.digest != work.digest:
        raise VerificationMismatch(
            f"epoch {work.epoch} is attested as 0x{latest.digest.hex()}, but this keeper computes "
            f"0x{work.digest.hex()} from block {work.at.number}: compare with keeper verify "
            f"{work.epoch}, and stop trusting one of the two"
        )
    return latest.epoch >= work.epoch


def attest_latest(ctx: KeeperContext) -> TxOutcome | None:
    """Attest the newest epoch whose reference block is behind the head, unless that is done."""
    head = ctx.client.head()
    # The oracle wants the reference block to be older than the block of the submission.
    epoch = latest_closed_epoch(max(head.number - 1, 0), epoch_blocks(ctx))
    if epoch == 0 or latest_attestation(ctx.client, ctx.deployment, head).epoch >= epoch:
        log.debug("epoch_not_due", epoch=epoch, block=head.number)
        return None
    margins = measure_epoch(ctx, epoch)
    if not len(margins.margin_book):
        log.info("epoch_empty", epoch=epoch, block=margins.at.number)
        return None
    work = seal_epoch(ctx, margins)
    log.info(
        "epoch_built",
        epoch=epoch,
        block=work.at.number,
        accounts=len(work.leaves),
        sentinels=int(work.leaves.sentinel.sum()),
        root=work.tree.root,
        digest=work.digest,
    )
    if not ctx.signers:
        log.info("epoch_not_signed", epoch=epoch, why="no signer is configured")
        return None
    return submit_epoch(ctx, work, sign_epoch(ctx, work))


def epoch_blocks(ctx: KeeperContext) -> int:
    """Blocks in an epoch, as the oracle was deployed with."""
    return ctx.client.call(ctx.deployment.margin_oracle, "epochBlocks", at=ctx.client.head())
