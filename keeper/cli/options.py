"""Options that several verbs share, declared once."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from keeper.errors import InputError

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="TOML file; see config/keeper.example.toml."),
]
RpcUrl = Annotated[str | None, typer.Option("--rpc", help="URL of the node (rpc_url).")]
DeploymentFile = Annotated[
    Path | None,
    typer.Option("--deployment", help="Addresses of the contracts (deployment_file)."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout; logs stay on stderr.")]


# Of the widest table. What is not a terminal has no width of its own, and rich would take 80.
_WIDTH: Final = 170


def require_within(name: str, value: float, least: float, most: float) -> None:
    """Raise InputError for an option outside of its range; typer's own lets a NaN pass."""
    if not least <= value <= most:
        raise InputError(f"{name} {value}: give a number from {least:g} to {most:g}")


def result_console() -> Console:
    """Return stdout for results, as wide as the terminal, or as the widest table."""
    width = None if sys.stdout.isatty() else _WIDTH
    return Console(file=sys.stdout, highlight=False, width=width)


def write_json(value: object) -> None:
    """One JSON value on one line of stdout."""
    sys.stdout.write(json.dumps(plain(value)) + "\n")
    sys.stdout.flush()


def plain(value: Any) -> Any:  # noqa: ANN401 - anything that results are made of
    """Dataclasses as objects, bytes as 0x hex."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value
