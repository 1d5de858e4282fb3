"""All that a job may touch; the command line, the demo and tests each build one."""

from __future__ import annotations

from dataclasses import dataclass, field

from keeper.chain.client import ChainClient
from keeper.chain.deployment import Deployment
from keeper.clock import Clock
from keeper.margin.scenarios import Model
from keeper.quorum.signing_log import SigningLog
from keeper.tx.sender import DryRunSender, TransactionSender
from keeper.tx.signers.base import Signer


@dataclass(frozen=True, slots=True)
class LiquidationPolicy:
    """When to bid. `min_profit_usd6` is micro-dollars after margin, before gas."""

    enabled: bool = True
    min_profit_usd6: int = 0


@dataclass(frozen=True, slots=True)
class KeeperContext:
    """One keeper. Without signers it attests nothing; without a signing sender it sends nothing."""

    client: ChainClient
    deployment: Deployment
    model: Model
    clock: Clock
    sender: TransactionSender = field(default_factory=DryRunSender)
    signers: tuple[Signer, ...] = ()
    signing_log: SigningLog | None = None
    liquidation: LiquidationPolicy = field(default_factory=LiquidationPolicy)
