import json
from pathlib import Path

import pytest

from scripts.vectors.attestation import all_vectors

FOLDER = Path(__file__).parents[2] / "vectors"


@pytest.mark.parametrize("name", ["attestation", "merkle", "order", "surface_update"])
def test_vectors__regenerated__equal_the_committed_files(name):
    committed = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert all_vectors()[name] == committed
