"""The attested path uses only what gives the same bits everywhere, and it still gives them."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

import numpy as np

from keeper.pricing import black76
from keeper.pricing.svi import variance_per_year

PRICING = Path(__file__).resolve().parents[3] / "keeper" / "pricing"

# Elementwise and exactly rounded by IEEE 754, or not arithmetic at all.
ALLOWED = {
    "abs", "maximum", "minimum", "sqrt", "where",
    "arange", "argmin", "asarray", "ascontiguousarray", "broadcast_shapes", "broadcast_to", "empty",
    "bool_", "errstate", "float64", "generic", "inf", "uint64", "typing",
}  # fmt: skip


def numpy_names(tree):
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "np"
        ):
            yield node.attr


def test_pricing__numpy_functions__only_those_with_the_same_bits_everywhere():
    used = set()
    for path in sorted(PRICING.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        used |= set(numpy_names(tree))
        powers = [
            n for n in ast.walk(tree) if isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow)
        ]
        assert not powers, f"{path.name} raises to a power: pow differs between machines"
        modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        assert not modules & {"math", "scipy", "cmath", "scipy.special"}, path.name
    assert "sqrt" in used
    assert used <= ALLOWED, sorted(used - ALLOWED)


def test_price__a_hundred_thousand_options__golden_bits():
    # Inputs by integer arithmetic, as generators and their transforms may change between versions.
    n = np.arange(1, 100_001, dtype=np.int64)
    forward = (1_000 + n * 7_919 % 90_001) / 1.0
    strike = forward * ((300 + n * 104_729 % 2_700) / 1_000.0)
    k = (n * 15_485_863 % 4_001 - 2_000) / 1_000.0
    parameters = (np.asarray(x) for x in (0.25, 0.18, -0.22, 0.03, 0.15))
    vol = np.sqrt(variance_per_year(k, *parameters))
    years = (n * 32_452_843 % 63_072_000) / 31_536_000.0
    prices = black76.price(forward, strike, vol, years, n % 2 == 0)
    assert np.isfinite(prices).all()
    golden = "92ada18d9b5494f4075a8bafeb00ca8f5b40bf33d7bea9cb81e25152a35c000e"
    assert hashlib.sha256(prices.astype("<f8").tobytes()).hexdigest() == golden
