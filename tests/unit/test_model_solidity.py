"""The library that the forge tests deploy from is the committed model."""

from __future__ import annotations

from dataclasses import replace

from scripts.generate_model_solidity import TARGET, rendered
from tests.books import MODEL


def test_model_solidity__committed_file__is_current():
    assert TARGET.read_text("utf-8") == rendered(MODEL)


def test_model_solidity__another_number__is_another_file():
    first, *rest = MODEL.scenarios
    other = replace(MODEL, scenarios=(replace(first, front_bps=first.front_bps + 1), *rest))
    assert rendered(other) != rendered(MODEL)
