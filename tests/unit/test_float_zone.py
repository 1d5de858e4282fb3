"""The float zone may use only operations that give the same bits on every IEEE machine."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

KEEPER = Path(__file__).parents[2] / "keeper"
FLOAT_ZONE = ("pricing", "margin", "state")
# libm, SIMD and BLAS answer differently from machine to machine, and so do sums in another order.
BANNED = frozenset(
    """
    exp exp2 expm1 log log2 log10 log1p power float_power pow cbrt hypot sin cos tan tanh sinh cosh
    arcsin arccos arctan arctan2 erf erfc ndtr dot vdot inner outer matmul einsum tensordot linalg
    random mean std var average
    """.split()  # noqa: SIM905 - a list of forty words in quotes is unreadable
)
MODULES = frozenset({"math", "cmath", "scipy", "statistics", "random"})
EXACT = frozenset({"isqrt"})  # of integers, to an integer: no float in it


def offences(tree: ast.AST) -> Iterator[str]:
    """What a module of the float zone must not contain."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            if node.module != "math" or not EXACT.issuperset(name.name for name in node.names):
                yield str(node.module)
        elif isinstance(node, ast.Attribute) and node.attr in BANNED:
            if isinstance(node.value, ast.Name) and node.value.id in {"np", "numpy"}:
                yield f"np.{node.attr}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield "@"


@pytest.mark.parametrize("package", FLOAT_ZONE)
def test_float_zone__only_reproducible_operations(package):
    files = sorted((KEEPER / package).rglob("*.py"))
    assert files
    found = [
        f"{file.name}: {what}" for file in files for what in offences(ast.parse(file.read_text()))
    ]
    assert found == []


@pytest.mark.parametrize(
    "planted",
    [
        "import math",
        "from math import isqrt, sqrt",
        "from scipy.special import ndtr",
        "y = np.exp(x)",
        "z = a @ b",
    ],
)
def test_float_zone__planted_offence__is_found(planted):
    assert list(offences(ast.parse(planted)))


def test_float_zone__root_of_integers__is_allowed():
    assert not list(offences(ast.parse("from math import isqrt")))


# Compiler switches that reorder or contract arithmetic; banned everywhere, and without exception.
SWITCHES = frozenset({"fastmath", "parallel"})


def loosened(tree: ast.AST) -> Iterator[str]:
    """What lets a compiler change bits: fastmath or parallel in any value but False, and prange."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in SWITCHES:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield f"{node.arg}={ast.unparse(node.value)}"
        elif isinstance(node, ast.Dict):
            keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
            yield from (str(key) for key in keys if key in SWITCHES)
        elif isinstance(node, ast.alias) and node.name.split(".")[-1] == "prange":
            yield node.name
        elif isinstance(node, ast.Attribute) and node.attr == "prange":
            yield ast.unparse(node)


def test_keeper__compiled_loops__no_switch_that_changes_bits():
    files = sorted(KEEPER.rglob("*.py"))
    trees = {file: ast.parse(file.read_text("utf-8")) for file in files}
    assert any("njit" in ast.dump(tree) for tree in trees.values()), "no kernel was scanned"
    assert [f"{file}: {what}" for file, tree in trees.items() for what in loosened(tree)] == []


@pytest.mark.parametrize(
    "planted",
    [
        "@njit(fastmath=True)\ndef f(): ...",
        "f = numba.njit(parallel=True)(g)",
        "@njit(fastmath={'contract'})\ndef f(): ...",
        "@njit(fastmath=setting)\ndef f(): ...",
        "options = {'fastmath': True}",
        "from numba import prange",
        "from numba import prange as span",
        "for n in numba.prange(9): ...",
    ],
)
def test_keeper__planted_switch__is_found(planted):
    assert list(loosened(ast.parse(planted)))


def test_keeper__switches_off__are_fine():
    assert not list(loosened(ast.parse("@njit(fastmath=False, nogil=True)\ndef f(): ...")))
