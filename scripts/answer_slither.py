"""Run slither, and demand an answer to each of its findings.

    python -m scripts.answer_slither [--json]

Answers stand in contracts/analysis/answers.toml: the check, where it is found (`Contract.function`,
`Contract.*` or `*`) and why it is no fault. A finding without an answer fails, and so does an
answer without a finding, which would hide the next one. Needs `make slither`, which brings slither
and forge.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / "contracts"
SLITHER = ROOT / ".venv-slither" / "bin" / "slither"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What a detector says, at its first element."""

    check: str
    impact: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Why findings of a check at a place are no fault."""

    check: str
    where: str
    reason: str

    def meets(self, finding: Finding) -> bool:
        """Whether it is this finding that is answered."""
        return self.check == finding.check and fnmatchcase(finding.where, self.where)


def findings() -> list[Finding]:
    """Return what slither finds in contracts/src, mocks and dependencies left out."""
    # Linked tests leave no bytecode in the build information that slither reads.
    env = os.environ | {"FOUNDRY_DYNAMIC_TEST_LINKING": "false"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "slither.json"
        done = subprocess.run(
            [SLITHER, ".", "--config-file", "analysis/slither.json", "--json", out],
            cwd=CONTRACTS,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if not out.exists():
            raise SystemExit(f"slither did not run:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        report: dict[str, Any] = json.loads(out.read_text("utf-8"))
    if not report["success"]:
        raise SystemExit(f"slither failed: {report['error']}")
    return sorted(_finding(row) for row in report["results"].get("detectors", []))


def _finding(row: dict[str, Any]) -> Finding:
    return Finding(row["check"], row["impact"], _place(row["elements"]), row["description"].strip())


def _place(elements: list[dict[str, Any]]) -> str:
    """Return `Contract.function` of the first element that lies in a function, else its name."""
    for element in elements:
        function = element
        while function["type"] != "function":
            function = function.get("type_specific_fields", {}).get("parent")
            if function is None:
                break
        else:
            contract = function["type_specific_fields"]["parent"]["name"]
            return f"{contract}.{function['name']}"
    return str(elements[0]["name"]) if elements else ""


def main() -> int:
    """Compare findings with answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the findings, answered or not")
    options = parser.parse_args()
    text = (CONTRACTS / "analysis" / "answers.toml").read_text("utf-8")
    answers = [Answer(**row) for row in tomllib.loads(text)["answer"]]
    found = findings()
    if options.json:
        sys.stdout.write(json.dumps([asdict(finding) for finding in found], indent=1) + "\n")
    open_findings = [f for f in found if not any(answer.meets(f) for answer in answers)]
    idle = [a for a in answers if not any(a.meets(finding) for finding in found)]
    for finding in open_findings:
        said = finding.text.splitlines()[0]
        print(f"unanswered: {finding.impact} {finding.check} in {finding.where}: {said}")
    for answer in idle:
        print(f"answers nothing: {answer.check} in {answer.where}")
    print(f"{len(found)} findings, {len(open_findings)} unanswered, {len(idle)} idle answers")
    return 1 if open_findings or idle else 0


if __name__ == "__main__":
    sys.exit(main())
