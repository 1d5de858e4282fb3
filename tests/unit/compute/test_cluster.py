"""Dask workers give the results of a plain loop: two of them, over loopback sockets."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from keeper.compute.cluster import DaskWorkers
from keeper.errors import ConfigError, InputError
from keeper.margin.losses import Book, worst_losses


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp",  # what travels is serialised, as between machines
        host="127.0.0.1",
        dashboard_address=None,
        memory_limit=None,
        local_directory=str(tmp_path_factory.mktemp("dask")),
    )
    with cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def workers(scheduler):
    with DaskWorkers.connect(scheduler) as connected:
        yield connected


def part_of(shared, part):
    if part < 0:
        raise InputError(f"part {part} is negative")
    return shared, part


def test_map__more_parts_than_workers__results_in_order(workers):
    parts = list(range(20))
    assert workers.map(part_of, "shared", parts) == [("shared", part) for part in parts]
    assert workers.map(part_of, "shared", []) == []


def test_map__same_parts_twice__each_is_computed(workers):
    assert workers.map(part_of, [1], [5, 5]) == [([1], 5), ([1], 5)]


def test_map__task_raises__error_reaches_the_caller_as_it_was(workers):
    with pytest.raises(InputError, match="part -1 is negative"):
        workers.map(part_of, None, [1, -1, 2])


@pytest.mark.parametrize("cell", [10**9, 2**33])  # int32 and int64 travel
def test_worst_losses__cluster__same_bits(workers, monkeypatch, cell):
    monkeypatch.setattr("keeper.margin.losses._PART_LEGS", 500)
    rng = np.random.default_rng(2)
    counts = rng.integers(1, 33, 200)
    legs = int(counts.sum())
    listing, lots = rng.integers(0, 50, legs), rng.integers(-(10**6), 10**6, legs)
    book = Book(listing, lots, np.cumsum(counts) - counts)
    pnl = rng.integers(-cell, cell, (50, 48))
    for column, expected in zip(
        worst_losses(pnl, book, workers), worst_losses(pnl, book), strict=True
    ):
        assert np.array_equal(column, expected)


def test_connect__dask_missing__names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match=r"pip install 'portfolio-margin-keeper\[cluster\]'"):
        DaskWorkers.connect("tcp://127.0.0.1:1")


def test_connect__no_such_address__names_it():
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError, match="nonsense://here"):
        DaskWorkers.connect("nonsense://here")
