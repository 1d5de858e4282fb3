"""The margin model as it lies on disk: a file of parameters and, beside it, its history."""

from __future__ import annotations

from pathlib import Path

from keeper.chain.artifacts import shipped_file
from keeper.margin.scenarios import Model, history_file, parse_model


def read_model(path: Path | None = None) -> Model:
    """Return the model of this file, of the shipped one by default.

    Raises InputError for a refused model or history, OSError or UnicodeDecodeError for a file that
    cannot be read.
    """
    path = shipped_file("config", "model.toml") if path is None else path
    text = path.read_text(encoding="utf-8")
    return parse_model(text, (path.parent / history_file(text)).read_text(encoding="utf-8"))
