"""Contracts fit into an account, and with their arguments into a transaction."""

from __future__ import annotations

import json

import pytest

from keeper.chain.artifacts import Artifacts

RUNTIME_MOST = 24_576  # EIP-170
CREATION_MOST = 49_152  # EIP-3860
WORD = 32
ARTIFACTS = Artifacts.load()


def size(text):
    return len(text.removeprefix("0x")) // 2


@pytest.mark.parametrize("name", sorted(ARTIFACTS.abis))
def test_code__of_every_contract__is_within_the_limits(name):
    path = ARTIFACTS.folder / "bytecode" / f"{name}.json"
    if not path.exists():
        pytest.skip("an interface has no code")
    code = json.loads(path.read_text("utf-8"))
    constructors = [part for part in ARTIFACTS.abi(name) if part["type"] == "constructor"]
    arguments = sum(len(part["inputs"]) for part in constructors) * WORD
    assert size(code["runtime"]) <= RUNTIME_MOST
    assert size(code["creation"]) + arguments <= CREATION_MOST
