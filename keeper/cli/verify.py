"""`keeper verify`: rebuild attested epochs from the chain and compare them to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from keeper.audit.history import attested_events, require_whole_history
from keeper.audit.replay import EpochVerdict, replay_epoch
from keeper.chain.attestations import AttestedEvent
from keeper.cli.compose import Source, open_source
from keeper.cli.config import load_settings
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, plain, write_json
from keeper.errors import InputError, VerificationMismatch
from keeper.telemetry.logging import configure_logging

UNSEEN = "signatures not seen"


def command(
    epoch: Annotated[
        int | None, typer.Argument(help="Epoch to rebuild; the newest attested by default.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Rebuild every attested epoch.")] = False,
    config: ConfigFile = None,
    rpc: RpcUrl = None,
    deployment: DeploymentFile = None,
    as_json: AsJson = False,
) -> None:
    """Rebuild an attestation from chain data alone and compare root, body, header and signers.

    Needs a node with the state of the epoch's reference block, for --all an archive node, and no
    key. Exit code 3 when anything differs, or the node leaves out what the oracle has stored. With
    --json one verdict a line; the last one carries the summary.

    Examples:

        keeper verify 812 --config keeper.toml

        keeper verify --all --rpc http://127.0.0.1:8545 --deployment config/deployments/31337.json
    """
    if every and epoch is not None:
        raise typer.BadParameter("give an epoch or --all, not both")
    settings = load_settings(config, {"rpc_url": rpc, "deployment_file": deployment})
    configure_logging(settings.log_level)
    source = open_source(settings)
    verdicts: list[EpochVerdict] = []
    events = _chosen(source, epoch, every)
    for event in events:
        verdict = replay_epoch(source.client, source.deployment, source.model, event)
        verdicts.append(verdict)
        if as_json:
            last = len(verdicts) == len(events)
            write_json(plain(verdict) | ({"summary": _summary(verdicts)} if last else {}))
        else:
            typer.echo(_line(verdict))
    if not as_json:
        typer.echo(_closing(_summary(verdicts)))
    failed = [verdict for verdict in verdicts if not verdict.ok]
    if failed:
        what = "; ".join(f"epoch {item.epoch}: {', '.join(item.problems)}" for item in failed)
        raise VerificationMismatch(what)


def _chosen(source: Source, epoch: int | None, every: bool) -> list[AttestedEvent]:
    client, deployment = source.client, source.deployment
    head = client.head()
    events = attested_events(client, deployment, head)
    if every:
        require_whole_history(client, deployment)
        return events
    if epoch is None:
        return events[-1:]
    chosen = [event for event in events if event.attestation.epoch == epoch]
    if not chosen:
        raise InputError(
            f"epoch {epoch} was not attested between blocks {deployment.block} and {head.number}"
        )
    return chosen


def _line(verdict: EpochVerdict) -> str:
    state = "equal" if verdict.ok else "DIFFERS"
    signers = f"signers {len(verdict.signers)}" if verdict.signatures_seen else UNSEEN
    return (
        f"epoch {verdict.epoch:>6}  block {verdict.ref_block:>9}  {state}  "
        f"root 0x{verdict.attested_root.hex()}  leaves {verdict.leaves}  "
        f"{signers}"
    )


def _summary(verdicts: Sequence[EpochVerdict]) -> dict[str, Any]:
    return {
        "epochs": len(verdicts),
        "equal": sum(verdict.ok for verdict in verdicts),
        "signatures_not_seen": sum(not verdict.signatures_seen for verdict in verdicts),
    }


def _closing(summary: dict[str, Any]) -> str:
    line = f"{summary['equal']} of {summary['epochs']} epochs are equal to the byte"
    unseen = summary["signatures_not_seen"]
    return f"{line}; {UNSEEN} of {unseen}" if unseen else line
