"""One book and its digest, which every machine, interpreter and condition must repeat."""

from __future__ import annotations

from collections.abc import Mapping

from keeper.chain.model_file import read_model
from keeper.cli.digest import digest_of
from keeper.cli.options import plain
from keeper.state.body import encode
from keeper.testing.random_book import random_book
from scripts.vectors.model import MODEL

ACCOUNTS, POSITIONS, SEED = 2_000, 20_000, 1


def all_vectors() -> dict[str, Mapping[str, object]]:
    """Return the options of `keeper book`, and what `keeper digest` says of that book."""
    model = read_model(MODEL)
    body = encode(random_book(model, ACCOUNTS, POSITIONS, SEED))
    options = {"--accounts": ACCOUNTS, "--positions": POSITIONS, "--seed": SEED}
    arguments = [word for name, value in options.items() for word in (name, str(value))]
    digest = {name: plain(value) for name, value in digest_of(body, model).items()}
    return {"digest": {"book": arguments, "digest": digest}}
