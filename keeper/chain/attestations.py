"""Attestations as the chain recorded them: the `Attested` events of a MarginOracle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from eth_abi.exceptions import DecodingError
from eth_typing import HexStr
from eth_utils.address import to_checksum_address
from web3.types import FilterParams, LogReceipt

from keeper.attestation.typed_data import MarginAttestation
from keeper.chain.abi import Decoded, decode_call, decode_event, event_topic
from keeper.chain.client import LOG_RANGE, BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.errors import InputError


@dataclass(frozen=True, slots=True)
class AttestedEvent:
    """One accepted attestation; `block` and `transaction` say where it was posted.

    As the node tells it, which is for the audit to judge: `indexed_epoch` and `indexed_root` are
    its topics, `emitter` and `removed` what the log says of itself.
    """

    attestation: MarginAttestation
    digest: bytes
    block: int
    transaction: bytes
    indexed_epoch: int
    indexed_root: bytes
    emitter: str
    removed: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """The arguments of a call of `submit`; signatures are `(r, vs)`."""

    attestation: MarginAttestation
    signatures: tuple[tuple[bytes, bytes], ...]


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
    found: list[AttestedEvent] = []
    for first in range(from_block, to_block + 1, LOG_RANGE):
        found += _events(client, deployment, first, min(first + LOG_RANGE - 1, to_block))
    return found


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


def posted_submission(
    client: ChainClient, deployment: Deployment, event: AttestedEvent
) -> Submission | None:
    """What the transaction of an attestation called `submit` with.

    None when it did not come in a plain call of `submit`, so that the signatures are not in plain
    sight. Raises InputError when the arguments cannot be read.
    """
    oracle = deployment.margin_oracle
    to, data = client.transaction(event.transaction)
    if to != oracle.address:
        return None
    try:
        args = decode_call(client.artifacts.abi(oracle.name), "submit", data)
    except DecodingError as error:
        raise InputError(f"arguments of submit: {error}") from error
    if args is None:
        return None
    words, signatures = args
    return Submission(_attestation(words), tuple((each["r"], each["vs"]) for each in signatures))


def _events(
    client: ChainClient, deployment: Deployment, first: int, last: int
) -> list[AttestedEvent]:
    """One query. Not `client.events`, which drops what a log says of its emitter and removal."""
    oracle = deployment.margin_oracle
    abi = client.artifacts.abi(oracle.name)
    query: FilterParams = {
        "address": oracle.address,
        "topics": [HexStr("0x" + event_topic(abi, "Attested").hex())],
        "fromBlock": cast("Any", first),
        "toBlock": cast("Any", last),
    }
    logs = client.guard(lambda: client.web3.eth.get_logs(query))
    return [_event(abi, log) for log in logs]


def _event(abi: list[dict[str, Any]], log: LogReceipt) -> AttestedEvent:
    args = decode_event(abi, "Attested", list(map(bytes, log["topics"])), bytes(log["data"]))
    return AttestedEvent(
        attestation=_attestation(args["attestation"]),
        digest=args["digest"],
        block=log["blockNumber"],
        transaction=bytes(log["transactionHash"]),
        indexed_epoch=args["epoch"],
        indexed_root=args["marginRoot"],
        emitter=to_checksum_address(log["address"]),
        removed=bool(log.get("removed", False)),
    )


def _attestation(raw: Decoded) -> MarginAttestation:
    """The contract's struct."""
    return MarginAttestation(
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
