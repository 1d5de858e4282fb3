"""The committed artefacts agree with the contracts, and a disagreement is seen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from scripts.compile_contracts import (
    MAX_RUNTIME_BYTES,
    ArtifactError,
    discover,
    drift,
    render,
    source_drift,
    write,
)

ROOT = Path(__file__).resolve().parents[2]
ABIS = ROOT / "abis"
CONTRACTS = ROOT / "contracts"


def artifact(name: str, source: str, runtime: str = "6000", links: dict | None = None) -> dict:
    """Return what forge writes for a contract, as far as it is read."""
    settings = {
        "compilationTarget": {source: name},
        "evmVersion": "prague",
        "optimizer": {"enabled": True, "runs": 200},
        "metadata": {"bytecodeHash": "none"},
    }
    return {
        "abi": [{"type": "fallback", "stateMutability": "payable"}],
        "bytecode": {"object": "0x60016002", "linkReferences": {}},
        "deployedBytecode": {
            "object": "0x" + runtime,
            "linkReferences": links or {},
            "immutableReferences": {"77": [{"start": 9, "length": 32}, {"start": 1, "length": 2}]},
        },
        "metadata": {
            "compiler": {"version": "0.8.37"},
            "settings": settings,
            "sources": {source: {}, "src/Base.sol": {}},
        },
    }


@pytest.fixture
def project(tmp_path):
    """Return a small project with its forge output and the `abis/` written from it."""
    src = tmp_path / "contracts" / "src"
    (src / "mocks").mkdir(parents=True)
    (src / "deep").mkdir()
    (src / "Base.sol").write_text("abstract contract Base {}\ninterface IBase {}\nlibrary L {}\n")
    (src / "Vault.sol").write_text(
        "// contract NotThis {}\n/* \ncontract NorThis {} */\ncontract Vault {}\n"
    )
    (src / "mocks" / "Coin.sol").write_text("contract Coin\n{}\n")
    (src / "deep" / "Inner.sol").write_text("contract Inner {}\n")
    plant(tmp_path, "Vault", "src/Vault.sol")
    plant(tmp_path, "Coin", "src/mocks/Coin.sol")
    write(tmp_path / "abis", render(tmp_path / "contracts", tmp_path / "out"))
    return tmp_path


def plant(project: Path, name: str, source: str, **changes: object) -> None:
    path = project / "out" / Path(source).name / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(artifact(name, source, **changes)))


def test_committed_artifacts__match_manifest_and_sources():
    if not (ABIS / "manifest.json").exists():
        pytest.skip("abis/ has not been written yet: make contracts")
    assert source_drift(ABIS, CONTRACTS) == []


def test_committed_artifacts__planted_changes__are_detected(tmp_path):
    if not (ABIS / "manifest.json").exists():
        pytest.skip("abis/ has not been written yet: make contracts")
    shutil.copytree(ABIS, tmp_path / "abis")
    shutil.copytree(CONTRACTS / "src", tmp_path / "contracts" / "src")
    assert source_drift(tmp_path / "abis", tmp_path / "contracts") == []
    product = discover(CONTRACTS)[0]
    source = tmp_path / "contracts" / product.source
    source.write_text(source.read_text("utf-8") + "\n", "utf-8")
    abi = tmp_path / "abis" / f"{product.name}.json"
    abi.write_text(abi.read_text("utf-8") + " ", "utf-8")
    assert source_drift(tmp_path / "abis", tmp_path / "contracts") == [
        f"abis/{product.name}.json: differs from the manifest",
        "contracts/src: changed since abis/ was written",
    ]


def test_discover__finds_concrete_contracts_of_src_and_mocks_only(project):
    assert [product.name for product in discover(project / "contracts")] == ["Coin", "Vault"]


def test_render__is_complete_and_repeats(project):
    files = render(project / "contracts", project / "out")
    assert sorted(files) == [
        "Coin.json",
        "Vault.json",
        "bytecode/Coin.json",
        "bytecode/Vault.json",
        "manifest.json",
    ]
    assert files == render(project / "contracts", project / "out")
    assert all(text.endswith("\n") for text in files.values())
    assert json.loads(files["bytecode/Vault.json"]) == {
        "creation": "0x60016002",
        "runtime": "0x6000",
    }
    entry = json.loads(files["manifest.json"])["contracts"]["Vault"]
    assert entry["immutables"] == [[1, 2], [9, 32]]
    assert drift(project / "abis", files) == []
    assert source_drift(project / "abis", project / "contracts") == []


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("contracts/src/deep/Inner.sol", "contract Inner { }", "contracts/src: changed"),
        ("contracts/src/New.sol", "library New {}", "contracts/src: changed"),
        ("abis/Vault.json", "[]\n", "abis/Vault.json: differs"),
        ("abis/bytecode/Coin.json", "{}\n", "abis/bytecode/Coin.json: differs"),
        ("abis/Old.json", "[]\n", "abis/Old.json: not in the manifest"),
    ],
)
def test_source_drift__one_change__is_listed(project, path, text, expected):
    (project / path).write_text(text)
    found = source_drift(project / "abis", project / "contracts")
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_source_drift__missing_file_or_manifest__is_listed(project):
    (project / "abis" / "Vault.json").unlink()
    assert source_drift(project / "abis", project / "contracts") == ["abis/Vault.json: missing"]
    (project / "abis" / "manifest.json").unlink()
    assert source_drift(project / "abis", project / "contracts") == ["abis/manifest.json: missing"]


def test_drift__changed_code__lists_each_file(project):
    plant(project, "Vault", "src/Vault.sol", runtime="6001")
    (project / "abis" / "Old.json").write_text("[]\n")
    (project / "abis" / "Coin.json").unlink()
    files = render(project / "contracts", project / "out")
    assert drift(project / "abis", files) == [
        "abis/Coin.json: missing",
        "abis/Old.json: no contract produces it",
        "abis/bytecode/Vault.json: differs from the contracts",
        "abis/manifest.json: differs from the contracts",
    ]
    write(project / "abis", files)
    assert drift(project / "abis", files) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"runtime": "00" * (MAX_RUNTIME_BYTES + 1)}, "24577 bytes"),
        ({"runtime": ""}, "no code"),
        ({"links": {"src/L.sol": {"L": []}}}, "needs linking"),
    ],
)
def test_render__code_that_cannot_be_deployed__is_an_error(project, changes, message):
    plant(project, "Vault", "src/Vault.sol", **changes)
    with pytest.raises(ArtifactError, match=message):
        render(project / "contracts", project / "out")


def test_render__limit_itself__is_accepted(project):
    plant(project, "Vault", "src/Vault.sol", runtime="00" * MAX_RUNTIME_BYTES)
    assert "Vault.json" in render(project / "contracts", project / "out")


def test_discover__same_name_twice__is_an_error(project):
    (project / "contracts" / "src" / "mocks" / "Vault.sol").write_text("contract Vault {}")
    with pytest.raises(ArtifactError, match="Vault is in"):
        discover(project / "contracts")
