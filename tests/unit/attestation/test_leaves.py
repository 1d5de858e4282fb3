from dataclasses import replace

import numpy as np
import pytest

from keeper.attestation import leaves as module
from keeper.attestation.leaf import SENTINEL_MARGIN, SENTINEL_SCENARIO, MarginLeaf, leaf_hash
from keeper.attestation.leaves import MarginLeaves
from keeper.errors import InputError
from keeper.margin.portfolio import margin_book
from tests.books import MODEL, account, call, exchange, perpetual, put


def words(*numbers):
    """Rows of 32 equal bytes."""
    return np.repeat(np.array(numbers, dtype=np.uint8)[:, None], 32, axis=1)


def columns(**changes):
    given = {
        "epoch": 7,
        "account": words(1, 2),
        "positions_hash": words(3, 4),
        "initial_usd6": np.array([130, 0]),
        "maintenance_usd6": np.array([100, 0]),
        "worst_scenario": np.array([5, 0], dtype=np.uint8),
        "sentinel": np.array([False, True]),
    }
    return {**given, **changes}


def test_leaves__sound_and_faulty_account__margin_and_sentinel():
    sound, faulty = MarginLeaves(**columns())
    assert sound == MarginLeaf(7, b"\x01" * 32, b"\x03" * 32, 130, 100, 5)
    assert not sound.is_sentinel
    assert faulty.is_sentinel
    assert (faulty.initial_margin, faulty.maintenance_margin) == (SENTINEL_MARGIN,) * 2
    assert faulty.worst_scenario == SENTINEL_SCENARIO


def test_leaves__numpy_columns__give_plain_integers():
    for leaf in MarginLeaves(**columns()):
        assert type(leaf.initial_margin) is int
        assert type(leaf.worst_scenario) is int


@pytest.mark.parametrize("block", [1, 3, 8192])
def test_hashes__any_columns__each_as_the_leaf_alone(monkeypatch, block):
    monkeypatch.setattr(module, "_BLOCK_LEAVES", block)
    rng = np.random.default_rng(4)
    maintenance = rng.integers(0, 2**62, 50)
    leaves = MarginLeaves(
        epoch=2**64 - 1,
        account=rng.integers(0, 256, (50, 32), dtype=np.uint8),
        positions_hash=rng.integers(0, 256, (50, 32), dtype=np.uint8),
        initial_usd6=maintenance + rng.integers(0, 2**62, 50),
        maintenance_usd6=maintenance,
        worst_scenario=rng.integers(0, 48, 50, dtype=np.uint8),
        sentinel=rng.integers(0, 5, 50) == 0,
    )
    assert {leaf.is_sentinel for leaf in leaves} == {True, False}
    assert leaves.hashes() == [leaf_hash(leaf) for leaf in leaves]


def test_hashes__margin_unknown_under_a_sentinel__is_not_in_the_hash():
    unknown = np.array([130, -1])
    leaves = MarginLeaves(**columns(initial_usd6=unknown, maintenance_usd6=unknown))
    assert leaves.hashes()[1] == MarginLeaves(**columns()).hashes()[1]


def test_hashes__no_leaf__none():
    empty = MarginLeaves(**{k: v if k == "epoch" else v[:0] for k, v in columns().items()})
    assert (len(empty), empty.hashes(), list(empty)) == (0, [], [])


def test_of_book__rows_follow_the_book():
    snapshot = exchange(
        [
            account(1, {call(3_000): -5, perpetual(): 7}, cash_usd6=10**9),
            account(2, {}),
            account(3, {put(2_700): 4}, cash_usd6=10**9, mode=1),
        ]
    )
    book = margin_book(snapshot, MODEL)
    first, second = MarginLeaves.of_book(7, book)
    assert (first.epoch, second.epoch) == (7, 7)
    assert [first.account, second.account] == book.accounts
    assert [first.positions_hash, second.positions_hash] == book.positions_hash
    assert first.initial_margin == book.initial_usd6[0] > first.maintenance_margin > 0
    assert first.maintenance_margin == book.maintenance_usd6[0]
    assert first.worst_scenario == book.worst_scenario[0]
    assert second.is_sentinel, "not in portfolio mode"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"account": words(1, 1)}, "more than one leaf"),
        ({"account": words(1)}, "positions_hash of leaves"),
        ({"account": words(1, 2)[:, :31]}, "account of leaves"),
        ({"account": words(1, 2).astype(np.int64)}, "account of leaves"),
        ({"positions_hash": words(3, 4)[:, :31]}, "positions_hash of leaves"),
        ({"worst_scenario": np.array([1], dtype=np.uint8)}, r"integers \[2\]"),
        ({"worst_scenario": np.array([256, 0])}, "worst_scenario is not a uint8"),
        ({"worst_scenario": np.array([-1, 0])}, "worst_scenario is not a uint8"),
        ({"initial_usd6": np.array([99, 0])}, "below maintenance"),
        ({"maintenance_usd6": np.array([-1, 0])}, "negative"),
        ({"initial_usd6": np.array([130.0, 0.0])}, "expected integers"),
        ({"initial_usd6": np.array([True, False])}, "expected integers"),
        ({"sentinel": np.array([0, 1])}, "expected booleans"),
        ({"epoch": 2**64}, "epoch"),
        ({"epoch": -1}, "epoch"),
    ],
)
def test_leaves__bad_column__is_refused(change, problem):
    with pytest.raises(InputError, match=problem):
        MarginLeaves(**columns(**change))


def test_of_book__positions_hash_of_another_length__is_refused():
    book = margin_book(exchange([account(1, {perpetual(): 1})]), MODEL)
    with pytest.raises(InputError, match="positions_hash"):
        MarginLeaves.of_book(7, replace(book, positions_hash=[b"\x01" * 31]))
