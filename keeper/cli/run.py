"""`keeper run`: the jobs of one keeper, on timers or once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from keeper.chain.attestations import latest_attestation
from keeper.cli.compose import open_context, open_source
from keeper.cli.config import Settings, load_settings
from keeper.cli.options import AsJson, ConfigFile, plain, write_json
from keeper.errors import ConfigError
from keeper.jobs.attest import attest_latest
from keeper.jobs.context import KeeperContext
from keeper.jobs.liquidate import LiquidationRound, liquidate
from keeper.jobs.schedule import Job, run_forever, run_once
from keeper.jobs.settle import Settlements, settle
from keeper.telemetry.logging import configure_logging
from keeper.tx.sender import TxOutcome

JOBS: dict[str, Callable[[KeeperContext], object]] = {
    "attest": attest_latest,
    "liquidate": liquidate,
    "settle": settle,
}


def command(
    config: ConfigFile = None,
    once: Annotated[bool, typer.Option("--once", help="Run each job once and exit.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Unlock no key; log what would be sent.")
    ] = False,
    jobs: Annotated[
        str, typer.Option("--jobs", help="Comma-separated: attest, liquidate, settle.")
    ] = "attest,liquidate,settle",
    as_json: AsJson = False,
) -> None:
    """Attest margins, liquidate and settle, until SIGTERM or Ctrl-C.

    Without a `[sender]` in the configuration it is a dry run: nothing is sent.

    Examples:

        keeper run --config keeper.toml --dry-run --once

        keeper run --config keeper.toml --jobs attest
    """
    names = _names(jobs)
    settings = load_settings(config, {})
    names = [name for name in names if name != "liquidate" or settings.liquidation.enabled]
    if not names:
        raise ConfigError("liquidation.enabled is false, and no other job is asked for")
    configure_logging(settings.log_level)
    ctx = open_context(settings, open_source(settings), dry_run=dry_run)
    try:
        chosen = [_job(name, ctx, settings, as_json) for name in names]
        run_once(chosen) if once else run_forever(chosen)
    finally:
        if ctx.signing_log is not None:
            ctx.signing_log.close()


def _names(jobs: str) -> list[str]:
    names = [name.strip() for name in jobs.split(",") if name.strip()]
    unknown = sorted(set(names) - JOBS.keys())
    if unknown or not names:
        raise typer.BadParameter(f"{', '.join(unknown) or 'nothing'}: choose of {', '.join(JOBS)}")
    return [name for name in JOBS if name in names]


def _job(name: str, ctx: KeeperContext, settings: Settings, as_json: bool) -> Job:
    def turn() -> None:
        result = JOBS[name](ctx)
        if as_json:
            write_json({"job": name, **summarise(result, ctx)})

    return Job(name, turn, getattr(settings.intervals, name))


def summarise(result: object, ctx: KeeperContext) -> dict[str, Any]:
    """What a job did, as data; of an attestation that was posted, its epoch and root as well."""
    if isinstance(result, LiquidationRound):
        return {
            "block": result.at.number,
            "breaches": plain(result.breaches),
            "actions": [
                {"kind": type(action.intent).__name__.lower(), **plain(action)}
                for action in result.actions
            ],
            "skips": plain(result.plan.skips),
        }
    if isinstance(result, Settlements):
        return plain(result)
    if isinstance(result, TxOutcome):
        posted = latest_attestation(ctx.client, ctx.deployment, ctx.client.block(result.block))
        return {
            "transaction": plain(result),
            "epoch": posted.epoch,
            "root": plain(posted.margin_root),
        }
    return {"transaction": None, "epoch": None, "root": None}
