"""From a body to a root as a user would write it: `python -m scripts.bench.digest_by_hand BODY`.

numpy and ndtr price, one product of scipy.sparse loses, eth_abi and keccak make leaves and tree.
The body is read, and positions are hashed, by the keeper's own code: that is not in question. Its
margins have no add-ons, so its root is another one.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np

if find_spec("sha3") is not None:
    os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")  # as for `keeper digest`

from keeper.chain.model_file import read_model
from keeper.margin.market import listing_market
from keeper.state.accounts import positions_hashes
from keeper.state.body import decode
from scripts.bench import engine, user_pipeline
from scripts.bench.inputs import LeafColumns
from scripts.bench.tree import root_by_hand

MODEL_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "model.toml"


def root_of(body: bytes) -> bytes:
    """Return the root of leaves that hold the worst loss of each account."""
    snapshot, model = decode(body), read_model(MODEL_FILE)
    market, book = listing_market(snapshot), engine.book_of(snapshot)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        gains = user_pipeline.risk_array(market, model, pool)
    lots = user_pipeline.positions(book, len(market.kind))
    losses = -(lots @ gains)
    worst = losses.argmax(axis=1).astype(np.uint8)
    margin = np.ceil(np.maximum(losses.max(axis=1), 0.0)).astype(np.int64)
    accounts = snapshot.accounts
    hashes = positions_hashes(
        accounts.mode,
        accounts.legs.astype(np.int64),
        snapshot.listings.instrument[snapshot.legs.listing],
        snapshot.legs.lots,
    )
    columns = np.frombuffer(b"".join(hashes), dtype=np.uint8).reshape(-1, 32)
    return root_by_hand(
        LeafColumns(snapshot.head.epoch, accounts.account, columns, margin, margin, worst)
    )


if __name__ == "__main__":
    print("0x" + root_of(Path(sys.argv[1]).read_bytes()).hex())
