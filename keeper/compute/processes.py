"""Processes of this machine, for work that holds the interpreter lock."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any, Generic, Self

from keeper.errors import ConfigError
from keeper.margin.workers import Part, Result, Shared

_held: list[Any] = []


class Processes(Generic[Shared]):
    """Runs `task(shared, part)` in `count` processes, or in this one where `count` is 1, until the
    end of the `with` block.

    `shared` travels once to each. ConfigError for less than one.
    """

    def __init__(self, count: int, shared: Shared) -> None:
        if count < 1:
            raise ConfigError(f"{count} processes cannot compute anything: set 1 or more")
        self._shared = shared
        # Not forked: what is forked inherits locks that threads of this process may hold.
        context = multiprocessing.get_context("spawn")
        self._pool = (
            ProcessPoolExecutor(count, context, initializer=_hold, initargs=(shared,))
            if count > 1
            else None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def each(
        self, task: Callable[[Shared, Part], Result], parts: Sequence[Part]
    ) -> Iterator[Result]:
        """Yield the results in the order of the parts, as they are ready; raise what a task raises.

        Any number of processes gives the same results: a task knows nothing of the others.
        """
        if self._pool is None:
            yield from (task(self._shared, part) for part in parts)
            return
        futures = [self._pool.submit(_run, task, part) for part in parts]
        for future in futures:
            yield future.result()


def _hold(shared: object) -> None:
    _held[:] = [shared]


def _run(task: Callable[[Any, Any], Result], part: object) -> Result:
    return task(_held[0], part)
