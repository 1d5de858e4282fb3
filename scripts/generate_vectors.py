"""Write the vectors that pytest and forge both read: `generate_vectors.py --out tests/vectors`.

One module of `scripts/vectors/` per topic; each returns its files by name, the same on every run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from scripts.vectors import (
    accounts,
    add_ons,
    attestation,
    collateral,
    digest,
    instruments,
    model,
    pricing,
    scan,
    scenarios,
)

TOPICS = (
    instruments,
    accounts,
    pricing,
    model,
    scan,
    scenarios,
    add_ons,
    collateral,
    attestation,
    digest,
)


def all_vectors() -> dict[str, Mapping[str, object]]:
    """Return the content of every file by its name."""
    return {name: columns for topic in TOPICS for name, columns in topic.all_vectors().items()}


def rendered(columns: Mapping[str, object]) -> str:
    """Return the text of one file."""
    return json.dumps(columns, indent=1) + "\n"


def main() -> None:
    """Write every file below --out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    out: Path = parser.parse_args().out
    for name, columns in all_vectors().items():
        path = out / f"{name}.json"
        path.write_text(rendered(columns), encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
