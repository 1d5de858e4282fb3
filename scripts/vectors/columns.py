"""The shape of a vector file: flat columns of equal length, numbers as decimal text.

`vm.parseJson` reads such columns as typed arrays, and JSON numbers lose digits beyond 2**53.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Cell: TypeAlias = "str | bool"
Columns: TypeAlias = "dict[str, Cell | list[Cell]]"


def transposed(rows: Sequence[Mapping[str, Cell]], prefix: str = "") -> Columns:
    """Turn rows with equal keys into columns named `prefix` + key."""
    return {prefix + name: [row[name] for row in rows] for name in rows[0]}
