"""An auditor's rebuild of an epoch from the chain alone, compared with the attestation to the byte.

State at the reference block by archive calls, margins, leaves, root, header and digest; and who
signed, from the transaction that posted it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from keeper.attestation.commitment import commit
from keeper.attestation.epoch import ref_block
from keeper.attestation.signature import CompactSignature
from keeper.attestation.typed_data import MarginAttestation, oracle_domain
from keeper.audit.history import attested_events, require_whole_history
from keeper.chain.attestations import AttestedEvent, Submission, posted_submission
from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.chain.lens import read_snapshot
from keeper.errors import InputError, MarketDataError
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import Model
from keeper.quorum.recovery import recover
from keeper.state.body import encode


@dataclass(frozen=True, slots=True)
class EpochVerdict:
    """What a replay found. `ok` means no problem: root, body, header and signatures all agree.

    Without `signatures_seen` it was posted through another contract: the oracle has checked the
    quorum, but who signed is not in plain sight.
    """

    epoch: int
    ref_block: int
    ok: bool
    attested_root: bytes
    rebuilt_root: bytes
    attested_bundle: bytes
    rebuilt_bundle: bytes
    leaves: int
    signers: tuple[str, ...]
    problems: tuple[str, ...]
    signatures_seen: bool = True


@dataclass(frozen=True, slots=True)
class _Rebuilt:
    """What the attestation should have been; `problem` where it cannot be computed."""

    attestation: MarginAttestation | None
    problem: str = ""


def replay_all(
    client: ChainClient, deployment: Deployment, model: Model, upto: BlockRef
) -> Iterator[EpochVerdict]:
    """Replay every attestation posted up to a block, oldest first, one at a time.

    Raises as `require_whole_history` and `attested_events` do where that is not all of them.
    """
    events = attested_events(client, deployment, upto)
    require_whole_history(client, deployment)
    for event in events:
        yield replay_epoch(client, deployment, model, event)


def replay_epoch(
    client: ChainClient, deployment: Deployment, model: Model, event: AttestedEvent
) -> EpochVerdict:
    """Rebuild one epoch and compare. A problem is part of the verdict, never an exception.

    Raises ChainUnavailable when the node cannot serve the reference block (it must be an archive),
    ConfigError when the model file is not the one that the contracts compute with.
    """
    attested = event.attestation
    at = client.block(attested.ref_block)
    rebuilt = _rebuild(client, deployment, model, attested.epoch, at)
    submission, posting_problems = _submission(client, deployment, event)
    signers, signing_problems = _signers(client, deployment, event, submission)
    problems = [
        *_event_problems(deployment, event),
        *_header_problems(client, deployment, attested, at),
        *([rebuilt.problem] if rebuilt.problem else []),
        *_differences(attested, rebuilt.attestation),
        *_digest_problems(deployment, event),
        *posting_problems,
        *signing_problems,
    ]
    return EpochVerdict(
        epoch=attested.epoch,
        ref_block=attested.ref_block,
        ok=not problems,
        attested_root=attested.margin_root,
        rebuilt_root=rebuilt.attestation.margin_root if rebuilt.attestation else b"",
        attested_bundle=attested.bundle_hash,
        rebuilt_bundle=rebuilt.attestation.bundle_hash if rebuilt.attestation else b"",
        leaves=rebuilt.attestation.leaf_count if rebuilt.attestation else 0,
        signers=signers,
        problems=tuple(problems),
        signatures_seen=submission is not None,
    )


def _rebuild(
    client: ChainClient, deployment: Deployment, model: Model, epoch: int, at: BlockRef
) -> _Rebuilt:
    """Compute the attestation anew; what the state itself forbids is a problem of the epoch."""
    try:
        snapshot = read_snapshot(client, deployment, model, at, epoch=epoch)
        book = margin_book(snapshot, model)
        commitment = commit(snapshot.head, encode(snapshot), book)
    except (InputError, MarketDataError) as error:
        return _Rebuilt(None, f"cannot be rebuilt: {error}")
    config_digest = client.call(deployment.margin_oracle, "configOf", (epoch,), at=at)
    return _Rebuilt(commitment.attestation(config_digest, at.hash))


def _event_problems(deployment: Deployment, event: AttestedEvent) -> list[str]:
    """What the log says of itself, against the struct in its data and the deployment."""
    attested, oracle = event.attestation, deployment.margin_oracle.address
    problems: list[str] = []
    if event.removed:
        problems.append("event: the node marks it as removed by a reorganisation")
    if event.emitter != oracle:
        problems.append(f"event: emitted by {event.emitter}, the oracle is {oracle}")
    if event.indexed_epoch != attested.epoch:
        problems.append(f"event: topic epoch {event.indexed_epoch}, data {attested.epoch}")
    if event.indexed_root != attested.margin_root:
        problems.append(
            f"event: topic margin_root {_shown(event.indexed_root)}, "
            f"data {_shown(attested.margin_root)}"
        )
    return problems


def _header_problems(
    client: ChainClient, deployment: Deployment, attested: MarginAttestation, at: BlockRef
) -> list[str]:
    blocks: int = client.call(deployment.margin_oracle, "epochBlocks", at=at)
    expected = ref_block(attested.epoch, blocks)
    if attested.ref_block == expected:
        return []
    return [f"ref_block: attested {attested.ref_block}, the epoch's is {expected}"]


def _differences(attested: MarginAttestation, rebuilt: MarginAttestation | None) -> list[str]:
    """Every field that differs, with both values."""
    if rebuilt is None:
        return []
    return [
        f"{field.name}: attested {_shown(theirs)}, rebuilt {_shown(ours)}"
        for field in fields(MarginAttestation)
        if (theirs := getattr(attested, field.name)) != (ours := getattr(rebuilt, field.name))
    ]


def _digest_problems(deployment: Deployment, event: AttestedEvent) -> list[str]:
    domain = oracle_domain(deployment.chain_id, deployment.margin_oracle.address)
    if (digest := event.attestation.digest(domain)) == event.digest:
        return []
    return [f"digest: emitted {_shown(event.digest)}, of the fields {_shown(digest)}"]


def _submission(
    client: ChainClient, deployment: Deployment, event: AttestedEvent
) -> tuple[Submission | None, list[str]]:
    """The call that posted it, and what that said otherwise than the event."""
    try:
        submission = posted_submission(client, deployment, event)
    except InputError as error:
        return None, [f"transaction: {error}"]
    if submission is None:
        return None, []
    return submission, [
        f"transaction: {field.name} submitted {_shown(sent)}, emitted {_shown(emitted)}"
        for field in fields(MarginAttestation)
        if (sent := getattr(submission.attestation, field.name))
        != (emitted := getattr(event.attestation, field.name))
    ]


def _signers(
    client: ChainClient,
    deployment: Deployment,
    event: AttestedEvent,
    submission: Submission | None,
) -> tuple[tuple[str, ...], list[str]]:
    """Who signed; empty without a problem where the signatures are not seen."""
    if submission is None:
        return (), []
    at = client.block(event.block)
    config, oracle = event.attestation.config_digest, deployment.margin_oracle
    registered: list[str] = client.call(oracle, "signersOf", (config,), at=at)
    threshold: int = client.call(oracle, "thresholdOf", (config,), at=at)
    known = {signer.lower() for signer in registered}
    signers: list[str] = []
    problems: list[str] = []
    for r, vs in submission.signatures:
        try:
            signers.append(recover(event.digest, CompactSignature(r, vs)))
        except InputError as error:
            problems.append(f"signature: {error}")
    problems += [f"signer: {who} is not registered" for who in signers if who.lower() not in known]
    if len(set(signers)) < threshold:
        problems.append(f"signers: {len(set(signers))}, the threshold is {threshold}")
    return tuple(signers), problems


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
