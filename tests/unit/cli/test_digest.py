"""`keeper digest` and `keeper book`: the same values as keepers sign, and on every machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from eth_hash.auto import keccak

# The C part of numpy knows what it may dispatch to; no public name does.
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from keeper.attestation.leaf import MarginLeaf, leaf_hash
from keeper.attestation.merkle import MerkleTree
from keeper.cli.app import main
from keeper.cli.digest import digest_of
from keeper.draws import Draws
from keeper.jobs.attest import build_epoch
from keeper.state.accounts import positions_hash
from keeper.state.body import encode
from keeper.testing.random_book import random_book
from keeper.testing.random_market import NOW, random_market
from tests.books import HISTORY_TEXT, MODEL, MODEL_TEXT, account, exchange, perpetual
from tests.reference import Reference
from tests.unit.chain.fake_node import FakeNode, Serving
from tests.unit.chain.world import MODEL as WORLD_MODEL
from tests.unit.chain.world import views
from tests.unit.jobs.keeper_of import keeper_of

ROOT = Path(__file__).resolve().parents[3]

# Any machine, any version: see scripts/vectors/digest.py.
VECTOR = json.loads((ROOT / "tests" / "vectors" / "digest.json").read_text("utf-8"))
BOOK, GOLDEN = VECTOR["book"], VECTOR["digest"]

DISPATCHED = [name for name in __cpu_dispatch__ if __cpu_features__[name]]
BEYOND_AVX2 = [name for name in DISPATCHED if "512" in name or name == "X86_V4"]
CONDITIONS = {
    "as it is": {},
    "without numba": {"NUMBA_DISABLE_JIT": "1"},
    "numba for any processor": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "numpy without AVX-512": {"NPY_DISABLE_CPU_FEATURES": " ".join(BEYOND_AVX2)},
    "numpy at its baseline": {"NPY_DISABLE_CPU_FEATURES": " ".join(DISPATCHED)},
    "one thread": {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"},
    "another keccak": {"ETH_HASH_BACKEND": "pycryptodome"},
}


@pytest.fixture(scope="module")
def golden_book(tmp_path_factory):
    path = tmp_path_factory.mktemp("books") / "golden.body"
    path.write_bytes(encode(random_book(MODEL, 2_000, 20_000, 1)))
    return path


def succeeds(args, capsys):
    with pytest.raises(SystemExit) as caught:
        main(args)
    assert caught.value.code == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


@pytest.mark.parametrize("condition", CONDITIONS)
def test_digest__any_condition__the_same_bytes(condition, golden_book):
    change = CONDITIONS[condition]
    if change.get("NPY_DISABLE_CPU_FEATURES") == "":
        pytest.skip("this processor has nothing to turn off")
    done = subprocess.run(
        [sys.executable, "-m", "keeper", "digest", str(golden_book), "--json"],
        env=os.environ | change,
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=300,
    )
    assert done.stderr == b""
    assert done.stdout == json.dumps(GOLDEN).encode() + b"\n"


@pytest.mark.parametrize("threads", ["1", "2", "5"])
def test_digest__any_number_of_threads__the_same_bytes(threads, golden_book, capsys):
    out = succeeds(["digest", str(golden_book), "--threads", threads, "--json"], capsys)
    assert out == json.dumps(GOLDEN) + "\n"


def test_digest__threads_and_a_cluster__refused(golden_book, capsys):
    args = ["digest", str(golden_book), "--threads", "2", "--dask", "tcp://127.0.0.1:1"]
    assert main(args) == 78
    assert "--threads 2 and --dask tcp://127.0.0.1:1 contradict" in capsys.readouterr().err


def test_digest__epoch_that_a_keeper_built__has_its_root_and_hashes():
    with Serving(FakeNode(head=100, views=views())) as node:
        work = build_epoch(keeper_of(node), 3)
    digest = digest_of(work.body, WORLD_MODEL)
    assert digest["marginRoot"] == work.attestation.margin_root
    assert digest["bundleHash"] == work.attestation.bundle_hash
    assert digest["modelHash"] == work.attestation.model_hash
    assert digest["leafCount"] == work.attestation.leaf_count
    assert (digest["epoch"], digest["refBlock"]) == (3, work.attestation.ref_block)
    assert digest["refTime"] == work.attestation.ref_time


@pytest.fixture(scope="module")
def small():
    """A small book, and the slow reference over the same market."""
    snapshot = random_book(MODEL, 30, 150, 7, listings=60)
    market = random_market(MODEL, 60, Draws(7))
    instruments = [instrument.pack() for instrument in market.instruments]
    lots = dict(zip(instruments, snapshot.listings.open_interest.tolist(), strict=True))
    return snapshot, Reference(
        MODEL_TEXT, market.underlyings, market.forwards, NOW, open_interest=lots
    )


def test_digest__small_book__margin_root_of_the_slow_reference(small):
    snapshot, reference = small
    instruments = [high << 64 | low for high, low in snapshot.listings.instrument.tolist()]
    leaves, at = [], 0
    for row, count in enumerate(snapshot.accounts.legs.tolist()):
        held = slice(at, at + count)
        at += count
        listings = snapshot.legs.listing[held].tolist()
        legs = dict(
            zip([instruments[i] for i in listings], snapshot.legs.lots[held].tolist(), strict=True)
        )
        figures = reference.figures(legs)
        leaves.append(
            MarginLeaf(
                epoch=snapshot.head.epoch,
                account=snapshot.accounts.account[row].tobytes(),
                positions_hash=positions_hash(2, list(legs.items())),
                initial_margin=figures["initial_usd6"],
                maintenance_margin=figures["maintenance_usd6"],
                worst_scenario=figures["worst_scenario"],
            )
        )
    expected = MerkleTree.build(map(leaf_hash, leaves)).root
    assert digest_of(encode(snapshot), MODEL)["marginRoot"] == expected


def test_digest__small_book__risk_arrays_of_the_slow_reference(small):
    snapshot, reference = small
    instruments = [high << 64 | low for high, low in snapshot.listings.instrument.tolist()]
    marks = [reference.per_lot(i, reference.mark(i)) for i in instruments]
    cells = marks + [cell for i in instruments for cell in reference.pnl(i)]
    body = b"PMKRISK1" + (60).to_bytes(8, "big") + len(MODEL.scenarios).to_bytes(8, "big")
    body += np.array(cells, dtype=">i8").tobytes() + bytes(60) + b"\x01" * 60
    assert digest_of(encode(snapshot), MODEL)["riskArraysHash"] == keccak(body)


@pytest.mark.parametrize(
    "snapshot",
    [exchange(), exchange([account(1, {}, cash_usd6=10**9)]), exchange(listings=[])],
    ids=["no account", "no position", "no listing"],
)
def test_digest__nobody_holds_a_position__has_no_root(snapshot, tmp_path, capsys):
    path = tmp_path / "empty.body"
    path.write_bytes(encode(snapshot))
    digest = json.loads(succeeds(["digest", str(path), "--json"], capsys))
    assert digest["marginRoot"] is None
    assert digest["leafCount"] == digest["legs"] == 0
    assert digest["bundleHash"] == "0x" + keccak(path.read_bytes()).hex()
    assert "none: nobody holds a position" in succeeds(["digest", str(path)], capsys)


def test_digest__text__one_line_a_value(golden_book, capsys):
    lines = succeeds(["digest", str(golden_book)], capsys).splitlines()
    assert {line.split()[0]: line.split()[1] for line in lines} == {
        name: str(value) for name, value in GOLDEN.items()
    }


def test_digest__sentinels__are_counted(tmp_path, capsys):
    path = tmp_path / "one.body"
    rows = [account(1, {perpetual(): 1}), account(2, {perpetual(): 1}, mode=1)]
    path.write_bytes(encode(exchange(rows)))
    digest = json.loads(succeeds(["digest", str(path), "--json"], capsys))
    assert (digest["leafCount"], digest["sentinels"]) == (2, 1)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda body: body[:-1], "body ends inside"),
        (lambda body: body[:40], "body ends inside"),
        (lambda body: b"", "body ends inside header"),
        (lambda body: body + b"\x00", "body has 1 bytes after its last table"),
        (lambda body: b"PMKBODY2" + body[8:], "this keeper reads b'PMKBODY1'"),
    ],
    ids=["a byte short", "cut early", "empty", "a byte more", "another version"],
)
def test_digest__damaged_body__names_the_file_and_what(change, problem, tmp_path, capsys):
    path = tmp_path / "damaged.body"
    path.write_bytes(change(encode(exchange())))
    assert main(["digest", str(path), "--json"]) == 65
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error: body {path}: ")
    assert problem in captured.err


@pytest.mark.parametrize(
    ("name", "problem"), [("none.body", "No such file"), (".", "Is a directory")]
)
def test_digest__unreadable__names_the_file(name, problem, tmp_path, capsys):
    path = tmp_path / name
    assert main(["digest", str(path)]) == 65
    assert capsys.readouterr().err == f"error: body {path}: {problem}" + (
        " or directory\n" if name == "none.body" else "\n"
    )


def test_digest__another_model__is_refused(golden_book, tmp_path, capsys):
    (tmp_path / "history.csv").write_text(HISTORY_TEXT)
    other = tmp_path / "model.toml"
    other.write_text(MODEL_TEXT.replace("initial_bps = 13000", "initial_bps = 13001"))
    assert main(["digest", str(golden_book), "--model", str(other)]) == 65
    assert "use the model of that epoch" in capsys.readouterr().err
    same = tmp_path / "same.toml"
    same.write_text(MODEL_TEXT)
    args = ["digest", str(golden_book), "--model", str(same), "--json"]
    assert json.loads(succeeds(args, capsys)) == GOLDEN


def test_book__written__is_the_golden_one_and_says_what_it_is(golden_book, tmp_path, capsys):
    path = tmp_path / "book.body"
    path.write_bytes(b"an older one")
    written = json.loads(succeeds(["book", *BOOK, "--out", str(path), "--json"], capsys))
    assert path.read_bytes() == golden_book.read_bytes()
    assert written == {
        "path": str(path),
        "bytes": len(path.read_bytes()),
        "bundleHash": GOLDEN["bundleHash"],
    }
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"
    text = succeeds(["book", *BOOK, "--out", str(path)], capsys)
    assert [line.split()[0] for line in text.splitlines()] == list(written)


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["--out", "none/book.body"], "the folder none does not exist"),
        (["--out", "."], "out .: is no file"),
        (["--out", "b", "--positions", "64001"], "use at most 64000"),
        (["--out", "b", "--listings", "31"], "use at least 32"),
    ],
)
def test_book__bad_input__one_line_and_nothing_written(
    args, problem, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert main(["book", *BOOK, *args]) == 65
    assert problem in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["--accounts", "--positions", "--seed", "--listings"])
def test_book__negative_number__is_a_usage_error(option, tmp_path, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["book", *BOOK, "--out", str(tmp_path / "b"), option, "-1"])
    assert caught.value.code == 2


def test_book__disk_full__leaves_the_old_file(tmp_path, monkeypatch, capsys):
    path = tmp_path / "book.body"
    path.write_bytes(b"old")

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert main(["book", *BOOK, "--out", str(path)]) == 65
    assert capsys.readouterr().err == f"error: out {path}: No space left on device\n"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
