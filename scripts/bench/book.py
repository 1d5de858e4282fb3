"""Whole books and single accounts: risk arrays and worst losses, against scipy.sparse."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from keeper.compute.threads import ThreadWorkers
from keeper.margin.losses import Book
from keeper.margin.market import ListingMarket, listing_market
from keeper.margin.scenarios import Model
from keeper.units import BPS, FloatArray, IntArray
from scripts.bench import engine, user_pipeline
from scripts.bench.inputs import MAX_LEGS, model_with, random_snapshot
from scripts.bench.limits import Limits
from scripts.bench.measure import Stopwatch, progress, require_close
from scripts.bench.report import Figure, Target, against_known, races, threads
from scripts.bench.sizes import Sizes

_OURS = "ours"
_BY_HAND = "numpy + ndtr, scipy.sparse product, max"
_BY_HAND_THREADED = "the same, product cut into blocks over the threads"
_TAIL_BY_HAND = "numpy + ndtr, scipy.sparse product, np.partition"
_STREAMED = "each leg's row of the risk arrays streamed from memory"
_ALONE = "numpy, one float64 product"
_TAIL_BPS: Final = 250
_MANY_SCENARIOS: Final = 1_000  # below this a tail of 2.5 % means little


def run(sizes: Sizes, limit: Limits) -> list[Figure]:
    """Return the lines of whole books and of one account, for the threads of `limit`."""
    stopwatch = Stopwatch(sizes.rounds, sizes.patience_seconds)
    figures: list[Figure] = []
    for scenarios in sizes.scenarios:
        progress(f"book, {scenarios} scenarios, {threads(limit.threads)}")
        model = model_with(scenarios)
        snapshot = random_snapshot(model, sizes.accounts, sizes.legs_each, sizes.listings)
        market, book = listing_market(snapshot), engine.book_of(snapshot)
        figures += _whole_book(market, model, book, stopwatch, limit)
    return figures


def run_account(sizes: Sizes) -> list[Figure]:
    """Return the line of one account with all the legs it may have."""
    scenarios = sizes.scenarios[0]
    progress(f"one account, {scenarios} scenarios")
    model = model_with(scenarios)
    snapshot = random_snapshot(model, 1, MAX_LEGS, sizes.listings)
    book = engine.book_of(snapshot)
    pnl = engine.risk_array(listing_market(snapshot), model)
    gains, lots = pnl.astype(np.float64), book.lots.astype(np.float64)

    def by_hand() -> float:
        return max(float((-(lots @ gains[book.listing])).max()), 0.0)

    require_close("one account", engine.worst_loss(pnl, book), np.array([by_hand()]), 1.0)
    calls = range(sizes.account_calls)
    rounds = Stopwatch(sizes.rounds, sizes.patience_seconds).race(
        {
            _OURS: lambda: [engine.worst_loss(pnl, book) for _ in calls],
            _ALONE: lambda: [by_hand() for _ in calls],
        }
    )
    for name in (_OURS, _ALONE):
        rounds = rounds.scaled(name, 1 / len(calls))
    case = f"one account, {MAX_LEGS} legs × {scenarios} scenarios, risk arrays at hand"
    return races("account", case, _OURS, rounds, {})


def _whole_book(
    market: ListingMarket, model: Model, book: Book, stopwatch: Stopwatch, limit: Limits
) -> list[Figure]:
    case = (
        f"book, {len(book.starts):,} accounts, {len(book.lots):,} legs, {len(market.kind):,} "
        f"listings × {len(model.scenarios):,} scenarios, {threads(limit.threads)}"
    )
    lots = user_pipeline.positions(book, len(market.kind))
    blocks = user_pipeline.account_blocks(lots)
    with ThreadPoolExecutor(limit.threads) as pool, ThreadWorkers(limit.threads) as workers:

        def gains() -> FloatArray:
            return user_pipeline.risk_array(market, model, pool)

        def by_hand() -> FloatArray:
            return user_pipeline.worst_loss(gains(), lots)

        def in_blocks() -> FloatArray:
            return user_pipeline.worst_loss_in_blocks(gains(), blocks, pool)

        def ours() -> IntArray:
            return engine.whole_book(market, model, book, workers)

        # Each listing's cell is rounded to a micro-dollar a lot; a float product rounds nothing.
        total_lots = book.sum_by_account(np.abs(book.lots)).astype(np.float64)
        for theirs in (by_hand(), in_blocks()):
            require_close(case, ours(), theirs, 0.501 * total_lots + 1.0)
        contestants = {_OURS: ours, _BY_HAND: by_hand, _BY_HAND_THREADED: in_blocks}
        rounds = stopwatch.race(contestants)
        many = len(model.scenarios) >= _MANY_SCENARIOS
        targets = {_BY_HAND: Target(8.0, at_least=True)} if many else {}
        lines = races("book", case, _OURS, rounds, targets)
        streamed_bytes = 8 * len(book.lots) * len(model.scenarios)
        lines.append(against_known(lines[0], _STREAMED, streamed_bytes / limit.bandwidth))
        if many:
            lines += _with_tail(market, model, book, stopwatch, workers, pool, case)
    return lines


def _with_tail(
    market: ListingMarket,
    model: Model,
    book: Book,
    stopwatch: Stopwatch,
    workers: ThreadWorkers,
    pool: ThreadPoolExecutor,
    case: str,
) -> list[Figure]:
    """Return the lines of VaR, expected shortfall and add-ons instead of the worst loss."""
    case = f"VaR, ES and add-ons of the {case}"
    tail = len(model.scenarios) * _TAIL_BPS // BPS
    lots = user_pipeline.positions(book, len(market.kind))
    blocks = user_pipeline.account_blocks(lots)

    def gains() -> FloatArray:
        return user_pipeline.risk_array(market, model, pool)

    def with_add_ons(tails: FloatArray) -> FloatArray:
        return np.column_stack([tails, user_pipeline.add_ons(market, model.add_ons, lots)])

    def by_hand() -> FloatArray:
        return with_add_ons(user_pipeline.var_es(gains(), lots, tail))

    def in_blocks() -> FloatArray:
        return with_add_ons(user_pipeline.var_es_in_blocks(gains(), blocks, tail, pool))

    def ours() -> tuple[IntArray, IntArray, IntArray]:
        return engine.whole_book_tail(market, model, book, _TAIL_BPS, workers)

    total_lots = book.sum_by_account(np.abs(book.lots)).astype(np.float64)
    # A rate a lot is rounded up, a netted cell to nearest: three and two of them have a part here.
    rounded = total_lots[:, None] * np.array([0.501, 0.501, 4.01]) + 1.0
    for theirs in (by_hand(), in_blocks()):
        require_close(case, np.stack(ours(), axis=1), theirs, rounded)
    contestants = {_OURS: ours, _TAIL_BY_HAND: by_hand, _BY_HAND_THREADED: in_blocks}
    rounds = stopwatch.race(contestants)
    return races("book", case, _OURS, rounds, {_TAIL_BY_HAND: Target(8.0, at_least=True)})
