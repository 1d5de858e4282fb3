"""`keeper verify`: rebuild attested epochs from the chain and compare them to the byte."""

from __future__ import annotations

from typing import Annotated

import typer

from keeper.audit.replay import EpochVerdict, replay_epoch
from keeper.chain.attestations import AttestedEvent, read_attested
from keeper.cli.compose import Source, open_source
from keeper.cli.config import load_settings
from keeper.cli.options import AsJson, ConfigFile, DeploymentFile, RpcUrl, write_json
from keeper.errors import InputError, VerificationMismatch
from keeper.telemetry.logging import configure_logging


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

    Needs a node with the state of the epoch's reference block, and no key. Exit code 3 when
    anything differs.

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
    for event in _chosen(source, epoch, every):
        verdict = replay_epoch(source.client, source.deployment, source.model, event)
        verdicts.append(verdict)
        write_json(verdict) if as_json else typer.echo(_line(verdict))
    failed = [verdict for verdict in verdicts if not verdict.ok]
    if failed:
        what = "; ".join(f"epoch {item.epoch}: {', '.join(item.problems)}" for item in failed)
        raise VerificationMismatch(what)


def _chosen(source: Source, epoch: int | None, every: bool) -> list[AttestedEvent]:
    head = source.client.head()
    events = read_attested(source.client, source.deployment, source.deployment.block, head.number)
    if every:
        return events
    wanted = epoch if epoch is not None else max((e.attestation.epoch for e in events), default=0)
    chosen = [event for event in events if event.attestation.epoch == wanted]
    if not chosen:
        raise InputError(
            f"epoch {wanted} was not attested between blocks {source.deployment.block} and "
            f"{head.number}"
            if events
            else "no epoch has been attested yet"
        )
    return chosen


def _line(verdict: EpochVerdict) -> str:
    state = "equal" if verdict.ok else "DIFFERS"
    return (
        f"epoch {verdict.epoch:>6}  block {verdict.ref_block:>9}  {state}  "
        f"root 0x{verdict.attested_root.hex()}  leaves {verdict.leaves}  "
        f"signers {len(verdict.signers)}"
    )
