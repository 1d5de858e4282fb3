"""docs/invariants.md names tests and code; each name, promise, finding and attack must exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "invariants.md").read_text("utf-8")
CONTRACTS = ROOT / "contracts"
NAMES = re.findall(r"`([^`\n]+)`", PAGE)
IMPORT = re.compile(r'from "(\.{1,2}/[^"]+\.sol)"')


@cache
def _test_functions() -> frozenset[str]:
    text = "".join(path.read_text("utf-8") for path in (CONTRACTS / "test").rglob("*.sol"))
    return frozenset(re.findall(r"function (\w+)\(", text))


@cache
def _contract_text(name: str) -> str:
    """Return a contract with everything of contracts/src that it imports."""
    todo = [path for path in (CONTRACTS / "src").rglob(f"{name}.sol")]
    seen: dict[Path, str] = {}
    while todo:
        path = todo.pop().resolve()
        if path in seen:
            continue
        seen[path] = path.read_text("utf-8")
        todo += [path.parent / found for found in IMPORT.findall(seen[path])]
    return "".join(seen.values())


def _rows(first_cell: str) -> set[int]:
    """Return the numbers in the first cells of all table rows that match."""
    cells = re.findall(rf"^\| ((?:{first_cell})(?:, (?:{first_cell}))*) \|", PAGE, re.MULTILINE)
    return {int(number) for cell in cells for number in re.findall(r"\d+", cell)}


def test_page__tests_named__exist():
    named = {name for name in NAMES if re.fullmatch(r"(test|testFuzz|invariant|check)_\w+", name)}
    assert len(named) > 100
    assert named - _test_functions() == set()


def test_page__code_named__exists():
    named = {name for name in NAMES if re.fullmatch(r"[A-Z]\w+\.[a-z]\w+", name)}
    assert len(named) > 10
    for name in named:
        contract, symbol = name.split(".")
        assert re.search(rf"\b{symbol}\b", _contract_text(contract)), name


def test_page__promises__are_numbered_and_those_of_the_tests():
    promises = _rows(r"P\d+")
    assert promises == set(range(1, len(promises) + 1))
    for test in _test_functions():
        found = re.match(r"invariant_P(\d+)_", test)
        if found:
            assert int(found[1]) in promises, test


def test_page__every_invariant_and_check__is_named():
    ours = {name for name in _test_functions() if re.match(r"(invariant|check)_", name)}
    assert {name for name in ours if name not in NAMES} == set()


def test_page__findings_and_attacks__are_complete():
    assert _rows(r"R\d+") == set(range(1, 21))
    assert _rows(r"\d+") == set(range(1, 65))
