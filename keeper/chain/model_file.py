"""The margin model as it lies on disk: a file of parameters and, beside it, its history."""

from __future__ import annotations

from pathlib import Path

from keeper.chain.artifacts import shipped_file
from keeper.margin.model_text import parse_model
from keeper.margin.scenarios import Model
from keeper.margin.shortfall_rule import history_file


def read_model(path: Path | None = None) -> Model:
    """Return the model of this file, of the shipped one by default.

    Raises InputError for a refused model or history, OSError or UnicodeDecodeError for a file that
    cannot be read.
    """
    path = shipped_file("config", "model.toml") if path is None else path
    text = path.read_text(encoding="utf-8")
    name = history_file(text)  # a model without one is refused with all that is wrong with it
    return parse_model(text, (path.parent / name).read_text(encoding="utf-8") if name else "")
