"""Threads give the results of a plain loop, in its order, and its errors."""

from __future__ import annotations

import threading
from dataclasses import astuple

import numpy as np
import pytest

from keeper.compute.threads import ThreadWorkers
from keeper.errors import ConfigError
from keeper.margin.losses import Book, worst_losses
from keeper.margin.portfolio import MarginBook, margin_book
from keeper.margin.workers import SERIAL
from tests.books import LISTED, MODEL, account, exchange


def quotient(shared, part):
    return shared // part


@pytest.mark.parametrize("count", [1, 2, 3])
def test_map__more_parts_than_threads__results_in_order(count):
    parts = list(range(1, 100))
    with ThreadWorkers(count) as workers:
        assert workers.map(quotient, 1_000, parts) == SERIAL.map(quotient, 1_000, parts)
        assert workers.map(quotient, 1_000, []) == []


def test_map__two_threads__parts_run_at_the_same_time():
    meeting = threading.Barrier(2)
    with ThreadWorkers(2) as workers:
        ranks = workers.map(lambda barrier, _: barrier.wait(timeout=60), meeting, [None, None])
    assert sorted(ranks) == [0, 1]


@pytest.mark.parametrize("count", [1, 2])
def test_map__task_raises__error_reaches_the_caller_and_workers_go_on(count):
    with ThreadWorkers(count) as workers:
        with pytest.raises(ZeroDivisionError):
            workers.map(quotient, 1, [1, 0, 1])
        assert workers.map(quotient, 9, [3]) == [3]


@pytest.mark.parametrize("count", [0, -1])
def test_thread_workers__less_than_one__refused(count):
    with pytest.raises(ConfigError, match="set 1 or more"):
        ThreadWorkers(count)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_worst_losses__any_number_of_threads__same_bits(count):
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 33, 12_000)  # several parts
    legs = int(counts.sum())
    listing, lots = rng.integers(0, 50, legs), rng.integers(-(10**6), 10**6, legs)
    book = Book(listing, lots, np.cumsum(counts) - counts)
    pnl = rng.integers(-(10**9), 10**9, (50, 48))
    with ThreadWorkers(count) as workers:
        found = worst_losses(pnl, book, workers)
    for column, expected in zip(found, worst_losses(pnl, book), strict=True):
        assert np.array_equal(column, expected)


def test_margin_book__threads__every_column_is_the_same(monkeypatch):
    monkeypatch.setattr("keeper.margin.losses.PART_LEGS", 3)
    rng = np.random.default_rng(8)
    holders = [
        account(n, {LISTED[i]: int(rng.integers(1, 999)) for i in rng.choice(len(LISTED), 4)})
        for n in range(1, 20)
    ]
    with ThreadWorkers(2) as workers:
        found = margin_book(exchange(holders), MODEL, workers)
    expected = margin_book(exchange(holders), MODEL)
    for name in MarginBook.__slots__:
        pair = (getattr(found, name), getattr(expected, name))
        if name == "initial_parts":
            pair = tuple(astuple(parts) for parts in pair)
        assert np.array_equal(*pair), name
