"""`keeper digest`: what keepers would sign of a saved body, recomputed without a chain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from keeper.attestation.commitment import commit
from keeper.attestation.published_arrays import risk_arrays_hash
from keeper.cli.body_file import decode_body, read_body
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, plain, write_json
from keeper.compute.cluster import DaskWorkers
from keeper.compute.threads import ThreadWorkers
from keeper.errors import ConfigError
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import Model
from keeper.margin.workers import SERIAL, Workers
from keeper.state.body import bundle_hash


def command(
    body: Annotated[
        Path, typer.Argument(help="A snapshot body, as keeper demo --out or keeper book write it.")
    ],
    model: ModelFile = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", min=1, help="Threads to compute with; every core by default."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option("--dask", help="A Dask scheduler to compute on, tcp://HOST:PORT."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compute marginRoot, bundleHash, modelHash and riskArraysHash of a saved snapshot body.

    The output has no times and no paths: it is the same to the byte on every machine, with any
    number of threads. A body in
    which nobody holds a position has no marginRoot (null): keepers do not attest such an epoch.

    Examples:

        keeper digest /tmp/demo/bodies/epoch-3.body --json

        keeper digest book.body --model config/model.toml --threads 2
    """
    parameters = load_model(model)
    with _workers(threads, scheduler) as workers:
        digest = digest_of(read_body(body), parameters, workers, source=str(body))
    if as_json:
        write_json(digest)
        return
    for name, value in plain(digest).items():
        typer.echo(f"{name:<15} {'none: nobody holds a position' if value is None else value}")


def _workers(threads: int | None, scheduler: str | None) -> ThreadWorkers | DaskWorkers:
    if scheduler is None:
        return ThreadWorkers(os.cpu_count() or 1 if threads is None else threads)
    if threads is not None:
        raise ConfigError(f"--threads {threads} and --dask {scheduler} contradict: give one")
    return DaskWorkers.connect(scheduler)


def digest_of(
    body: bytes, model: Model, workers: Workers = SERIAL, *, source: str = "given"
) -> dict[str, Any]:
    """Return everything that two keepers compare, under the names of the JSON output.

    Raises InputError for a body that is not canonical, naming its source, or that was taken for
    another model; MarketDataError for a global input that cannot be used.
    """
    snapshot = decode_body(body, source)
    book = margin_book(snapshot, model, workers)
    head = snapshot.head
    commitment = commit(head, body, book) if len(book) else None
    return {
        "epoch": head.epoch,
        "refBlock": head.ref_block,
        "refTime": head.ref_time,
        "accounts": len(snapshot.accounts),
        "leafCount": len(book),
        "sentinels": int(book.sentinel.sum()),
        "legs": len(snapshot.legs),
        "listings": len(snapshot.listings),
        "scenarios": len(model.scenarios),
        "modelHash": head.model_hash,
        "bundleHash": commitment.bundle_hash if commitment else bundle_hash(body),
        "riskArraysHash": risk_arrays_hash(risk_arrays(snapshot, model, workers)),
        "marginRoot": commitment.tree.root if commitment else None,
    }
