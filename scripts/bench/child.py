"""Until `keeper book` and `keeper digest`: `child book BODY ACCOUNTS LEGS`, `child digest BODY`."""

from __future__ import annotations

import sys
from pathlib import Path

# First: it chooses the implementation of keccak that eth_hash then takes.
import keeper.cli  # noqa: F401  # pyright: ignore[reportUnusedImport]
from keeper.attestation.leaf import leaf_hash, leaves_of
from keeper.attestation.merkle import MerkleTree
from keeper.margin.portfolio import margin_book
from keeper.margin.scenarios import parse_model
from keeper.state.body import bundle_hash, decode, encode
from scripts.bench.inputs import MODEL_FILE, random_snapshot


def main() -> None:
    """Run one of the two."""
    verb, body, *numbers = sys.argv[1:]
    model = parse_model(MODEL_FILE.read_text("utf-8"))
    if verb == "book":
        accounts, legs_each = map(int, numbers)
        Path(body).write_bytes(encode(random_snapshot(model, accounts, legs_each, 2_000)))
        return
    raw = Path(body).read_bytes()
    snapshot = decode(raw)
    book = margin_book(snapshot, model)
    leaves = leaves_of(
        snapshot.head.epoch,
        book.accounts,
        book.positions_hash,
        book.initial_usd6,
        book.maintenance_usd6,
        book.worst_scenario,
        book.sentinel,
    )
    root = MerkleTree.build(map(leaf_hash, leaves)).root
    print(root.hex(), bundle_hash(raw).hex(), int(book.sentinel.sum()))


if __name__ == "__main__":
    main()
