"""Peak memory and growth: from a body to a root, in a process of its own for each size."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from scripts.bench import engine
from scripts.bench.measure import Spread, progress
from scripts.bench.report import Figure, Target
from scripts.bench.sizes import Sizes

_CEILING_BYTES: Final = 2 * 10**9
_BY_HAND = "numpy + ndtr, scipy.sparse product, eth_abi leaf by leaf"
_WATCH: Final = Path(__file__).with_name("watch.py")


@dataclass(frozen=True, slots=True)
class Finished:
    """What a child process took, from its start to its end."""

    seconds: float
    peak_bytes: int


class ChildFailed(Exception):
    """A child process ended with another status than 0."""


def run_memory(sizes: Sizes) -> list[Figure]:
    """Return the lines of the peak memory of the book's accounts."""
    ours, theirs = _both(sizes.accounts, sizes)
    case = f"peak memory, body to root, {sizes.accounts:,} accounts"
    return _lines("memory", case, "B", ours.peak_bytes, theirs.peak_bytes, Target(_CEILING_BYTES))


def run_growth(sizes: Sizes) -> list[Figure]:
    """Return seconds and peak memory for each number of accounts; Python's start counts."""
    figures: list[Figure] = []
    for accounts in sizes.growth_accounts:
        ours, theirs = _both(accounts, sizes)
        case = f"growth, body to root, {accounts:,} accounts"
        figures += _lines("growth", f"{case}: process time", "s", ours.seconds, theirs.seconds)
        figures += _lines("growth", f"{case}: peak memory", "B", ours.peak_bytes, theirs.peak_bytes)
    return figures


def run_child(command: Sequence[str]) -> Finished:
    """Run a command to its end; raise ChildFailed with what it said where that is not success."""
    watched = [sys.executable, "-I", str(_WATCH), *command]
    ended = subprocess.run(watched, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise ChildFailed(f"{' '.join(command)}: {ended.stderr}")
    return Finished(**json.loads(ended.stdout))


def _both(accounts: int, sizes: Sizes) -> tuple[Finished, Finished]:
    """Turn a random body into a root, ours and by hand, each in a process of its own."""
    progress(f"body to root, {accounts:,} accounts")
    with tempfile.TemporaryDirectory() as folder:
        body = Path(folder) / "body"
        run_child(engine.book_command(body, accounts, sizes.legs_each))
        return run_child(engine.digest_command(body)), run_child(engine.by_hand_command(body))


def _lines(
    benchmark: str, case: str, unit: str, ours: float, theirs: float, target: Target | None = None
) -> list[Figure]:
    """Return the line of ours with its target, and the one of what it is against."""
    alone = Figure(benchmark, case, unit, _once(ours), target=target)
    compared = replace(
        alone, against=_BY_HAND, theirs=_once(theirs), ratio=_once(theirs / ours), target=None
    )
    return [alone, compared]


def _once(value: float) -> Spread:
    return Spread(value, value, value)
