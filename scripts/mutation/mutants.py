"""What a mutant is: one replacement in one source file, and the tests that must notice it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path


class Verdict(Enum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "SURVIVED"
    BROKEN = "BROKEN"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`before` stands exactly once in `file` (below contracts/) and becomes `after`.

    `tests` is a pattern of test contracts, as `forge test --match-contract` takes it.
    """

    name: str
    file: str
    before: str
    after: str
    tests: str


def read_mutants(path: Path) -> list[Mutant]:
    """Return the mutants in order; raise ValueError for a field that is missing or too much."""
    names = {field.name for field in fields(Mutant)}
    rows: list[dict[str, str]] = tomllib.loads(path.read_text("utf-8"))["mutant"]
    for number, row in enumerate(rows, 1):
        if row.keys() != names:
            raise ValueError(f"{path.name}: mutant {number} has {sorted(row)}, not {sorted(names)}")
    found = [Mutant(**row) for row in rows]
    if len({mutant.name for mutant in found}) < len(found):
        raise ValueError(f"{path.name}: two mutants have one name")
    return found
