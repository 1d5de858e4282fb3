"""From settings to the objects that a verb works with; every check comes before any work."""

from __future__ import annotations

from dataclasses import dataclass

from keeper.chain.artifacts import Artifacts
from keeper.chain.client import ChainClient
from keeper.chain.deployment import Deployment
from keeper.cli.config import Settings
from keeper.cli.model_file import load_model
from keeper.clock import SystemClock
from keeper.jobs.context import KeeperContext, LiquidationPolicy
from keeper.margin.scenarios import Model
from keeper.quorum.signing_log import SigningLog
from keeper.tx.fees import FeePolicy
from keeper.tx.sender import DryRunSender, SigningSender, TransactionSender
from keeper.tx.signers.keystore import KeystoreSigner

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Source:
    """What reading the chain takes."""

    client: ChainClient
    deployment: Deployment
    model: Model


def open_source(settings: Settings) -> Source:
    """Connect, and refuse another chain or missing contracts."""
    model = load_model(settings.model_file)
    deployment = Deployment.load(settings.deployment_file)
    client = ChainClient.connect(settings.rpc_url, Artifacts.load(), timeout=settings.rpc_timeout)
    client.check(deployment, client.head())
    return Source(client, deployment, model)


def open_context(settings: Settings, source: Source, *, dry_run: bool) -> KeeperContext:
    """A keeper that may act, or in a dry run one that holds no key at all."""
    policy = LiquidationPolicy(
        enabled=settings.liquidation.enabled,
        min_profit_usd6=settings.liquidation.min_profit_usd6,
    )
    if dry_run:
        return KeeperContext(
            client=source.client,
            deployment=source.deployment,
            model=source.model,
            clock=SystemClock(),
            liquidation=policy,
        )
    signers = tuple(
        KeystoreSigner.load(entry.keystore, entry.password_file) for entry in settings.signers
    )
    sender = _sender(settings, source.client)
    return KeeperContext(
        client=source.client,
        deployment=source.deployment,
        model=source.model,
        clock=SystemClock(),
        sender=sender,
        signers=signers,
        # Last, because it locks a file until the context is done with.
        signing_log=SigningLog(settings.signing_log) if settings.signing_log else None,
        liquidation=policy,
    )


def _sender(settings: Settings, client: ChainClient) -> TransactionSender:
    if settings.sender is None:
        return DryRunSender()
    signer = KeystoreSigner.load(settings.sender.keystore, settings.sender.password_file)
    gwei = settings.sender.max_fee_gwei
    fees = FeePolicy(max_fee_cap=None if gwei is None else round(gwei * GWEI))
    return SigningSender(client, signer, fees=fees)
