"""Compile the contracts and keep `abis/` equal to them.

Python users have no Node, so the artefacts are committed; this script alone writes them.

    compile_contracts.py                  compile and rewrite abis/
    compile_contracts.py --check          compile and list what differs from abis/
    compile_contracts.py --check-sources  no compiler: abis/ and contracts/src against the manifest

The first two need `forge` and Node on the PATH (see with_contract_tools.sh).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

MAX_RUNTIME_BYTES = 24_576  # EIP-170
MAX_CREATION_BYTES = 49_152  # EIP-3860

# An output of its own: what other builds (tests, coverage) leave behind cannot leak into abis/.
FORGE_OUT = "cache/product/out"
FORGE_CACHE = "cache/product/cache"

_COMMENTS = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_CONTRACTS = re.compile(r"^\s*contract\s+(\w+)", re.MULTILINE)


class ArtifactError(Exception):
    """The contracts cannot be turned into artefacts; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Product:
    """A deployable contract: its name and its file below `contracts/`."""

    name: str
    source: str


def discover(contracts: Path) -> list[Product]:
    """Find the concrete contracts directly in `src/` and in `src/mocks/`, sorted by name."""
    src = contracts / "src"
    found: dict[str, Product] = {}
    for path in sorted([*src.glob("*.sol"), *src.glob("mocks/*.sol")]):
        code = _COMMENTS.sub("", path.read_text("utf-8"))
        for name in _CONTRACTS.findall(code):
            product = Product(name, path.relative_to(contracts).as_posix())
            if name in found:
                raise ArtifactError(f"{name} is in {found[name].source} and in {product.source}")
            found[name] = product
    if not found:
        raise ArtifactError(f"no contract in {src}")
    return [found[name] for name in sorted(found)]


def build(contracts: Path) -> Path:
    """Run forge on `src/` and return the folder with its output."""
    forge = shutil.which("forge")
    if forge is None:
        raise ArtifactError("forge is not on the PATH; run: make contracts")
    # foundry.toml alone decides: a profile or override of the caller must not reach the artefacts.
    env = {key: value for key, value in os.environ.items() if not key.startswith("FOUNDRY_")}
    command = [forge, "build", "src", "--out", FORGE_OUT, "--cache-path", FORGE_CACHE]
    if subprocess.run(command, cwd=contracts, env=env, check=False).returncode != 0:
        raise ArtifactError("forge build failed")
    return contracts / FORGE_OUT


def render(contracts: Path, out: Path) -> dict[str, str]:
    """Return the text of every file of `abis/` by its path there, from forge's output."""
    files: dict[str, str] = {}
    entries: dict[str, Any] = {}
    compilers: dict[str, dict[str, Any]] = {}
    for product in discover(contracts):
        name = product.name
        path = out / Path(product.source).name / f"{name}.json"
        if not path.is_file():
            raise ArtifactError(f"{name}: forge wrote no {path.name} for {product.source}")
        artifact = json.loads(path.read_text("utf-8"))
        metadata = artifact["metadata"]
        if metadata["settings"]["compilationTarget"] != {product.source: name}:
            raise ArtifactError(f"{name}: another file of the same name was compiled over it")
        creation = _code(name, artifact["bytecode"], MAX_CREATION_BYTES)
        runtime = _code(name, artifact["deployedBytecode"], MAX_RUNTIME_BYTES)
        abi_text = _json(artifact["abi"])
        bytecode_text = _json({"creation": "0x" + creation.hex(), "runtime": "0x" + runtime.hex()})
        files[f"{name}.json"] = abi_text
        files[f"bytecode/{name}.json"] = bytecode_text
        compilers[name] = _compiler(metadata)
        entries[name] = {
            "source": product.source,
            "closure_sha256": _files_sha256(contracts, sorted(metadata["sources"])),
            "abi_sha256": _sha256(abi_text),
            "bytecode_sha256": _sha256(bytecode_text),
            "runtime_keccak256": "0x" + keccak(runtime).hex(),
            "runtime_bytes": len(runtime),
            "creation_bytes": len(creation),
            # [offset, length]: zero in `runtime`, filled by the constructor; mask them to compare
            # deployed code.
            "immutables": _immutables(artifact["deployedBytecode"]),
        }
    settings = next(iter(compilers.values()))
    for name, other in compilers.items():
        if other != settings:
            raise ArtifactError(f"{name}: compiled with {other}, the others with {settings}")
    files["manifest.json"] = _json(
        {
            "compiler": settings,
            "contracts": entries,
            "sources_sha256": sources_sha256(contracts),
        }
    )
    return files


def write(abis: Path, files: dict[str, str]) -> None:
    """Make `abis/` hold exactly these files."""
    for stray in _present(abis) - files.keys():
        (abis / stray).unlink()
    for name, text in files.items():
        path = abis / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


def drift(abis: Path, files: dict[str, str]) -> list[str]:
    """List the files of `abis/` that are missing, changed or no longer produced."""
    present = _present(abis)
    found = [f"abis/{name}: no contract produces it" for name in present - files.keys()]
    for name, text in files.items():
        if name not in present:
            found.append(f"abis/{name}: missing")
        elif (abis / name).read_text("utf-8") != text:
            found.append(f"abis/{name}: differs from the contracts")
    return sorted(found)


def source_drift(abis: Path, contracts: Path) -> list[str]:
    """List where `abis/` and `contracts/src` differ from the manifest, without a compiler."""
    manifest_path = abis / "manifest.json"
    if not manifest_path.is_file():
        return ["abis/manifest.json: missing"]
    manifest = json.loads(manifest_path.read_text("utf-8"))
    found: list[str] = []
    if sources_sha256(contracts) != manifest["sources_sha256"]:
        found.append("contracts/src: changed since abis/ was written")
    expected = {"manifest.json"}
    for name, entry in manifest["contracts"].items():
        for relative, key in ((f"{name}.json", "abi"), (f"bytecode/{name}.json", "bytecode")):
            expected.add(relative)
            path = abis / relative
            if not path.is_file():
                found.append(f"abis/{relative}: missing")
            elif _sha256(path.read_text("utf-8")) != entry[f"{key}_sha256"]:
                found.append(f"abis/{relative}: differs from the manifest")
            elif key == "bytecode":
                runtime = bytes.fromhex(json.loads(path.read_text("utf-8"))["runtime"][2:])
                if "0x" + keccak(runtime).hex() != entry["runtime_keccak256"]:
                    found.append(f"abis/{relative}: runtime code differs from the manifest")
    found += [f"abis/{stray}: not in the manifest" for stray in _present(abis) - expected]
    return sorted(found)


def sources_sha256(contracts: Path) -> str:
    """Hash names and contents of every Solidity file below `contracts/src`."""
    paths = (contracts / "src").rglob("*.sol")
    return _files_sha256(
        contracts, sorted(path.relative_to(contracts).as_posix() for path in paths)
    )


def _code(name: str, section: dict[str, Any], limit: int) -> bytes:
    if section["linkReferences"]:
        raise ArtifactError(f"{name}: needs linking to {sorted(section['linkReferences'])}")
    code = bytes.fromhex(section["object"].removeprefix("0x"))
    if not code:
        raise ArtifactError(f"{name}: no code; is it abstract?")
    if len(code) > limit:
        raise ArtifactError(f"{name}: {len(code)} bytes of code, the chain accepts {limit}")
    return code


def _compiler(metadata: dict[str, Any]) -> dict[str, Any]:
    settings = metadata["settings"]
    return {
        "solc": metadata["compiler"]["version"],
        "evm_version": settings["evmVersion"],
        "optimizer": settings["optimizer"],
        "pipeline": "via_ir" if settings.get("viaIR") else "legacy",
        "bytecode_hash": settings["metadata"]["bytecodeHash"],
    }


def _immutables(section: dict[str, Any]) -> list[list[int]]:
    # Grouped by syntax-tree ids, which depend on what else was compiled: only the places count.
    groups: dict[str, list[dict[str, int]]] = section.get("immutableReferences") or {}
    return sorted([place["start"], place["length"]] for group in groups.values() for place in group)


def _files_sha256(base: Path, names: list[str]) -> str:
    lines = [
        f"{name}\0{hashlib.sha256((base / name).read_bytes()).hexdigest()}\n" for name in names
    ]
    return _sha256("".join(lines))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _json(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _present(abis: Path) -> set[str]:
    return {path.relative_to(abis).as_posix() for path in abis.rglob("*") if path.is_file()}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 0 when `abis/` was written or agrees."""
    parser = argparse.ArgumentParser(description="Compile the contracts and keep abis/ in step.")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="compile, compare, write nothing")
    mode.add_argument("--check-sources", action="store_true", help="compare without a compiler")
    options = parser.parse_args(arguments)
    root = Path(__file__).resolve().parent.parent
    abis, contracts = root / "abis", root / "contracts"
    try:
        if options.check_sources:
            found = source_drift(abis, contracts)
        else:
            files = render(contracts, build(contracts))
            if not options.check:
                write(abis, files)
            found = drift(abis, files)
    except ArtifactError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for line in found:
        print(f"drift: {line}", file=sys.stderr)
    if found:
        print("abis/ is out of step with the contracts; run: make contracts", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
