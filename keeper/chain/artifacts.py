"""The committed contract artefacts: one plain ABI per contract, its bytecode, and the manifest.

A wheel carries them inside the package; a source checkout has them beside it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from keeper.errors import ConfigError

Abi = list[dict[str, Any]]
MANIFEST = "manifest.json"

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "_artifacts", _PACKAGE.parent)


def shipped_file(*parts: str) -> Path:
    """Where a shipped file lies: inside an installed package, else in the source tree."""
    for place in _PLACES:
        if (path := place.joinpath(*parts)).exists():
            return path
    raise ConfigError(f"{'/'.join(parts)} is missing: reinstall the package, or run make contracts")


@dataclass(frozen=True, slots=True)
class Artifacts:
    """The folder of artefacts with every ABI read."""

    folder: Path
    abis: dict[str, Abi]
    manifest: dict[str, Any]

    @classmethod
    def load(cls, folder: Path | None = None) -> Artifacts:
        """Read every `<Contract>.json` of the folder (the shipped `abis/` by default)."""
        folder = shipped_file("abis") if folder is None else folder
        names = sorted(path for path in folder.glob("*.json") if path.name != MANIFEST)
        try:
            return cls(
                folder=folder,
                abis={path.stem: json.loads(path.read_text("utf-8")) for path in names},
                manifest=json.loads((folder / MANIFEST).read_text("utf-8")),
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"artefacts in {folder}: {error}: run make contracts") from error

    def abi(self, contract: str) -> Abi:
        """The ABI of a contract by its name."""
        if contract not in self.abis:
            raise ConfigError(f"no ABI for {contract} in {self.folder}: run make contracts")
        return self.abis[contract]

    def is_code_of(self, contract: str, runtime: bytes) -> bool:
        """Whether deployed code is that of the artefact, whatever its constructor filled in."""
        entry: dict[str, Any] = self.manifest["contracts"][contract]
        code = bytearray(runtime)
        for offset, length in entry["immutables"]:
            code[offset : offset + length] = bytes(length)
        return f"0x{keccak(bytes(code)).hex()}" == entry["runtime_keccak256"]
