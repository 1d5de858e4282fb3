"""`keeper book`: a valid snapshot body of any size from a seed, to measure and compare with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from keeper.cli.model_file import ModelFile, load_model
from keeper.cli.options import AsJson, plain, write_json
from keeper.errors import InputError
from keeper.state.body import bundle_hash, encode
from keeper.testing.random_book import (
    DEFAULT_LISTINGS,
    MAX_ACCOUNTS,
    MAX_POSITIONS,
    random_book,
)
from keeper.testing.random_market import MAX_LISTINGS


def command(
    accounts: Annotated[int, typer.Option("--accounts", min=1, max=MAX_ACCOUNTS)],
    positions: Annotated[
        int,
        typer.Option(
            "--positions",
            min=0,
            max=MAX_POSITIONS,
            help="Of all accounts together; at most 32 each. With fewer positions than accounts, "
            "some accounts hold none.",
        ),
    ],
    seed: Annotated[int, typer.Option("--seed", min=0, max=2**64 - 1)],
    out: Annotated[Path, typer.Option("--out", help="The file to write, or to replace.")],
    listings: Annotated[
        int, typer.Option("--listings", min=1, max=MAX_LISTINGS)
    ] = DEFAULT_LISTINGS,
    model: ModelFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the body of a made-up exchange: the same arguments give the same bytes everywhere.

    Spots, perpetuals, futures and options on the model's underlyings, twelve expiries, accounts of
    very different size, none at fault.

    Examples:

        keeper book --accounts 2000 --positions 20000 --seed 1 --out book.body

        keeper book --accounts 100000 --positions 1000000 --listings 2000 --seed 1 --out big.body
    """
    _require_place(out)
    body = encode(random_book(load_model(model), accounts, positions, seed, listings))
    _replace(out, body)
    written = {"path": str(out), "bytes": len(body), "bundleHash": bundle_hash(body)}
    if as_json:
        write_json(written)
        return
    for name, value in plain(written).items():
        typer.echo(f"{name:<15} {value}")


def _require_place(out: Path) -> None:
    """Refuse early what writing would refuse after the work."""
    if not out.parent.is_dir():
        raise InputError(f"out {out}: the folder {out.parent} does not exist, make it first")
    if out.exists() and not out.is_file():
        raise InputError(f"out {out}: is no file, name one")


def _replace(out: Path, body: bytes) -> None:
    """Write beside the file and rename, so that nobody ever reads half a body."""
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(body)
        partial.replace(out)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"out {out}: {error.strerror}") from error
