"""The whole history of attestations, or an error: a replay of less than all of it proves nothing.

A node that leaves out events, or a deployment file that starts too late, would otherwise pass.
"""

from __future__ import annotations

from itertools import pairwise

from keeper.chain.attestations import AttestedEvent, latest_attestation, read_attested
from keeper.chain.client import BlockRef, ChainClient
from keeper.chain.deployment import Deployment
from keeper.errors import ChainUnavailable, ConfigError, InputError, VerificationMismatch


def attested_events(
    client: ChainClient, deployment: Deployment, upto: BlockRef
) -> list[AttestedEvent]:
    """Every attestation posted up to a block, oldest first; the newest is the oracle's own.

    Raises InputError before the first attestation, VerificationMismatch when the node's events
    end elsewhere than the oracle's storage or are out of order, ConfigError when the deployment
    lies after the block.
    """
    if deployment.block > upto.number:
        raise ConfigError(
            f"deployment: block is {deployment.block}, but the chain ends at {upto.number}: set "
            "the block in which the contracts were deployed"
        )
    events = read_attested(client, deployment, deployment.block, upto.number)
    _require_newest(client, deployment, events, upto)
    _require_order(events)
    return events


def require_whole_history(client: ChainClient, deployment: Deployment) -> None:
    """Raise ConfigError when the oracle is older than the deployment's `block`.

    Raises ChainUnavailable when the node has no state of the block before it: then nobody can
    say that no attestation came earlier.
    """
    if deployment.block == 0:
        return
    before = deployment.block - 1
    try:
        code = client.code(deployment.margin_oracle, client.block(before))
    except ChainUnavailable as error:
        raise ChainUnavailable(
            f"no state of block {before}, so that it cannot be seen whether the deployment's "
            f"block {deployment.block} is too late: to verify all epochs takes an archive node "
            f"({error})"
        ) from None
    if code:
        raise ConfigError(
            f"deployment: block is {deployment.block}, but MarginOracle at "
            f"{deployment.margin_oracle.address} exists in block {before} already, so that "
            "attestations may be missing: set the block in which the contracts were deployed"
        )


def _require_newest(
    client: ChainClient, deployment: Deployment, events: list[AttestedEvent], upto: BlockRef
) -> None:
    latest = latest_attestation(client, deployment, upto)
    if not events and latest.epoch == 0:
        raise InputError("nothing attested yet")
    stands = f"the oracle's latest is epoch {latest.epoch}, digest 0x{latest.digest.hex()}"
    searched = f"between blocks {deployment.block} and {upto.number}"
    if not events:
        raise VerificationMismatch(f"{stands}, but the node shows no Attested event {searched}")
    newest = events[-1]
    if (newest.attestation.epoch, newest.digest) != (latest.epoch, latest.digest):
        raise VerificationMismatch(
            f"{stands}, but the newest Attested event that the node shows {searched} is epoch "
            f"{newest.attestation.epoch}, digest 0x{newest.digest.hex()}"
        )


def _require_order(events: list[AttestedEvent]) -> None:
    """Epochs only ever rise: one shown twice would be counted twice."""
    epochs = [event.attestation.epoch for event in events]
    for before, after in pairwise(epochs):
        if after <= before:
            raise VerificationMismatch(
                f"the node shows the Attested event of epoch {after} after that of epoch {before}"
            )
