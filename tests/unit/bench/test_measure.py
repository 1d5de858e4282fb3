"""The harness: ratios within rounds, and a refusal to compare different results."""

from __future__ import annotations

import numpy as np
import pytest

from scripts.bench.measure import Mismatch, Rounds, Spread, Stopwatch, require_close


def test_ratio__machine_twice_as_slow_in_one_round__is_the_same_in_each():
    rounds = Rounds({"ours": [1.0, 2.0, 1.0], "theirs": [3.0, 6.0, 3.0]})
    assert rounds.ratio("theirs", "ours") == Spread(3.0, 3.0, 3.0)
    assert rounds.scaled("theirs", 2.0).ratio("theirs", "ours") == Spread(6.0, 6.0, 6.0)


def test_race__three_rounds__runs_the_contestants_in_turns_after_a_warm_up():
    calls: list[str] = []
    contestants = {name: (lambda name=name: calls.append(name)) for name in "ab"}
    rounds = Stopwatch(rounds=3, patience_seconds=0.0).race(contestants)
    assert calls == ["a", "b"] * 4
    assert {name: len(seconds) for name, seconds in rounds.seconds.items()} == {"a": 3, "b": 3}


def test_require_close__one_cell_beyond_its_tolerance__names_it():
    ours, theirs = np.array([[1, 2], [3, 4]]), np.array([[1.4, 2.0], [3.0, 4.6]])
    require_close("book", ours, theirs, 0.7)
    with pytest.raises(Mismatch, match=r"book: ours 4 and theirs 4\.6 differ"):
        require_close("book", ours, theirs, np.array([0.5, 0.5]))


def test_require_close__not_a_number__is_a_mismatch():
    with pytest.raises(Mismatch):
        require_close("kernel", np.array([np.nan]), np.array([1.0]), 1.0)
