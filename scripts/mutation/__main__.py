"""Break the contracts on purpose, one line at a time, and see that the tests notice.

    python -m scripts.mutation                 every mutant of contracts/test/mutants.toml
    python -m scripts.mutation --only NAME     those whose name contains NAME
    python -m scripts.mutation --json

A mutant is caught where its tests fail, survives where they pass, and is broken where it does not
compile or its text is not found exactly once. Exit 0 only where every mutant is caught.
Needs forge on the PATH (scripts/with_contract_tools.sh).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import track

from scripts.mutation.mutants import Mutant, Verdict, read_mutants
from scripts.mutation.workbench import Workbench

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    contracts = ROOT / "contracts"
    everything = read_mutants(contracts / "test" / "mutants.toml")
    mutants = [mutant for mutant in everything if options.only in mutant.name]
    verdicts: dict[str, Verdict] = {}
    with Workbench(contracts) as bench:
        bench.require_green({mutant.tests for mutant in mutants})
        console = Console(stderr=True)
        for mutant in track(mutants, description="mutants", console=console):
            verdicts[mutant.name] = verdict = bench.judge(mutant)
            console.print(f"{verdict.value:9} {mutant.name}", highlight=False)
    _report(mutants, verdicts, as_json=options.json)
    return 0 if mutants and set(verdicts.values()) == {Verdict.CAUGHT} else 1


def _report(mutants: list[Mutant], verdicts: dict[str, Verdict], *, as_json: bool) -> None:
    if as_json:
        rows = [asdict(mutant) | {"verdict": verdicts[mutant.name].value} for mutant in mutants]
        sys.stdout.write(json.dumps(rows, indent=1) + "\n")
        return
    for mutant in mutants:
        sys.stdout.write(f"{verdicts[mutant.name].value:9} {mutant.name}\n")
    counts = Counter(verdict.value for verdict in verdicts.values())
    sys.stdout.write(", ".join(f"{count} {name}" for name, count in sorted(counts.items())) + "\n")


if __name__ == "__main__":
    sys.exit(main())
