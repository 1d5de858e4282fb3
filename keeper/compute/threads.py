"""Threads of this machine: the compiled kernels let go of the interpreter lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self

from keeper.errors import ConfigError
from keeper.margin.workers import Part, Result, Shared


class ThreadWorkers:
    """`count` threads until the end of the `with` block; ConfigError for less than one."""

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ConfigError(f"{count} threads cannot compute anything: set 1 or more")
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="compute")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def map(
        self, task: Callable[[Shared, Part], Result], shared: Shared, parts: Sequence[Part]
    ) -> list[Result]:
        """Return the results in the order of the parts; after an error, parts not begun are not."""
        return list(self._pool.map(partial(task, shared), parts))
