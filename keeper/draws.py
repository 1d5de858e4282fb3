"""Counter-based draws: number `i` of a stream is a hash of seed, stream and `i`.

SplitMix64 (Steele, Lea, Flood 2014) in uint64 arithmetic alone, so that a seed gives the same
numbers on every machine and with every version of numpy, in any order and in any part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from keeper.errors import InputError
from keeper.units import FloatArray, IntArray

_GAMMA: Final = 0x9E3779B97F4A7C15
_MASK: Final = 2**64 - 1


def splitmix(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the finalizer of SplitMix64, elementwise: a bijection of uint64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Draws:
    """All streams of one seed, a uint64."""

    seed: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed <= _MASK:
            raise InputError(f"seed {self.seed} is not a uint64")

    def words(self, stream: str, count: int) -> NDArray[np.uint64]:
        """Return uint64 [count], no value twice."""
        state = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA)
        return splitmix(state + self._origin(stream))

    def fractions(self, stream: str, count: int) -> FloatArray:
        """Return float64 [count] in (0, 1): the midpoints of 2**52 equal cells."""
        cells = self.words(stream, count) >> np.uint64(12)
        return (cells.astype(np.float64) + 0.5) * 2.0**-52

    def below(self, stream: str, count: int, bound: int) -> IntArray:
        """Return int64 [count] in [0, bound), for bounds up to 2**31."""
        high = self.words(stream, count) >> np.uint64(32)
        return (high * np.uint64(bound) >> np.uint64(32)).astype(np.int64)

    def one(self, stream: str, low: int, high: int) -> int:
        """Return one integer in [low, high)."""
        return low + int(self.below(stream, 1, high - low)[0])

    def _origin(self, stream: str) -> np.uint64:
        """Return where a stream starts: seed and name, hashed byte by byte."""
        state = np.array([self.seed], dtype=np.uint64)
        for byte in stream.encode():
            state = splitmix(state + np.uint64((byte + 1) * _GAMMA & _MASK))
        return splitmix(state)[0]
