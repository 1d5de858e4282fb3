"""`keeper demo`: a market that crashes, three keepers and a liquidator, on a chain of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from keeper.cli.options import AsJson, write_json
from keeper.devnet.chains import DevChain, NodeChain
from keeper.devnet.demo import run
from keeper.devnet.market import STEP_HOURS
from keeper.devnet.outputs import write_bodies, write_keeper_config
from keeper.devnet.stage import GENESIS_TIME, Stage, build_stage
from keeper.devnet.summary import document, tables
from keeper.devnet.view import QuietView, View, view_for
from keeper.errors import ConfigError, VerificationMismatch
from keeper.telemetry.logging import configure_logging

# Wide enough for a root and a table where the width of a terminal is unknown.
_PLAIN_WIDTH = 120


def command(
    rpc: Annotated[
        str | None,
        typer.Option("--rpc", help="A fresh anvil or hardhat node instead of the embedded chain."),
    ] = None,
    steps: Annotated[
        int,
        typer.Option("--steps", min=1, max=len(STEP_HOURS), help="Stop after so many steps."),
    ] = len(STEP_HOURS),
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            file_okay=False,
            help="Write the body of each epoch here; with --rpc also keystores and keeper.toml.",
        ),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="Plain lines on a terminal as well.")
    ] = False,
) -> None:
    """Run contracts, three keepers and a liquidator through a crash, then replay every epoch.

    Exit code 3 when a replay differs from what was attested, or something expected did not happen.

    Examples:

        keeper demo

        keeper demo --rpc http://127.0.0.1:8545 --out demo
    """
    if out is not None:
        _require_writable(out)
    configure_logging("error")
    console = Console(width=None if Console().is_terminal else _PLAIN_WIDTH, highlight=False)
    view: View = QuietView() if as_json else view_for(console, plain=plain)
    with _directory(out if rpc else None) as directory, _stage(rpc, directory) as stage:
        with view:
            record = run(stage, STEP_HOURS[:steps], view)
        if out is not None:
            write_bodies(record, out)
        if out is not None and rpc is not None:
            config = write_keeper_config(stage, rpc, out)
            if not as_json:
                console.print(f"to go on with this node: keeper run --config {config}")
        if as_json:
            write_json(document(record, stage.chain.chain_id))
        else:
            console.print(tables(record))
    if record.problems:
        raise VerificationMismatch("; ".join(record.problems))


def _require_writable(directory: Path) -> None:
    """Fail now rather than after the run."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=directory).close()
    except OSError as error:
        raise ConfigError(f"--out {directory}: cannot be written ({error.strerror})") from error


@contextmanager
def _stage(rpc: str | None, directory: Path) -> Generator[Stage]:
    stage = build_stage(_embedded() if rpc is None else NodeChain(rpc), directory)
    try:
        yield stage
    finally:
        stage.close()


@contextmanager
def _directory(kept: Path | None) -> Generator[Path]:
    """Yield where keystores go: the folder asked for, or one that is gone afterwards."""
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="keeper-demo-") as name:
        yield Path(name)


def _embedded() -> DevChain:
    try:
        # Only here: the packages are an extra, which a demo on a node does not need.
        from keeper.devnet.embedded import EmbeddedChain
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"{error.name} is missing: pip install 'portfolio-margin-keeper[demo]', or give --rpc"
        ) from error
    return EmbeddedChain(GENESIS_TIME)
