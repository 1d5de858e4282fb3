"""Prints the lock's entries of what `keeper digest` needs, for one version of Python.

Usage: locked_requirements.py 3.13

Without environment markers, since pip would judge those by its own interpreter, which may be
another than the one that is installed for.
"""

from __future__ import annotations

import sys
from pathlib import Path

from packaging.requirements import Requirement

LOCK = Path(__file__).resolve().parents[1] / "requirements.lock"

# Few enough that a foreign architecture has a wheel of each.
NEEDED = frozenset(
    {
        "annotated-doc", "annotated-types", "cytoolz", "eth-abi", "eth-hash", "eth-typing",
        "eth-utils", "llvmlite", "markdown-it-py", "mdurl", "numba", "numpy", "parsimonious",
        "pycryptodome", "pydantic", "pydantic-core", "pygments", "regex", "rich", "safe-pysha3",
        "shellingham", "toolz", "typer", "typing-extensions", "typing-inspection",
    }
)  # fmt: skip


def entries(lock: str) -> list[tuple[Requirement, list[str]]]:
    """Return each requirement of a lock with its hashes."""
    found: list[tuple[Requirement, list[str]]] = []
    for raw in lock.splitlines():
        line = raw.strip().removesuffix("\\").strip()
        if line.startswith("--hash="):
            found[-1][1].append(line)
        elif line and not line.startswith("#"):
            found.append((Requirement(line), []))
    return found


def main(version: str) -> None:
    """Print what applies to CPython `version` on Linux."""
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    for requirement, hashes in entries(LOCK.read_text("utf-8")):
        marker = requirement.marker
        if requirement.name in NEEDED and (marker is None or marker.evaluate(environment)):
            print(f"{requirement.name}{requirement.specifier}", *hashes, sep=" \\\n    ")


if __name__ == "__main__":
    main(sys.argv[1])
