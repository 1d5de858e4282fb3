"""Dask workers give the results of a plain loop: two of them, over loopback sockets."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from keeper.cli.app import main
from keeper.compute.cluster import DaskWorkers
from keeper.errors import ConfigError, InputError
from keeper.margin.losses import Book, worst_losses
from keeper.state.body import encode
from keeper.telemetry.redaction import redact_text
from keeper.testing.random_book import random_book
from tests.books import MODEL


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
    monkeypatch.setattr("keeper.margin.losses.PART_LEGS", 500)
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


@pytest.mark.parametrize(
    ("address", "shown"),
    [("nonsense://here", "nonsense://here"), ("nonsense://me:SECRET@here", "nonsense://here/***")],
)
def test_connect__no_such_address__reads_well_though_redacted(address, shown):
    pytest.importorskip("distributed")
    with pytest.raises(ConfigError) as caught:
        DaskWorkers.connect(address)
    assert redact_text(str(caught.value)) == (
        f"no Dask scheduler answers at the address given ({shown}): start one there with "
        "'dask scheduler', or give another"
    )


def test_digest__book_split_over_a_cluster__as_on_threads(scheduler, tmp_path, capsys):
    path = tmp_path / "book.body"
    path.write_bytes(encode(random_book(MODEL, 3_000, 90_000, 7)))
    outputs: list[str] = []
    for where in (["--dask", scheduler], ["--threads", "2"]):
        with pytest.raises(SystemExit) as caught:
            main(["digest", str(path), *where, "--json"])
        assert caught.value.code == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]
    assert '"leafCount": 3000' in outputs[0]
