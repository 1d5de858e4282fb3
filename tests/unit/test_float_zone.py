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


def offences(tree: ast.AST) -> Iterator[str]:
    """What a module of the float zone must not contain."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
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
    "planted", ["import math", "from scipy.special import ndtr", "y = np.exp(x)", "z = a @ b"]
)
def test_float_zone__planted_offence__is_found(planted):
    assert list(offences(ast.parse(planted)))
