"""Dask workers, for books beyond one machine. Each runs this same package."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Self

from keeper.errors import ConfigError
from keeper.margin.workers import Part, Result, Shared

if TYPE_CHECKING:
    from distributed import Client


class DaskWorkers:
    """The workers that `client`, a `distributed.Client`, reaches; closing it is its owner's."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @classmethod
    def connect(cls, scheduler: str) -> Self:
        """Reach the scheduler at an address such as `tcp://10.0.0.1:8786`.

        Raises ConfigError where Dask is not installed or nothing answers there.
        """
        try:
            from distributed import Client
        except ImportError as error:
            raise ConfigError(
                "Dask is not installed: pip install 'portfolio-margin-keeper[cluster]'"
            ) from error
        try:
            return cls(Client(scheduler))
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at the address given ({scheduler}): start one there "
                "with 'dask scheduler', or give another"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def map(
        self, task: Callable[[Shared, Part], Result], shared: Shared, parts: Sequence[Part]
    ) -> list[Result]:
        """Return the results in the order of the parts; `shared` goes to every worker once."""
        if not parts:
            return []
        client: Any = self._client  # typed as if each call might be awaited: this client is not
        # Unhashed: hashing megabytes to find that they are new would cost more than sending them.
        [everywhere] = client.scatter([shared], broadcast=True, hash=False)
        spread = client.scatter(list(parts), hash=False)
        futures = [client.submit(task, everywhere, part, pure=False) for part in spread]
        return client.gather(futures)
