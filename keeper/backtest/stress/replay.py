"""Crashes of the past, played to the accounts of today step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from keeper.backtest.stress.cascade import Accounts, Cascade, Market, cascade
from keeper.backtest.stress.world import Move
from keeper.errors import InputError
from keeper.margin.history import day_of
from keeper.margin.scenarios import Model
from keeper.state.price_history import PriceHistory
from keeper.state.snapshot import Snapshot

_DAY: Final = 86_400
# Vols at 30 days when prices stand at their lowest: about what listed options showed in 2020 and
# 2021; there are no chains of that time to measure it by.
PEAK_VOL: Final = 1.0


@dataclass(frozen=True, slots=True)
class Crash:
    """A stretch of history: the prices known at 00:00 UTC of `since` are today's."""

    name: str
    since: str
    until: str


CRASHES: Final = (
    Crash("march-2020", "2020-03-08", "2020-03-14"),
    Crash("may-2021", "2021-05-17", "2021-05-24"),
    Crash("november-2022", "2022-11-06", "2022-11-11"),
    Crash("october-2025", "2025-10-10", "2025-10-12"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: when, prices as multiples of the start's, the rise of vols, and all so far."""

    time: int
    price: dict[int, float]
    vol: float
    so_far: Cascade


@dataclass(frozen=True, slots=True)
class Replay:
    """A crash, step by step; `symbols` are those that its file has prices of."""

    crash: str
    source: str
    symbols: tuple[str, ...]
    steps: tuple[Step, ...]


def find_crash(name: str) -> Crash:
    """Return the crash of a name; raise InputError for any other."""
    for crash in CRASHES:
        if crash.name == name:
            return crash
    raise InputError(f"replay {name!r}: choose {', '.join(crash.name for crash in CRASHES)}")


def replay(
    snapshot: Snapshot, history: PriceHistory, crash: Crash, market: Market, model: Model
) -> Replay:
    """Return what the steps of a crash do to accounts; underlyings without prices stand still.

    What liquidations move is on top of the history's own prices, for the step alone: those held
    already what liquidations of their time moved. Raises InputError where the history does not
    reach over the crash, or has no underlying of the model.
    """
    numbers = {symbol: number for number, symbol in model.symbols().items()}
    columns = {numbers[s]: at for at, s in enumerate(history.symbols) if s in numbers}
    known = history.known_at
    since, until = _seconds(crash.since), _seconds(crash.until)
    rows: list[int] = np.flatnonzero((known >= since) & (known <= until)).tolist()
    reaches = len(rows) > 1 and known[rows[0]] <= since + _DAY and known[rows[-1]] >= until - _DAY
    if not columns or not reaches:
        raise InputError(
            f"{history.source} has no prices over {crash.name}, {crash.since} to {crash.until}: "
            "give a file that has"
        )
    accounts, steps = Accounts(snapshot), list[Step]()
    first = history.close_usd[rows[0]]
    lowest = float((history.close_usd[rows] / first).min())
    for row in rows[1:]:
        price = {n: float(history.close_usd[row, at] / first[at]) for n, at in columns.items()}
        fallen = max(1.0 - min(price.values()), 0.0)
        vol = PEAK_VOL * fallen / (1.0 - lowest) if lowest < 1.0 else 0.0
        happened = cascade(accounts, Move(price, vol), market, model)
        steps.append(Step(int(known[row]), price, vol, happened))
    symbols = tuple(model.symbols()[number] for number in columns)
    return Replay(crash.name, history.source, symbols, tuple(steps))


def _seconds(text: str) -> int:
    day = day_of(text)
    if day is None:
        raise InputError(f"{text!r} is no day: write it as 2020-03-12")
    return day * _DAY
