"""A keeper on a fake node: two margin signers, a sending key, the shipped model."""

from __future__ import annotations

from pathlib import Path

from keeper.chain.client import ChainClient
from keeper.clock import FixedClock
from keeper.jobs.context import KeeperContext, LiquidationPolicy
from keeper.quorum.signing_log import SigningLog
from keeper.tx.sender import DryRunSender, SigningSender
from keeper.tx.signers.ephemeral import EphemeralSigner
from tests.unit.chain.fake_node import ARTIFACTS, CHAIN_ID, DEPLOYMENT, T0, FakeNode
from tests.unit.chain.world import MODEL

SIGNERS = tuple(EphemeralSigner(f"margin {index}", CHAIN_ID) for index in (1, 2))
SENDER = EphemeralSigner("sender", CHAIN_ID)


def keeper_of(
    node: FakeNode, log: Path | None = None, *, dry_run: bool = False, min_profit_usd6: int = 0
) -> KeeperContext:
    client = ChainClient.connect(node.url, ARTIFACTS)
    return KeeperContext(
        client=client,
        deployment=DEPLOYMENT,
        model=MODEL,
        clock=FixedClock(T0),
        sender=DryRunSender() if dry_run else SigningSender(client, SENDER, receipt_timeout=0.5),
        signers=SIGNERS if log else (),
        signing_log=SigningLog(log) if log else None,
        liquidation=LiquidationPolicy(min_profit_usd6=min_profit_usd6),
    )
