"""Attestations as the chain recorded them: the `Attested` events of a MarginOracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keeper.attestation.typed_data import MarginAttestation
from keeper.chain.abi import EventLog, decode_call
from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment


@dataclass(frozen=True, slots=True)
class AttestedEvent:
    """One accepted attestation; `block` and `transaction` say where it was posted."""

    attestation: MarginAttestation
    digest: bytes
    block: int
    transaction: bytes


@dataclass(frozen=True, slots=True)
class LatestAttestation:
    """What the oracle stores of the newest epoch; all zero before the first."""

    epoch: int
    ref_block: int
    ref_time: int
    leaf_count: int
    margin_root: bytes
    digest: bytes


def read_attested(
    client: ChainClient, deployment: Deployment, from_block: int, to_block: int
) -> list[AttestedEvent]:
    """Every accepted attestation in the closed block range, oldest first."""
    logs = client.events(deployment.margin_oracle, "Attested", from_block, to_block)
    return [_event(log) for log in logs]


def latest_attestation(
    client: ChainClient, deployment: Deployment, at: BlockRef
) -> LatestAttestation:
    """The newest attestation as of a block."""
    return LatestAttestation(*client.call(deployment.margin_oracle, "latest", at=at))


def attestation_words(attestation: MarginAttestation) -> tuple[Any, ...]:
    """The fields in the order of the contract's struct, as a call's argument."""
    return (
        attestation.config_digest,
        attestation.epoch,
        attestation.ref_block,
        attestation.ref_time,
        attestation.leaf_count,
        attestation.ref_block_hash,
        attestation.model_hash,
        attestation.margin_root,
        attestation.bundle_hash,
    )


def posted_signatures(
    client: ChainClient, deployment: Deployment, event: AttestedEvent
) -> list[tuple[bytes, bytes]] | None:
    """The signatures `(r, vs)` that an attestation was posted with.

    None when it did not come in a plain call of `submit`, so that they are not in plain sight.
    """
    oracle = deployment.margin_oracle
    to, data = client.transaction(event.transaction)
    if to != oracle.address:
        return None
    args = decode_call(client.artifacts.abi(oracle.name), "submit", data)
    if args is None:
        return None
    return [(signature["r"], signature["vs"]) for signature in args[1]]


def _event(log: EventLog) -> AttestedEvent:
    raw = log.args["attestation"]
    attestation = MarginAttestation(
        config_digest=raw["configDigest"],
        epoch=raw["epoch"],
        ref_block=raw["refBlock"],
        ref_time=raw["refTime"],
        leaf_count=raw["leafCount"],
        ref_block_hash=raw["refBlockHash"],
        model_hash=raw["modelHash"],
        margin_root=raw["marginRoot"],
        bundle_hash=raw["bundleHash"],
    )
    return AttestedEvent(attestation, log.args["digest"], log.block, log.transaction)
