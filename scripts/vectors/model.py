"""The committed model: its canonical JSON, its hash, and its numbers in columns."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from keeper.chain.model_file import read_model
from keeper.margin.scenarios import (
    Factors,
    Scenario,
    UnderlyingRisk,
    canonical_json,
    model_hash,
)
from scripts.vectors.columns import Cell, Columns, transposed

MODEL = Path(__file__).resolve().parents[2] / "config" / "model.toml"


def all_vectors() -> dict[str, Columns]:
    """Return the content of `model.json`."""
    model = read_model(MODEL)
    columns: Columns = {
        "canonical_json": canonical_json(model),
        "model_hash": "0x" + model_hash(model).hex(),
    }
    columns |= {f"factor_{name}": cell for name, cell in _cells(model.factors).items()}
    columns |= transposed([_cells(row) for row in model.underlyings], "underlying_")
    columns |= transposed([_cells(row) for row in model.scenarios], "scenario_")
    return {"model": columns}


def _cells(row: Factors | UnderlyingRisk | Scenario) -> dict[str, Cell]:
    return {
        name: value if isinstance(value, bool) else str(value)
        for name, value in asdict(row).items()
    }
