"""`keeper digest`: what keepers would sign of a saved body, recomputed without a chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from keeper.attestation.commitment import commit
from keeper.attestation.published_arrays import risk_arrays_hash
from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, plain, write_json
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from keeper.margin.risk_arrays import risk_arrays
from keeper.margin.scenarios import Model
from keeper.state.body import bundle_hash, decode


def command(
    body: Annotated[
        Path, typer.Argument(help="A snapshot body, as keeper demo --out or keeper book write it.")
    ],
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Compute marginRoot, bundleHash, modelHash and riskArraysHash of a saved snapshot body.

    The output has no times and no paths: it is the same to the byte on every machine. A body in
    which nobody holds a position has no marginRoot (null): keepers do not attest such an epoch.

    Examples:

        keeper digest /tmp/demo/bodies/epoch-3.body --json

        keeper digest book.body --model config/model.toml
    """
    digest = digest_of(read_body(body), load_model(model), source=str(body))
    if as_json:
        write_json(digest)
        return
    for name, value in plain(digest).items():
        typer.echo(f"{name:<15} {'none: nobody holds a position' if value is None else value}")


def read_body(path: Path) -> bytes:
    """Return the bytes of a file; raise InputError that names it where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"body {path}: {error.strerror}") from error


def digest_of(body: bytes, model: Model, *, source: str = "given") -> dict[str, Any]:
    """Return everything that two keepers compare, under the names of the JSON output.

    Raises InputError for a body that is not canonical, naming its source, or that was taken for
    another model; MarketDataError for a global input that cannot be used.
    """
    try:
        snapshot = decode(body)
    except InputError as error:
        raise InputError(f"body {source}: {error}") from error
    book = margin_book(snapshot, model)
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
        "riskArraysHash": risk_arrays_hash(risk_arrays(snapshot, model)),
        "marginRoot": commitment.tree.root if commitment else None,
    }
