"""All cases published with the Derive v2 contracts, where the folder of reference data is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keeper.margin.models.pmrm2.vectors import deviation

FOLDER = Path(__file__).resolve().parents[5] / "shared" / "data" / "derive_pmrm2"


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the reference data {FOLDER} is not there")
def test_deviation__published_cases__all_within_1e_9():
    files = sorted(FOLDER.glob("*.json"))
    assert files
    found = {path.stem: deviation(path.stem, json.loads(path.read_text("utf-8"))) for path in files}
    assert {name: item for name, item in found.items() if not item.within_tolerance} == {}
