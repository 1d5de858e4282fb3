"""The committed vectors are what their generator writes today."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.generate_vectors import all_vectors, rendered

FOLDER = Path(__file__).parents[1] / "vectors"
VECTORS = all_vectors()


@pytest.mark.parametrize("name", VECTORS)
def test_vectors__committed_file__is_current(name):
    assert (FOLDER / f"{name}.json").read_text("utf-8") == rendered(VECTORS[name])


@pytest.mark.parametrize("name", ["instruments", "pricing", "smile"])
def test_vectors__columns__are_of_equal_length(name):
    columns = [column for key, column in VECTORS[name].items() if key != "refused"]
    assert len({len(column) for column in columns}) == 1
