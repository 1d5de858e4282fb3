"""docs/errors.md lists what the contracts raise, and nothing else."""

from __future__ import annotations

from scripts.generate_errors import PAGE, ROOT, page


def test_errors_page__committed__equals_the_artefacts():
    assert PAGE.read_text("utf-8") == page(ROOT / "abis")


def test_errors_page__known_error__has_the_selector_that_solidity_gives():
    # OpenZeppelin, Ownable: as its documentation and block explorers show it.
    lines = page(ROOT / "abis").splitlines()
    assert any("`118cdaa7` | `OwnableUnauthorizedAccount(address)`" in line for line in lines)
