"""Write config/history.csv from daily prices: `python -m scripts.derive_history FILE --out OUT`.

FILE has columns `date_utc` and `SYMBOL_usd`. Out come facts derived from it, joint log-returns, and
beside each return a residual for the answer of vol. Residuals are normal and come from a Kronecker
sequence over the powers of the plastic number (Roberts 2018, the sequence R2), which fills the unit
square evenly over any run of days; those of different underlyings are correlated by a common part.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from decimal import Decimal, getcontext
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Final

NANO: Final = 10**9
CORRELATION: Final = 0.85
_DIGITS: Final = 40


def main() -> int:
    """Write the file; `parse_history` refuses what does not follow day by day."""
    parser = argparse.ArgumentParser(prog="derive_history", description=__doc__)
    parser.add_argument("prices", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    text = history_text(arguments.prices.read_text("utf-8"), arguments.prices.name)
    arguments.out.write_text(text, encoding="utf-8")
    return 0


def history_text(prices_text: str, name: str) -> str:
    """Return the file: comments that name the source, header, a row for each day but the first."""
    getcontext().prec = _DIGITS
    rows = list(csv.DictReader(prices_text.splitlines()))
    columns = [name for name in rows[0] if name.endswith("_usd")]
    symbols = [name.removesuffix("_usd").upper() for name in columns]
    prices = [[Decimal(row[name]) for name in columns] for row in rows]
    span = f"{name}, {rows[0]['date_utc']} to {rows[-1]['date_utc']}"
    lines = [
        f"# Log-returns of daily UTC closes in USD ({span}) and normal residuals, in 1e-9.",
        "# Written by scripts/derive_history.py; its form and hash: docs/encodings.md, History.",
        ",".join(["date", *symbols, *(f"{symbol}_residual" for symbol in symbols)]),
    ]
    for number, (before, after) in enumerate(pairwise(prices), 1):
        returns = [_nano((new / old).ln()) for old, new in zip(before, after, strict=True)]
        cells = [*returns, *residuals(number, len(symbols))]
        lines.append(",".join([rows[number]["date_utc"], *map(str, cells)]))
    return "\n".join(lines) + "\n"


def residuals(number: int, count: int) -> list[int]:
    """Return the residuals of day `number`, from 1, for `count` underlyings, 1e-9."""
    common, own = CORRELATION, (1.0 - CORRELATION**2) ** 0.5
    first, *others = (NormalDist().inv_cdf(x) for x in _kronecker(number, count))
    return [_nano(first), *(_nano(common * first + own * other) for other in others)]


def _kronecker(number: int, dimensions: int) -> Sequence[float]:
    """Return point `number` of the sequence: fractions of `1/2 + number / root^d`."""
    root = Decimal(2)
    for _ in range(200):  # root^(dimensions + 1) = root + 1, by its contraction
        root = (1 + root) ** (Decimal(1) / (dimensions + 1))
    return [
        float((Decimal("0.5") + number / root**power) % 1) for power in range(1, dimensions + 1)
    ]


def _nano(x: Decimal | float) -> int:
    return round(x * NANO)


if __name__ == "__main__":
    sys.exit(main())
