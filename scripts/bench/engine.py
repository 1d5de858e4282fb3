"""What is measured: the engine, called here and nowhere else in the benchmarks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from keeper.attestation.leaves import MarginLeaves
from keeper.attestation.merkle import MerkleTree
from keeper.margin.add_on_cells import add_ons_per_lot
from keeper.margin.add_ons import add_ons
from keeper.margin.explain import explain
from keeper.margin.explanation import Explanation
from keeper.margin.losses import Book, worst_losses
from keeper.margin.market import ListingMarket
from keeper.margin.risk_arrays import price_listings
from keeper.margin.scenarios import Model
from keeper.margin.tail import Tail, tail_risk
from keeper.margin.workers import Workers
from keeper.pricing import backend, black76
from keeper.state.snapshot import Snapshot
from keeper.units import FloatArray, IntArray
from scripts.bench.inputs import LeafColumns, Options

COMPILED: Final = backend.COMPILED
BLOCK_OPTIONS: Final = 65_536  # options a call: the fastest of the powers of two, as for theirs

Greeks: TypeAlias = tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]


def price(options: Options) -> tuple[FloatArray]:
    """Return the prices."""
    o = options
    return (black76.price(o.forward, o.strike, o.vol, o.years, o.is_call),)


def price_and_greeks(options: Options) -> Greeks:
    """Return price, delta, gamma, vega and theta."""
    o = options
    g = black76.price_and_greeks(o.forward, o.strike, o.vol, o.years, o.is_call)
    return g.price, g.delta, g.gamma, g.vega, g.theta


def book_of(snapshot: Snapshot) -> Book:
    """Return the legs of a snapshot as the losses take them."""
    counts = snapshot.accounts.legs.astype(np.int64)
    starts = np.cumsum(counts) - counts
    return Book(snapshot.legs.listing.astype(np.int64), snapshot.legs.lots, starts)


def worst_loss(pnl: IntArray, book: Book) -> IntArray:
    """Return the worst loss [A] from risk arrays [L, S], on this thread."""
    return worst_losses(pnl, book)[0]


def whole_book(market: ListingMarket, model: Model, book: Book, workers: Workers) -> IntArray:
    """Price all listings in all scenarios, and return each account's worst loss [A]."""
    return worst_losses(price_listings(market, model, workers).pnl, book, workers)[0]


def whole_book_tail(
    market: ListingMarket, model: Model, book: Book, tail_bps: int, workers: Workers
) -> tuple[IntArray, IntArray, IntArray]:
    """Price all listings in all scenarios; return each account's VaR, ES and sum of add-ons [A]."""
    pnl = price_listings(market, model, workers).pnl
    value_at_risk, shortfall = tail_risk(pnl, book, [Tail.of(pnl.shape[1], tail_bps)], workers)
    on_top = add_ons(add_ons_per_lot(market, model.add_ons, None), book, workers)
    return value_at_risk[0], shortfall[0], on_top.total_usd6()


def risk_array(market: ListingMarket, model: Model) -> IntArray:
    """Return gains in micro-dollars a lot [L, S]."""
    return price_listings(market, model).pnl


def explained(snapshot: Snapshot, model: Model, account: bytes) -> Explanation:
    """Return the breakdown of one account, with its liquidation prices."""
    return explain(snapshot, model, account)


def root(columns: LeafColumns) -> bytes:
    """Return the Merkle root of the leaves of these columns."""
    leaves = MarginLeaves(
        columns.epoch,
        columns.account,
        columns.positions_hash,
        columns.initial_usd6,
        columns.maintenance_usd6,
        columns.worst_scenario,
        np.zeros(len(columns.account), dtype=np.bool_),
    )
    return MerkleTree.build(leaves.hashes()).root


def book_command(body: Path, accounts: int, legs_each: int) -> list[str]:
    """Return the command that writes the body of a random exchange."""
    counts = ["--accounts", str(accounts), "--positions", str(accounts * legs_each)]
    return [sys.executable, "-m", "keeper", "book", *counts, "--seed", "1", "--out", str(body)]


def digest_command(body: Path) -> list[str]:
    """Return the command that turns a body into a root."""
    return [sys.executable, "-m", "keeper", "digest", str(body), "--json"]


def by_hand_command(body: Path) -> list[str]:
    """Return the command that does so without the engine."""
    return [sys.executable, "-m", "scripts.bench.digest_by_hand", str(body)]
