"""Options that several verbs share, declared once."""

from __future__ import annotations

import json
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

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
