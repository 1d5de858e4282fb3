"""Prove the checks of contracts/test/halmos with halmos, and see it refute each control.

    python -m scripts.prove_contracts [--only NAME]

A check passes where halmos finds no input that breaks it within the bounds that the check states. A
control of contracts/test/halmos/controls.toml breaks one line of a library on purpose; halmos must
then find such an input. Needs `make halmos`, which brings halmos and forge.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / "contracts"
CHECKS = CONTRACTS / "test" / "halmos"
HALMOS = ROOT / ".venv-halmos" / "bin" / "halmos"
_SECONDS = 900

# Only the checks and what they import are built, with the syntax trees that halmos reads.
_FOUNDRY = """[profile.default]
src = "test"
test = "test"
out = "out"
libs = ["node_modules"]
remappings = [
    "@openzeppelin/contracts/=node_modules/@openzeppelin/contracts/",
    "solady/=node_modules/solady/src/",
]
auto_detect_remappings = false
solc = "tools/solc"
offline = true
evm_version = "prague"
optimizer = true
optimizer_runs = 200
"""


def main() -> int:
    """Prove, refute, and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="NAME")
    options = parser.parse_args()
    text = (CHECKS / "controls.toml").read_text("utf-8")
    controls = [row for row in tomllib.loads(text)["control"] if options.only in row["check"]]
    with tempfile.TemporaryDirectory(prefix="proofs-") as folder:
        bench = Path(folder)
        _fill(bench)
        verdicts = _run(bench, f"^check_.*{options.only}")
        wrong = [name for name, verdict in verdicts.items() if verdict != "PASS"]
        for name, verdict in verdicts.items():
            print(f"{verdict:8} {name}")
        for control in controls:
            verdict = _refute(bench, control)
            print(f"{verdict:8} {control['check']} with {control['after']!r}")
            wrong += [control["check"]] if verdict != "REFUTED" else []
    print(f"{len(verdicts)} checks, {len(controls)} controls, {len(wrong)} wrong")
    return 1 if wrong or not verdicts else 0


def _fill(bench: Path) -> None:
    (bench / "test").mkdir()
    shutil.copytree(CONTRACTS / "src", bench / "src")
    shutil.copytree(CHECKS, bench / "test" / "halmos")
    shutil.copytree(CONTRACTS / "tools", bench / "tools")
    (bench / "node_modules").symlink_to(CONTRACTS / "node_modules")
    (bench / "foundry.toml").write_text(_FOUNDRY, "utf-8")


def _run(bench: Path, pattern: str) -> dict[str, str]:
    """Return what halmos says of each check: PASS, FAIL, TIMEOUT or ERROR."""
    done = subprocess.run(
        [HALMOS, "--match-test", pattern, "--solver-timeout-assertion", "120s"],
        cwd=bench,
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    plain = re.sub(r"\x1b\[\d+m", "", done.stdout)
    found = re.findall(r"^\[(\w+)\] (check_\w+)", plain, re.MULTILINE)
    if not found:
        raise SystemExit(f"halmos did not run:\n{plain[-2000:]}{done.stderr[-2000:]}")
    return {name: verdict for verdict, name in found}


def _refute(bench: Path, control: dict[str, str]) -> str:
    """Return REFUTED where the check fails with the line broken."""
    source = bench / control["file"]
    text = source.read_text("utf-8")
    if text.count(control["before"]) != 1:
        return "BROKEN"
    source.write_text(text.replace(control["before"], control["after"]), "utf-8")
    verdict = _run(bench, f"^{control['check']}\\(")[control["check"]]
    source.write_text(text, "utf-8")
    return "REFUTED" if verdict == "FAIL" else verdict


if __name__ == "__main__":
    sys.exit(main())
