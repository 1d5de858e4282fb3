"""What the forge tests may not do, because it would let them pass without testing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2] / "contracts" / "test"
# With dynamic linking `new` is a cheatcode; one that is refused in the test's own frame ends it.
REFUSED_CREATION = re.compile(
    r"vm\.expect\w*Revert\([^;]*\);\s*\}?\s*(?:vm\.prank\([^;]*\);\s*)?(?:\w+ \w+ = )?new \w+\("
)


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.sol")), ids=lambda path: path.name)
def test_creation_expected_to_revert__goes_one_call_down(path):
    assert not REFUSED_CREATION.findall(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "text",
    [
        "vm.expectRevert(A.B.selector);\n        new C(1);",
        "vm.expectPartialRevert(A.B.selector);\n        vm.prank(x);\n        new C();",
        "if (i < 2) {\n vm.expectRevert(e(i));\n }\n new C(i);",
        "vm.expectRevert();\n C c = new C();",
    ],
)
def test_refused_creation__in_the_tests_own_frame__is_seen(text):
    assert REFUSED_CREATION.search(text)
