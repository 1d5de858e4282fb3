"""The imports of `keeper/` follow the table of ranks; what is pure stays pure.

Each rank imports its own and lower ranks, without cycles between packages. Imports are read from
the syntax tree, so that those inside functions and under `TYPE_CHECKING` count as well.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

KEEPER = Path(__file__).resolve().parents[2] / "keeper"

RANKS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "units", "clock", "draws", "telemetry"}),
    frozenset({"pricing", "state"}),
    frozenset({"margin", "calibration"}),
    frozenset({"attestation", "liquidation"}),
    frozenset({"chain", "sources", "tx", "quorum", "store", "compute"}),
    frozenset({"jobs", "audit", "backtest", "api", "alerts"}),
    frozenset({"devnet", "testing", "cli"}),
)
RANK = {package: rank for rank, packages in enumerate(RANKS) for package in packages}
RANK["__init__"] = 0  # the version only
RANK["__main__"] = 6
LAST_PURE_RANK = 3
SIBLING_RANK = 5

# What machines recompute bit for bit may not import what they cannot: scipy, LAPACK and libm.
RECOMPUTED = frozenset(
    {"pricing", "state", "margin", "attestation", "liquidation", "compute", "audit"}
)
OFFLINE = frozenset({"calibration"})

FORBIDDEN_NAMES = frozenset({"utils", "helpers", "manager", "common"})

# What a pure package may not import: the network, the disk, the clock, chance, other programs.
IMPURE = frozenset(
    {
        "alembic", "apscheduler", "asyncio", "dask", "eth", "eth_account", "eth_tester", "httpx",
        "io.open", "logging", "os.environ", "os.getenv", "psycopg", "random", "requests", "secrets",
        "socket", "sqlalchemy", "sqlite3", "stamina", "structlog", "subprocess", "time",
        "urllib.request", "web3",
    }
)  # fmt: skip
ENCODING = frozenset({"eth_abi", "eth_hash", "eth_utils"})
# The packages whose purpose is the exception.
ALLOWED = {
    "clock": frozenset({"time"}),
    "telemetry": frozenset({"logging", "structlog"}),
    "attestation": ENCODING,
    "state": ENCODING,
}
READS_WALL_CLOCK = frozenset({"now", "today", "utcnow"})
FILE_METHODS = frozenset({"read_bytes", "read_text", "write_bytes", "write_text"})


@dataclass(frozen=True, slots=True)
class Import:
    """One imported name: dotted target, and where it stands."""

    target: str
    line: int


def violations(keeper: Path) -> list[str]:
    """Return every breach of the table below a `keeper` folder, as `kind: place: what`."""
    found: list[str] = []
    edges: dict[str, set[str]] = {}
    for path in sorted(keeper.rglob("*.py")):
        parts = path.relative_to(keeper).with_suffix("").parts
        package = parts[0]
        place = "/".join(("keeper", *path.relative_to(keeper).parts))
        found += [f"name: {place}: {part}" for part in parts if part in FORBIDDEN_NAMES]
        if package not in RANK:
            found.append(f"unknown: {place}: no rank for {package}")
            continue
        tree = ast.parse(path.read_text("utf-8"), filename=str(path))
        imports = list(_imports(tree, ("keeper", *parts)))
        for imported in imports:
            target = _package(imported.target, keeper)
            if target is None or target == package:
                continue
            edges.setdefault(package, set()).add(target)
            if problem := _rank_problem(package, target):
                found.append(f"{problem}: {place}:{imported.line}: imports keeper.{target}")
        if RANK[package] <= LAST_PURE_RANK:
            found += [
                f"pure: {place}:{line}: {what}" for line, what in _impure(package, tree, imports)
            ]
    found += [f"cycle: {' -> '.join(cycle)}" for cycle in _cycles(edges)]
    return found


def _imports(tree: ast.Module, module: tuple[str, ...]) -> Iterator[Import]:
    """Yield absolute dotted targets; `from a import b` gives `a.b`, as b may be a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            # `module` names the file, so that one level up is its folder, for __init__ as well.
            base = list(module[: -node.level]) if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                yield Import(f"{prefix}.{alias.name}", node.lineno)
        elif isinstance(node, ast.Call) and _name(node.func) in {"import_module", "__import__"}:
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield Import(argument.value, node.lineno)


def _package(target: str, keeper: Path) -> str | None:
    """Return the package of `keeper` that a target lies in, if it lies in one."""
    head, _, rest = target.partition(".")
    if head != "keeper" or not rest:
        return None
    name = rest.partition(".")[0]
    exists = (keeper / name).is_dir() or (keeper / f"{name}.py").is_file()
    return name if exists or name in RANK else None


def _rank_problem(package: str, target: str) -> str | None:
    if target not in RANK:
        return "unknown"
    if RANK[target] > RANK[package]:
        return "rank"
    if RANK[target] == RANK[package] == SIBLING_RANK:
        return "sibling"
    if package in RECOMPUTED and target in OFFLINE:
        return "offline"
    return None


def _impure(package: str, tree: ast.Module, imports: list[Import]) -> Iterator[tuple[int, str]]:
    banned = (IMPURE | ENCODING) - ALLOWED.get(package, frozenset())
    for imported in imports:
        if any(f"{imported.target}.".startswith(f"{name}.") for name in banned):
            yield imported.line, f"imports {imported.target}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = _name(node.value)
            if owner == "os" and node.attr in {"environ", "getenv"}:
                yield node.lineno, f"reads os.{node.attr}"
            elif owner in {"datetime", "date"} and node.attr in READS_WALL_CLOCK:
                if package != "clock":
                    yield node.lineno, f"reads the wall clock: {owner}.{node.attr}"
            elif node.attr in FILE_METHODS:
                yield node.lineno, f"touches a file: .{node.attr}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"open", "io.open"}:
            yield node.lineno, "touches a file: open()"


def _name(node: ast.expr) -> str | None:
    """Return the last part of a name or dotted name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _cycles(edges: dict[str, set[str]]) -> list[list[str]]:
    """Return one cycle for each package that lies on one, starting at its smallest name."""
    found: list[list[str]] = []
    for start in sorted(edges):
        paths = [[start]]
        seen: set[str] = set()
        while paths:
            path = paths.pop()
            for target in sorted(edges.get(path[-1], ())):
                if target == start:
                    if start == min(path):
                        found.append([*path, start])
                    paths.clear()
                    break
                if target not in seen:
                    seen.add(target)
                    paths.append([*path, target])
    return found


def plant(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "keeper" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root / "keeper"


def test_keeper__follows_the_table():
    assert list(KEEPER.rglob("*.py")), "nothing was scanned"
    assert violations(KEEPER) == []


def test_violations__sound_tree__has_none(tmp_path):
    tree = {
        "__init__.py": '__version__ = "1"\n',
        "__main__.py": "from keeper.cli.app import main\n",
        "errors.py": "class KeeperError(Exception): ...\n",
        "clock.py": "import time\nfrom datetime import datetime, UTC\ndatetime.now(UTC)\n",
        "telemetry/log.py": "import logging\nimport structlog\nfrom keeper import errors\n",
        "pricing/svi.py": "import numpy\nfrom keeper import __version__\nfrom .exp import f\n",
        "pricing/exp.py": "from ..errors import KeeperError\n",
        "state/codec.py": "from eth_abi import encode\nfrom keeper.pricing import svi\n",
        "margin/models/pmrm2.py": "from ...state.codec import encode\nfrom ..losses import x\n",
        "chain/client.py": "import time, os, web3\nos.environ\nopen('x')\n",
        "jobs/cycle.py": "from keeper.chain.client import y\nfrom keeper.margin import losses\n",
        "cli/app.py": "from keeper.jobs import cycle\nfrom keeper.devnet import demo\n",
        "devnet/demo.py": "from keeper.testing import fakes\n",
    }
    assert violations(plant(tmp_path, tree)) == []


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pricing/a.py": "import keeper.margin.losses\n"}, "rank: keeper/pricing/a.py:1"),
        ({"errors.py": "from keeper import cli\n"}, "rank: keeper/errors.py:1"),
        ({"__init__.py": "from keeper.cli.app import main\n"}, "rank: keeper/__init__.py:1"),
        ({"margin/a.py": "from ..jobs.cycle import b\n"}, "rank: keeper/margin/a.py:1"),
        ({"margin/__init__.py": "from ..jobs import b\n"}, "rank: keeper/margin/__init__.py:1"),
        ({"margin/models/a.py": "from ... import chain\n"}, "rank: keeper/margin/models/a.py:1"),
        ({"state/a.py": "def f():\n    from keeper.store import b\n"}, "rank: keeper/state/a.py:2"),
        (
            {"state/a.py": "if TYPE_CHECKING:\n    from keeper.store import b\n"},
            "rank: keeper/state/a.py:2",
        ),
        (
            {"state/a.py": "import importlib\nimportlib.import_module('keeper.store')\n"},
            "rank: keeper/state/a.py:2",
        ),
        ({"jobs/a.py": "from keeper.audit import b\n"}, "sibling: keeper/jobs/a.py:1"),
        ({"margin/a.py": "from keeper.calibration import b\n"}, "offline: keeper/margin/a.py:1"),
        (
            {"margin/models/a.py": "from ...calibration.garch import b\n"},
            "offline: keeper/margin/models/a.py:1",
        ),
        (
            {"attestation/a.py": "def f():\n    import keeper.calibration.ewma\n"},
            "offline: keeper/attestation/a.py:2",
        ),
        ({"liquidation/a.py": "from ..calibration import b\n"}, "offline: keeper/liquidation/a.py"),
        ({"compute/a.py": "from keeper import calibration\n"}, "offline: keeper/compute/a.py:1"),
        ({"audit/a.py": "import keeper.calibration\n"}, "offline: keeper/audit/a.py:1"),
        ({"oracle/a.py": ""}, "unknown: keeper/oracle/a.py"),
        ({"oracle.py": ""}, "unknown: keeper/oracle.py"),
        ({"chain/utils.py": ""}, "name: keeper/chain/utils.py"),
        ({"chain/common/a.py": ""}, "name: keeper/chain/common/a.py"),
        ({"store/manager.py": ""}, "name: keeper/store/manager.py"),
        ({"cli/helpers.py": ""}, "name: keeper/cli/helpers.py"),
        ({"pricing/a.py": "import web3\n"}, "pure: keeper/pricing/a.py:1"),
        ({"pricing/a.py": "import numpy, eth_account.signers\n"}, "pure: keeper/pricing/a.py:1"),
        ({"margin/a.py": "from eth_tester import EthereumTester\n"}, "pure: keeper/margin/a.py:1"),
        ({"margin/a.py": "import httpx\n"}, "pure: keeper/margin/a.py:1"),
        ({"margin/a.py": "from sqlalchemy.orm import Session\n"}, "pure: keeper/margin/a.py:1"),
        ({"units.py": "import requests\n"}, "pure: keeper/units.py:1"),
        ({"liquidation/a.py": "import apscheduler\n"}, "pure: keeper/liquidation/a.py:1"),
        ({"margin/a.py": "import eth_abi\n"}, "pure: keeper/margin/a.py:1"),
        ({"margin/a.py": "import structlog\n"}, "pure: keeper/margin/a.py:1"),
        ({"telemetry/a.py": "import time\n"}, "pure: keeper/telemetry/a.py:1"),
        ({"state/a.py": "from time import time\n"}, "pure: keeper/state/a.py:1"),
        ({"state/a.py": "import os\nos.environ['A']\n"}, "pure: keeper/state/a.py:2"),
        ({"state/a.py": "import os\nos.getenv('A')\n"}, "pure: keeper/state/a.py:2"),
        ({"state/a.py": "from os import environ\n"}, "pure: keeper/state/a.py:1"),
        ({"state/a.py": "datetime.now(UTC)\n"}, "pure: keeper/state/a.py:1"),
        ({"state/a.py": "datetime.datetime.utcnow()\n"}, "pure: keeper/state/a.py:1"),
        ({"state/a.py": "date.today()\n"}, "pure: keeper/state/a.py:1"),
        ({"attestation/a.py": "with open('x') as f: ...\n"}, "pure: keeper/attestation/a.py:1"),
        ({"attestation/a.py": "Path('x').read_text()\n"}, "pure: keeper/attestation/a.py:1"),
        ({"attestation/a.py": "(a / 'x').read_bytes()\n"}, "pure: keeper/attestation/a.py:1"),
        (
            {"chain/a.py": "import keeper.store\n", "store/a.py": "from keeper import chain\n"},
            "cycle: chain -> store -> chain",
        ),
        (
            {
                "chain/a.py": "import keeper.tx\n",
                "tx/a.py": "import keeper.store\nimport keeper.errors\n",
                "store/a.py": "import keeper.chain\n",
            },
            "cycle: chain -> tx -> store -> chain",
        ),
    ],
)
def test_violations__planted_breach__is_the_only_report(tmp_path, files, expected):
    found = violations(plant(tmp_path, files))
    assert len(found) == 1, found
    assert found[0].startswith(expected)
