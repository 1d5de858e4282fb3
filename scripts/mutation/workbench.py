"""A copy of the contracts in which one mutant after another is built and tested.

Without the optimiser, which changes no meaning and takes most of the time of a build.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Self

from scripts.mutation.mutants import Mutant, Verdict

_COPIED = ("src", "test", "tools", "foundry.toml")
_BUILT = ("out", "cache")
_SECONDS = 900


class Workbench:
    """A temporary folder; every mutant starts from the build without any."""

    def __init__(self, contracts: Path) -> None:
        forge = shutil.which("forge")
        if forge is None:
            raise SystemExit("forge is not on the PATH: run make mutation")
        self._program = forge
        self._folder = Path(tempfile.mkdtemp(prefix="mutants-"))
        self._work = self._folder / "contracts"
        for name in _COPIED:
            source = contracts / name
            if source.is_dir():
                shutil.copytree(source, self._work / name, symlinks=True)
            else:
                shutil.copy2(source, self._work / name)
        (self._work / "node_modules").symlink_to(contracts / "node_modules")
        # Tests read vectors from beside the contracts.
        (self._folder / "tests").symlink_to(contracts.parent / "tests")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder)

    def require_green(self, patterns: Iterable[str]) -> None:
        """Raise SystemExit unless the tests pass without any mutant."""
        pattern = "|".join(sorted(patterns))
        done = self._forge("test", "--match-contract", pattern)
        if done.returncode != 0:
            raise SystemExit(f"tests fail without any mutant:\n{done.stdout[-3000:]}{done.stderr}")
        for name in _BUILT:
            shutil.copytree(self._work / name, self._folder / name)

    def judge(self, mutant: Mutant) -> Verdict:
        """Build and test with the mutant in place, and take it out again."""
        path = self._work / mutant.file
        text = path.read_text("utf-8")
        if text.count(mutant.before) != 1 or mutant.before == mutant.after:
            return Verdict.BROKEN
        path.write_text(text.replace(mutant.before, mutant.after), "utf-8")
        try:
            tested = self._forge("test", "--match-contract", mutant.tests, "--fail-fast")
        finally:
            path.write_text(text, "utf-8")
            for name in _BUILT:
                shutil.rmtree(self._work / name)
                shutil.copytree(self._folder / name, self._work / name)
        if "Compiler run failed" in tested.stdout + tested.stderr:
            return Verdict.BROKEN
        return Verdict.SURVIVED if tested.returncode == 0 else Verdict.CAUGHT

    def _forge(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *arguments],
            cwd=self._work,
            env={**os.environ, "FOUNDRY_PROFILE": "mutation"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
