"""All books of all moments in columns, and views of them by group and by type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keeper.backtest.book_results import BookResults
from keeper.backtest.books.all_archetypes import GROUPS, TYPES
from keeper.units import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Books [B] of moments [M]: `moment` int64 [B] is an index into `times`, Unix seconds, `kind`
    and `group` are indices of types and groups. Money is in USD; `losses` and `quoted_losses` are
    [H, B] as in `BookResults`, NaN where unknown, which `unvalued` [H] counts where it is no want
    of a chain.
    """

    times: IntArray
    moment: IntArray
    kind: IntArray
    group: IntArray
    gross: FloatArray
    required: FloatArray
    maintenance: FloatArray
    initial: FloatArray
    standard: FloatArray
    naive: FloatArray
    pmrm2: FloatArray
    losses: FloatArray
    quoted_losses: FloatArray
    sentinels: int
    unvalued: tuple[int, ...]

    @property
    def days(self) -> float:
        """The length of the sample."""
        return float(self.times[-1] - self.times[0]) / 86_400


def pooled(results: Sequence[BookResults]) -> Pool:
    """Return the books of all moments, in order."""
    of_kind = np.array([GROUPS.index(kind.group) for kind in TYPES], dtype=np.int64)
    kind = np.concatenate([result.kind for result in results])

    def column(name: str) -> FloatArray:
        return np.concatenate([getattr(result, name) for result in results])

    return Pool(
        times=np.array([result.time for result in results], dtype=np.int64),
        moment=np.repeat(np.arange(len(results)), [len(result.kind) for result in results]),
        kind=kind,
        group=of_kind[kind],
        gross=column("gross"),
        required=column("required"),
        maintenance=column("maintenance"),
        initial=column("initial"),
        standard=column("standard"),
        naive=column("naive"),
        pmrm2=column("pmrm2"),
        losses=np.concatenate([result.losses for result in results], axis=1),
        quoted_losses=np.concatenate([result.quoted_losses for result in results], axis=1),
        sentinels=sum(result.sentinels for result in results),
        unvalued=tuple(map(sum, zip(*(result.unvalued for result in results), strict=True))),
    )
