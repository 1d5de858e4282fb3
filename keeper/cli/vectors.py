"""`keeper vectors`: a model against published test cases, figure by figure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from keeper.cli.options import AsJson, write_json
from keeper.errors import ConfigError, InputError, VerificationMismatch
from keeper.margin.models.pmrm2 import vectors as pmrm2
from keeper.margin.models.pmrm2.vectors import Deviation

# A model with published cases: name and decoded JSON of one case to its deviation.
MODELS: Final[Mapping[str, Callable[[str, object], Deviation]]] = {"pmrm2": pmrm2.deviation}
DEEPEST: Final = 32  # levels of a JSON document; a case has five


def command(
    folder: Annotated[
        Path, typer.Argument(help="Folder with one .json file a case.", metavar="DIR")
    ],
    model: Annotated[str, typer.Option("--model", help=f"One of: {', '.join(MODELS)}.")],
    as_json: AsJson = False,
) -> None:
    """Compute every case in a folder and compare scenario P&L, IM and MM to the published ones.

    Errors are relative to max(1, |published|). Exit code 3 when one exceeds 1e-9; a case that
    cannot be read is bad input, exit code 65. Other files than .json are passed over.

    Examples:

        keeper vectors --model pmrm2 cases/

        keeper vectors --model pmrm2 cases/ --json
    """
    if model not in MODELS:
        raise ConfigError(f"--model {model!r} is unknown: write one of {', '.join(MODELS)}")
    found = {path.stem: MODELS[model](path.name, _document(path)) for path in _case_files(folder)}
    failed = [name for name, deviation in found.items() if not deviation.within_tolerance]
    summary = _summary(found, failed)
    if as_json:
        write_json(summary)
    else:
        _print(found, summary)
    if failed:
        raise VerificationMismatch(f"{len(failed)} of {len(found)} cases: {', '.join(failed)}")


def _case_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        what = "is a file" if folder.exists() else "is missing"
        raise InputError(f"DIR {folder} {what}: name a folder of .json cases")
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError as error:
        raise InputError(f"DIR {folder} is unreadable ({error.strerror}): grant access") from error
    if not files:
        raise InputError(f"DIR {folder} has no .json file: name a folder of cases")
    return files


def _document(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8")
        if _depth(text) > DEEPEST:
            raise InputError(f"{path}: nested deeper than {DEEPEST}: write one case a file")
        return json.loads(text)
    except OSError as error:
        raise InputError(f"{path}: unreadable ({error.strerror}): grant access") from error
    except ValueError as error:  # what JSON is not, and what UTF-8 is not
        raise InputError(f"{path}: not JSON ({error}): write one JSON object a file") from error


def _depth(text: str) -> int:
    """Return how deep brackets nest: py-evm lifts the limit that keeps json from overflowing."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(accumulate(steps), default=0)


def _summary(found: Mapping[str, Deviation], failed: list[str]) -> dict[str, Any]:
    return {
        "cases": len(found),
        "failed": failed,
        "max_rel_error": {
            "scenario": max(item.scenario for item in found.values()),
            "im": max(item.im for item in found.values()),
            "mm": max(item.mm for item in found.values()),
        },
    }


def _print(found: Mapping[str, Deviation], summary: dict[str, Any]) -> None:
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    if summary["failed"]:
        table = Table(box=None, pad_edge=False)
        for index, column in enumerate(("failed", "scenario", "IM", "MM")):
            table.add_column(column, justify="right" if index else "left", no_wrap=True)
        for name in summary["failed"]:
            item = found[name]
            table.add_row(name, *(f"{error:.1e}" for error in (item.scenario, item.im, item.mm)))
        console.print(table)
        console.print()
    largest = summary["max_rel_error"]
    console.print(
        f"{summary['cases'] - len(summary['failed'])} of {summary['cases']} cases agree; largest "
        f"relative error: scenario {largest['scenario']:.1e}, IM {largest['im']:.1e}, "
        f"MM {largest['mm']:.1e}"
    )
