"""The margin model that a verb computes with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from keeper.chain.artifacts import shipped_file
from keeper.chain.model_file import read_model
from keeper.errors import ConfigError, InputError
from keeper.margin.scenarios import Model

ModelFile = Annotated[
    Path | None, typer.Option("--model", help="Model file; the shipped model by default.")
]


def load_model(file: Path | None) -> Model:
    """The model file and the history that it names, by default the shipped ones."""
    path = shipped_file("config", "model.toml") if file is None else file
    try:
        return read_model(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"model_file {path}: {error}") from error
    except InputError as error:
        raise InputError(f"model_file {path}: {error}") from error
