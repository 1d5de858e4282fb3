"""Write docs/errors.md: every custom error of the contracts by selector, from `abis/`.

python -m scripts.generate_errors           rewrite
python -m scripts.generate_errors --check   exit 1 where the page differs
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "errors.md"
_INTRO = """# Errors of the contracts

Made by `python -m scripts.generate_errors` from `abis/`; a test holds it to them. Mocks are left
out. Declarations stand in `contracts/src/interfaces/`. `keeper` prints errors by name.

| selector | error | contracts |
|---|---|---|
"""


def page(abis: Path) -> str:
    """Return the text, sorted by name."""
    manifest: dict[str, Any] = json.loads((abis / "manifest.json").read_text("utf-8"))
    raised: dict[str, set[str]] = defaultdict(set)
    for name, product in manifest["contracts"].items():
        if "/mocks/" in product["source"]:
            continue
        for entry in json.loads((abis / f"{name}.json").read_text("utf-8")):
            if entry["type"] == "error":
                raised[_signature(entry)].add(name)
    lines = [
        f"| `{keccak(signature.encode())[:4].hex()}` | `{signature}` | {', '.join(sorted(names))} |"
        for signature, names in sorted(raised.items())
    ]
    return _INTRO + "\n".join(lines) + "\n"


def _signature(entry: dict[str, Any]) -> str:
    return f"{entry['name']}({','.join(_type(part) for part in entry['inputs'])})"


def _type(part: dict[str, Any]) -> str:
    """Return the ABI type, a tuple as its members in parentheses."""
    kind = str(part["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(member) for member in part['components'])}){kind[len('tuple') :]}"


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page(ROOT / "abis")
    if not parser.parse_args().check:
        PAGE.write_text(text, "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    print("docs/errors.md is old: run python -m scripts.generate_errors", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
