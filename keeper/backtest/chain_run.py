"""All chains of a folder: surfaces fitted, books made, margined and revalued, on several cores.

The work is cut into parts that depend on the data alone, so any number of processes gives the same
books and figures. Nothing that a part is given comes from after its moment, but the marks by which
its books are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from keeper.backtest.book_results import BookResults, Later, Rules, Task, book_results
from keeper.backtest.chain_smiles import ChainSmiles, chain_smiles
from keeper.backtest.known_prices import KnownPrices, known_prices
from keeper.backtest.moment import Moment, moment_of
from keeper.backtest.windows import HORIZONS, nearest_later, settlements
from keeper.compute.processes import Processes
from keeper.errors import InputError
from keeper.state.option_chain import OptionChain

LEAST_CHAINS: Final = 8

# Fits take the smile before as a start: a segment begins with some chains that another fits too.
_SEGMENT: Final = 30
_LEAD_IN: Final = 3

Progress: TypeAlias = Callable[[str, int, int], None]
"""Is told the stage, how many parts are done, and of how many."""


@dataclass(frozen=True, slots=True, eq=False)
class ChainRun:
    """What came out: results of moments in order, fits by moment, and the prices they knew."""

    results: tuple[BookResults, ...]
    smiles: tuple[ChainSmiles, ...]
    known: KnownPrices
    moments: tuple[Moment, ...]


def run_chains(
    chains: Sequence[OptionChain], rules: Rules, processes: int, progress: Progress
) -> ChainRun:
    """Run the backtest over chains in order of time.

    Raises InputError for too few of them, and as `known_prices` does.
    """
    if len(chains) < LEAST_CHAINS:
        raise InputError(f"{len(chains)} chains: give at least {LEAST_CHAINS}, a few hours apart")
    with Processes(processes, rules) as pool:
        segments = [
            (chains[max(first - _LEAD_IN, 0) : first + _SEGMENT], min(first, _LEAD_IN))
            for first in range(0, len(chains), _SEGMENT)
        ]
        smiles: list[ChainSmiles] = []
        for done, fitted in enumerate(pool.each(_fit, segments), start=1):
            smiles += fitted
            progress("surfaces", done, len(segments))
        moments = tuple(moment_of(chain) for chain in chains)
        known = known_prices(moments, rules.model)
        tasks = _tasks(chains, moments, smiles, known)
        results: list[BookResults] = []
        for done, result in enumerate(pool.each(book_results, tasks), start=1):
            results.append(result)
            progress("books", done, len(tasks))
    return ChainRun(tuple(results), tuple(smiles), known, moments)


def _fit(_: Rules, segment: tuple[Sequence[OptionChain], int]) -> list[ChainSmiles]:
    chains, lead_in = segment
    return chain_smiles(chains)[lead_in:]


def _tasks(
    chains: Sequence[OptionChain],
    moments: Sequence[Moment],
    smiles: Sequence[ChainSmiles],
    known: KnownPrices,
) -> list[Task]:
    times = [moment.time for moment in moments]
    settled = settlements(moments)

    def later(index: int) -> list[Later | None]:
        ends = [nearest_later(times, index, horizon) for horizon in HORIZONS]
        return [
            None if end is None else Later(moments[end], _up_to(settled, times[end]))
            for end in ends
        ]

    return [
        Task(chain, smiles[index].smile, known.ring(chain.time), later(index))
        for index, chain in enumerate(chains)
    ]


def _up_to(settled: Mapping[tuple[int, int], float], time: int) -> dict[tuple[int, int], float]:
    """Return the prices of expiries up to a time that are a few days old at most."""
    return {key: price for key, price in settled.items() if time - 4 * 86_400 <= key[1] <= time}
